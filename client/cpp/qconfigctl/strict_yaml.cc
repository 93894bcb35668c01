// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/utf8.h"
#include "qconfigctl/file_tree.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

bool IsOneOf(absl::string_view text, std::initializer_list<absl::string_view> words) {
  for (const absl::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

size_t CountDigits(absl::string_view text) {
  size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
  return count;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool IsDecimal(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "-")) absl::ConsumePrefix(&text, "+");
  const size_t whole = CountDigits(text);
  text.remove_prefix(whole);
  size_t fraction = 0;
  if (absl::ConsumePrefix(&text, ".")) {
    fraction = CountDigits(text);
    text.remove_prefix(fraction);
  }
  if (whole + fraction == 0) return false;
  if (text.empty()) return true;
  if (!absl::ConsumePrefix(&text, "e") && !absl::ConsumePrefix(&text, "E")) return false;
  if (!absl::ConsumePrefix(&text, "-")) absl::ConsumePrefix(&text, "+");
  return !text.empty() && CountDigits(text) == text.size();
}

// 0o17, 0x1F.
bool ReadInBase(absl::string_view text, ordered_json& value) {
  const bool hex = absl::ConsumePrefix(&text, "0x");
  if ((!hex && !absl::ConsumePrefix(&text, "0o")) || text.empty()) return false;
  uint64_t number = 0;
  const uint64_t base = hex ? 16 : 8;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool digit = hex ? std::isxdigit(byte) != 0 : c >= '0' && c <= '7';
    if (!digit) return false;
    const auto step = static_cast<uint64_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    // A number that no field has room for, instead of one that has lost its upper digits.
    number = number > (std::numeric_limits<uint64_t>::max() - step) / base ? std::numeric_limits<uint64_t>::max()
                                                                           : number * base + step;
  }
  value = number;
  return true;
}

// What YAML's core schema takes a plain scalar for.
ordered_json Resolve(const std::string& text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (IsOneOf(text, {"true", "True", "TRUE"})) return true;
  if (IsOneOf(text, {"false", "False", "FALSE"})) return false;
  ordered_json value;
  if (ReadInBase(text, value)) return value;
  if (IsDecimal(text)) {
    const absl::string_view unsigned_text = absl::StripPrefix(text, "+");
    int64_t integer = 0;
    uint64_t large = 0;
    if (absl::SimpleAtoi(unsigned_text, &integer)) return integer;
    if (absl::SimpleAtoi(unsigned_text, &large)) return large;
    double number = 0;
    if (absl::SimpleAtod(unsigned_text, &number)) return number;
  }
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, "-")) absl::ConsumePrefix(&rest, "+");
  if (IsOneOf(rest, {".inf", ".Inf", ".INF"}) || IsOneOf(text, {".nan", ".NaN", ".NAN"})) {
    return std::numeric_limits<double>::quiet_NaN();  // which the builder refuses
  }
  return text;
}

