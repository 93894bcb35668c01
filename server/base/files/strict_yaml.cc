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
#include "server/base/files/file_tree.h"

namespace qconfig {
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

absl::Status DoesNotFit(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("the integer ", Printable(text, 128), " does not fit in 64 bits"));
}

// Reads numbers such as 0o17 and 0x1F. Returns null for any other text.
absl::StatusOr<ordered_json> ReadInBase(absl::string_view text) {
  const absl::string_view whole = text;
  const bool hex = absl::ConsumePrefix(&text, "0x");
  if ((!hex && !absl::ConsumePrefix(&text, "0o")) || text.empty()) return nullptr;
  uint64_t number = 0;
  const uint64_t base = hex ? 16 : 8;
  bool fits = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool digit = hex ? std::isxdigit(byte) != 0 : c >= '0' && c <= '7';
    if (!digit) return nullptr;
    const auto step = static_cast<uint64_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    fits = fits && number <= (std::numeric_limits<uint64_t>::max() - step) / base;
    if (fits) number = number * base + step;
  }
  return fits ? absl::StatusOr<ordered_json>(number) : DoesNotFit(whole);
}

// REQUIRES: IsDecimal(text).
absl::StatusOr<ordered_json> ReadDecimal(absl::string_view text) {
  const absl::string_view unsigned_text = absl::StripPrefix(text, "+");
  const absl::string_view digits = absl::StripPrefix(unsigned_text, "-");
  if (digits.size() > 1 && digits[0] == '0' && CountDigits(digits) > 1) {
    // 010 is ten in YAML 1.2 and eight in YAML 1.1, which PyYAML implements.
    return absl::InvalidArgumentError(absl::StrCat("the number ", Printable(text, 128),
                                                   " has a leading zero, which YAML 1.1 reads as octal; remove it, "
                                                   "write 0o for octal, or quote the value"));
  }
  int64_t integer = 0;
  uint64_t large = 0;
  if (absl::SimpleAtoi(unsigned_text, &integer)) return integer;
  if (absl::SimpleAtoi(unsigned_text, &large)) return large;
  if (CountDigits(digits) == digits.size()) return DoesNotFit(text);
  double number = 0;
  if (!absl::SimpleAtod(unsigned_text, &number)) return absl::InvalidArgumentError("not a number");
  return number;
}

// Resolves a plain scalar by YAML's core schema.
absl::StatusOr<ordered_json> Resolve(const std::string& text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (IsOneOf(text, {"true", "True", "TRUE"})) return true;
  if (IsOneOf(text, {"false", "False", "FALSE"})) return false;
  auto value = ReadInBase(text);
  if (!value.ok() || !value->is_null()) return value;
  if (IsDecimal(text)) return ReadDecimal(text);
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, "-")) absl::ConsumePrefix(&rest, "+");
  if (IsOneOf(rest, {".inf", ".Inf", ".INF"}) || IsOneOf(text, {".nan", ".NaN", ".NAN"})) {
    return std::numeric_limits<double>::quiet_NaN();  // which the builder rejects
  }
  return text;
}

