// SPDX-License-Identifier: Apache-2.0
#include "core/findings/coverage_findings.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/message_text.h"
#include "core/pattern.h"
#include "core/status_macros.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

bool HasRule(const PlanContext& context, v1::LayerRuleKind kind) {
  const auto& rules = context.plan.rules;
  return std::any_of(rules.begin(), rules.end(), [kind](const v1::LayerRule& rule) { return rule.kind() == kind; });
}

// Types of modules that Quark cannot quantize, although they have the weights of linear layers or convolutions. Conv1D
// is the linear layer of GPT-2 in transformers.
constexpr absl::string_view kUnsupportedTypes[] = {"Conv1D", "Conv1d", "Conv3d", "ConvTranspose1d", "ConvTranspose3d"};

// One of them.
struct UnsupportedType {
  std::string name;
  int64_t modules = 0;
};

// The most frequent one, if more modules have it than Quark can quantize.
std::optional<UnsupportedType> FindUnsupportedType(const PlanContext& context) {
  std::vector<int64_t> counts(context.modules.forms().size());
  int64_t quantizable = 0;
  for (size_t i = 0; i < context.modules.size(); ++i) {
    const bool is_quantizable = context.plan.rule(i).kind() != v1::LAYER_RULE_KIND_NOT_QUANTIZABLE;
    is_quantizable ? ++quantizable : ++counts[context.modules.form_of(i)];
  }
  std::map<std::string, int64_t> types;
  for (size_t form = 0; form < counts.size(); ++form) {
    const std::string& type = context.modules.forms()[form].message->type();
    if (absl::c_linear_search(kUnsupportedTypes, type)) types[type] += counts[form];
  }
  UnsupportedType found;
  for (const auto& [type, modules] : types) {
    if (modules > found.modules) found = {type, modules};
  }
  return found.modules > quantizable ? std::make_optional(found) : std::nullopt;
}

bool QuantizesNoWeight(const PlanContext& context) {
  const auto& configs = context.plan.configs;
  return std::none_of(configs.begin(), configs.end(), [](const auto& config) { return config.weight_size() > 0; });
}

void FindNothingQuantized(const PlanContext& context, FindingList& findings) {
  if (!QuantizesNoWeight(context)) return;
  const auto& configs = context.plan.configs;
  const auto add = [&findings](const std::string& field, const std::string& message, const std::string& fix) {
    findings.Add(v1::FINDING_CODE_NOTHING_QUANTIZED, v1::FINDING_SEVERITY_WARNING, message, fix)->set_field(field);
  };
  if (!configs.empty() && context.config.global_quant_config().weight().empty()) {
    add("spec.scheme", "no weight is quantized, because the configurations of the modules quantize no weights",
        "Use a scheme that quantizes weights");
  } else if (!configs.empty() || HasRule(context, v1::LAYER_RULE_KIND_EXCLUDED)) {
    // The KV cache also gives excluded modules a configuration.
    const bool own = context.spec.has_exclude_layers();
    add(own ? "spec.exclude_layers" : "template.exclude_layers_name",
        "no weight is quantized, because all modules that Quark can quantize are excluded or have an override that "
        "quantizes no weights; experts that are fused into one module are not among these",
        "Exclude fewer layers with --exclude, or list the experts as separate modules");
  } else {
    add("", "no weight is quantized, because the list has no Linear, Conv2d or ConvTranspose2d",
        "Add the linear layers of the model to the list of modules, with their types");
  }
}

// The patterns of the projections of a template.
struct Projections {
  explicit Projections(const v1::LlmTemplate& llm_template)
      : attention(llm_template.kv_layers_name().begin(), llm_template.kv_layers_name().end()) {
    attention.insert(attention.end(), llm_template.q_layer_name().begin(), llm_template.q_layer_name().end());
    for (const std::string& suffix : llm_template.gate_up_layers_name()) gate_up.push_back("*" + suffix);
    if (gate_up.empty()) gate_up = {"*gate_proj", "*up_proj"};
  }

  std::vector<std::string> attention;  // K, V and Q
  std::vector<std::string> gate_up;
};

class TemplateFitFinder {
 public:
  TemplateFitFinder(const PlanContext& context, NameShapes& shapes, CancellationToken& token)
      : context_(context), shapes_(shapes), token_(token) {}

