// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/write_options.h"

#include <cstdint>
#include <iostream>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

void WriteOptions::AddEtagTo(CLI::App& command, const std::string& description) {
  command.add_option("--etag", etag_, description);
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

std::string WriteOptions::NewRequestId() {
  std::random_device random;
  const auto word = [&random] { return static_cast<uint32_t>(random()); };
  const uint32_t version_4 = (word() & 0x0FFFu) | 0x4000u;
  const uint32_t variant = (word() & 0x3FFFu) | 0x8000u;
  return absl::StrFormat("%08x-%04x-%04x-%04x-%04x%08x", word(), word() & 0xFFFFu, version_4, variant, word() & 0xFFFFu,
                         word());
}

}  // namespace qconfig::client
