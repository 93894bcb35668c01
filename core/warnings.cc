// SPDX-License-Identifier: Apache-2.0
#include "core/warnings.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/algorithm_rules.h"
#include "core/excluded_overrides.h"
#include "core/fused_overrides.h"
#include "core/message_text.h"
#include "core/pattern.h"
#include "core/pattern_warnings.h"
#include "core/projection.h"
#include "core/utf8.h"
#include "core/warning_list.h"

namespace qconfig {
namespace {

// Finding overrides that never win compares each pattern with all earlier ones. This limit bounds the search to a few
// milliseconds. It counts steps, not time, so that equal requests get equal warnings.
constexpr size_t kMaxCoverSteps = 1'000'000;

constexpr size_t kMaxPrintedChars = 128;

class WarningFinder {
 public:
  WarningFinder(const Snapshot& snapshot, const v1::ConfigSpec& spec, const v1::QConfig& config)
      : snapshot_(snapshot),
        spec_(spec),
        config_(config),
        llm_template_(**snapshot.FindTemplate(spec.model_type(), "")),
        fused_(spec, config) {
    for (const v1::LayerQuantConfigEntry& entry : config.layer_quant_config()) {
      if (entry.origin() != v1::ENTRY_ORIGIN_REQUEST) projections_.push_back(entry.pattern());
    }
  }

  google::protobuf::RepeatedPtrField<v1::Warning> Find() {
    CheckScheme(spec_.scheme(), "spec.scheme");
    CheckAlgorithms();
    if (!spec_.kv_cache_scheme().empty() && llm_template_.kv_layers_name().empty()) {
      warnings_.Add(v1::WARNING_CODE_KV_CACHE_WITHOUT_LAYERS, "spec.kv_cache_scheme", spec_.kv_cache_scheme(),
                    absl::StrCat("has no effect, because the template ", llm_template_.model_type(),
                                 " names no K and V projections"));
    }
    if (!spec_.attention_scheme().empty() && llm_template_.q_layer_name().empty()) {
      warnings_.Add(v1::WARNING_CODE_ATTENTION_WITHOUT_LAYERS, "spec.attention_scheme", spec_.attention_scheme(),
                    absl::StrCat("applies only to the softmax, because the template ", llm_template_.model_type(),
                                 " names no Q projection"));
    }
    if (spec_.layer_config_size() > 0 || spec_.layer_type_config_size() > 0) CheckOverrides();
    if (spec_.has_exclude_layers()) CheckExclusions();
    return warnings_.Take();
  }

 private:
  void CheckScheme(const std::string& name, const std::string& field) {
    const v1::Scheme& scheme = **snapshot_.FindScheme(name, field);
    if (!scheme.alias_of().empty()) {
      warnings_.Add(v1::WARNING_CODE_SCHEME_ALIAS, field, name,
                    absl::StrCat("is an older name of ", scheme.alias_of()));
    }
    if (scheme.origin() == v1::REGISTRY_ORIGIN_TENANT && snapshot_.catalog().FindScheme(name) != nullptr) {
      warnings_.Add(v1::WARNING_CODE_SHADOWS_BUILTIN, field, name,
                    absl::StrCat("is the tenant's scheme, which replaces the one in ", snapshot_.catalog().name()));
    }
  }

  // Looks only at the scheme of the request: without modules, it is not known whether an algorithm works on the layers
  // of an override.
  void CheckAlgorithms() {
    for (int i = 0; i < spec_.algorithm_size(); ++i) {
      const AlgorithmRule* rule =
          FindAlgorithmRule(absl::AsciiStrToLower(spec_.algorithm(i)), config_.global_quant_config());
      if (rule == nullptr) continue;
      const std::string field = absl::StrCat("spec.algorithm[", i, "]");
      if (rule->effect == AlgorithmRule::Effect::kFails) {
        warnings_.Add(v1::WARNING_CODE_ALGORITHM_REJECTS_SCHEME, field, spec_.algorithm(i),
                      absl::StrCat(rule->text, ", as with the scheme ", Printable(spec_.scheme(), kMaxPrintedChars),
                                   ", after the calibration data is loaded. Use another algorithm or scheme"));
      } else {
        warnings_.Add(
            v1::WARNING_CODE_ALGORITHM_UNUSUAL_FOR_SCHEME, field, spec_.algorithm(i),
            absl::StrCat(rule->text, ". Quark accepts it for the scheme ", Printable(spec_.scheme(), kMaxPrintedChars),
                         ", but it may not improve the accuracy. Compare with a run without it"));
      }
    }
  }

