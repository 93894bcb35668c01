// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/foreign_files.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/names/name_resolver.h"
#include "core/utf8.h"
#include "qconfigctl/embedded_files.h"
#include "qconfigctl/file_places.h"
#include "qconfigctl/next_command.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMaxShown = 128;  // characters of a value of the file

const ordered_json& Table() {
  static const auto* const kTable = new ordered_json(ordered_json::parse(kForeignFilesJson));
  return *kTable;
}

// A value and the keys that lead to it.
struct Found {
  const ordered_json* value;
  std::vector<std::string> keys;
};

// The value at a path such as "config_groups.*.weights", where "*" is the only member of an object, and "any" is the
// first member under which the rest of the path has a value. Null if there is none.
Found FindAt(const ordered_json& block, const std::vector<std::string>& steps, size_t step = 0) {
  static const auto* const kNull = new ordered_json;
  if (step == steps.size()) return {&block, {}};
  Found found{kNull, {}};
  if (!block.is_object() || (steps[step] == "*" && block.size() != 1)) return found;
  for (const auto& [key, member] : block.items()) {
    if (steps[step] != "*" && steps[step] != "any" && steps[step] != key) continue;
    Found rest = FindAt(member, steps, step + 1);
    if (rest.value->is_null()) continue;
    found = std::move(rest);
    found.keys.insert(found.keys.begin(), key);
    break;
  }
  return found;
}

Found FindAt(const ordered_json& block, absl::string_view path) { return FindAt(block, absl::StrSplit(path, '.')); }

const ordered_json& ValueAt(const ordered_json& block, absl::string_view path) { return *FindAt(block, path).value; }

// `path` with the keys of the file for each "*" and "any".
std::string KeysAt(const ordered_json& block, absl::string_view path) {
  std::string keys;
  for (const std::string& key : FindAt(block, path).keys) keys = Join(keys, key);
  return keys;
}

// The part of the block that the conditions of a list of schemes are about: that with the first value of the row.
const ordered_json& PartOf(const ordered_json& row, const ordered_json& block) {
  const ordered_json* part = &block;
  if (!row.contains("part")) return *part;
  const auto& path = row["part"].get_ref<const std::string&>();
  const auto steps = std::count(path.begin(), path.end(), '.') + 1;
  const std::vector<std::string> keys = FindAt(block, row["when"].begin().key()).keys;
  for (auto key = keys.begin(); key != keys.begin() + steps; ++key) part = &Member(*part, key->c_str());
  return *part;
}

bool Matches(const ordered_json& value, const ordered_json& wanted) {
  if (wanted == "*") return !value.is_null();
  if (!wanted.is_array()) return value == wanted;
  return std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

bool Matches(const ordered_json& block, const ordered_json& row, const char* conditions) {
  for (const auto& [path, wanted] : row[conditions].items()) {
    if (!Matches(ValueAt(block, path), wanted)) return false;
  }
  return true;
}

// The value of the file as a word of a command line. `otherwise` if it is not one.
std::string Word(const ordered_json& value, absl::string_view otherwise) {
  if (value.is_number_integer()) return value.dump();
  if (!value.is_string()) return std::string(otherwise);
  const auto& text = value.get_ref<const std::string&>();
  const bool is_word =
      !text.empty() && text.size() <= kMaxShown && text[0] != '-' && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
      });
  return is_word ? text : std::string(otherwise);
}

// Replaces "{path}" by the value at the path.
std::string Fill(absl::string_view text, const ordered_json& block, const ordered_json& root) {
  std::string filled;
  for (size_t open = text.find('{'); open != absl::string_view::npos; open = text.find('{')) {
    const size_t close = text.find('}', open);
    const absl::string_view path = text.substr(open + 1, close - open - 1);
    const ordered_json& value = ValueAt(path == "model_type" ? root : block, path);
    absl::StrAppend(&filled, text.substr(0, open), Word(value, absl::AsciiStrToUpper(path)));
    text.remove_prefix(close + 1);
  }
  return absl::StrCat(filled, text);
}

// The options of get-config that belong to the scheme of the row, each with a space before it.
std::string Options(const ordered_json& row, const ordered_json& block) {
  constexpr size_t kMaxExcluded = 8;
  std::string text;
  for (const ordered_json& option : Member(row, "options")) {
    if (Matches(block, option, "when")) absl::StrAppend(&text, " ", option["text"].get<std::string>());
  }
  const ordered_json& path = Member(row, "exclude");
  const ordered_json& excluded = path.is_null() ? path : ValueAt(block, path.get<std::string>());
  if (!excluded.is_array() || excluded.size() > kMaxExcluded) return text;
  for (const ordered_json& pattern : excluded) {
    if (!pattern.is_string()) continue;
    const auto& name = pattern.get_ref<const std::string&>();
    if (name.empty() || name[0] == '-') continue;
    absl::StrAppend(&text, " --exclude ", ShellText({Printable(name, kMaxShown)}));
  }
  return text;
}

