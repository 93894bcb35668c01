// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_REQUEST_SHAPE_H_
#define QCONFIG_CORE_REQUEST_SHAPE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/limits.h"
#include "qconfig/v1/config_service.pb.h"

namespace qconfig {

// The checks of a spec that need no catalogue: required fields, sizes, duplicates, layer types, algorithm
// configurations under the wrong name, and numbers that are not finite. INVALID_REQUEST for the first failure in the
// order of the fields.
absl::Status CheckSpec(const v1::ConfigSpec& spec, const Limits& limits);

// The same for a request: its own fields, then its spec.
absl::Status CheckShape(const v1::GetConfigRequest& request, const Limits& limits);

// INVALID_REQUEST if a revision is negative.
absl::Status CheckRevisions(int64_t revision, int64_t min_revision);

}  // namespace qconfig

#endif  // QCONFIG_CORE_REQUEST_SHAPE_H_
