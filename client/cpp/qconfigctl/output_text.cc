// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/output_text.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace qconfig::client {

absl::StatusOr<std::string> JsonText(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (status.ok()) return text;
  return absl::InternalError(absl::StrCat("cannot write the response as JSON: ", std::string(status.message())));
}

absl::StatusOr<std::string> TextprotoText(const google::protobuf::Message& message) {
  std::string text;
  if (google::protobuf::TextFormat::PrintToString(message, &text)) return text;
  return absl::InternalError("cannot write the response as textproto");
}

absl::StatusOr<std::string> IndentedJson(const std::string& json) {
  const auto tree = nlohmann::ordered_json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (tree.is_discarded()) return absl::InternalError("the quark_json of the response is not valid JSON");
  return absl::StrCat(tree.dump(2), "\n");
}

std::string TableText(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] + 2 - row[i].size(), ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace qconfig::client
