// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/model_check.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/cancellation.h"
#include "core/limits.h"
#include "core/plan/module_list.h"
#include "qconfigctl/module_names.h"
#include "qconfigctl/module_rules.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig::fuzz {

void CheckModel(const client::TensorList& tensors, const client::ModelFacts& facts) {
  const client::Model model = client::MakeModel(tensors, facts, client::BuiltinModuleRules());
  CancellationToken token;
  Limits limits;
  limits.plan_modules = 20'000;
  const auto modules = ModuleList::Expand(model.modules, limits, token);
  if (!modules.ok()) {  // experts can be many
    FUZZ_CHECK(facts.experts > 1000, modules.status().ToString());
    return;
  }
  size_t i = 0;
  for (const v1::Module& module : model.modules) {
    const client::RangedName name = client::ParseRanges(module.name());
    client::ForEachName(name.ranges, [&](absl::Span<const uint32_t> numbers) {
      FUZZ_CHECK(i < modules->size(), module.name());
      FUZZ_CHECK(client::FormatName(name.form, numbers) == modules->name(i),
                 absl::StrCat(module.name(), ": ", modules->name(i)));
      ++i;
    });
  }
  FUZZ_CHECK(i == modules->size(), absl::StrCat(i, " of ", modules->size()));
}

}  // namespace qconfig::fuzz
