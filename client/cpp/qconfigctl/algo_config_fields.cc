// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/algo_config_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/algorithms.h"
#include "core/nearest_names.h"
#include "core/suggestion.h"
#include "core/utf8.h"
#include "qconfigctl/familiar_words.h"
#include "qconfigctl/next_command.h"
#include "qconfigctl/tree_checks.h"
#include "server/base/files/file_tree.h"

namespace qconfig::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::ordered_json;

// Fields that name modules of a model. Quark has no defaults for them.
constexpr const char* kModuleFields[] = {"scaling_layers", "inside_layer_modules", "model_decoder_layers"};

std::string DescribeCommand(const std::string& model_type) {
  return absl::StrCat("`qconfigctl describe template ", ShellText({Printable(model_type, 100)}), " -o json`");
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

// JSON with a space after each colon and comma. Only for short values, because it recurses.
std::string Spaced(const ordered_json& json) {
  if (!json.is_structured()) return JsonText(json);
  std::vector<std::string> items;
  for (const auto& [key, value] : json.items()) {
    items.push_back(absl::StrCat(json.is_object() ? JsonText(key) + ": " : "", Spaced(value)));
  }
  const std::string text = absl::StrJoin(items, ", ");
  return json.is_object() ? absl::StrCat("{", text, "}") : absl::StrCat("[", text, "]");
}

std::string And(const std::vector<std::string>& items) {
  std::vector<std::string> first(items.begin(), items.empty() ? items.end() : items.end() - 1);
  return items.size() < 2 ? absl::StrJoin(items, "") : absl::StrCat(absl::StrJoin(first, ", "), " and ", items.back());
}

// Says where the unknown fields of a configuration belong. Used once.
class FieldAdvice {
 public:
  explicit FieldAdvice(const v1::ConfigSpec& spec)
      : algorithms_(spec.algorithm().begin(), spec.algorithm().end()),
        model_type_(spec.model_type()),
        scheme_(spec.scheme()) {}

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
  // The algorithm that the configuration is about: the one that it names, or one that has its fields, or the first
  // requested one.
  void ChooseAlgorithm(const ordered_json& root, std::vector<std::string> names) {
    const ordered_json& name = Member(root, "name");
    if (name.is_string()) names.push_back(name.get<std::string>());
    names.push_back(AlgorithmWithFields(root));
    names.insert(names.end(), algorithms_.begin(), algorithms_.end());
    for (const std::string& one : names) {
      if (algorithm_.empty()) algorithm_ = KnownAlgorithm(one);
    }
  }

  bool IsRequested(absl::string_view name) const {
    return std::any_of(algorithms_.begin(), algorithms_.end(),
                       [name](const std::string& one) { return KnownAlgorithm(one) == name; });
  }

  // Of the algorithms that have any of the fields: a requested one, with most of the fields, and with the fewest
  // others, in this order. Empty if there is none.
  std::string AlgorithmWithFields(const ordered_json& root) const {
    absl::string_view best;
    std::tuple<bool, int, int> best_rank;
    for (const absl::string_view name : AlgorithmNames()) {
      const Descriptor& type = FieldsOf(std::string(name));
      int found = 0;
      for (const auto& [key, value] : root.items()) found += HasField(type, Renamed(key)) ? 1 : 0;
      if (found == 0) continue;
      const std::tuple<bool, int, int> rank = {IsRequested(name), found, -type.field_count()};
      if (best.empty() || rank > best_rank) std::tie(best, best_rank) = std::tie(name, rank);
    }
    return std::string(best);
  }

  // The present name of a field of another tool; empty for what the scheme decides, such as "bits".
  static std::string Renamed(const std::string& key) {
    const FamiliarWord* const familiar = FindFamiliarField(key);
    if (familiar == nullptr || familiar->means.empty()) return key;
    return familiar->means == "scheme" ? "" : familiar->means;
  }

  // Takes the member `name` of Quark's to_dict(). Here, the key above the fields names the algorithm instead.
  void TakeName(const ordered_json& name, bool is_needed) {
    nests_ = nests_ || !algorithm_.empty();
    if (!is_needed) {
      clauses_.push_back(absl::StrCat("leave out name, because ", algorithm_, " already names the algorithm"));
    } else if (!name.is_string() || KnownAlgorithm(name.get_ref<const std::string&>()).empty()) {
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
      scheme_has_all_ = scheme_has_all_ && SchemeHas(key, value);
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

  // Whether the scheme is int4_wo_N or uint4_wo_N, where N is the size of the groups, and has this value.
  bool SchemeHas(const std::string& key, const ordered_json& value) const {
    absl::string_view group_size = scheme_;
    const bool has_zero_point = absl::ConsumePrefix(&group_size, "u");
    int size = 0;
    if (!absl::ConsumePrefix(&group_size, "int4_wo_") || !absl::SimpleAtoi(group_size, &size)) return false;
    if (value.is_boolean()) {
      const bool is_zero_point = key == "zero_point";
      return (is_zero_point || absl::StartsWith(key, "sym")) && value.get<bool>() == (has_zero_point == is_zero_point);
    }
    if (!value.is_number_integer()) return false;
    if (absl::StrContains(key, "bit")) return JsonText(value) == "4";
    return absl::StrContains(key, "group") && JsonText(value) == group_size;
  }

  std::string SchemeText() const {
    const bool is_one = of_scheme_.size() == 1;
    const std::string text = absl::StrCat(And(of_scheme_), is_one ? " belongs" : " belong", " to the scheme");
    if (scheme_has_all_) return absl::StrCat(text, ", and ", Printable(scheme_, 100), " has ", is_one ? "it" : "them");
    return absl::StrCat(text,
                        ": choose one, such as int4_wo_128 or uint4_wo_128 (`qconfigctl list schemes` shows all)");
  }

  std::string Text() const {
    std::vector<std::string> parts;
    if (!of_scheme_.empty()) parts.push_back(SchemeText());
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
    parts.push_back(WhatToWrite());
    return absl::StrReplaceAll(absl::StrJoin(parts, "; "), {{"?; ", "? "}});
  }

  // The template's own configuration comes first, because another one replaces all of it.
  std::string WhatToWrite() const {
    const std::string request =
        algorithm_.empty() || IsRequested(algorithm_) ? "" : " and add --algorithm " + algorithm_;
    const std::string text =
        absl::StrCat("leave out --algo-config", request, " to use the template's own configuration (",
                     DescribeCommand(model_type_), " shows it)");
    if (nested_.empty() && !nests_) return text;
    const Descriptor& type = FieldsOf(algorithm_);
    const bool is_complete = std::all_of(std::begin(kModuleFields), std::end(kModuleFields), [&](const char* field) {
      return !HasField(type, field) || nested_.contains(field);
    });
    if (is_complete) return absl::StrCat(text, ", or write ", Shown({{algorithm_, Shortened()}}));
    const ordered_json shortened = Shortened();
    std::vector<std::string> edits;
    for (const auto& [key, value] : shortened.items()) edits.push_back(absl::StrCat(key, " to ", Shown(value)));
    return absl::StrCat(text, ", or save its {\"", algorithm_, "\": {...}} as FILE, ",
                        edits.empty() ? "edit it" : absl::StrCat("set ", And(edits)),
                        ", and write --algo-config @FILE");
  }

  // The fields that the algorithm can have, without long values.
  ordered_json Shortened() const {
    ordered_json shown = nested_;
    for (const auto& [key, value] : shown.items()) {
      if (JsonText(value).size() <= 80) continue;
      const FieldDescriptor* const field = FieldOf(FieldsOf(algorithm_), key);
      value = field->is_repeated() ? ordered_json::array({"..."}) : ordered_json("...");
    }
    return shown;
  }

  static std::string Shown(const ordered_json& json) { return Printable(Spaced(json), 500); }

  const std::vector<std::string> algorithms_;
  const std::string& model_type_;
  const std::string& scheme_;
  std::string algorithm_;  // empty if it is unknown
  bool is_good_ = true;
  bool nests_ = false;          // whether fields must move under the name of the algorithm
  bool scheme_has_all_ = true;  // of `of_scheme_`
  std::vector<std::string> of_scheme_, moved_, unknown_, clauses_;
  ordered_json nested_ = ordered_json::object();  // what the algorithm can have
};

}  // namespace

std::string KnownAlgorithm(const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(name);
  const auto& known = AlgorithmNames();
  return std::find(known.begin(), known.end(), lower) == known.end() ? "" : lower;
}

absl::Status CheckAlgoConfigFields(const ordered_json& root, const v1::ConfigSpec& spec) {
  return FieldAdvice(spec).Check(root);
}

std::string ReplacementNote(const v1::AlgoConfig& config, const std::string& model_type) {
  const google::protobuf::Message& fields = *AlgorithmFields(config);
  const auto* reflection = fields.GetReflection();
  std::vector<std::string> left_out;
  for (const char* name : kModuleFields) {
    const FieldDescriptor* const field = fields.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr) continue;
    const bool is_set =
        field->is_repeated() ? reflection->FieldSize(fields, field) > 0 : reflection->HasField(fields, field);
    if (!is_set) left_out.push_back(field->name());
  }
  if (left_out.empty()) return "";
  const std::string algorithm(AlgorithmName(config));
  return absl::StrCat("--algo-config: replaces the template's whole configuration of ", algorithm, " and leaves out ",
                      And(left_out), "; copy them from ", DescribeCommand(model_type),
                      ", or leave out --algo-config to use the template's configuration");
}

}  // namespace qconfig::client