  void CheckOverrides() {
    ExcludedOverrides excluded(snapshot_.catalog().traits(), spec_, llm_template_);
    for (int i = 0; i < spec_.layer_config_size(); ++i) {
      const v1::LayerConfigEntry& entry = spec_.layer_config(i);
      const std::string path = absl::StrCat("spec.layer_config[", i, "]");
      const std::string field = path + ".pattern";
      if (!WarnAboutSyntax(entry, field, warnings_) && MayApply(i, field, excluded)) {
        fused_.CheckOverride(entry, field, warnings_);
      }
      CheckScheme(entry.scheme(), path + ".scheme");
    }
    const Pattern any_name("*");
    for (int i = 0; i < spec_.layer_type_config_size(); ++i) {
      const v1::LayerTypeConfigEntry& entry = spec_.layer_type_config(i);
      const std::string path = absl::StrCat("spec.layer_type_config[", i, "]");
      IsCovered(any_name, path + ".layer_type", entry.layer_type());
      CheckScheme(entry.scheme(), path + ".scheme");
    }
  }

  // Warns and returns false if no layer gets the configuration of the override.
  bool MayApply(int index, const std::string& field, ExcludedOverrides& excluded) {
    if (cover_steps_ >= kMaxCoverSteps) return true;
    const std::string& text = spec_.layer_config(index).pattern();
    const bool is_base = MayBeBase(text);
    Pattern pattern(text);
    if (!is_base) {
      const std::string reason = excluded.Explain(text, pattern);
      if (!reason.empty()) {
        warnings_.Add(v1::WARNING_CODE_OVERRIDE_EXCLUDED, field, text, reason);
        return false;
      }
    }
    // Quark looks for an override with the exact name before it tries patterns, so a literal override always wins its
    // layer, and it covers no pattern.
    if (!Pattern::HasWildcard(text)) return true;
    cover_steps_ += text.size();
    const bool covered = !is_base && IsCovered(pattern, field, text);
    earlier_.push_back({index, std::move(pattern)});
    return !covered;
  }

  // Whether the override may be the base of a projection for the KV cache or attention scheme, although it wins no
  // layer. An excluded projection has no base.
  bool MayBeBase(absl::string_view pattern) {
    cover_steps_ += projections_.size();
    return std::any_of(projections_.begin(), projections_.end(),
                       [pattern](absl::string_view projection) { return IsBaseForProjection(pattern, projection); });
  }

  // Warns and returns true if an earlier override matches all names that `pattern` matches.
  bool IsCovered(const Pattern& pattern, const std::string& field, const std::string& value) {
    for (const auto& [index, earlier] : earlier_) {
      if (cover_steps_ >= kMaxCoverSteps) return false;
      ++cover_steps_;
      if (!earlier.Covers(pattern, cover_steps_)) continue;
      const std::string& winner = spec_.layer_config(index).pattern();
      warnings_.Add(v1::WARNING_CODE_OVERRIDE_NEVER_WINS, field, value,
                    absl::StrCat("never applies, because spec.layer_config[", index, "].pattern ", Quoted(winner),
                                 " matches all of its layers first"));
      return true;
    }
    return false;
  }

  void CheckExclusions() {
    const auto& patterns = spec_.exclude_layers().patterns();
    for (int i = 0; i < patterns.size(); ++i) {
      const std::string field = absl::StrCat("spec.exclude_layers.patterns[", i, "]");
      if (!WarnAboutExclusionSyntax(patterns[i], field, warnings_)) {
        fused_.CheckExclusion(patterns[i], field, warnings_);
      }
    }
    CheckDroppedExclusions();
  }

  void CheckDroppedExclusions() {
    for (const std::string& pattern : llm_template_.exclude_layers_name()) {
      if (IsStillExcluded(pattern)) continue;
      // Making the messages of thousands of patterns would take too long.
      if (warnings_.IsFull(v1::WARNING_CODE_TEMPLATE_EXCLUSION_DROPPED)) return;
      warnings_.Add(
          v1::WARNING_CODE_TEMPLATE_EXCLUSION_DROPPED, "spec.exclude_layers", pattern,
          absl::StrCat("is excluded by the template, but spec.exclude_layers replaces the template's list, so "
                       "its layers may be quantized. To exclude them as well, add the pattern (qconfigctl: ",
                       Option("--exclude", pattern), ")"));
    }
  }

  // Returns true if the steps run out before the answer is known.
  bool IsStillExcluded(const std::string& pattern) {
    const Pattern dropped(pattern);
    for (const std::string& kept : spec_.exclude_layers().patterns()) {
      if (kept == pattern || cover_steps_ >= kMaxCoverSteps) return true;
      cover_steps_ += kept.size();
      if (Pattern(kept).Covers(dropped, cover_steps_)) return true;
    }
    return false;
  }

  const Snapshot& snapshot_;
  const v1::ConfigSpec& spec_;
  const v1::QConfig& config_;
  const v1::LlmTemplate& llm_template_;
  std::vector<absl::string_view> projections_;  // that the KV cache or attention scheme quantizes
  FusedOverrides fused_;
  size_t cover_steps_ = 0;
  std::vector<std::pair<int, Pattern>> earlier_;  // overrides with wildcards, by their index in the spec
  WarningList warnings_;
};

}  // namespace

google::protobuf::RepeatedPtrField<v1::Warning> FindWarnings(const Snapshot& snapshot, const v1::ConfigSpec& spec,
                                                             const v1::QConfig& config) {
  return WarningFinder(snapshot, spec, config).Find();
}

}  // namespace qconfig
