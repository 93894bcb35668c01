// SPDX-License-Identifier: Apache-2.0
#include "server/base/memory_usage.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

void Write(const std::filesystem::path& file, const std::string& content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << content;
}

TEST(MemoryUsageTest, ResidentBytesGrowWithTheMemoryInUse) {
  constexpr size_t kBytes = 64u << 20;
  const size_t before = ResidentBytes();
  EXPECT_GT(before, 1u << 20);
  const std::string used(kBytes, 'x');
  EXPECT_GT(ResidentBytes(), before + kBytes / 2);
  EXPECT_LT(ResidentBytes(), before + 4 * kBytes);
}

TEST(MemoryUsageTest, FindsTheLimitOfTheContainer) {
  const TempDirectory none;
  EXPECT_EQ(ControlGroupMemoryLimit(none.Path("")), 0u);
  const TempDirectory v2;
  Write(v2.Path("memory.max"), "max\n");
  EXPECT_EQ(ControlGroupMemoryLimit(v2.Path("")), 0u);
  Write(v2.Path("memory.max"), "536870912\n");
  EXPECT_EQ(ControlGroupMemoryLimit(v2.Path("")), 512u << 20);
}

TEST(MemoryUsageTest, FindsTheSmallestLimitOfTheGroupAndItsParents) {
  const TempDirectory groups;
  const std::string own = groups.Path("own");
  Write(own, "0::/pods/pod/container\n");
  Write(groups.Path("pods/memory.max"), "3000\n");
  Write(groups.Path("pods/pod/memory.max"), "1000\n");
  Write(groups.Path("pods/pod/container/memory.max"), "2000\n");
  Write(groups.Path("pods/other/memory.max"), "10\n");
  EXPECT_EQ(ControlGroupMemoryLimit(groups.Path(""), own), 1000u);
}

TEST(MemoryUsageTest, SupportsCgroupsV1) {
  const TempDirectory groups;
  const std::string own = groups.Path("own");
  Write(own, "5:cpu:/other\n4:memory:/service\n0::/\n");
  Write(groups.Path("memory/memory.limit_in_bytes"), "9223372036854771712\n");
  EXPECT_EQ(ControlGroupMemoryLimit(groups.Path(""), own), 0u);
  Write(groups.Path("memory/service/memory.limit_in_bytes"), "4096\n");
  Write(groups.Path("memory/other/memory.limit_in_bytes"), "10\n");
  EXPECT_EQ(ControlGroupMemoryLimit(groups.Path(""), own), 4096u);
}

}  // namespace
}  // namespace qconfig
