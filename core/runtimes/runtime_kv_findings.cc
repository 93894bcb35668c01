// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/findings/finding_text.h"
#include "core/findings/module_kinds.h"
#include "core/message_text.h"
#include "core/pattern.h"
#include "core/plan/pattern_index.h"
#include "core/runtimes/finding_groups.h"
#include "core/runtimes/runtime_findings.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using Entry = v1::LayerQuantConfigEntry;

class KvCacheFinder {
 public:
  KvCacheFinder(const PlanContext& context, const Runtime& runtime, CancellationToken& token, FindingList& findings)
      : context_(context), runtime_(runtime), token_(token), findings_(findings), kinds_(context.kinds) {
    for (const Entry& entry : context.config.layer_quant_config()) {
      entries_[entry.pattern()] = &entry;
      if (entry.origin() == v1::ENTRY_ORIGIN_ATTENTION) attention_patterns_.insert(entry.pattern());
    }
  }

  absl::Status Find() {
    const bool has_kv_cache = !context_.config.kv_cache_quant_config().empty();
    if (!has_kv_cache && attention_patterns_.empty()) return absl::OkStatus();
    if (has_kv_cache && runtime_.kv_cache.has_value()) QCONFIG_RETURN_IF_ERROR(CheckEntries());
    QCONFIG_RETURN_IF_ERROR(GroupModules());
    if (runtime_.kv_cache.has_value()) {
      for (auto& group : without_scale_.groups()) ReportScales(group);
      if (kv_cache_.module_count() > 0) ReportOption();
    }
    if (runtime_.attention.has_value()) {
      for (auto& group : attention_.groups()) CheckAttention(group, has_kv_cache);
    }
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kStepsPerModule = 10;

  v1::Finding& Add(v1::FindingCode code, v1::FindingSeverity severity, const std::string& message,
                   const std::string& fix, const std::string& field) {
    v1::Finding& finding =
        *findings_.Add(code, severity, absl::StrCat(runtime_.title, " ", runtime_.version, message), fix);
    finding.set_runtime(runtime_.id());
    finding.set_field(field);
    return finding;
  }

  // Checks what the runtime reads of the configuration before it sees a module.
  absl::Status CheckEntries() {
    const auto& group = context_.config.kv_cache_group();
    const auto missing =
        std::find_if(group.begin(), group.end(), [this](const auto& pattern) { return !entries_.contains(pattern); });
    std::vector<const Entry*> read;
    if (missing == group.end()) {
      for (const std::string& pattern : group) read.push_back(entries_[pattern]);
    }
    if (runtime_.kv_cache->group == KvCacheRules::Group::kAnyEntry) {
      QCONFIG_ASSIGN_OR_RETURN(const std::vector<const Entry*> matching, EntriesThatMatchGroup());
      read.insert(read.end(), matching.begin(), matching.end());
    }
    if (read.empty()) return ReportMissing(*missing);
    // Checks the first entry itself, too.
    const auto odd =
        std::find_if(read.begin(), read.end(), [&](const Entry* entry) { return !IsReadable(*entry, *read.front()); });
    if (odd != read.end()) ReportDifference(**odd);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<const Entry*>> EntriesThatMatchGroup() {
    const std::vector<absl::string_view> group(context_.config.kv_cache_group().begin(),
                                               context_.config.kv_cache_group().end());
    const PatternIndex index(group, {});
    std::vector<const Entry*> matching;
    std::vector<uint32_t> matches;
    for (const Entry& entry : context_.config.layer_quant_config()) {
      QCONFIG_RETURN_IF_ERROR(index.FindMatches(entry.pattern(), token_, matches));
      if (!matches.empty()) matching.push_back(&entry);
    }
    return matching;
  }

  // Whether the output is fp8 per tensor and `entry` equals `first` as far as the runtime demands.
  bool IsReadable(const Entry& entry, const Entry& first) const {
    const auto& outputs = entry.config().output_tensors();
    if (outputs.size() != 1 || outputs[0].dtype() != v1::DTYPE_FP8_E4M3 ||
        outputs[0].qscheme() != v1::Q_SCHEME_TYPE_PER_TENSOR) {
      return false;
    }
    const v1::QTensorConfig& first_output = first.config().output_tensors(0);
    return runtime_.kv_cache->equal == KvCacheRules::Equal::kConfig
               ? entry.config().SerializeAsString() == first.config().SerializeAsString()
               : outputs[0].SerializeAsString() == first_output.SerializeAsString();
  }

  // The template's K/V pattern has no entry, because an exclusion matches the pattern itself as a name.
  absl::Status ReportMissing(const std::string& pattern) {
    const bool expanded = context_.snapshot.catalog().traits().exclude_patterns_expanded;
    std::vector<std::string> matching;
    const auto& exclusions = context_.spec.has_exclude_layers() ? context_.spec.exclude_layers().patterns()
                                                                : context_.llm_template.exclude_layers_name();
    for (const std::string& candidate : exclusions) {
      QCONFIG_RETURN_IF_ERROR(token_.Spend(2 * candidate.size() * pattern.size()));
      if (Pattern(candidate).Matches(pattern) || (expanded && Pattern(candidate + ".*").Matches(pattern))) {
        matching.push_back(candidate);
      }
    }
    const std::string fix =
        matching.size() == 1 ? ExcludeOptions(context_, {}, matching.front()) : "--kv-cache-scheme ''";
    Add(v1::FINDING_CODE_RUNTIME_REJECTS_KV_CACHE, v1::FINDING_SEVERITY_ERROR,
        absl::StrCat(" rejects the configuration: kv_cache_group names ", Quoted(pattern),
                     ", which is excluded and so has no entry in layer_quant_config"),
        fix, "spec.kv_cache_scheme");
    return absl::OkStatus();
  }

  void ReportDifference(const Entry& odd) {
    const auto& overrides = context_.spec.layer_config();
    const auto it = std::find_if(overrides.begin(), overrides.end(),
                                 [&odd](const auto& entry) { return entry.pattern() == odd.pattern(); });
    const std::string& scheme = it == overrides.end() ? context_.spec.scheme() : it->scheme();
    const auto& group = context_.config.kv_cache_group();
    std::vector<std::string> options;
    for (const std::string& pattern : group) options.push_back(LayerOption(pattern, scheme));
    // Another pattern is that of an override. It has no output, so changing the K/V patterns does not help.
    const bool is_in_group = std::find(group.begin(), group.end(), odd.pattern()) != group.end();
    Add(v1::FINDING_CODE_RUNTIME_REJECTS_KV_CACHE, v1::FINDING_SEVERITY_ERROR,
        absl::StrCat(" rejects the configuration: it needs the same ",
                     runtime_.kv_cache->equal == KvCacheRules::Equal::kConfig ? "configuration" : "fp8 output",
                     " for all K and V projections, but ", Quoted(odd.pattern()), " has ",
                     DescribeConfig(odd.config())),
        is_in_group ? absl::StrJoin(options, " ") : absl::StrCat("Remove ", LayerOption(odd.pattern(), scheme)),
        "spec.kv_cache_scheme");
  }

  absl::Status GroupModules() {
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerModule));
      if (context_.plan.config_of_module[i] == 0) continue;
      const v1::LayerRule& rule = context_.plan.rule(i);
      if (rule.kind() == v1::LAYER_RULE_KIND_KV_CACHE) {
        AddModule(context_.modules.name(i), kv_cache_);
        if (!HasLoadableScale(i)) without_scale_.Add(rule.pattern(), i, context_.modules.name(i));
      } else if (rule.kind() == v1::LAYER_RULE_KIND_OVERRIDE && attention_patterns_.contains(rule.pattern())) {
        attention_.Add(rule.pattern(), i, context_.modules.name(i));
      }
    }
    return absl::OkStatus();
  }

  bool HasLoadableScale(size_t i) const {
    if (!runtime_.kv_cache.has_value() || runtime_.kv_cache->scale_modules.empty()) return true;
    const std::vector<std::string>& names = runtime_.kv_cache->scale_modules;
    return std::find(names.begin(), names.end(), kinds_.Of(i).last) != names.end();
  }

  void ReportScales(FindingGroups<absl::string_view>::Group& group) {
    v1::Finding& finding =
        Add(v1::FINDING_CODE_RUNTIME_REJECTS_KV_CACHE, v1::FINDING_SEVERITY_WARNING,
            absl::StrCat(" probably fails to load the KV cache scales of these modules: it reads only those of ",
                         absl::StrJoin(runtime_.kv_cache->scale_modules, ", ")),
            "--kv-cache-scheme ''", "spec.kv_cache_scheme");
    MoveModules(group.modules, finding);
  }

  void ReportOption() {
    v1::Finding& finding =
        Add(v1::FINDING_CODE_RUNTIME_NEEDS_OPTION, v1::FINDING_SEVERITY_INFO,
            absl::StrCat(" does not turn the quantized KV cache on by itself: serve with ", runtime_.kv_cache->option),
            runtime_.kv_cache->option, "spec.kv_cache_scheme");
    MoveModules(kv_cache_, finding);
  }

  void CheckAttention(FindingGroups<absl::string_view>::Group& group, bool has_kv_cache) {
    const auto has = [this](const std::vector<std::string>& model_types) {
      return std::find(model_types.begin(), model_types.end(), context_.llm_template.model_type()) != model_types.end();
    };
    const AttentionRules& rules = *runtime_.attention;
    const bool has_accepted_pattern = group.key == rules.accepted_pattern;
    if (has_kv_cache && has_accepted_pattern) return;
    // The runtime looks for the fused module only, so it never sees the entry.
    if (runtime_.fused_lookup.has_value() && has(runtime_.fused_lookup->model_types)) return;
    const bool is_certain = has_kv_cache ? has(rules.tried_on)
                                         : runtime_.fused_groups.has_value() &&
                                               runtime_.fused_groups->Has(context_.llm_template.model_type());
    v1::Finding& finding =
        Add(v1::FINDING_CODE_RUNTIME_REJECTS_ATTENTION,
            is_certain ? v1::FINDING_SEVERITY_ERROR : v1::FINDING_SEVERITY_WARNING,
            absl::StrCat(is_certain ? " rejects" : " probably rejects",
                         " quantized attention: the outputs of the Q projections ", Quoted(group.key),
                         " make them different from K and V, and it drops such outputs only for ",
                         Quoted(rules.accepted_pattern), " together with a quantized KV cache"),
            has_accepted_pattern ? "--kv-cache-scheme fp8" : "--attention-scheme ''", "spec.attention_scheme");
    MoveModules(group.modules, finding);
  }

  const PlanContext& context_;
  const Runtime& runtime_;
  CancellationToken& token_;
  FindingList& findings_;
  const ModuleKinds& kinds_;
  absl::flat_hash_map<absl::string_view, const Entry*> entries_;  // of `layer_quant_config`, by pattern
  absl::flat_hash_set<absl::string_view> attention_patterns_;
  v1::Finding kv_cache_;                            // modules that a KV cache pattern decides about
  FindingGroups<absl::string_view> without_scale_;  // by pattern
  FindingGroups<absl::string_view> attention_;      // by pattern
};

}  // namespace

absl::Status FindRuntimeKvFindings(const PlanContext& context, const Runtime& runtime, CancellationToken& token,
                                   FindingList& findings) {
  return KvCacheFinder(context, runtime, token, findings).Find();
}

}  // namespace qconfig
