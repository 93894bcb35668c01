// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/print.h"

#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/error_text.h"
#include "qconfigctl/output_text.h"

namespace qconfig::client {
namespace {

// Explains gRPC's message about a failed connection; null if there is nothing to add.
const char* FindHint(absl::string_view message, const ClientOptions& options) {
  const bool tls = options.tls.has_value();
  if (absl::StrContains(message, "Socket closed")) {
    if (!tls) return "if the server uses TLS, pass --tls or --tls-ca FILE";
    if (options.tls->cert.empty()) {
      return "if the server requires a client certificate, pass --client-cert and --client-key";
    }
    return "the server may not trust the issuer of the certificate in --client-cert";
  }
  if (absl::StrContains(message, "wrong version number")) return "the server does not use TLS";
  if (!tls || !absl::StrContains(message, "certificate verify failed")) return nullptr;
  return options.tls->ca.empty()
             ? "the server's certificate is not currently valid, or the system does not trust its issuer; pass "
               "--tls-ca FILE"
             : "the server's certificate is not currently valid, or its issuer is not in the file of --tls-ca";
}

}  // namespace

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
    if (const char* hint = FindHint(error.message(), options)) std::cerr << "  hint:         " << hint << '\n';
    return exit_code;
  }
  const bool one_field = error.field_violations_size() == 1 && !error.field_violations(0).description().empty();
  std::cerr << "error: " << (one_field ? error.field_violations(0).description() : error.message()) << " ("
            << ReasonName(error.reason()) << ")\n"
            << DetailText(error.detail());
  return exit_code;
}

void PrintWarnings(const google::protobuf::RepeatedPtrField<v1::Warning>& warnings) {
  for (const v1::Warning& warning : warnings) std::cerr << "warning: " << WarningText(warning) << '\n';
}

}  // namespace qconfig::client
