// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_PROCESSORS_H_
#define QCONFIG_SERVER_PROCESSORS_H_

#include <cstddef>
#include <string>

namespace qconfig {

// How many processors this process can keep busy, one at least: those that it may run on, and no more than the quota of
// its container comes to, rounded up. `cgroups` is where the container's control groups (v2, or v1) are mounted.
size_t Processors(const std::string& cgroups = "/sys/fs/cgroup");

}  // namespace qconfig

#endif  // QCONFIG_SERVER_PROCESSORS_H_
