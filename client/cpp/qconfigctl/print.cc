// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/print.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "qconfigctl/commands.h"

namespace qconfig::client {

void PrintJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (status.ok()) std::cout << text;
}

void PrintTextproto(const google::protobuf::Message& message) {
  std::string text;
  if (google::protobuf::TextFormat::PrintToString(message, &text)) std::cout << text;
}

void PrintTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] + 2 - row[i].size(), ' ');
    }
    std::cout << line << '\n';
  }
}

int PrintError(const absl::Status& status, const ClientOptions& options) {
  const v1::ItemError error = ErrorOf(status);
  const bool unreachable =
      status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded;
  const int exit_code = unreachable ? kUnreachable : kRefused;
  if (error.reason() == v1::ERROR_REASON_UNSPECIFIED) {
    std::cerr << "error: " << options.server << ": " << absl::StatusCodeToString(status.code()) << ": "
              << error.message() << '\n';
    return exit_code;
  }
  const bool one_field = error.field_violations_size() == 1 && !error.field_violations(0).description().empty();
  std::cerr << "error: " << (one_field ? error.field_violations(0).description() : error.message()) << " ("
            << ReasonName(error.reason()) << ")\n";
  constexpr std::pair<const char*, const char*> kLines[] = {
      {"field", "  field:        "},   {"value", "  value:        "}, {"suggestion", "  did you mean: "},
      {"allowed", "  allowed:      "}, {"rule", "  rule:         "},  {"catalog", "  catalogue:    "},
      {"tenant", "  tenant:       "}};
  for (const auto& [key, label] : kLines) {
    const auto it = error.metadata().find(key);
    if (it != error.metadata().end()) std::cerr << label << it->second << '\n';
  }
  return exit_code;
}

void PrintWarnings(const v1::GetConfigResponse& response) {
  for (const v1::Warning& warning : response.warnings()) {
    std::cerr << "warning: " << warning.field() << ": \"" << warning.value() << "\" " << warning.message() << '\n';
  }
}

}  // namespace qconfig::client
