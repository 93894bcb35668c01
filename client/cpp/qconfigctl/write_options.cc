// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/write_options.h"

#include <iostream>

#include "absl/strings/str_cat.h"
#include "qconfig/connection_hint.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/print.h"

namespace qconfig::client {

void WriteOptions::AddTo(CLI::App& command) {
  command.add_option("--request-id", request_id_,
                     "UUID of this write; retries with the same UUID apply it only once; if empty, a random UUID");
  command.add_flag("--validate-only", validate_only_, "Validate the write on the server, but store nothing");
  command.add_option("-o,--output", output_, "Output format; json prints the server's response")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

CLI::Option* WriteOptions::AddEtagTo(CLI::App& command, const std::string& description) {
  return command.add_option("--etag", etag_, description);
}

std::string WriteOptions::Sentence(const std::string& done, const std::string& what, const std::string& tenant,
                                   int64_t revision) const {
  // A policy can give the caller another default tenant than the one named default.
  const std::string for_tenant =
      absl::StrCat(what, " for ", tenant.empty() ? "your default tenant" : absl::StrCat("tenant ", tenant));
  if (validate_only_) return absl::StrCat("would have ", done, " ", for_tenant, "; the revision is still ", revision);
  return absl::StrCat(done, " ", for_tenant, " at revision ", revision);
}

int WriteOptions::PrintFailure(const absl::Status& status, const ClientOptions& options) const {
  const int exit_code = PrintError(status, options);
  if (status.code() == absl::StatusCode::kUnavailable && ReachedNoServer(ErrorOf(status).message())) {
    // A retry of a call can be refused although an earlier attempt was sent.
    if (!validate_only_) {
      std::cerr << "Nothing was sent, unless the server stopped during this call; a retry with --request-id "
                << request_id_ << " is safe in both cases\n";
    }
  } else if (exit_code == kUnreachable && !validate_only_) {
    std::cerr << "The write may have been applied. To retry it safely, add --request-id " << request_id_ << '\n';
  }
  return exit_code;
}

}  // namespace qconfig::client
