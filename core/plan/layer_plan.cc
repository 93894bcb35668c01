// SPDX-License-Identifier: Apache-2.0
#include "core/plan/layer_plan.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/pattern.h"
#include "core/plan/pattern_index.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

// One way in which the configuration of a module can be decided.
struct Rule {
  v1::LayerRule message;
  const v1::QLayerConfig* config = nullptr;  // null: not quantized
};

// How Quark treats modules of one type.
struct TypeRules {
  bool is_quantizable;
  uint32_t otherwise;  // the rule if no pattern matches
};

// The patterns of a configuration in one sequence: exclusions, overrides, KV cache. The sequence repeats a pattern of
// the request or the template that the configuration has in two forms.
struct Sequence {
  std::vector<absl::string_view> patterns;
  std::vector<uint32_t> rules;  // by pattern, ascending
  std::vector<bool> is_exact;   // by pattern: whether it has no wildcard
  size_t overrides = 0;         // where they begin in `patterns`
  size_t kv_cache = 0;          // where they begin in `patterns`
};

std::string TemplateField(absl::string_view list, const google::protobuf::RepeatedPtrField<std::string>& patterns,
                          const std::string& pattern) {
  const auto it = std::find(patterns.begin(), patterns.end(), pattern);
  return absl::StrCat("template.", list, "[", it - patterns.begin(), "]");
}

class LayerPlanner {
 public:
  LayerPlanner(const v1::QConfig& config, const v1::ConfigSpec& spec, const v1::LlmTemplate& llm_template,
               const ModuleList& modules, CancellationToken& token)
      : config_(config), spec_(spec), llm_template_(llm_template), modules_(modules), token_(token) {
    AddRule(v1::LAYER_RULE_KIND_NOT_QUANTIZABLE, "", "", nullptr);
    AddRule(v1::LAYER_RULE_KIND_GLOBAL, "", "", &config.global_quant_config());
    AddExclusions();
    AddOverrides();
    AddKvCache();
    for (const v1::LayerTypeQuantConfigEntry& entry : config.layer_type_quant_config()) {
      type_rules_[entry.layer_type()] =
          AddRule(v1::LAYER_RULE_KIND_LAYER_TYPE, entry.layer_type(),
                  absl::StrCat("spec.layer_type_config[", type_rules_.size(), "].layer_type"), &entry.config());
    }
  }

  absl::StatusOr<LayerPlan> Plan() && {
    constexpr size_t kStepsPerMatch = 10;
    const PatternIndex index(sequence_.patterns, SampleNames());
    uses_.resize(rules_.size());
    is_stripped_.resize(rules_.size());
    plan_.rule_of_module.reserve(modules_.size());
    std::vector<TypeRules> types;  // by form
    types.reserve(modules_.forms().size());
    for (const ModuleList::Form& form : modules_.forms()) types.push_back(RulesOfType(form.message->type()));
    std::vector<uint32_t> matches;
    for (size_t i = 0; i < modules_.size(); ++i) {
      const TypeRules& type = types[modules_.form_of(i)];
      if (!type.is_quantizable) {
        plan_.rule_of_module.push_back(kNotQuantizable);
        continue;
      }
      QCONFIG_RETURN_IF_ERROR(index.FindMatches(modules_.name(i), token_, matches));
      QCONFIG_RETURN_IF_ERROR(token_.Spend(matches.size() * kStepsPerMatch));
      plan_.rule_of_module.push_back(Decide(matches, type, i));
    }
    SetPatterns();
    SetRulesAndConfigs();
    return std::move(plan_);
  }

 private:
  std::vector<absl::string_view> SampleNames() const {
    constexpr size_t kNames = 256;
    std::vector<absl::string_view> names;
    names.reserve(kNames);
    for (size_t i = 0; i < modules_.size() && names.size() < kNames; i += 1 + modules_.size() / kNames) {
      names.push_back(modules_.name(i));
    }
    return names;
  }

  static constexpr uint32_t kNotQuantizable = 0;
  static constexpr uint32_t kGlobal = 1;

