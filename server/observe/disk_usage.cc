// SPDX-License-Identifier: Apache-2.0
#include "server/observe/disk_usage.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace qconfig {

namespace fs = std::filesystem;

DiskUsage::DiskUsage(const std::string& storage)
    : path_(absl::StartsWith(storage, "sqlite:") ? std::string(absl::StripPrefix(storage, "sqlite:")) : "") {}

void DiskUsage::Refresh() {
  if (path_.empty()) return;
  int64_t bytes = 0;
  std::error_code error;
  for (const char* suffix : {"", "-wal"}) {
    const auto size = fs::file_size(path_ + suffix, error);
    if (!error) bytes += static_cast<int64_t>(size);
  }
  const fs::space_info space = fs::space(fs::absolute(path_).parent_path(), error);
  file_bytes_ = bytes;
  if (!error) free_bytes_ = static_cast<int64_t>(space.available);
}

}  // namespace qconfig
