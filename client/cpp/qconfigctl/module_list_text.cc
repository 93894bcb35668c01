// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/utf8.h"
#include "qconfigctl/model_reader.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

struct Line {
  size_t number;
  absl::string_view name;
  absl::string_view type;  // empty: not given
  std::optional<std::vector<int64_t>> shape;
};

absl::Status InvalidLine(size_t number, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", what));
}

absl::string_view TakeWord(absl::string_view& text) {
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  const absl::string_view word = text.substr(0, end);
  text = absl::StripLeadingAsciiWhitespace(text.substr(end));
  return word;
}

bool IsTypeName(absl::string_view text) {
  return !absl::ascii_isdigit(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

// `text` is, for example, "[4096, 4096]".
std::optional<std::vector<int64_t>> ParseShape(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "[") || !absl::ConsumeSuffix(&text, "]")) return std::nullopt;
  std::vector<int64_t> shape;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    int64_t size = 0;
    if (!absl::SimpleAtoi(word, &size) || size < 0 || shape.size() == 8) return std::nullopt;
    shape.push_back(size);
  }
  return shape;
}

absl::StatusOr<Line> ParseLine(size_t number, absl::string_view text) {
  Line line{number, TakeWord(text), {}, std::nullopt};
  if (text.empty()) return line;
  line.type = TakeWord(text);
  if (!IsTypeName(line.type)) {
    return InvalidLine(number, absl::StrCat(Quoted(line.type), " is not a type, such as Linear"));
  }
  if (text.empty()) return line;
  line.shape = ParseShape(text);
  if (!line.shape.has_value()) {
    return InvalidLine(number, absl::StrCat(Quoted(text), " is not a shape, such as [4096, 4096]"));
  }
  return line;
}

absl::StatusOr<std::vector<Line>> ParseLines(absl::string_view text) {
  std::vector<Line> lines;
  size_t number = 0;
  for (const absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view stripped = absl::StripAsciiWhitespace(raw);
    if (stripped.empty() || stripped[0] == '#') continue;
    // named_modules() begins with the model itself, whose name is empty.
    const bool is_root = lines.empty() && raw[0] == ' ' && stripped.find(' ') == absl::string_view::npos;
    if (is_root) continue;
    auto line = ParseLine(number, stripped);
    if (!line.ok()) return line.status();
    if (lines.size() == TensorList::kMaxTensors) {
      return absl::InvalidArgumentError(absl::StrCat("more than ", TensorList::kMaxTensors, " modules"));
    }
    lines.push_back(*std::move(line));
  }
  return lines;
}

// The names of modules that contain other modules of the list.
absl::flat_hash_set<absl::string_view> Containers(const std::vector<Line>& lines) {
  absl::flat_hash_set<absl::string_view> containers;
  for (const Line& line : lines) {
    if (line.name.size() > TensorList::kMaxNameBytes) continue;  // Add() rejects it
    for (size_t dot = line.name.rfind('.'); dot != absl::string_view::npos && dot > 0;
         dot = line.name.rfind('.', dot - 1)) {
      if (!containers.insert(line.name.substr(0, dot)).second) break;  // so the rest is there, too
    }
  }
  return containers;
}

}  // namespace

absl::Status AddModuleList(absl::string_view text, TensorList& tensors) {
  if (!IsUtf8(text)) return absl::InvalidArgumentError("the file is not valid UTF-8");
  const auto lines = ParseLines(absl::StripPrefix(text, "\xEF\xBB\xBF"));
  if (!lines.ok()) return lines.status();
  const bool has_types = std::any_of(lines->begin(), lines->end(), [](const Line& line) { return !line.type.empty(); });
  const bool has_tensors = !has_types && std::any_of(lines->begin(), lines->end(), [](const Line& line) {
    return absl::EndsWith(line.name, ".weight");
  });
  const auto containers = Containers(*lines);
  for (const Line& line : *lines) {
    const bool untyped = line.type.empty() && !has_tensors;
    if (untyped && containers.contains(line.name)) continue;
    const absl::Status status =
        tensors.Add({absl::StrCat(line.name, untyped ? ".weight" : ""), std::string(line.type), "", line.shape});
    if (!status.ok()) return InvalidLine(line.number, status.message());
  }
  return absl::OkStatus();
}

}  // namespace qconfig::client
