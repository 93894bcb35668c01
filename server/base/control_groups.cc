// SPDX-License-Identifier: Apache-2.0
#include "server/base/control_groups.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_split.h"

namespace qconfig {

namespace fs = std::filesystem;

fs::path FindControlGroup(const std::string& own_groups, absl::string_view controller) {
  std::ifstream file(own_groups);
  for (std::string line; std::getline(file, line);) {  // "4:cpu,cpuacct:/a/b", or "0::/a/b"
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() == 3 && absl::c_linear_search(absl::StrSplit(parts[1], ','), controller)) return parts[2];
  }
  return "/";
}

double LeastLimit(const fs::path& root, fs::path group, absl::FunctionRef<double(const fs::path&)> limit_of) {
  double least = limit_of(root);
  for (; group.has_relative_path(); group = group.parent_path()) {
    least = std::min(least, limit_of(root / group.relative_path()));
  }
  return least;
}

}  // namespace qconfig
