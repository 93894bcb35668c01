// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_MEMORY_USAGE_H_
#define QCONFIG_SERVER_BASE_MEMORY_USAGE_H_

#include <cstddef>
#include <string>

namespace qconfig {

// The resident memory of this process, in bytes.
size_t ResidentBytes();

// The smallest memory limit of this process's control groups, in bytes; 0: none. Control groups are mounted at
// `cgroups` (v2, or v1 with the controller `memory` in the folder of that name); `own_groups` lists those of the
// process.
size_t ControlGroupMemoryLimit(const std::string& cgroups = "/sys/fs/cgroup",
                               const std::string& own_groups = "/proc/self/cgroup");

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_MEMORY_USAGE_H_
