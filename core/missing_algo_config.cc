// SPDX-License-Identifier: Apache-2.0
#include "core/missing_algo_config.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/nearest_names.h"

namespace qconfig {
namespace {

// A template that has a configuration for `algorithm`, and preferably a name like `model_type`. Empty if there is none.
std::string TemplateWithAlgorithm(const Snapshot& snapshot, absl::string_view algorithm, absl::string_view model_type) {
  std::vector<absl::string_view> names;
  for (const v1::LlmTemplate* entry : snapshot.templates()) {
    const auto& configs = entry->algorithm_configs();
    const auto is_wanted = [algorithm](const auto& config) { return config.algorithm() == algorithm; };
    if (std::any_of(configs.begin(), configs.end(), is_wanted)) names.push_back(entry->model_type());
  }
  std::vector<absl::string_view> near = NearestNames(model_type, names, 3);
  if (near.empty()) near = names;
  // "qwen2" rather than "qwen" for "qwen3".
  const auto same_length =
      std::find_if(near.begin(), near.end(), [&](absl::string_view name) { return name.size() == model_type.size(); });
  return near.empty() ? "" : std::string(same_length == near.end() ? near.front() : *same_length);
}

}  // namespace

absl::Status AlgorithmConfigMissing(const Snapshot& snapshot, const v1::LlmTemplate& entry, absl::string_view algorithm,
                                    absl::string_view field) {
  std::vector<absl::string_view> known;
  for (const v1::AlgoConfigEntry& config : entry.algorithm_configs()) known.push_back(config.algorithm());
  const std::string name = absl::AsciiStrToLower(algorithm);
  std::string advice = known.empty() ? "The template has none for any algorithm. " : "";
  absl::StrAppend(&advice, "Supply one in `spec.algo_configs` (`qconfigctl get-config --algo-config '{\"", name,
                  "\": {...}}'`)");
  const std::string other = TemplateWithAlgorithm(snapshot, name, entry.model_type());
  if (!other.empty()) {
    absl::StrAppend(&advice, "; that of the template ", other, ", which GetTemplate (`qconfigctl describe template ",
                    other, "`) returns, is an example");
  }
  Error error(v1::ERROR_REASON_ALGORITHM_CONFIG_MISSING);
  error.Field(field).Value(algorithm);
  if (!known.empty()) error.Allowed(known);
  return error.Advice(advice).ToStatus(absl::StrCat("neither the template ", entry.model_type(),
                                                    " nor spec.algo_configs has a configuration for this algorithm"));
}

}  // namespace qconfig