// Handles yaml-cpp's events. Throws yaml-cpp's exception for errors, because it carries the line.
class Events : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Scalar(mark, anchor, nullptr); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (tag == "?" && text == "<<" && tree_.WantsKey()) Reject(mark, "merge keys are not supported");
    if (tag == "?") return Scalar(mark, anchor, Resolved(mark, text));
    const auto type = CoreType(mark, tag, {"str", "int", "float", "bool", "null"});
    if (type == "str") return Scalar(mark, anchor, text);
    const ordered_json value = Resolved(mark, text);
    const bool fits = type == "int"     ? value.is_number_integer()
                      : type == "float" ? value.is_number()
                      : type == "bool"  ? value.is_boolean()
                                        : value.is_null();
    Check(mark, fits
                    ? absl::OkStatus()
                    : absl::InvalidArgumentError(absl::StrCat("\"", Printable(text, 128), "\" is not a valid ", type)));
    Scalar(mark, anchor, value);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto subtree = subtrees_.find(anchor);
    if (subtree == subtrees_.end()) Reject(mark, "the alias refers to a node that contains it");
    if (tree_.WantsKey()) Reject(mark, "an alias cannot be a key");
    tree_.SetLine(mark.line + 1);
    CheckTree(tree_.Repeat(subtree->second));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    CheckCollection(mark, tag, "seq");
    tree_.SetLine(mark.line + 1);
    CheckTree(tree_.BeginList());
    anchors_.push_back({mark, anchor});
  }
  void OnSequenceEnd() override { End(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    CheckCollection(mark, tag, "map");
    tree_.SetLine(mark.line + 1);
    CheckTree(tree_.BeginObject());
    anchors_.push_back({mark, anchor});
  }
  void OnMapEnd() override { End(); }

  FileTree Take() { return tree_.Take(); }

 private:
  [[noreturn]] static void Reject(const YAML::Mark& mark, const std::string& what) {
    throw YAML::ParserException(mark, what);
  }

  static void Check(const YAML::Mark& mark, const absl::Status& status) {
    if (!status.ok()) Reject(mark, std::string(status.message()));
  }

  // The tree's errors have their own line.
  static void CheckTree(const absl::Status& status) { Check(YAML::Mark::null_mark(), status); }

  static ordered_json Resolved(const YAML::Mark& mark, const std::string& text) {
    auto value = Resolve(text);
    Check(mark, value.status());
    return *std::move(value);
  }

  // Returns the type's short name. "!" is a quoted or explicitly untyped scalar.
  static std::string CoreType(const YAML::Mark& mark, const std::string& tag,
                              std::initializer_list<absl::string_view> allowed) {
    absl::string_view type = tag;
    if (type == "!") return "str";
    if (!absl::ConsumePrefix(&type, "tag:yaml.org,2002:") || !IsOneOf(type, allowed)) {
      Reject(mark, absl::StrCat("the tag ", Printable(tag, 128), " is not one of YAML's core types"));
    }
    return std::string(type);
  }

  void CheckCollection(const YAML::Mark& mark, const std::string& tag, absl::string_view type) {
    if (tree_.WantsKey()) Reject(mark, "a key must be a string");
    if (tag != "?" && tag != "!" && !tag.empty()) CoreType(mark, tag, {type});
  }

  void Scalar(const YAML::Mark& mark, YAML::anchor_t anchor, ordered_json value) {
    tree_.SetLine(mark.line + 1);
    if (tree_.WantsKey()) {
      if (!value.is_string()) Reject(mark, "a key must be a string; quote it");
      if (anchor != 0) Reject(mark, "a key cannot have an anchor");
      return CheckTree(tree_.Key(value.get_ref<const std::string&>()));
    }
    CheckTree(tree_.Value(std::move(value)));
    Keep(mark, anchor);
  }

  void End() {
    const auto [mark, anchor] = anchors_.back();
    anchors_.pop_back();
    tree_.End();
    Keep(mark, anchor);
  }

  void Keep(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor == 0) return;
    auto subtree = tree_.CopyLast();
    if (!subtree.ok()) Reject(mark, std::string(subtree.status().message()));
    subtrees_[anchor] = *std::move(subtree);
  }

  FileTreeBuilder tree_;
  std::vector<std::pair<YAML::Mark, YAML::anchor_t>> anchors_;  // of open collections
  std::map<YAML::anchor_t, FileTreeBuilder::Subtree> subtrees_;
};

// An unquoted pattern such as *lm_head looks like an alias.
absl::string_view AliasHint(absl::string_view message) {
  const bool is_alias = absl::StartsWith(message, YAML::ErrorMsg::UNKNOWN_ANCHOR) ||
                        absl::StartsWith(message, YAML::ErrorMsg::ALIAS_NOT_FOUND) ||
                        absl::StartsWith(message, YAML::ErrorMsg::CHAR_IN_ALIAS);
  return is_alias ? "; quote patterns that start with *" : "";
}

}  // namespace

absl::StatusOr<FileTree> ParseStrictYaml(const std::string& text) {
  // yaml-cpp may scan the whole text before its first event, and uses 200 bytes of memory for each of these characters.
  const auto is_flow = [](char c) { return c == '[' || c == '{' || c == ','; };
  if (static_cast<size_t>(std::count_if(text.begin(), text.end(), is_flow)) > 2 * kMaxFileNodes) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxFileNodes, " values"));
  }
  Events events;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(events)) return absl::InvalidArgumentError("no YAML document");
    FileTree tree = events.Take();
    Events more;
    if (parser.HandleNextDocument(more)) {
      return absl::InvalidArgumentError(
          "more than one YAML document, or text after the document; a file holds one document: put each in its own "
          "file");
    }
    return tree;
  } catch (const YAML::Exception& error) {
    const std::string where =
        error.mark.is_null() ? ""
                             : absl::StrCat("line ", error.mark.line + 1, ", column ", error.mark.column + 1, ": ");
    // yaml-cpp quotes characters of the file as they are.
    return absl::InvalidArgumentError(absl::StrCat(where, Printable(error.msg, 500), AliasHint(error.msg)));
  } catch (const std::exception& error) {
    // yaml-cpp's containers may throw other exceptions.
    return absl::InvalidArgumentError(absl::StrCat("not YAML: ", error.what()));
  }
}

}  // namespace qconfig
