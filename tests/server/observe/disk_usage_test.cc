// SPDX-License-Identifier: Apache-2.0
#include "server/observe/disk_usage.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

TEST(DiskUsageTest, OnlyRefreshReadsTheDisk) {
  const TempDirectory directory;
  const std::string file = directory.Path("disk_usage.db");
  DiskUsage disk("sqlite:" + file);
  std::ofstream(file) << "1234";
  std::ofstream(file + "-wal") << "56";
  EXPECT_EQ(disk.file_bytes(), 0);
  disk.Refresh();
  EXPECT_EQ(disk.file_bytes(), 6);
  EXPECT_GT(disk.free_bytes(), 0);
  DiskUsage memory("memory");
  memory.Refresh();
  EXPECT_EQ(memory.free_bytes(), 0);
}

}  // namespace
}  // namespace qconfig
