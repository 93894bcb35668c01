// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/print.h"

#include <iostream>

#include "qconfig/connection_hint.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/error_text.h"
#include "qconfigctl/next_command.h"
#include "qconfigctl/output_text.h"

namespace qconfig::client {

namespace {

// The command line, without the name of the program.
std::vector<std::string>& CommandLine() {
  static auto& words = *new std::vector<std::string>;
  return words;
}

// Which token the server rejected, and what to do if it does not say so itself.
std::string CredentialText(const v1::ItemError& error, const ClientOptions& options) {
  if (error.reason() != v1::ERROR_REASON_CREDENTIALS_INVALID) return "";
  const std::string file = options.token_file.empty() ? "" : "  token file:   " + options.token_file + "\n";
  if (!error.detail().advice().empty()) return file;
  return file + "  advice:       " +
         (file.empty() ? "Set --token-file FILE, or use another client certificate"
                       : "Ask the operators of the server for a new token, or set --token-file to another one") +
         "\n";
}

}  // namespace

void KeepCommandLine(const std::vector<std::string>& words) { CommandLine() = words; }

int PrintText(const absl::StatusOr<std::string>& text) {
  if (!text.ok()) {
    std::cerr << "error: " << text.status().message() << '\n';
    return kNotWritten;
  }
  std::cout << *text;
  return kDone;
}

void PrintTable(const std::vector<std::vector<std::string>>& rows) { std::cout << TableText(rows); }

int PrintError(const absl::Status& status, const ClientOptions& options) {
  const v1::ItemError error = ErrorOf(status);
  const bool unreachable =
      status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded;
  const int exit_code = unreachable ? kUnreachable : kRejected;
  if (error.reason() == v1::ERROR_REASON_UNSPECIFIED) {
    std::cerr << "error: " << options.server << ": " << absl::StatusCodeToString(status.code()) << ": "
              << error.message() << '\n';
    if (status.code() == absl::StatusCode::kUnavailable) {
      const std::string hint = ConnectionHint("qconfigctl", error.message(), options);
      if (!hint.empty()) std::cerr << "  hint:         " << hint << '\n';
    }
    return exit_code;
  }
  const bool one_field = error.field_violations_size() == 1 && !error.field_violations(0).description().empty();
  std::cerr << "error: " << (one_field ? error.field_violations(0).description() : error.message()) << " ("
            << ReasonName(error.reason()) << ")\n"
            << DetailText(error.detail()) << CredentialText(error, options);
  const std::string next = NextCommand(CommandLine(), error.detail());
  if (!next.empty()) std::cerr << "Run: " << next << '\n';
  return exit_code;
}

void PrintWarnings(const google::protobuf::RepeatedPtrField<v1::Warning>& warnings) {
  for (const v1::Warning& warning : warnings) std::cerr << "warning: " << WarningText(warning) << '\n';
}

}  // namespace qconfig::client