  absl::Status Find(FindingList& findings) {
    const Projections projections(context_.llm_template);
    std::vector<std::string> patterns = projections.attention;
    patterns.insert(patterns.end(), projections.gate_up.begin(), projections.gate_up.end());
    QCONFIG_ASSIGN_OR_RETURN(const bool fits, AnyMatches(patterns));
    if (fits || !HasLinear()) return absl::OkStatus();
    QCONFIG_ASSIGN_OR_RETURN(const std::vector<std::string> better, BetterTemplates());
    const bool is_used = !context_.spec.kv_cache_scheme().empty() || !context_.spec.attention_scheme().empty();
    v1::Finding& finding =
        *findings.Add(v1::FINDING_CODE_TEMPLATE_DOES_NOT_FIT,
                      better.empty() && !is_used ? v1::FINDING_SEVERITY_INFO : v1::FINDING_SEVERITY_WARNING,
                      absl::StrCat("no module matches the projections of the template ",
                                   context_.llm_template.model_type(), ", such as ", Quoted(patterns.front()),
                                   "; the exclusions of the template may not fit this model either"),
                      better.empty() ? "Register a template for this model"
                                     : absl::StrCat("Use the template ", absl::StrJoin(better, " or ")));
    finding.set_field("spec.model_type");
    return absl::OkStatus();
  }

 private:
  bool HasLinear() const {
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      if (context_.modules.message(i).type() == "Linear") return true;
    }
    return false;
  }

  absl::StatusOr<bool> AnyMatches(const std::vector<std::string>& patterns) {
    // The layers of most models begin early in the list.
    constexpr size_t kFirstModules = 1000;
    const std::vector<Pattern> compiled(patterns.begin(), patterns.end());
    for (size_t i = 0; i < std::min(context_.modules.size(), kFirstModules); ++i) {
      const std::u32string name = DecodeUtf8(context_.modules.name(i));
      for (size_t j = 0; j < patterns.size(); ++j) {
        QCONFIG_RETURN_IF_ERROR(token_.Spend((patterns[j].size() + 1) * (name.size() + 1)));
        if (compiled[j].Matches(name)) return true;
      }
    }
    QCONFIG_ASSIGN_OR_RETURN(const int matched, CountMatches(patterns));
    return matched > 0 || shapes_.exhausted();
  }

  template <typename Patterns>
  absl::StatusOr<int> CountMatches(const Patterns& patterns) {
    int matched = 0;
    for (const std::string& pattern : patterns) {
      QCONFIG_ASSIGN_OR_RETURN(const auto* match, shapes_.FirstMatch(pattern, token_));
      if (match != nullptr) ++matched;
    }
    return matched;
  }

  // Up to three templates whose K, V and Q projections all match. Those come first of which the most other patterns
  // match, and the fewest do not.
  absl::StatusOr<std::vector<std::string>> BetterTemplates() {
    constexpr size_t kMaxTemplates = 3;
    struct Candidate {
      int score;
      const v1::LlmTemplate* llm_template;
    };
    std::vector<Candidate> candidates;
    for (const v1::LlmTemplate* llm_template : context_.snapshot.templates()) {
      const Projections projections(*llm_template);
      QCONFIG_ASSIGN_OR_RETURN(const int attention, CountMatches(projections.attention));
      if (attention == 0 || static_cast<size_t>(attention) < projections.attention.size()) continue;
      QCONFIG_ASSIGN_OR_RETURN(const int gate_up, CountMatches(projections.gate_up));
      QCONFIG_ASSIGN_OR_RETURN(const int exclusions, CountMatches(llm_template->exclude_layers_name()));
      const int patterns = static_cast<int>(projections.gate_up.size()) + llm_template->exclude_layers_name_size();
      candidates.push_back({2 * (gate_up + exclusions) - patterns, llm_template});
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    if (candidates.size() > kMaxTemplates) candidates.resize(kMaxTemplates);
    std::vector<std::string> names;
    names.reserve(candidates.size());
    for (const Candidate& candidate : candidates) names.push_back(candidate.llm_template->model_type());
    return names;
  }

  const PlanContext& context_;
  NameShapes& shapes_;
  CancellationToken& token_;
};

}  // namespace

absl::StatusOr<bool> FindUnsupportedModel(const PlanContext& context, CancellationToken& token, FindingList& findings) {
  if (!QuantizesNoWeight(context)) return false;
  QCONFIG_RETURN_IF_ERROR(token.Spend(context.modules.size()));
  const std::optional<UnsupportedType> type = FindUnsupportedType(context);
  if (!type.has_value()) return false;
  findings.Add(v1::FINDING_CODE_NOTHING_QUANTIZED, v1::FINDING_SEVERITY_WARNING,
               absl::StrCat("no weight is quantized: ", Modules(type->modules), type->modules == 1 ? " has" : " have",
                            " the type ", type->name, ", and Quark quantizes only Linear, Conv2d and ConvTranspose2d"),
               type->name == "Conv1D" ? "Replace these modules by Linear in the model, or leave the model as it is"
                                      : "Leave the model as it is");
  return true;
}

absl::Status FindCoverageFindings(const PlanContext& context, NameShapes& shapes, CancellationToken& token,
                                  FindingList& findings) {
  FindNothingQuantized(context, findings);
  return TemplateFitFinder(context, shapes, token).Find(findings);
}

}  // namespace qconfig
