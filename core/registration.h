// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_REGISTRATION_H_
#define QCONFIG_CORE_REGISTRATION_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/catalog.h"
#include "core/limits.h"
#include "core/registry_state.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// The inputs of a write to a registry besides the request. The referenced objects must outlive it.
struct RegistrationContext {
  // The catalogues of this server, the tenant's default first if the server has it. An entry is valid if one of them
  // accepts it; if none does, the error is that of the first. Absent fields take the defaults of the catalogue that
  // accepts the entry.
  const Catalogs& catalogs;
  const RegistryState& registry;  // the tenant's newest state
  int64_t next_revision;          // the revision that the write creates
  const Limits& limits;
  google::protobuf::Timestamp now;
};

// The functions below return the change that the write makes, or an error: INVALID_REQUEST for sizes and shape, then
// the listed ones. They ignore output-only fields of `given`. The rules are those of Quark's
// `LLMTemplate.register_scheme`, `unregister_scheme` and `register_template`.

// Whether the new entry may replace another.
struct PutConditions {
  bool may_replace = true;  // whether the tenant may already have an entry with this name
  std::string etag;         // not empty: the tenant must have an entry with this etag, which is replaced
};

// INVALID_TENSOR_CONFIG, SCHEME_EXISTS, ETAG_MISMATCH, QUOTA_EXCEEDED.
absl::StatusOr<v1::RegistryChange> PutScheme(const v1::Scheme& given, const PutConditions& conditions,
                                             const RegistrationContext& context);

// SCHEME_NOT_FOUND, BUILTIN_READ_ONLY, ETAG_MISMATCH. An empty `etag` matches every entry.
absl::StatusOr<v1::RegistryChange> DeleteScheme(const std::string& name, const std::string& etag,
                                                const RegistrationContext& context);

// UNSUPPORTED_ALGORITHM, INVALID_ALGORITHM_CONFIG, TEMPLATE_EXISTS, ETAG_MISMATCH, QUOTA_EXCEEDED.
absl::StatusOr<v1::RegistryChange> PutTemplate(const v1::LlmTemplate& given, const PutConditions& conditions,
                                               const RegistrationContext& context);

// TEMPLATE_NOT_FOUND, BUILTIN_READ_ONLY, ETAG_MISMATCH. An empty `etag` matches every entry.
absl::StatusOr<v1::RegistryChange> DeleteTemplate(const std::string& model_type, const std::string& etag,
                                                  const RegistrationContext& context);

// CATALOG_NOT_FOUND, REVISION_MISMATCH. An `expected_revision` of 0 matches every revision. The change is empty if the
// tenant already has this default.
absl::StatusOr<v1::RegistryChange> ChangeDefaultCatalog(const std::string& catalog, int64_t expected_revision,
                                                        const RegistrationContext& context);

}  // namespace qconfig

#endif  // QCONFIG_CORE_REGISTRATION_H_
