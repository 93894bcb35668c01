// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_REGISTRATION_H_
#define QCONFIG_CORE_REGISTRATION_H_

#include <google/protobuf/timestamp.pb.h>

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

// What a write to a registry is checked against and made with. What it refers to must outlive it.
struct RegistrationContext {
  // Of this server, the tenant's default first. An entry that one of them accepts is accepted; when none does, the
  // first one's refusal is told. What the entry leaves out takes the defaults of the catalogue that accepts it.
  const std::vector<std::shared_ptr<const Catalog>>& catalogs;
  const RegistryState& registry;  // the tenant's newest
  const Limits& limits;
  google::protobuf::Timestamp now;
};

// Each gives the change that the write makes, which is then of revision `registry.revision() + 1`, or the reason why it
// is refused: INVALID_REQUEST for sizes and shape, then what is named. Output-only fields of what is given are ignored.
// Quark's rules are those of `LLMTemplate.register_scheme`, `unregister_scheme`, `register_template`.

// INVALID_TENSOR_CONFIG, SCHEME_EXISTS, QUOTA_EXCEEDED.
absl::StatusOr<v1::RegistryChange> PutScheme(const v1::Scheme& given, const RegistrationContext& context);

// SCHEME_NOT_FOUND, BUILTIN_READ_ONLY, ETAG_MISMATCH. An empty `etag` fits every entry.
absl::StatusOr<v1::RegistryChange> DeleteScheme(const std::string& name, const std::string& etag,
                                                const RegistrationContext& context);

// UNSUPPORTED_ALGORITHM, INVALID_ALGORITHM_CONFIG, ETAG_MISMATCH, QUOTA_EXCEEDED. Replaces the tenant's template of the
// same model type. An empty `etag` fits every template, and none.
absl::StatusOr<v1::RegistryChange> PutTemplate(const v1::LlmTemplate& given, const std::string& etag,
                                               const RegistrationContext& context);

// TEMPLATE_NOT_FOUND, BUILTIN_READ_ONLY, ETAG_MISMATCH. An empty `etag` fits every entry.
absl::StatusOr<v1::RegistryChange> DeleteTemplate(const std::string& model_type, const std::string& etag,
                                                  const RegistrationContext& context);

}  // namespace qconfig

#endif  // QCONFIG_CORE_REGISTRATION_H_
