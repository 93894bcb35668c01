// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/plan_text.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "qconfigctl/config_text.h"
#include "qconfigctl/error_text.h"
#include "qconfigctl/module_names.h"
#include "qconfigctl/output_text.h"
#include "qconfigctl/plan_groups.h"

namespace qconfig::client {
namespace {

// Reads the index in a field such as "spec.layer_config[2].pattern"; -1 if the field is not in `list`.
int IndexIn(absl::string_view list, absl::string_view field) {
  int index = -1;
  if (!absl::ConsumePrefix(&field, list) || !absl::ConsumePrefix(&field, "[")) return -1;
  return absl::SimpleAtoi(field.substr(0, field.find(']')), &index) ? index : -1;
}

// The scheme of the request that `rule` applies; empty if there is none.
std::string SchemeOf(const v1::LayerRule& rule, const v1::ConfigSpec& spec) {
  if (rule.kind() == v1::LAYER_RULE_KIND_GLOBAL) return spec.scheme();
  const int layer = IndexIn("spec.layer_config", rule.field());
  if (layer >= 0 && layer < spec.layer_config_size()) return spec.layer_config(layer).scheme();
  const int type = IndexIn("spec.layer_type_config", rule.field());
  if (type >= 0 && type < spec.layer_type_config_size()) return spec.layer_type_config(type).scheme();
  return "";
}

// The KV cache and attention replace the output of a scheme's configuration and keep the rest.
v1::QLayerConfig WithoutOutput(v1::QLayerConfig config) {
  config.clear_output_tensors();
  return config;
}

std::string RuleText(const v1::LayerRule& rule) {
  const std::string pattern =
      absl::StrCat(rule.pattern(), absl::StartsWith(rule.field(), "template.") ? " (template)" : "");
  switch (rule.kind()) {
    case v1::LAYER_RULE_KIND_EXCLUDED:
      return absl::StrCat("excluded by ", pattern);
    case v1::LAYER_RULE_KIND_OVERRIDE:
      return absl::StrCat("override ", pattern);
    case v1::LAYER_RULE_KIND_LAYER_TYPE:
      return absl::StrCat("layer type ", pattern);
    case v1::LAYER_RULE_KIND_GLOBAL:
      return "global";
    case v1::LAYER_RULE_KIND_KV_CACHE:
      return absl::StrCat("KV cache ", pattern);
    case v1::LAYER_RULE_KIND_NOT_QUANTIZABLE:
      return "not quantizable";
    default:
      return "unknown rule (qconfigctl is older than the server)";
  }
}

std::string GroupsText(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response) {
  const std::vector<std::string> names = ConfigNames(request, response);
  std::vector<std::vector<std::string>> rows = {{"MODULES", "COUNT", "SCHEME", "RULE"}};
  for (const PlanGroup& group : GroupModules(request, response)) {
    rows.push_back({group.name, absl::StrCat(group.modules), group.config == 0 ? "-" : names[group.config - 1],
                    RuleText(response.rules(static_cast<int>(group.rule)))});
  }
  return TableText(rows);
}

std::string FindingsText(const v1::PlanLayersResponse& response) {
  if (response.findings().empty()) return "no findings\n";
  std::string text;
  for (const v1::Finding& finding : response.findings()) absl::StrAppend(&text, FindingText(finding));
  const int64_t more = response.finding_total() - response.findings_size();
  if (more > 0) absl::StrAppend(&text, "and ", more, " more findings\n");
  return text;
}

std::string TotalsText(const v1::PlanLayersRequest& request, const v1::PlanTotals& totals) {
  std::string text = absl::StrCat("quantized:  ", totals.quantized(), " of ", totals.modules(), " modules\n");
  size_t unknown = 0;
  for (const v1::Module& module : request.modules()) {
    if (module.shape().empty()) unknown += CountNames(ParseRanges(module.name()).ranges);
  }
  absl::StrAppend(&text, "weights:    ");
  const int64_t before = totals.weight_bytes_before();
  const int64_t after = totals.weight_bytes_after();
  if (before > 0) {
    absl::StrAppendFormat(&text, "%s before, %s after (%.1f %%)", BytesText(before), BytesText(after),
                          100.0 * static_cast<double>(after) / static_cast<double>(before));
  }
  if (unknown > 0) {
    absl::StrAppend(&text, before > 0 ? ", without " : "unknown, as for ", unknown,
                    unknown == 1 ? " module of unknown size" : " modules of unknown size");
  }
  absl::StrAppend(&text, "\nKV cache:   ", totals.kv_cache_bits(), " bits per value\n");
  return text;
}

}  // namespace

std::vector<std::string> ConfigNames(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response) {
  using google::protobuf::util::MessageDifferencer;
  const v1::ConfigSpec& spec = request.spec();
  const bool replaces_output = !spec.kv_cache_scheme().empty() || !spec.attention_scheme().empty();
  std::vector<std::string> names(static_cast<size_t>(response.configs_size()));
  std::vector<std::pair<v1::QLayerConfig, std::string>> schemes;  // without output
  for (int i = 0; i < response.config_of_module_size(); ++i) {
    const uint32_t index = response.config_of_module(i);
    if (index == 0 || !names[index - 1].empty()) continue;
    const v1::QLayerConfig& config = response.configs(static_cast<int>(index) - 1);
    const std::string scheme = SchemeOf(response.rules(static_cast<int>(response.rule_of_module(i))), spec);
    if (scheme.empty()) continue;
    schemes.emplace_back(WithoutOutput(config), scheme);
    if (config.output_tensors().empty() || !replaces_output) names[index - 1] = scheme;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty()) continue;
    const v1::QLayerConfig& config = response.configs(static_cast<int>(i));
    const v1::QLayerConfig base = WithoutOutput(config);
    const auto scheme = std::find_if(schemes.begin(), schemes.end(), [&base](const auto& entry) {
      return MessageDifferencer::Equals(entry.first, base);
    });
    names[i] = scheme == schemes.end()
                   ? ConfigText(config)
                   : absl::StrCat(scheme->second, " with output ", StagesText(config.output_tensors()));
  }
  return names;
}

std::string BytesText(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return absl::StrFormat("%.2f GB", value / 1e9);
  if (bytes >= 1'000'000) return absl::StrFormat("%.2f MB", value / 1e6);
  return absl::StrFormat("%.2f kB", value / 1e3);
}

absl::StatusOr<std::string> PlanText(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response) {
  if (absl::Status status = CheckPlan(request, response); !status.ok()) return status;
  return absl::StrCat(GroupsText(request, response), "\n", FindingsText(response), "\n",
                      TotalsText(request, response.totals()));
}

}  // namespace qconfig::client
