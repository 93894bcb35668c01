// SPDX-License-Identifier: Apache-2.0
#include "server/base/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "server/base/control_groups.h"

namespace qconfig {
namespace {

namespace fs = std::filesystem;

// Unlike std::thread::hardware_concurrency(), which counts the processors of the machine.
size_t Allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<size_t>(CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

// Quotas are in processors; infinity: none.
double Quota(double time, double period) {
  return time > 0 && period > 0 ? time / period : std::numeric_limits<double>::infinity();
}

double QuotaOfV2(const fs::path& group) {
  double time = 0;
  double period = 0;
  std::ifstream(group / "cpu.max") >> time >> period;  // "200000 100000", or "max 100000"
  return Quota(time, period);
}

double QuotaOfV1(const fs::path& group) {
  double time = 0;
  double period = 0;
  std::ifstream(group / "cpu.cfs_quota_us") >> time;  // -1: none
  std::ifstream(group / "cpu.cfs_period_us") >> period;
  return Quota(time, period);
}

}  // namespace

size_t Processors(const std::string& cgroups, const std::string& own_groups) {
  const double quota = std::min(LeastLimit(cgroups, FindControlGroup(own_groups, ""), QuotaOfV2),
                                LeastLimit(fs::path(cgroups) / "cpu", FindControlGroup(own_groups, "cpu"), QuotaOfV1));
  return static_cast<size_t>(std::min(std::ceil(quota), static_cast<double>(Allowed())));
}

}  // namespace qconfig
