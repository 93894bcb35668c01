// SPDX-License-Identifier: Apache-2.0
#include "core/fused_overrides.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/message_text.h"

namespace qconfig {
namespace {

constexpr absl::string_view kPartlyExcluded =
    " are not all excluded, but serving runtimes run them as one matrix and reject a model in which only a part of it "
    "is quantized";

// What precedes `part` in a pattern such as "*q_proj" or "model.layers.0.self_attn.q_proj". Nullopt for other patterns.
std::optional<absl::string_view> PrefixOf(absl::string_view pattern, absl::string_view part) {
  if (!absl::EndsWith(pattern, part)) return std::nullopt;
  const absl::string_view prefix = pattern.substr(0, pattern.size() - part.size());
  if (!prefix.empty() && prefix.back() != '.' && prefix.back() != '*') return std::nullopt;
  return prefix;
}

bool HasNumber(absl::string_view pattern) {
  return absl::c_any_of(pattern, [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

// Whether a rule that may apply to some modules of `group` may also apply to all that `pattern` matches. Rules for
// single layers, for modules below a part, and for other places in the model cannot.
bool MayBeGeneral(absl::string_view rule, const FusedGroup& group, absl::string_view pattern) {
  static const auto* const kElsewhere = new std::vector<absl::string_view>{
      "vision", "visual", "audio", "embed", "router", "projector", "head", "mtp", "gate.", "gate*", "proj."};
  static const auto* const kOutsideAttention =
      new std::vector<absl::string_view>{"mlp", "ffn", "feed_forward", "expert", "moe"};
  static const auto* const kOutsideMlp = new std::vector<absl::string_view>{"attn", "attention"};
  const auto has = [rule](absl::string_view word) { return absl::StrContains(rule, word); };
  if (HasNumber(rule) && !HasNumber(pattern)) return false;
  if (absl::c_any_of(*kElsewhere, has)) return false;
  if (absl::StrContains(group.fused, "qkv") && absl::c_any_of(*kOutsideAttention, has)) return false;
  if (absl::StrContains(group.fused, "gate_up") && absl::c_any_of(*kOutsideMlp, has)) return false;
  const absl::string_view above = absl::StripSuffix(rule, ".*");
  return above == rule ||
         absl::c_none_of(group.parts, [above](const std::string& part) { return PrefixOf(above, part).has_value(); });
}

std::string JoinQuoted(const std::vector<std::string>& patterns) {
  return absl::StrJoin(patterns, " and ", [](std::string* out, const std::string& p) { out->append(Quoted(p)); });
}

// The options of qconfigctl that do the same for `patterns`.
std::string Options(absl::string_view option, const std::vector<std::string>& patterns, absl::string_view suffix) {
  return absl::StrJoin(patterns, " ", [&](std::string* out, const std::string& pattern) {
    out->append(Option(option, absl::StrCat(pattern, suffix)));
  });
}

}  // namespace

FusedOverrides::FusedOverrides(const v1::ConfigSpec& spec, const v1::QConfig& config)
    : spec_(spec), config_(config), groups_(FusedGroupsOf(spec.model_type())) {}

void FusedOverrides::CheckOverride(const v1::LayerConfigEntry& entry, const std::string& field, WarningList& warnings) {
  const Finding found = Check(entry.pattern());
  if (found.difference == Difference::kExclusion) {
    warnings.Add(v1::WARNING_CODE_FUSED_MODULES_PARTLY_EXCLUDED, field, entry.pattern(),
                 absl::StrCat("and ", JoinQuoted(found.parts), kPartlyExcluded, ". Exclude all of them or none"));
  } else if (found.difference == Difference::kConfig) {
    const std::string options = Options("--layer", found.parts, absl::StrCat("=", entry.scheme()));
    warnings.Add(v1::WARNING_CODE_FUSED_MODULES_DIFFER, field, entry.pattern(),
                 absl::StrCat("and ", JoinQuoted(found.parts),
                              " have different configurations, but serving runtimes run them as one matrix, which has "
                              "one configuration. Use the same scheme for all of them (qconfigctl: ",
                              options, ")"));
  }
}

void FusedOverrides::CheckExclusion(const std::string& pattern, const std::string& field, WarningList& warnings) {
  const Finding found = Check(pattern);
  if (found.difference != Difference::kExclusion) return;
  warnings.Add(v1::WARNING_CODE_FUSED_MODULES_PARTLY_EXCLUDED, field, pattern,
               absl::StrCat("and ", JoinQuoted(found.parts), kPartlyExcluded,
                            ". Exclude all of them (qconfigctl: ", Options("--exclude", found.parts, ""), ") or none"));
}

void FusedOverrides::Prepare() {
  prepared_ = true;
  for (const std::string& text : config_.exclude()) rules_.push_back({text, Pattern(text), kNotQuantized});
  absl::flat_hash_map<absl::string_view, ConfigNumber> by_scheme;
  std::vector<Rule> with_wildcards;
  for (int i = 0; i < config_.layer_quant_config_size(); ++i) {
    const v1::LayerQuantConfigEntry& entry = config_.layer_quant_config(i);
    ConfigNumber number = kNotQuantized;
    if (entry.origin() == v1::ENTRY_ORIGIN_REQUEST) {
      const auto [known, is_new] = by_scheme.try_emplace(spec_.layer_config(i).scheme());
      if (is_new) known->second = NumberOf(entry.config());
      number = known->second;
    } else {
      number = NumberOf(entry.config());
    }
    const bool has_wildcard = Pattern::HasWildcard(entry.pattern());
    if (!has_wildcard) overrides_[entry.pattern()] = number;
    (has_wildcard ? with_wildcards : rules_).push_back({entry.pattern(), Pattern(entry.pattern()), number});
  }
  std::move(with_wildcards.begin(), with_wildcards.end(), std::back_inserter(rules_));
  const auto& types = config_.layer_type_quant_config();
  const auto linear = absl::c_find_if(types, [](const auto& entry) { return entry.layer_type() == "Linear"; });
  fallback_ = NumberOf(linear == types.end() ? config_.global_quant_config() : linear->config());
}

FusedOverrides::ConfigNumber FusedOverrides::NumberOf(const v1::QLayerConfig& config) {
  if (config.weight().empty() && config.input_tensors().empty()) return kNotQuantized;
  v1::QLayerConfig compared = config;
  compared.clear_output_tensors();
  const auto next = static_cast<ConfigNumber>(numbers_.size() + 1);
  return numbers_.try_emplace(compared.SerializeAsString(), next).first->second;
}

FusedOverrides::Finding FusedOverrides::Check(const std::string& pattern) {
  for (const FusedGroup& group : groups_) {
    for (const std::string& part : group.parts) {
      const std::optional<absl::string_view> prefix = PrefixOf(pattern, part);
      if (!prefix.has_value() || reported_.count({std::string(*prefix), &group}) > 0) continue;
      Finding finding;
      for (const std::string& other_part : group.parts) {
        if (other_part == part) continue;
        const std::string other = absl::StrCat(*prefix, other_part);
        const Difference difference = Compare(group, pattern, other);
        if (finding.difference == Difference::kNone) finding.difference = difference;
        if (difference != Difference::kNone && difference == finding.difference) finding.parts.push_back(other);
      }
      if (finding.difference == Difference::kNone) continue;
      reported_.emplace(*prefix, &group);
      return finding;
    }
  }
  return {};
}

FusedOverrides::Difference FusedOverrides::Compare(const FusedGroup& group, const std::string& pattern,
                                                   const std::string& other) {
  if (steps_ >= kMaxSteps) return Difference::kNone;
  if (!prepared_) Prepare();
  if (HaveEqualOverrides(pattern, other)) return Difference::kNone;
  steps_ += pattern.size() + other.size();  // to compile them
  Part part(pattern), other_part(other);
  for (const Rule& rule : rules_) {
    if (part.decided && other_part.decided) break;
    if (steps_ >= kMaxSteps || !Apply(rule, group, pattern, part, other_part)) return Difference::kNone;
  }
  if (!part.decided) part.configs.insert(fallback_);
  if (!other_part.decided) other_part.configs.insert(fallback_);
  for (const ConfigNumber number : part.configs) {
    if (other_part.configs.count(number) > 0) return Difference::kNone;
  }
  const std::set<ConfigNumber> excluded = {kNotQuantized};
  return part.configs == excluded || other_part.configs == excluded ? Difference::kExclusion : Difference::kConfig;
}

// Whether there are overrides for both names, with the same configuration. Saves comparing all rules in requests with
// an override for each module.
bool FusedOverrides::HaveEqualOverrides(const std::string& pattern, const std::string& other) const {
  const auto of_pattern = overrides_.find(pattern);
  const auto of_other = overrides_.find(other);
  return of_pattern != overrides_.end() && of_other != overrides_.end() && of_pattern->second == of_other->second;
}

bool FusedOverrides::Apply(const Rule& rule, const FusedGroup& group, absl::string_view pattern, Part& part,
                           Part& other) {
  ++steps_;
  bool may_apply[2] = {}, applies[2] = {};
  for (const int i : {0, 1}) {
    const Part& one = i == 0 ? part : other;
    if (one.decided) continue;
    may_apply[i] = rule.pattern.MayOverlap(one.pattern, steps_);
    applies[i] = may_apply[i] && rule.pattern.Covers(one.pattern, steps_);
  }
  // A rule that applies to some modules of both parts treats them alike. So only the other modules matter, if there are
  // any.
  if (may_apply[0] && may_apply[1] && !applies[0] && !applies[1]) return !MayBeGeneral(rule.text, group, pattern);
  for (const int i : {0, 1}) {
    Part& one = i == 0 ? part : other;
    if (may_apply[i]) one.configs.insert(rule.config);
    one.decided |= applies[i];
  }
  return true;
}

}  // namespace qconfig
