// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVICES_ENTRY_VIEW_H_
#define QCONFIG_SERVER_SERVICES_ENTRY_VIEW_H_

#include "core/catalog.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// A page ends before the entry that would make its entries, in the full view, larger than this: clients read 4 MiB
// unless told otherwise.
constexpr size_t kMaxPageBytes = 2u << 20;

// What an entry, or a write, shows in `view`.
v1::Scheme Show(const v1::Scheme& scheme, v1::EntryView view);
v1::LlmTemplate Show(const v1::LlmTemplate& entry, v1::EntryView view);
v1::ChangeRecord Show(const v1::ChangeRecord& record, v1::EntryView view);

// The same as it is seen through `catalog`: a tenant's template says whether it hides one of the catalogue.
v1::LlmTemplate SeenThrough(const Catalog& catalog, v1::LlmTemplate entry);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVICES_ENTRY_VIEW_H_
