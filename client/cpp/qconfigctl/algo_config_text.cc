// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/algo_config_text.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/utf8.h"
#include "qconfigctl/algo_config_fields.h"
#include "qconfigctl/entry_file.h"
#include "qconfigctl/proto_formats.h"
#include "server/base/files/file_tree.h"

namespace qconfig::client {
namespace {

constexpr char kExample[] = R"({"gptq": {"block_size": 64}})";

bool IsYamlPath(const std::string& path) { return absl::EndsWith(path, ".yaml") || absl::EndsWith(path, ".yml"); }

// JSON that is not an object, or an object with the quotes of another shell, is not a path.
bool IsPath(const std::string& value) {
  std::error_code error;
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(value);
  if (!text.empty() && absl::StrContains("[\"'", text.substr(0, 1))) return false;
  const bool looks_like_one = absl::StrContains(value, "/") || absl::EndsWith(value, ".json") || IsYamlPath(value);
  return looks_like_one || std::filesystem::is_regular_file(value, error);
}

absl::Status YamlError(const std::string& value) {
  return absl::InvalidArgumentError(absl::StrCat(Printable(value, 300), ": the file must be JSON, such as ", kExample,
                                                 ", not YAML; convert it, and write @FILE"));
}

bool IsObject(absl::string_view text) { return absl::StartsWith(absl::StripLeadingAsciiWhitespace(text), "{"); }

absl::StatusOr<std::string> TextOf(const std::string& value) {
  if (!value.empty() && value[0] == '@') {
    const std::string path = value.substr(1);
    const auto text = path.empty() ? absl::InvalidArgumentError("names no file; expected @FILE") : ReadEntryText(path);
    if (text.ok() && IsYamlPath(path) && !IsObject(*text)) return YamlError(value);
    if (text.ok()) return text;
    return absl::InvalidArgumentError(absl::StrCat(Printable(value, 300), ": ", text.status().message()));
  }
  if (IsObject(value)) return value;
  const std::string shown = Printable(value, 300);
  const std::string algorithm = KnownAlgorithm(value);
  if (!algorithm.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("takes the configuration of an algorithm, such as ", kExample,
                                                   ", or @FILE; to request ", algorithm, ", add --algorithm ",
                                                   algorithm));
  }
  if (IsPath(value) && IsYamlPath(value)) return YamlError(value);
  if (IsPath(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("takes JSON text such as ", kExample, "; to read a file, write @", shown));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", shown, "\" is not a JSON object; expected ", kExample, ", or @FILE"));
}

}  // namespace

absl::StatusOr<v1::AlgoConfig> ReadAlgoConfig(const std::string& value, const v1::ConfigSpec& spec) {
  const auto text = TextOf(value);
  if (!text.ok()) return text.status();
  const auto tree = ParseStrictJson(*text);
  absl::Status status = tree.status();
  if (tree.ok() && tree->root.is_object()) status = CheckAlgoConfigFields(tree->root, spec);
  v1::AlgoConfig config;
  if (status.ok()) {
    status = ReadProtoJson(tree->root, config);
    if (!status.ok()) status = absl::InvalidArgumentError(absl::StrCat("expected ", kExample, ": ", status.message()));
  }
  if (status.ok()) return config;
  return absl::InvalidArgumentError(Printable(absl::StrReplaceAll(status.message(), {{"\n", "; "}}), 1500));
}

}  // namespace qconfig::client
