// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_PROCESSORS_H_
#define QCONFIG_SERVER_BASE_PROCESSORS_H_

#include <cstddef>
#include <string>

namespace qconfig {

// The number of processors that this process can use, at least one: the number in its affinity mask, but at most the
// smallest CPU quota of its control groups, rounded up. Control groups are mounted at `cgroups` (v2, or v1 with the
// controller `cpu` in the folder of that name); `own_groups` lists those of the process.
size_t Processors(const std::string& cgroups = "/sys/fs/cgroup", const std::string& own_groups = "/proc/self/cgroup");

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_PROCESSORS_H_
