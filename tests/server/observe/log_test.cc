// SPDX-License-Identifier: Apache-2.0
#include "server/observe/log.h"

#include <gtest/gtest.h>
#include <spdlog/async.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "server/options/options.h"

namespace qconfig {
namespace {

// A sink that blocks on its first line until Resume() is called.
class BlockedSink : public spdlog::sinks::sink {
 public:
  void WaitForLine() { received_.WaitForNotification(); }
  void Resume() { resumed_.Notify(); }

  void log(const spdlog::details::log_msg&) override {
    if (!received_.HasBeenNotified()) received_.Notify();
    resumed_.WaitForNotification();
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  absl::Notification received_;
  absl::Notification resumed_;
};

TEST(LogTest, DroppedLinesAreCounted) {
  constexpr int kQueued = 8;
  EXPECT_EQ(DroppedLogLines(), 0) << "no log has started";
  spdlog::init_thread_pool(kQueued, 1);
  const auto sink = std::make_shared<BlockedSink>();
  {
    const auto log = std::make_shared<spdlog::async_logger>("log", sink, spdlog::thread_pool(),
                                                            spdlog::async_overflow_policy::overrun_oldest);
    log->info("first");
    sink->WaitForLine();
    for (int i = 0; i < kQueued; ++i) log->info("kept at first");
    EXPECT_EQ(DroppedLogLines(), 0);
    for (int i = 0; i < 5; ++i) log->info("drives out another");
    EXPECT_EQ(DroppedLogLines(), 5);
    sink->Resume();
  }
  spdlog::shutdown();
}

TEST(LogDeathTest, LinesAreWrittenBeforeTheExit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto log_and_exit = [] {
    const auto log = StartLog(Options());
    for (int i = 1; i <= 1000; ++i) log->info("line {}", i);
    ExitAfterLog(3);
  };
  EXPECT_EXIT(log_and_exit(), testing::ExitedWithCode(3), "line 1000\\b");
}

TEST(LogDeathTest, ThreadsCanLogDuringTheExit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto log_and_exit = [] {
    std::thread([log = StartLog(Options())] {
      while (true) log->info("again");
    }).detach();
    ExitAfterLog(3);
  };
  EXPECT_EXIT(log_and_exit(), testing::ExitedWithCode(3), "");
}

TEST(LogTest, FormatFollowsTheOption) {
  Options options;
  options.log_format = "text";
  EXPECT_EQ(LogFormOf(options), LogForm::kText);
  options.log_format = "json";
  EXPECT_EQ(LogFormOf(options), LogForm::kJson);
}

}  // namespace
}  // namespace qconfig
