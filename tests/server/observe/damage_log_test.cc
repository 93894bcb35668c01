// SPDX-License-Identifier: Apache-2.0
#include "server/observe/damage_log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

TEST(DamageLogTest, LogsAndCountsEachDamageOnce) {
  std::ostringstream lines;
  spdlog::logger logger("test", std::make_shared<spdlog::sinks::ostream_sink_st>(lines));
  DamageLog log(EventLog(logger, LogForm::kJson), "sqlite:/x/registry.db");
  EXPECT_EQ(log.count(), 0);
  for (int i = 0; i < 3; ++i) log.Report("tenant a: scheme s since revision 2 has a wrong checksum");
  EXPECT_EQ(log.count(), 1);
  const std::string text = lines.str();
  EXPECT_NE(text.find("scheme s since revision 2"), std::string::npos) << text;
  EXPECT_NE(text.find("/x/registry.db"), std::string::npos) << text;
  EXPECT_EQ(text.find("scheme s"), text.rfind("scheme s")) << text;
  for (int i = 0; i < 2000; ++i) log.Report(absl::StrCat("tenant ", i));
  EXPECT_EQ(log.count(), 1000);
}

}  // namespace
}  // namespace qconfig
