// SPDX-License-Identifier: Apache-2.0
#include "server/processors.h"

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

// Not std::thread::hardware_concurrency() alone, which counts the machine's.
size_t Allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<size_t>(CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

// This process's group in the hierarchy of `controller`, "" in that of v2. "/" when nothing is known.
fs::path GroupOf(const std::string& own_groups, absl::string_view controller) {
  std::ifstream file(own_groups);
  for (std::string line; std::getline(file, line);) {  // "4:cpu,cpuacct:/a/b", or "0::/a/b"
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() == 3 && absl::c_linear_search(absl::StrSplit(parts[1], ','), controller)) return parts[2];
  }
  return "/";
}

// In processors, of one group. Infinite: there is none.
double QuotaOf(const fs::path& group) {
  double quota = 0;
  double period = 0;
  std::ifstream v2(group / "cpu.max");  // "200000 100000", or "max 100000"
  if (!(v2 >> quota >> period)) {
    std::ifstream(group / "cpu.cfs_quota_us") >> quota;  // -1: none
    std::ifstream(group / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}

// The smallest of a group's and of those that it is in. What is not mounted here has none.
double QuotaWithin(const fs::path& root, fs::path group) {
  double quota = QuotaOf(root);
  for (; group.has_relative_path(); group = group.parent_path()) {
    quota = std::min(quota, QuotaOf(root / group.relative_path()));
  }
  return quota;
}

}  // namespace

size_t Processors(const std::string& cgroups, const std::string& own_groups) {
  const double quota = std::min(QuotaWithin(cgroups, GroupOf(own_groups, "")),
                                QuotaWithin(fs::path(cgroups) / "cpu", GroupOf(own_groups, "cpu")));
  return static_cast<size_t>(std::min(std::ceil(quota), static_cast<double>(Allowed())));
}

}  // namespace qconfig
