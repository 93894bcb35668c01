// SPDX-License-Identifier: Apache-2.0
#include "core/findings/pattern_findings.h"

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/findings/pattern_suggestion.h"
#include "core/findings/plan_patterns.h"
#include "core/message_text.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

class PatternFinder {
 public:
  PatternFinder(const PlanContext& context, NameShapes& shapes, CancellationToken& token, FindingList& findings)
      : context_(context),
        shapes_(shapes),
        suggester_(context.modules, context.plan, shapes),
        token_(token),
        findings_(findings),
        patterns_(context) {}

  absl::Status Find() {
    QCONFIG_RETURN_IF_ERROR(CheckExclusions());
    QCONFIG_RETURN_IF_ERROR(CheckOverrides());
    CheckKvCache();
    CheckAttention();
    return absl::OkStatus();
  }

 private:
  absl::Status CheckExclusions() {
    const auto& of_template = context_.llm_template.exclude_layers_name();
    const absl::flat_hash_set<absl::string_view> template_patterns(of_template.begin(), of_template.end());
    std::vector<const v1::PatternUse*> unused_of_template;
    for (const v1::PatternUse& use : patterns_.exclusions) {
      if (use.matched() > 0) continue;
      if (!context_.spec.has_exclude_layers()) {
        unused_of_template.push_back(&use);
      } else if (!template_patterns.contains(use.pattern())) {
        // A request that adds to the template's list has to repeat it.
        QCONFIG_RETURN_IF_ERROR(AddUnmatched(use, "--exclude", ""));
      }
    }
    if (context_.llm_template.origin() == v1::REGISTRY_ORIGIN_TENANT) AddUnusedOfTemplate(unused_of_template);
    return absl::OkStatus();
  }

  absl::Status CheckOverrides() {
    for (size_t i = 0; i < patterns_.overrides.size(); ++i) {
      if (OriginOfOverride(i) != v1::ENTRY_ORIGIN_REQUEST || patterns_.overrides[i].matched() > 0) continue;
      const std::string& scheme = context_.spec.layer_config(static_cast<int>(i)).scheme();
      QCONFIG_RETURN_IF_ERROR(AddUnmatched(patterns_.overrides[i], "--layer", scheme));
    }
    return absl::OkStatus();
  }

  v1::EntryOrigin OriginOfOverride(size_t i) const {
    return context_.config.layer_quant_config(static_cast<int>(i)).origin();
  }

  // Whether the pattern matches a module that Quark does not quantize anyway.
  absl::StatusOr<bool> MatchesNotQuantizable(absl::string_view pattern) {
    return shapes_.MatchesModule(pattern, token_, [this](size_t module) {
      return context_.plan.rule(module).kind() == v1::LAYER_RULE_KIND_NOT_QUANTIZABLE;
    });
  }

  // `scheme` is that of an override, and empty for an exclusion.
  absl::Status AddUnmatched(const v1::PatternUse& use, absl::string_view option, const std::string& scheme) {
    const auto value = [&scheme](absl::string_view pattern) {
      return scheme.empty() ? std::string(pattern) : absl::StrCat(pattern, "=", scheme);
    };
    const std::string remove = absl::StrCat("Remove ", Option(option, value(use.pattern())));
    QCONFIG_ASSIGN_OR_RETURN(const bool not_quantizable, MatchesNotQuantizable(use.pattern()));
    if (not_quantizable) {
      Add(scheme.empty() ? v1::FINDING_SEVERITY_INFO : v1::FINDING_SEVERITY_WARNING, use,
          absl::StrCat("the pattern ", Quoted(use.pattern()),
                       " matches only modules that Quark does not quantize anyway, so it has no effect"),
          remove);
      return absl::OkStatus();
    }
    QCONFIG_ASSIGN_OR_RETURN(const std::string suggestion, suggester_.Suggest(use.pattern(), token_));
    std::string message =
        absl::StrCat("no module matches the pattern ", Quoted(use.pattern()), ", so it has no effect");
    if (!suggestion.empty()) absl::StrAppend(&message, "; did you mean ", Quoted(suggestion), "?");
    Add(v1::FINDING_SEVERITY_WARNING, use, message, suggestion.empty() ? remove : Option(option, value(suggestion)));
    return absl::OkStatus();
  }

  void AddUnusedOfTemplate(const std::vector<const v1::PatternUse*>& unused) {
    if (unused.empty()) return;
    Add(v1::FINDING_SEVERITY_INFO, *unused.front(),
        absl::StrCat("no module matches these exclusions of the template ", context_.llm_template.model_type(), ": ",
                     QuotedPatterns(unused)),
        "");
  }

  // Without K and V layers that match, the runtime finds no scales for the KV cache.
  void CheckKvCache() {
    std::vector<const v1::PatternUse*> unmatched;
    for (const v1::PatternUse& use : patterns_.kv_cache) {
      if (use.matched() == 0) unmatched.push_back(&use);
    }
    AddProjections(unmatched, "K and V", v1::FINDING_SEVERITY_WARNING, "the KV cache",
                   Option("--kv-cache-scheme", context_.spec.kv_cache_scheme()));
  }

  void CheckAttention() {
    std::vector<const v1::PatternUse*> projections;
    for (size_t i = 0; i < patterns_.overrides.size(); ++i) {
      if (OriginOfOverride(i) == v1::ENTRY_ORIGIN_ATTENTION) projections.push_back(&patterns_.overrides[i]);
    }
    for (const v1::PatternUse& use : patterns_.attention) projections.push_back(&use);
    std::vector<const v1::PatternUse*> unmatched;
    for (const v1::PatternUse* use : projections) {
      if (use->matched() == 0) unmatched.push_back(use);
    }
    // A template may name the Q projections of several variants of a model.
    const auto severity =
        unmatched.size() < projections.size() ? v1::FINDING_SEVERITY_INFO : v1::FINDING_SEVERITY_WARNING;
    AddProjections(unmatched, "Q", severity, "the output of Q",
                   Option("--attention-scheme", context_.spec.attention_scheme()));
  }

  void AddProjections(const std::vector<const v1::PatternUse*>& unmatched, absl::string_view projections,
                      v1::FindingSeverity severity, absl::string_view effect, const std::string& option) {
    if (unmatched.empty()) return;
    Add(severity, *unmatched.front(),
        absl::StrCat("no module matches these ", projections, " projections of the template ",
                     context_.llm_template.model_type(), ": ", QuotedPatterns(unmatched), "; ", effect,
                     " is not quantized in layers that have no other"),
        absl::StrCat("Remove ", option, ", or use a template that names the ", projections,
                     " projections of this model"));
  }

  static std::string QuotedPatterns(const std::vector<const v1::PatternUse*>& uses) {
    std::vector<std::string> patterns;
    patterns.reserve(uses.size());
    for (const v1::PatternUse* use : uses) patterns.push_back(use->pattern());
    return QuotedList(patterns);
  }

  void Add(v1::FindingSeverity severity, const v1::PatternUse& use, const std::string& message,
           const std::string& fix) {
    findings_.Add(v1::FINDING_CODE_PATTERN_MATCHES_NOTHING, severity, message, fix)->set_field(use.field());
  }

  const PlanContext& context_;
  NameShapes& shapes_;
  PatternSuggester suggester_;
  CancellationToken& token_;
  FindingList& findings_;
  const PlanPatterns patterns_;
};

}  // namespace

absl::Status FindPatternFindings(const PlanContext& context, NameShapes& shapes, CancellationToken& token,
                                 FindingList& findings) {
  return PatternFinder(context, shapes, token, findings).Find();
}

}  // namespace qconfig
