// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_TENANT_ID_H_
#define QCONFIG_CORE_TENANT_ID_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// The name of a tenant: [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?. Immutable.
class TenantId {
 public:
  // The tenant of requests without a tenant.
  static TenantId Default() { return TenantId("default"); }

  // INVALID_REQUEST if `name` is not a valid name. `field` is its path in the request.
  static absl::StatusOr<TenantId> Parse(absl::string_view name, absl::string_view field);

  const std::string& name() const { return name_; }

 private:
  explicit TenantId(std::string name) : name_(std::move(name)) {}

  std::string name_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_TENANT_ID_H_
