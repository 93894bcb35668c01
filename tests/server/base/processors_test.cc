// SPDX-License-Identifier: Apache-2.0
#include "server/base/processors.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

void Write(const std::filesystem::path& file, const std::string& content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << content;
}

TEST(ProcessorsTest, CountsTheProcessorsOfTheAffinityMask) {
  const TempDirectory nothing;
  std::thread([&nothing] {
    cpu_set_t first;
    CPU_ZERO(&first);
    cpu_set_t all;
    ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
    EXPECT_EQ(Processors(nothing.Path("")), CPU_COUNT(&all));
    int number = 0;
    while (!CPU_ISSET(number, &all)) ++number;
    CPU_SET(number, &first);
    ASSERT_EQ(sched_setaffinity(0, sizeof(first), &first), 0);
    EXPECT_EQ(Processors(nothing.Path("")), 1);
  }).join();
}

TEST(ProcessorsTest, AreLimitedByTheQuotaOfTheContainer) {
  const TempDirectory none;
  const size_t all = Processors(none.Path(""));
  for (const auto& [quota, processors] : std::map<std::string, size_t>{{"max 100000\n", all},
                                                                       {"1000 100000\n", 1},
                                                                       {"100000 100000\n", 1},
                                                                       {"110000 100000\n", std::min<size_t>(all, 2)},
                                                                       {"9000000000 100000\n", all},
                                                                       {"", all},
                                                                       {"100000\n", all},
                                                                       {"100000 0\n", all}}) {
    const TempDirectory v2;
    Write(v2.Path("cpu.max"), quota);
    EXPECT_EQ(Processors(v2.Path("")), processors) << quota;
  }
}

TEST(ProcessorsTest, SupportsCgroupsV1) {
  const TempDirectory v1;
  Write(v1.Path("cpu/cpu.cfs_period_us"), "50000\n");
  Write(v1.Path("cpu/cpu.cfs_quota_us"), "-1\n");
  const size_t all = Processors(v1.Path(""));
  EXPECT_EQ(all, Processors("/does/not/exist"));
  Write(v1.Path("cpu/cpu.cfs_quota_us"), "75000\n");
  EXPECT_EQ(Processors(v1.Path("")), std::min<size_t>(all, 2));
  Write(v1.Path("cpu/cpu.cfs_quota_us"), "50000\n");
  EXPECT_EQ(Processors(v1.Path("")), 1);
}

TEST(ProcessorsTest, AreLimitedByTheQuotasOfAllParentCgroups) {
  const TempDirectory groups;
  const std::string self = groups.Path("self");
  Write(self, "11:memory:/elsewhere\n4:cpu,cpuacct:/slice/service\n0::/slice/service\n");
  const size_t all = Processors(groups.Path(""), self);
  EXPECT_EQ(all, Processors("/does/not/exist"));
  for (const std::string group : {"", "slice/", "slice/service/"}) {
    Write(groups.Path(group + "cpu.max"), "100000 100000\n");
    EXPECT_EQ(Processors(groups.Path(""), self), 1) << group;
    Write(groups.Path(group + "cpu.max"), "max 100000\n");
    Write(groups.Path("cpu/" + group + "cpu.cfs_period_us"), "100000\n");
    Write(groups.Path("cpu/" + group + "cpu.cfs_quota_us"), "100000\n");
    EXPECT_EQ(Processors(groups.Path(""), self), 1) << "cpu/" << group;
    Write(groups.Path("cpu/" + group + "cpu.cfs_quota_us"), "-1\n");
  }
  Write(groups.Path("elsewhere/cpu.max"), "100000 100000\n");
  Write(groups.Path("cpu/cpu.max"), "100000 100000\n");  // a v2 group with the name of v1's folder
  EXPECT_EQ(Processors(groups.Path(""), self), all);
}

}  // namespace
}  // namespace qconfig
