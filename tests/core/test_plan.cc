// SPDX-License-Identifier: Apache-2.0
#include "tests/core/test_plan.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/resolve_config.h"

namespace qconfig {

ModuleList::Messages ModulesOf(const std::string& model_type) {
  static const auto* const kArchitectures =
      new nlohmann::json(nlohmann::json::parse(std::ifstream(QCONFIG_GOLDEN_DIR "/modules.json")));
  ModuleList::Messages modules;
  for (const nlohmann::json& name_and_type : kArchitectures->at(model_type)) {
    v1::Module& module = *modules.Add();
    module.set_name(name_and_type.at(0).get<std::string>());
    module.set_type(name_and_type.at(1).get<std::string>());
  }
  return modules;
}

void AddLinear(const std::vector<std::string>& names, ModuleList::Messages& modules) {
  for (const std::string& name : names) {
    v1::Module& module = *modules.Add();
    module.set_name(name);
    module.set_type("Linear");
  }
}

TestPlan::TestPlan(const Snapshot& snapshot, v1::ConfigSpec spec, ModuleList::Messages messages)
    : spec_(std::move(spec)),
      messages_(std::move(messages)),
      config_(ResolveConfig(snapshot, spec_).value()),
      modules_(ModuleList::Expand(messages_, Limits(), token_).value()),
      plan_(
          ComputeLayerPlan(config_, spec_, **snapshot.FindTemplate(spec_.model_type(), ""), modules_, token_).value()),
      context_{snapshot, spec_, **snapshot.FindTemplate(spec_.model_type(), ""), config_, modules_, plan_, 0} {}

std::vector<std::string> Summarize(const std::vector<v1::Finding>& findings) {
  std::vector<std::string> summaries;
  for (const v1::Finding& finding : findings) {
    summaries.push_back(
        absl::StrCat(absl::StripPrefix(v1::FindingSeverity_Name(finding.severity()), "FINDING_SEVERITY_"), " ",
                     absl::StripPrefix(v1::FindingCode_Name(finding.code()), "FINDING_CODE_")));
  }
  return summaries;
}

}  // namespace qconfig
