// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/write_options.h"

#include <iostream>

#include "absl/strings/str_cat.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/print.h"

namespace qconfig::client {

void WriteOptions::AddTo(CLI::App& command) {
  command.add_option("--request-id", request_id_,
                     "UUID of this write; sent again with the same one, it is made once. Empty: a new one");
  command.add_flag("--validate-only", validate_only_, "Let the server check everything and store nothing");
  command.add_option("-o,--output", output_, "Form of the output; json: the server's response")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

CLI::Option* WriteOptions::AddEtagTo(CLI::App& command, const std::string& description) {
  return command.add_option("--etag", etag_, description);
}

std::string WriteOptions::Sentence(const std::string& done, const std::string& what, const std::string& tenant,
                                   int64_t revision) const {
  const std::string of_tenant = absl::StrCat(what, " of tenant ", tenant.empty() ? "default" : tenant);
  if (validate_only_) return absl::StrCat("would have ", done, " ", of_tenant, "; the revision stays ", revision);
  return absl::StrCat(done, " ", of_tenant, " at revision ", revision);
}

int WriteOptions::PrintFailure(const absl::Status& status, const ClientOptions& options) const {
  const int exit_code = PrintError(status, options);
  if (exit_code == kUnreachable && !validate_only_) {
    std::cerr << "The write may have been stored. It is safe to repeat it with --request-id " << request_id_ << '\n';
  }
  return exit_code;
}

}  // namespace qconfig::client
