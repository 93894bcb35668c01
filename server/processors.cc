// SPDX-License-Identifier: Apache-2.0
#include "server/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

namespace qconfig {
namespace {

// Not std::thread::hardware_concurrency() alone, which counts the machine's.
size_t Allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<size_t>(CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

size_t Processors(const std::string& cgroups) {
  double quota = 0;
  double period = 0;
  std::ifstream v2(cgroups + "/cpu.max");  // "200000 100000", or "max 100000"
  if (!(v2 >> quota >> period)) {
    std::ifstream(cgroups + "/cpu/cpu.cfs_quota_us") >> quota;  // -1: none
    std::ifstream(cgroups + "/cpu/cpu.cfs_period_us") >> period;
  }
  const size_t allowed = Allowed();
  if (!(quota > 0 && period > 0)) return allowed;
  return static_cast<size_t>(std::clamp(std::ceil(quota / period), 1.0, static_cast<double>(allowed)));
}

}  // namespace qconfig
