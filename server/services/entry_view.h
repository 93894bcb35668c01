// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVICES_ENTRY_VIEW_H_
#define QCONFIG_SERVER_SERVICES_ENTRY_VIEW_H_

#include "core/catalog.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// The limit of the entries of one page, in bytes of the full view. By default, gRPC clients accept messages of 4 MiB.
constexpr size_t kMaxPageBytes = 2u << 20;

// Return an entry or a write without the fields that `view` omits.
v1::Scheme ApplyView(const v1::Scheme& scheme, v1::EntryView view);
v1::LlmTemplate ApplyView(const v1::LlmTemplate& entry, v1::EntryView view);
v1::ChangeRecord ApplyView(const v1::ChangeRecord& record, v1::EntryView view);

// Returns a template with `shadows_builtin` set: whether a tenant's template hides one of `catalog`.
v1::LlmTemplate WithShadowsBuiltin(const Catalog& catalog, v1::LlmTemplate entry);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVICES_ENTRY_VIEW_H_
