// SPDX-License-Identifier: Apache-2.0
#include "server/base/limited_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"

namespace qconfig {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class LimitedLogTest : public testing::Test {
 protected:
  LimitedLogTest() { SetLogForm(logger_, LogForm::kText); }

  std::vector<std::string> Lines() const { return absl::StrSplit(text_.str(), '\n', absl::SkipEmpty()); }

  std::ostringstream text_;
  spdlog::logger logger_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)};
  absl::Duration now_ = absl::Hours(1);
  LimitedLog log_{EventLog(logger_, LogForm::kText), Clock(absl::Now, [this] { return now_; })};
};

TEST_F(LimitedLogTest, WritesAFewLinesAndTheNumberOfTheOthers) {
  for (int i = 0; i < 17; ++i) log_.Warn("rejected", {{"peer", i}});
  EXPECT_EQ(Lines().size(), 5u);
  log_.Flush();
  EXPECT_EQ(Lines().size(), 5u) << "the period is not over";
  now_ += absl::Seconds(10);
  log_.Flush();
  ASSERT_EQ(Lines().size(), 6u);
  EXPECT_THAT(Lines()[0], EndsWith("[warn] rejected peer=0"));
  EXPECT_THAT(Lines()[5], EndsWith("[warn] log lines left out event=rejected lines=12 seconds=10"));
  log_.Flush();
  EXPECT_EQ(Lines().size(), 6u);
}

TEST_F(LimitedLogTest, NextPeriodBeginsWithTheNextLine) {
  for (int i = 0; i < 6; ++i) log_.Info("rejected", {{"peer", "first"}});
  now_ += absl::Seconds(25);
  log_.Info("rejected", {{"peer", "second"}});
  ASSERT_EQ(Lines().size(), 7u);
  EXPECT_THAT(Lines()[5], HasSubstr("lines=1 seconds=25"));
  EXPECT_THAT(Lines()[6], HasSubstr("peer=second"));
}

TEST_F(LimitedLogTest, KindsDoNotShareALimit) {
  for (int i = 0; i < 9; ++i) log_.Info("rejected", {});
  log_.Info("failed", {});
  log_.Error("rejected", {});
  ASSERT_EQ(Lines().size(), 7u);
  EXPECT_THAT(Lines()[5], EndsWith("[info] failed"));
  EXPECT_THAT(Lines()[6], EndsWith("[error] rejected"));
}

}  // namespace
}  // namespace qconfig
