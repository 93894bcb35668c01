// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/algo_config_text.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/algorithms.h"
#include "core/nearest_names.h"
#include "core/suggestion.h"
#include "core/utf8.h"
#include "qconfigctl/entry_file.h"
#include "qconfigctl/familiar_words.h"
#include "qconfigctl/file_tree.h"
#include "qconfigctl/next_command.h"
#include "qconfigctl/proto_formats.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::ordered_json;

constexpr char kExample[] = R"({"gptq": {"block_size": 64}})";

// The name of an algorithm in the contract; empty if there is none.
std::string AlgorithmOf(const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(name);
  const auto& known = AlgorithmNames();
  return std::find(known.begin(), known.end(), lower) == known.end() ? "" : lower;
}

const Descriptor& FieldsOf(const std::string& algorithm) {
  return *v1::AlgoConfig::descriptor()->FindFieldByName(algorithm)->message_type();
}

// Null if the type does not have the field.
const FieldDescriptor* FieldOf(const Descriptor& type, const std::string& key) {
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->name() == key || type.field(i)->json_name() == key) return type.field(i);
  }
  return nullptr;
}

bool HasField(const Descriptor& type, const std::string& key) { return FieldOf(type, key) != nullptr; }

std::string JsonText(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string And(const std::vector<std::string>& items) {
  std::vector<std::string> first(items.begin(), items.empty() ? items.end() : items.end() - 1);
  return items.size() < 2 ? absl::StrJoin(items, "") : absl::StrCat(absl::StrJoin(first, ", "), " and ", items.back());
}

// Says where the unknown fields of a configuration belong. Used once.
class FieldAdvice {
 public:
  FieldAdvice(const std::vector<std::string>& algorithms, const std::string& model_type)
      : algorithms_(algorithms), model_type_(model_type) {}

  // OK if all fields of the configuration and of its algorithm exist.
  absl::Status Check(const ordered_json& root) {
    std::vector<std::string> given;
    for (const auto& [key, value] : root.items()) {
      if (HasField(*v1::AlgoConfig::descriptor(), key)) given.push_back(key);
    }
    ChooseAlgorithm(root, given);
    if (given.size() > 1) {
      return absl::InvalidArgumentError(absl::StrCat("has ", And(given), "; repeat --algo-config for each algorithm"));
    }
    for (const auto& [key, value] : root.items()) {
      if (HasField(*v1::AlgoConfig::descriptor(), key)) continue;
      if (key == "name") {
        TakeName(value, /*is_needed=*/given.empty());
      } else {
        Take(key, value, /*is_nested=*/false);
      }
    }
    const ordered_json& fields = Member(root, algorithm_.c_str());
    if (!algorithm_.empty() && fields.is_object()) {  // "" may be a key too
      for (const auto& [key, value] : fields.items()) Take(key, value, /*is_nested=*/true);
    }
    if (!nests_ && is_good_) return absl::OkStatus();
    return absl::InvalidArgumentError(Text());
  }

 private:
  // The algorithm that the configuration is about: the one that it names, or one that is requested, or the one that has
  // most of its fields.
  void ChooseAlgorithm(const ordered_json& root, std::vector<std::string> names) {
    const ordered_json& name = Member(root, "name");
    if (name.is_string()) names.push_back(name.get<std::string>());
    names.insert(names.end(), algorithms_.begin(), algorithms_.end());
    for (const std::string& one : names) {
      if (algorithm_.empty()) algorithm_ = AlgorithmOf(one);
    }
    if (algorithm_.empty()) algorithm_ = AlgorithmWithFields(root);
  }

  // Of the algorithms with most of the fields, the one with the fewest others; empty if none has any.
  static std::string AlgorithmWithFields(const ordered_json& root) {
    std::string best;
    std::pair<int, int> best_rank = {0, 0};
    for (const absl::string_view name : AlgorithmNames()) {
      const Descriptor& type = FieldsOf(std::string(name));
      int found = 0;
      for (const auto& [key, value] : root.items()) found += HasField(type, Renamed(key)) ? 1 : 0;
      const std::pair<int, int> rank = {found, -type.field_count()};
      if (found > 0 && rank > best_rank) {
        best = std::string(name);
        best_rank = rank;
      }
    }
    return best;
  }

  // The present name of a field of another tool; empty for what the scheme decides, such as "bits".
  static std::string Renamed(const std::string& key) {
    const FamiliarWord* const familiar = FindFamiliarField(key);
    if (familiar == nullptr || familiar->means.empty()) return key;
    return familiar->means == "scheme" ? "" : familiar->means;
  }

  // Takes the name of the algorithm as in Quark's to_dict(), which needs no key of its own.
  void TakeName(const ordered_json& name, bool is_needed) {
    nests_ = nests_ || !algorithm_.empty();
    if (!is_needed) {
      clauses_.push_back(absl::StrCat("leave out name, because ", algorithm_, " already names the algorithm"));
    } else if (!name.is_string() || AlgorithmOf(name.get_ref<const std::string&>()).empty()) {
      is_good_ = false;
      const std::string value = name.is_string() ? name.get<std::string>() : "";
      clauses_.push_back(absl::StrCat("name: ", Printable(JsonText(name), 100), " is not an algorithm",
                                      Suggestion(value, AlgorithmNames(), NameKind::kAlgorithm)));
    }
  }

  void Take(const std::string& key, const ordered_json& value, bool is_nested) {
    const std::string path = is_nested ? Join(algorithm_, key) : key.empty() ? "\"\"" : Printable(key, 100);
    const bool is_known = !algorithm_.empty() && HasField(FieldsOf(algorithm_), key);
    if (is_known) {
      if (!is_nested) moved_.push_back(path);
      if (!is_nested) nests_ = true;
      nested_[key] = value;
      return;
    }
    is_good_ = false;
    const FamiliarWord* const familiar = FindFamiliarField(key);
    if (familiar != nullptr && familiar->means == "scheme") {
      of_scheme_.push_back(path);
    } else if (familiar != nullptr && !familiar->note.empty()) {
      clauses_.push_back(absl::StrCat(path, ": ", familiar->note));
    } else if (familiar != nullptr && !algorithm_.empty() && HasField(FieldsOf(algorithm_), familiar->means)) {
      clauses_.push_back(absl::StrCat(path, " is ", familiar->means, " here"));
      nested_[familiar->means] = value;
      nests_ = true;
    } else if (is_nested && !NearestNames(key, FieldNames(FieldsOf(algorithm_)), 1).empty()) {
      clauses_.push_back(absl::StrCat(path, ": ", FieldsOf(algorithm_).name(), " has no such field",
                                      Suggestion(key, FieldNames(FieldsOf(algorithm_)))));
    } else if (is_nested) {
      unknown_.push_back(path);
    } else {
      clauses_.push_back(
          absl::StrCat(path, " is not an algorithm", Suggestion(key, AlgorithmNames(), NameKind::kAlgorithm)));
    }
  }

  std::string Text() const {
    std::vector<std::string> parts;
    if (!of_scheme_.empty()) {
      parts.push_back(absl::StrCat(And(of_scheme_), of_scheme_.size() == 1 ? " belongs" : " belong",
                                   " to the scheme: choose one, such as int4_wo_128 or uint4_wo_128 "
                                   "(`qconfigctl list schemes` shows all)"));
    }
    parts.insert(parts.end(), clauses_.begin(), clauses_.end());
    if (!unknown_.empty()) {
      parts.push_back(absl::StrCat(And(unknown_), unknown_.size() == 1 ? " is" : " are", " not in ",
                                   FieldsOf(algorithm_).name(), ", whose fields are ",
                                   absl::StrJoin(FieldNames(FieldsOf(algorithm_)), ", ")));
    }
    if (nests_ && !moved_.empty()) {
      parts.push_back(
          absl::StrCat(And(moved_), moved_.size() == 1 ? " belongs" : " belong", " under the name of the algorithm"));
    }
    if (!nested_.empty() || nests_) parts.push_back(absl::StrCat("write ", Example()));
    const bool is_requested = std::find(algorithms_.begin(), algorithms_.end(), algorithm_) != algorithms_.end();
    const std::string request = algorithm_.empty() || is_requested ? "" : " if the call has --algorithm " + algorithm_;
    parts.push_back(absl::StrCat("without --algo-config, the template's own configuration is used", request,
                                 " (`qconfigctl describe template ", ShellText({Printable(model_type_, 100)}),
                                 " -o json` shows it)"));
    return absl::StrReplaceAll(absl::StrJoin(parts, "; "), {{"?; ", "? "}});
  }

  // The configuration to write instead. Leaves out long values.
  std::string Example() const {
    ordered_json shown = nested_;
    for (const auto& [key, value] : shown.items()) {
      if (JsonText(value).size() <= 80) continue;
      const FieldDescriptor* const field = FieldOf(FieldsOf(algorithm_), key);
      value = field->is_repeated() ? ordered_json::array({"..."}) : ordered_json("...");
    }
    const std::string text = JsonText({{algorithm_, shown.is_null() ? ordered_json::object() : shown}});
    return Printable(absl::StrReplaceAll(text, {{"\":", "\": "}, {",\"", ", \""}}), 500);
  }

  const std::vector<std::string>& algorithms_;
  const std::string& model_type_;
  std::string algorithm_;  // empty if it is unknown
  bool is_good_ = true;
  bool nests_ = false;  // whether fields must move under the name of the algorithm
  std::vector<std::string> of_scheme_, moved_, unknown_, clauses_;
  ordered_json nested_ = ordered_json::object();  // what the algorithm can have
};

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
  const std::string algorithm = AlgorithmOf(value);
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

absl::StatusOr<v1::AlgoConfig> ReadAlgoConfig(const std::string& value, const std::vector<std::string>& algorithms,
                                              const std::string& model_type) {
  const auto text = TextOf(value);
  if (!text.ok()) return text.status();
  const auto tree = ParseStrictJson(*text);
  absl::Status status = tree.status();
  if (tree.ok() && tree->root.is_object()) status = FieldAdvice(algorithms, model_type).Check(tree->root);
  v1::AlgoConfig config;
  if (status.ok()) {
    status = ReadProtoJson(tree->root, config);
    if (!status.ok()) status = absl::InvalidArgumentError(absl::StrCat("expected ", kExample, ": ", status.message()));
  }
  if (status.ok()) return config;
  return absl::InvalidArgumentError(Printable(absl::StrReplaceAll(status.message(), {{"\n", "; "}}), 1500));
}

std::string ReplacementNote(const v1::AlgoConfig& config, const std::string& model_type) {
  const google::protobuf::Message& fields = *AlgorithmFields(config);
  const auto* reflection = fields.GetReflection();
  std::vector<std::string> left_out;  // modules of the model, which Quark has no defaults for
  for (int i = 0; i < fields.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = fields.GetDescriptor()->field(i);
    const bool names_modules = field->name() == "scaling_layers" || field->name() == "inside_layer_modules" ||
                               field->name() == "model_decoder_layers";
    const bool is_set =
        field->is_repeated() ? reflection->FieldSize(fields, field) > 0 : reflection->HasField(fields, field);
    if (names_modules && !is_set) left_out.push_back(field->name());
  }
  if (left_out.empty()) return "";
  const std::string algorithm(AlgorithmName(config));
  return absl::StrCat("--algo-config: replaces the template's whole configuration of ", algorithm, " and leaves out ",
                      And(left_out), "; copy them from `qconfigctl describe template ",
                      ShellText({Printable(model_type, 100)}), " -o json`");
}

}  // namespace qconfig::client