  uint32_t AddRule(v1::LayerRuleKind kind, const std::string& pattern, const std::string& field,
                   const v1::QLayerConfig* config) {
    Rule& rule = rules_.emplace_back();
    rule.message.set_kind(kind);
    rule.message.set_pattern(pattern);
    rule.message.set_field(field);
    rule.config = config;
    return static_cast<uint32_t>(rules_.size() - 1);
  }

  void AddPattern(absl::string_view pattern, uint32_t rule) {
    sequence_.patterns.push_back(pattern);
    sequence_.rules.push_back(rule);
    sequence_.is_exact.push_back(!Pattern::HasWildcard(pattern));
  }

  void AddExclusions() {
    const bool own = spec_.has_exclude_layers();
    const auto& patterns = own ? spec_.exclude_layers().patterns() : llm_template_.exclude_layers_name();
    const absl::string_view list = own ? "spec.exclude_layers.patterns" : "template.exclude_layers_name";
    int used = 0;  // of config_.exclude()
    for (int i = 0; i < patterns.size(); ++i) {
      const uint32_t rule =
          AddRule(v1::LAYER_RULE_KIND_EXCLUDED, patterns[i], absl::StrCat(list, "[", i, "]"), nullptr);
      // In some releases, the configuration has `<pattern>.*` before `<pattern>`.
      while (config_.exclude(used) != patterns[i]) AddPattern(config_.exclude(used++), rule);
      AddPattern(config_.exclude(used++), rule);
    }
    sequence_.overrides = sequence_.patterns.size();
  }

  void AddOverrides() {
    for (int i = 0; i < config_.layer_quant_config_size(); ++i) {
      const v1::LayerQuantConfigEntry& entry = config_.layer_quant_config(i);
      const std::string field = i < spec_.layer_config_size() ? absl::StrCat("spec.layer_config[", i, "].pattern")
                                : entry.origin() == v1::ENTRY_ORIGIN_KV_CACHE
                                    ? TemplateField("kv_layers_name", llm_template_.kv_layers_name(), entry.pattern())
                                    : TemplateField("q_layer_name", llm_template_.q_layer_name(), entry.pattern());
      AddPattern(entry.pattern(), AddRule(v1::LAYER_RULE_KIND_OVERRIDE, entry.pattern(), field, &entry.config()));
    }
    sequence_.kv_cache = sequence_.patterns.size();
  }

  void AddKvCache() {
    for (const v1::LayerQuantConfigEntry& entry : config_.kv_cache_quant_config()) {
      AddPattern(
          entry.pattern(),
          AddRule(v1::LAYER_RULE_KIND_KV_CACHE, entry.pattern(),
                  TemplateField("kv_layers_name", llm_template_.kv_layers_name(), entry.pattern()), &entry.config()));
    }
  }

  TypeRules RulesOfType(const std::string& type) const {
    const bool is_embedding = type == "Embedding" || type == "EmbeddingBag";
    if (!is_embedding && type != "Linear" && type != "Conv2d" && type != "ConvTranspose2d")
      return {false, kNotQuantizable};
    const auto it = type_rules_.find(type);
    if (it != type_rules_.end()) return {true, it->second};
    return {true, is_embedding ? kNotQuantizable : kGlobal};
  }

  // The rule that decides about a quantizable module. `matches` are the positions of the patterns that match its name.
  uint32_t Decide(const std::vector<uint32_t>& matches, const TypeRules& type, size_t module) {
    std::optional<uint32_t> exclusion, exact, override, kv_cache;  // rules
    uint32_t previous = kNotQuantizable;
    for (const uint32_t position : matches) {
      const uint32_t rule = sequence_.rules[position];
      if (rule != std::exchange(previous, rule)) CountMatch(rule, module);
      if (position < sequence_.overrides) {
        if (!exclusion.has_value()) exclusion = rule;
      } else if (position < sequence_.kv_cache) {
        if (!override.has_value()) override = rule;
        if (!exact.has_value() && sequence_.is_exact[position]) exact = rule;
      } else {
        kv_cache = rule;
        if (exclusion.has_value()) is_stripped_[rule] = true;
      }
    }
    const uint32_t winner = kv_cache.has_value()    ? *kv_cache
                            : exclusion.has_value() ? *exclusion
                            : exact.has_value()     ? *exact
                            : override.has_value()  ? *override
                                                    : type.otherwise;
    uses_[winner].set_won(uses_[winner].won() + 1);
    return winner;
  }

