// SPDX-License-Identifier: Apache-2.0
#include "server/services/entry_view.h"

namespace qconfig {

v1::Scheme ApplyView(const v1::Scheme& scheme, v1::EntryView view) {
  v1::Scheme shown = scheme;
  if (view == v1::ENTRY_VIEW_FULL) return shown;
  shown.clear_config();
  shown.clear_spec();
  return shown;
}

v1::LlmTemplate ApplyView(const v1::LlmTemplate& entry, v1::EntryView view) {
  v1::LlmTemplate shown = entry;
  if (view == v1::ENTRY_VIEW_FULL) return shown;
  shown.clear_f2f_weight_converters();
  for (v1::AlgoConfigEntry& algorithm : *shown.mutable_algorithm_configs()) algorithm.clear_config();
  return shown;
}

v1::ChangeRecord ApplyView(const v1::ChangeRecord& record, v1::EntryView view) {
  v1::ChangeRecord shown = record;
  for (v1::RegistryChange& change : *shown.mutable_changes()) {
    if (change.has_put_scheme()) *change.mutable_put_scheme() = ApplyView(change.put_scheme(), view);
    if (change.has_put_template()) *change.mutable_put_template() = ApplyView(change.put_template(), view);
  }
  return shown;
}

v1::LlmTemplate WithShadowsBuiltin(const Catalog& catalog, v1::LlmTemplate entry) {
  const bool own = entry.origin() == v1::REGISTRY_ORIGIN_TENANT;
  entry.set_shadows_builtin(own && catalog.FindTemplate(entry.model_type()) != nullptr);
  return entry;
}

}  // namespace qconfig
