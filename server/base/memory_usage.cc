// SPDX-License-Identifier: Apache-2.0
#include "server/base/memory_usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "server/base/control_groups.h"

namespace qconfig {
namespace {

namespace fs = std::filesystem;

constexpr double kNone = std::numeric_limits<double>::infinity();

double ReadLimit(const fs::path& file) {
  constexpr double kNoLimitInV1 = 1e18;  // v1 has a number near 2^63 if there is no limit, and v2 "max"
  double limit = 0;
  std::ifstream(file) >> limit;
  return limit > 0 && limit < kNoLimitInV1 ? limit : kNone;
}

}  // namespace

size_t ResidentBytes() {
  // Stays open, so that it can be read when the process has no file descriptors left.
  static const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  static const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::array<char, 128> text = {};
  const ssize_t size = pread(file, text.data(), text.size(), 0);
  const std::vector<absl::string_view> words =
      absl::StrSplit(absl::string_view(text.data(), size > 0 ? static_cast<size_t>(size) : 0), ' ');
  size_t pages = 0;
  return words.size() > 1 && absl::SimpleAtoi(words[1], &pages) ? pages * page : 0;
}

size_t ControlGroupMemoryLimit(const std::string& cgroups, const std::string& own_groups) {
  const double v2 = LeastLimit(cgroups, FindControlGroup(own_groups, ""),
                               [](const fs::path& group) { return ReadLimit(group / "memory.max"); });
  const double v1 = LeastLimit(fs::path(cgroups) / "memory", FindControlGroup(own_groups, "memory"),
                               [](const fs::path& group) { return ReadLimit(group / "memory.limit_in_bytes"); });
  const double limit = std::min(v1, v2);
  return limit == kNone ? 0 : static_cast<size_t>(limit);
}

}  // namespace qconfig
