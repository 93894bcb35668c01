// SPDX-License-Identifier: Apache-2.0
#include "core/warnings.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/pattern.h"
#include "core/projection.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// Finding overrides that never win compares each pattern with all earlier ones. This limit bounds the search to a few
// milliseconds. It counts steps, not time, so that equal requests get equal warnings.
constexpr size_t kMaxCoverSteps = 1'000'000;

constexpr size_t kMaxPrintedChars = 128;

class WarningFinder {
 public:
  WarningFinder(const Snapshot& snapshot, const v1::ConfigSpec& spec)
      : snapshot_(snapshot), spec_(spec), llm_template_(**snapshot.FindTemplate(spec.model_type(), "")) {}

  google::protobuf::RepeatedPtrField<v1::Warning> Find() {
    CheckScheme(spec_.scheme(), "spec.scheme");
    if (!spec_.kv_cache_scheme().empty() && llm_template_.kv_layers_name().empty()) {
      Warn(v1::WARNING_CODE_KV_CACHE_WITHOUT_LAYERS, "spec.kv_cache_scheme", spec_.kv_cache_scheme(),
           absl::StrCat("the template ", llm_template_.model_type(),
                        " names no K and V projections, so the KV cache is not quantized"));
    }
    if (!spec_.attention_scheme().empty() && llm_template_.q_layer_name().empty()) {
      Warn(v1::WARNING_CODE_ATTENTION_WITHOUT_LAYERS, "spec.attention_scheme", spec_.attention_scheme(),
           absl::StrCat("the template ", llm_template_.model_type(),
                        " names no Q projection, so only the softmax is quantized"));
    }
    CheckOverrides();
    if (spec_.has_exclude_layers()) CheckDroppedExclusions();
    return std::move(warnings_);
  }

 private:
  void Warn(v1::WarningCode code, const std::string& field, const std::string& value, const std::string& message) {
    v1::Warning& warning = *warnings_.Add();
    warning.set_code(code);
    warning.set_field(field);
    warning.set_value(value);
    warning.set_message(message);
  }

  void CheckScheme(const std::string& name, const std::string& field) {
    const v1::Scheme& scheme = **snapshot_.FindScheme(name, field);
    if (!scheme.alias_of().empty()) {
      Warn(v1::WARNING_CODE_SCHEME_ALIAS, field, name, absl::StrCat("an older name of ", scheme.alias_of()));
    }
    if (scheme.origin() == v1::REGISTRY_ORIGIN_TENANT && snapshot_.catalog().FindScheme(name) != nullptr) {
      Warn(v1::WARNING_CODE_SHADOWS_BUILTIN, field, name,
           absl::StrCat("the tenant's scheme is used instead of the one in ", snapshot_.catalog().name()));
    }
  }

  void CheckOverrides() {
    for (int i = 0; i < spec_.layer_config_size(); ++i) {
      const v1::LayerConfigEntry& entry = spec_.layer_config(i);
      const std::string path = absl::StrCat("spec.layer_config[", i, "]");
      CheckScheme(entry.scheme(), path + ".scheme");
      // Quark looks for an override with the exact name before it tries patterns, so a literal override always wins its
      // layer, and it covers no pattern.
      if (!Pattern::HasWildcard(entry.pattern()) || cover_steps_ >= kMaxCoverSteps) continue;
      cover_steps_ += entry.pattern().size();
      Pattern pattern(entry.pattern());
      if (!MayBeBase(entry.pattern())) CheckCovered(pattern, path + ".pattern", entry.pattern());
      earlier_.push_back({i, std::move(pattern)});
    }
    const Pattern any_name("*");
    for (int i = 0; i < spec_.layer_type_config_size(); ++i) {
      const v1::LayerTypeConfigEntry& entry = spec_.layer_type_config(i);
      const std::string path = absl::StrCat("spec.layer_type_config[", i, "]");
      CheckScheme(entry.scheme(), path + ".scheme");
      CheckCovered(any_name, path + ".layer_type", entry.layer_type());
    }
  }

  // Whether the override may be the base of a projection for the KV cache or attention scheme, although it wins no
  // layer.
  bool MayBeBase(absl::string_view pattern) const {
    const auto is_base = [pattern](absl::string_view projection) { return IsBaseForProjection(pattern, projection); };
    const auto& kv = llm_template_.kv_layers_name();
    const auto& q = llm_template_.q_layer_name();
    return (!spec_.kv_cache_scheme().empty() && std::any_of(kv.begin(), kv.end(), is_base)) ||
           (!spec_.attention_scheme().empty() && std::any_of(q.begin(), q.end(), is_base));
  }

  void CheckCovered(const Pattern& pattern, const std::string& field, const std::string& value) {
    for (const auto& [index, earlier] : earlier_) {
      if (cover_steps_ >= kMaxCoverSteps) return;
      ++cover_steps_;
      if (!earlier.Covers(pattern, cover_steps_)) continue;
      const std::string& winner = spec_.layer_config(index).pattern();
      Warn(v1::WARNING_CODE_OVERRIDE_NEVER_WINS, field, value,
           absl::StrCat("never applies, because spec.layer_config[", index, "].pattern \"",
                        Printable(winner, kMaxPrintedChars), "\" matches all of its layers first"));
      return;
    }
  }

  void CheckDroppedExclusions() {
    for (const std::string& pattern : llm_template_.exclude_layers_name()) {
      if (IsStillExcluded(pattern)) continue;
      Warn(v1::WARNING_CODE_TEMPLATE_EXCLUSION_DROPPED, "spec.exclude_layers", pattern,
           "the template excludes these layers, but spec.exclude_layers replaces its list, so they may be quantized");
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
  const v1::LlmTemplate& llm_template_;
  size_t cover_steps_ = 0;
  std::vector<std::pair<int, Pattern>> earlier_;  // overrides with wildcards, by their index in the spec
  google::protobuf::RepeatedPtrField<v1::Warning> warnings_;
};

}  // namespace

google::protobuf::RepeatedPtrField<v1::Warning> FindWarnings(const Snapshot& snapshot, const v1::ConfigSpec& spec) {
  return WarningFinder(snapshot, spec).Find();
}

}  // namespace qconfig
