// SPDX-License-Identifier: Apache-2.0
#include "server/base/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

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

// This process's group in v1's hierarchy of `controller`, or in v2's if that is empty. "/" if it is not known.
fs::path FindControlGroup(const std::string& own_groups, absl::string_view controller) {
  std::ifstream file(own_groups);
  for (std::string line; std::getline(file, line);) {  // "4:cpu,cpuacct:/a/b", or "0::/a/b"
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() == 3 && absl::c_linear_search(absl::StrSplit(parts[1], ','), controller)) return parts[2];
  }
  return "/";
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

// The smallest quota of `group` and its parents, up to `root`. Groups that are not mounted here have none.
double QuotaWithin(const fs::path& root, fs::path group, double (*quota_of)(const fs::path&)) {
  double quota = quota_of(root);
  for (; group.has_relative_path(); group = group.parent_path()) {
    quota = std::min(quota, quota_of(root / group.relative_path()));
  }
  return quota;
}

}  // namespace

size_t Processors(const std::string& cgroups, const std::string& own_groups) {
  const double quota = std::min(QuotaWithin(cgroups, FindControlGroup(own_groups, ""), QuotaOfV2),
                                QuotaWithin(fs::path(cgroups) / "cpu", FindControlGroup(own_groups, "cpu"), QuotaOfV1));
  return static_cast<size_t>(std::min(std::ceil(quota), static_cast<double>(Allowed())));
}

}  // namespace qconfig