// yaml-cpp's events. What is refused leaves as yaml-cpp's own exception, which knows the line.
class Events : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Scalar(mark, anchor, nullptr); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (tag == "?") return Scalar(mark, anchor, Resolve(text));
    const auto type = CoreType(mark, tag, {"str", "int", "float", "bool", "null"});
    if (type == "str") return Scalar(mark, anchor, text);
    const ordered_json value = Resolve(text);
    const bool fits = type == "int"     ? value.is_number_integer()
                      : type == "float" ? value.is_number()
                      : type == "bool"  ? value.is_boolean()
                                        : value.is_null();
    Check(mark, fits ? absl::OkStatus()
                     : absl::InvalidArgumentError(absl::StrCat("\"", Printable(text, 128), "\" is no ", type)));
    Scalar(mark, anchor, value);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto subtree = subtrees_.find(anchor);
    if (subtree == subtrees_.end()) Refuse(mark, "the alias stands inside what it repeats");
    if (tree_.WantsKey()) Refuse(mark, "an alias cannot be a key");
    Check(mark, tree_.Repeat(subtree->second));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    CheckCollection(mark, tag, "seq");
    Check(mark, tree_.BeginList());
    anchors_.push_back({mark, anchor});
  }
  void OnSequenceEnd() override { End(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    CheckCollection(mark, tag, "map");
    Check(mark, tree_.BeginObject());
    anchors_.push_back({mark, anchor});
  }
  void OnMapEnd() override { End(); }

  ordered_json Take() { return tree_.Take(); }

 private:
  [[noreturn]] static void Refuse(const YAML::Mark& mark, const std::string& what) {
    throw YAML::ParserException(mark, what);
  }

  static void Check(const YAML::Mark& mark, const absl::Status& status) {
    if (!status.ok()) Refuse(mark, std::string(status.message()));
  }

  // The type's short name. "!" is a quoted or explicitly untyped scalar.
  static std::string CoreType(const YAML::Mark& mark, const std::string& tag,
                              std::initializer_list<absl::string_view> allowed) {
    absl::string_view type = tag;
    if (type == "!") return "str";
    if (!absl::ConsumePrefix(&type, "tag:yaml.org,2002:") || !IsOneOf(type, allowed)) {
      Refuse(mark, absl::StrCat("the tag ", Printable(tag, 128), " is not of YAML's core types"));
    }
    return std::string(type);
  }

  void CheckCollection(const YAML::Mark& mark, const std::string& tag, absl::string_view type) {
    if (tree_.WantsKey()) Refuse(mark, "a key must be a string");
    if (tag != "?" && tag != "!" && !tag.empty()) CoreType(mark, tag, {type});
  }

  void Scalar(const YAML::Mark& mark, YAML::anchor_t anchor, ordered_json value) {
    if (tree_.WantsKey()) {
      if (!value.is_string()) Refuse(mark, "a key must be a string; put it into quotes");
      if (anchor != 0) Refuse(mark, "a key cannot have an anchor");
      return Check(mark, tree_.Key(value.get_ref<const std::string&>()));
    }
    Check(mark, tree_.Value(std::move(value)));
    Keep(mark, anchor);
  }

  void End() {
    const auto [mark, anchor] = anchors_.back();
    anchors_.pop_back();
    Check(mark, tree_.End());
    Keep(mark, anchor);
  }

  void Keep(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor == 0) return;
    auto subtree = tree_.CopyLast();
    if (!subtree.ok()) Refuse(mark, std::string(subtree.status().message()));
    subtrees_[anchor] = *std::move(subtree);
  }

  FileTreeBuilder tree_;
  std::vector<std::pair<YAML::Mark, YAML::anchor_t>> anchors_;  // of what is open
  std::map<YAML::anchor_t, FileTreeBuilder::Subtree> subtrees_;
};

}  // namespace

absl::StatusOr<ordered_json> ParseStrictYaml(const std::string& text) {
  // yaml-cpp may look at all of the text before its first event, and takes 200 bytes of memory for each of these.
  const auto is_flow = [](char c) { return c == '[' || c == '{' || c == ','; };
  if (static_cast<size_t>(std::count_if(text.begin(), text.end(), is_flow)) > 2 * kMaxFileNodes) {
    return absl::InvalidArgumentError(absl::StrCat("has more than ", kMaxFileNodes, " values"));
  }
  Events events;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(events)) return absl::InvalidArgumentError("has no YAML document");
    ordered_json tree = events.Take();
    Events more;
    if (parser.HandleNextDocument(more)) {
      return absl::InvalidArgumentError("has more than one YAML document, or text after it");
    }
    return tree;
  } catch (const YAML::Exception& error) {
    const std::string where =
        error.mark.is_null() ? ""
                             : absl::StrCat("line ", error.mark.line + 1, ", column ", error.mark.column + 1, ": ");
    return absl::InvalidArgumentError(absl::StrCat(where, error.msg));
  } catch (const std::exception& error) {
    // The containers that yaml-cpp uses.
    return absl::InvalidArgumentError(absl::StrCat("not YAML: ", error.what()));
  }
}

}  // namespace qconfig::client
