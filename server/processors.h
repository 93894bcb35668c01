// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_PROCESSORS_H_
#define QCONFIG_SERVER_PROCESSORS_H_

#include <cstddef>
#include <string>

namespace qconfig {

// How many processors this process can keep busy, one at least: those that it may run on, and no more than the quotas
// of its container or service come to, rounded up. `cgroups` is where control groups (v2, v1 or both) are mounted, and
// `own_groups` the file that says in which of them this process is.
size_t Processors(const std::string& cgroups = "/sys/fs/cgroup", const std::string& own_groups = "/proc/self/cgroup");

}  // namespace qconfig

#endif  // QCONFIG_SERVER_PROCESSORS_H_