  void CountMatch(uint32_t rule, size_t module) {
    constexpr int kMaxExamples = 3;
    constexpr size_t kMaxExampleBytes = 4u << 20;  // of all patterns
    v1::PatternUse& use = uses_[rule];
    use.set_matched(use.matched() + 1);
    if (use.examples_size() >= kMaxExamples || example_bytes_ >= kMaxExampleBytes) return;
    use.add_examples(std::string(modules_.name(module)));
    example_bytes_ += modules_.name(module).size();
  }

  void SetPatterns() {
    std::optional<uint32_t> previous;
    for (size_t i = 0; i < sequence_.rules.size(); ++i) {
      const uint32_t rule = sequence_.rules[i];
      if (previous == rule) continue;
      previous = rule;
      // The entry of the KV cache among the overrides never wins, because the same pattern follows as a KV cache rule.
      const bool is_copy = i >= sequence_.overrides + static_cast<size_t>(spec_.layer_config_size()) &&
                           i < sequence_.kv_cache &&
                           absl::StartsWith(rules_[rule].message.field(), "template.kv_layers_name");
      if (is_copy) continue;
      uses_[rule].set_field(rules_[rule].message.field());
      uses_[rule].set_pattern(rules_[rule].message.pattern());
      plan_.patterns.push_back(std::move(uses_[rule]));
    }
  }

  // Gives the rules and configurations that modules use their final numbers.
  void SetRulesAndConfigs() {
    constexpr uint32_t kUnused = static_cast<uint32_t>(-1);
    std::vector<uint32_t> number_of_rule(rules_.size(), kUnused);
    std::vector<uint32_t> config_of_rule(rules_.size(), 0);
    absl::flat_hash_map<std::string, uint32_t> numbers;  // by serialized configuration
    plan_.config_of_module.reserve(modules_.size());
    for (uint32_t& rule : plan_.rule_of_module) {
      if (number_of_rule[rule] == kUnused) {
        number_of_rule[rule] = static_cast<uint32_t>(plan_.rules.size());
        config_of_rule[rule] = NumberOfConfig(rule, numbers);
        plan_.rules.push_back(std::move(rules_[rule].message));
      }
      plan_.config_of_module.push_back(config_of_rule[rule]);
      rule = number_of_rule[rule];
    }
  }

  uint32_t NumberOfConfig(uint32_t rule, absl::flat_hash_map<std::string, uint32_t>& numbers) {
    if (rules_[rule].config == nullptr) return 0;
    v1::QLayerConfig config = *rules_[rule].config;
    if (is_stripped_[rule]) {
      plan_.stripped.push_back(rules_[rule].message.pattern());
      config.clear_weight();
      config.clear_input_tensors();
    }
    const auto [it, is_new] =
        numbers.try_emplace(config.SerializeAsString(), static_cast<uint32_t>(plan_.configs.size() + 1));
    if (is_new) plan_.configs.push_back(std::move(config));
    return it->second;
  }

  const v1::QConfig& config_;
  const v1::ConfigSpec& spec_;
  const v1::LlmTemplate& llm_template_;
  const ModuleList& modules_;
  CancellationToken& token_;
  std::vector<Rule> rules_;
  Sequence sequence_;
  absl::flat_hash_map<std::string, uint32_t> type_rules_;
  std::vector<v1::PatternUse> uses_;  // by rule
  size_t example_bytes_ = 0;          // in `uses_`
  std::vector<bool> is_stripped_;     // by rule
  LayerPlan plan_;                    // until SetRulesAndConfigs(), `rule_of_module` has indexes of `rules_`
};

}  // namespace

absl::StatusOr<LayerPlan> ComputeLayerPlan(const v1::QConfig& config, const v1::ConfigSpec& spec,
                                           const v1::LlmTemplate& llm_template, const ModuleList& modules,
                                           CancellationToken& token) {
  return LayerPlanner(config, spec, llm_template, modules, token).Plan();
}

}  // namespace qconfig