std::string SchemeAdvice(const ordered_json& row, const ordered_json& block, const ordered_json& root) {
  const ordered_json& schemes = Member(row, "schemes");
  const ordered_json& part = PartOf(row, block);
  for (const ordered_json& rule : schemes.is_string() ? Table()["scheme_lists"][schemes.get<std::string>()] : schemes) {
    if (!Matches(part, rule, "when")) continue;
    std::vector<std::string> names;
    for (const ordered_json& name : rule["names"]) names.push_back(Fill(name.get<std::string>(), part, root));
    const ordered_json& but = Member(rule, "but");
    return absl::StrCat(names.size() == 1 ? "The nearest scheme is " : "The nearest schemes are ",
                        absl::StrJoin(names, " and "), but.is_null() ? "" : absl::StrCat("; ", but.get<std::string>()),
                        ". Run: qconfigctl get-config ", Fill("{model_type}", block, root), " --scheme ", names.front(),
                        Options(row, block));
  }
  const std::string& key = row["when"].begin().key();
  const ordered_json& value = ValueAt(block, key);
  if ((absl::EndsWith(key, ".scheme") || absl::EndsWith(key, "_type")) && value.is_string()) {
    const std::string note = ResolveName(NameKind::kScheme, value.get_ref<const std::string&>(), {}).note;
    if (!note.empty()) return note;
  }
  return "No built-in scheme has the same format; `qconfigctl list schemes` prints all. To make another one, save a "
         "similar scheme (`qconfigctl describe scheme NAME -o json > FILE`), edit it, change its name, and run "
         "`qconfigctl register scheme -f FILE`";
}

// `tree` at the given keys. Its root is null if the file does not have them.
FileTree SubTree(const FileTree& tree, std::initializer_list<const char*> keys) {
  const ordered_json* node = &tree.root;
  const FileLines* lines = &tree.lines;
  std::string path = tree.path;
  for (const char* key : keys) {
    const auto it = node->is_object() ? node->find(key) : node->end();
    if (!node->is_object() || it == node->end()) return {};
    const auto position = static_cast<size_t>(std::distance(node->begin(), it));
    if (position < lines->items.size()) lines = &lines->items[position];
    node = &*it;
    path = Join(path, key);
  }
  return {*node, *lines, path};
}

// "quantization_config.quant_method, line 3".
std::string PlaceText(const FileTree& tree, absl::string_view path) {
  const FilePlace place = FindPath(tree, path);
  return absl::StrCat(place.path, place.path.empty() ? "" : ", ", "line ", place.line);
}

// Describes the file if the row is about it. `block` is a part of `file`, or all of it.
std::string Describe(const ordered_json& row, const FileTree& block, const FileTree& file, absl::string_view what) {
  if (!Matches(block.root, row, "when")) return "";
  const ordered_json& only = Member(row, "only");
  if (!only.is_null() && only != std::string(what)) return "";
  const std::string& key = row["when"].begin().key();
  const ordered_json& value = ValueAt(block.root, key);
  const ordered_json& advice = Member(row, "advice");
  std::string text = absl::StrCat("this is ", row["form"].get<std::string>(), ", not a ", what, " (",
                                  PlaceText(block, KeysAt(block.root, key)), value.is_string() ? ": " : "",
                                  value.is_string() ? Quoted(value.get_ref<const std::string&>()) : "", "). ");
  if (!advice.is_null()) return absl::StrCat(text, Fill(advice.get<std::string>(), block.root, file.root));
  if (what == "template") {
    return absl::StrCat(text, "A template names the modules of a model; it does not say how they are quantized");
  }
  return absl::StrCat(text, SchemeAdvice(row, block.root, file.root));
}

// Parts of Quark's configuration that are not part of a scheme, and the options of get-config with the same meaning.
constexpr std::pair<const char*, const char*> kOtherParts[] = {
    {"exclude", "--exclude PATTERN"},
    {"layer_quant_config", "--layer PATTERN=SCHEME"},
    {"layer_type_quant_config", "--layer-type TYPE=SCHEME"},
    {"kv_cache_quant_config", "--kv-cache-scheme SCHEME"},
    {"softmax_quant_spec", "--attention-scheme SCHEME"},
    {"algo_config", "--algorithm NAME"},
};

std::string OtherParts(const ordered_json& config) {
  std::vector<std::string> parts;
  for (const auto& [key, option] : kOtherParts) {
    const ordered_json& part = Member(config, key);
    if (!part.empty()) parts.push_back(absl::StrCat(key, " (", option, ")"));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace

std::string RecognizeFile(const FileTree& tree, absl::string_view what) {
  const FileTree blocks[] = {SubTree(tree, {"quantization_config"}), SubTree(tree, {"compression_config"}),
                             SubTree(tree, {"text_config", "quantization_config"}), tree};
  for (const FileTree& block : blocks) {
    if (!block.root.is_object()) continue;
    for (const ordered_json& row : Table()["rows"]) {
      std::string text = Describe(row, block, tree, what);
      if (!text.empty()) return text;
    }
  }
  return "";
}

std::vector<std::string> TakeGlobalConfig(FileTree& tree) {
  for (const FileTree& config : {tree, SubTree(tree, {"quantization_config"})}) {
    FileTree global = SubTree(config, {"global_quant_config"});
    if (global.path.empty()) continue;
    std::vector<std::string> notes = {absl::StrCat("reading ", PlaceText(config, "global_quant_config"),
                                                   ": a scheme describes the layers without settings of their own")};
    const std::string parts = OtherParts(config.root);
    if (!parts.empty()) {
      notes.push_back(absl::StrCat("not part of a scheme, so pass the options to get-config: ", parts));
    }
    tree = std::move(global);
    return notes;
  }
  return {};
}

}  // namespace qconfig::client
