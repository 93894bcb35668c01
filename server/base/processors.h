// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_PROCESSORS_H_
#define QCONFIG_SERVER_BASE_PROCESSORS_H_

#include <cstddef>
#include <string>

namespace qconfig {

// How many processors this process can keep busy, one at least: those that it may run on, and no more than the smallest
// quota of the groups that it is in, rounded up. `cgroups` is where control groups are mounted (v2, or v1 with its
// controller `cpu` in the folder of that name), and `own_groups` says in which of them the process is.
size_t Processors(const std::string& cgroups = "/sys/fs/cgroup", const std::string& own_groups = "/proc/self/cgroup");

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_PROCESSORS_H_
