// SPDX-License-Identifier: Apache-2.0
#include "server/base/memory_pressure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/error.h"

namespace qconfig {
namespace {

using Level = MemoryPressure::Level;
using Work = MemoryPressure::Work;

TEST(MemoryPressureTest, LevelsHaveHysteresis) {
  MemoryPressure pressure(1000);
  const std::vector<std::pair<size_t, Level>> steps = {
      {849, Level::kNone}, {850, Level::kHigh},     {800, Level::kHigh},     {799, Level::kNone},
      {949, Level::kHigh}, {950, Level::kCritical}, {900, Level::kCritical}, {899, Level::kHigh},
      {800, Level::kHigh}, {799, Level::kNone},     {2000, Level::kCritical}};
  for (const auto& [used, level] : steps) {
    EXPECT_EQ(pressure.Update(used), level) << used;
    EXPECT_EQ(pressure.level(), level);
    EXPECT_EQ(pressure.used(), used);
  }
}

TEST(MemoryPressureTest, WithoutALimitThereIsNone) {
  MemoryPressure pressure(0);
  EXPECT_EQ(pressure.Update(size_t{1} << 60), Level::kNone);
  EXPECT_EQ(pressure.used(), size_t{1} << 60);
}

TEST(MemoryPressureTest, RejectsLargeWorkFirst) {
  MemoryPressure pressure(1000);
  EXPECT_TRUE(pressure.Admit(Work::kLarge).ok());
  pressure.Update(850);
  EXPECT_TRUE(pressure.Admit(Work::kSmall).ok());
  const absl::Status large = pressure.Admit(Work::kLarge);
  EXPECT_EQ(ItemErrorOf(large).reason(), v1::ERROR_REASON_OVERLOADED);
  EXPECT_THAT(std::string(large.message()), testing::HasSubstr("memory"));
  pressure.Update(950);
  EXPECT_EQ(ItemErrorOf(pressure.Admit(Work::kSmall)).reason(), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(pressure.rejections(), 2);
}

}  // namespace
}  // namespace qconfig
