// SPDX-License-Identifier: Apache-2.0
#include "server/observe/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/async.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;
using testing::MatchesRegex;

// A log in memory with this format.
class MemoryLog {
 public:
  explicit MemoryLog(LogForm form)
      : logger_(std::make_shared<spdlog::logger>("log", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_))) {
    SetLogForm(*logger_, form);
  }

  spdlog::logger& operator*() { return *logger_; }
  std::string text() const { return out_.str(); }
  std::vector<std::string> lines() const { return absl::StrSplit(out_.str(), '\n', absl::SkipEmpty()); }

 private:
  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> logger_;
};

// Texts with line breaks, quotes and invalid encodings.
std::vector<std::string> HostileTexts() {
  std::vector<std::string> texts = {"",
                                    "\"",
                                    "\\",
                                    "\\\"}",
                                    "a\nb\r\nc",
                                    "{}",
                                    "{0} %s",
                                    "\xff\xfe",
                                    "\xc3",
                                    "\xed\xa0\x80",
                                    "\u2028",
                                    "\"},{\"level\":\"x",
                                    "ünïcödé",
                                    "\x1b[31mred",
                                    std::string("\0nul\0", 5),
                                    std::string(5000, 'x')};
  for (int c = 0; c < 256; ++c) texts.push_back(absl::StrCat("<", std::string(1, static_cast<char>(c)), ">"));
  return texts;
}

TEST(LogTest, EveryJsonLineIsOneObject) {
  MemoryLog log(LogForm::kJson);
  const std::vector<std::string> texts = HostileTexts();
  for (const std::string& text : texts) (*log).info("{}", text);
  ASSERT_EQ(log.lines().size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto line = nlohmann::json::parse(log.lines()[i], nullptr, false);
    ASSERT_FALSE(line.is_discarded()) << log.lines()[i];
    EXPECT_EQ(line.size(), 3u);
    EXPECT_EQ(line["level"], "info");
    const auto plain = nlohmann::json(texts[i]).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    EXPECT_EQ(line["msg"], nlohmann::json::parse(plain));
  }
}

TEST(LogTest, EveryJsonLineWithFieldsIsOneObject) {
  MemoryLog log(LogForm::kJson);
  const auto fields = FieldsLogger(*log);
  const std::vector<std::string> texts = HostileTexts();
  for (const std::string& text : texts) {
    fields->warn(LogFields(LogForm::kJson, text).Add("text", text).Add("number", -7).message());
  }
  ASSERT_EQ(log.lines().size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto line = nlohmann::json::parse(log.lines()[i], nullptr, false);
    ASSERT_FALSE(line.is_discarded()) << log.lines()[i];
    EXPECT_EQ(line.size(), 5u) << log.lines()[i];
    EXPECT_EQ(line["text"], Printable(texts[i], 4096));
    EXPECT_EQ(line["level"], "warn");
    EXPECT_EQ(line["number"], -7);
  }
}

TEST(LogTest, TextLinesStayOnOneLine) {
  MemoryLog log(LogForm::kText);
  const auto fields = FieldsLogger(*log);
  const std::vector<std::string> texts = HostileTexts();
  for (const std::string& text : texts) {
    (*log).info("{}", text);
    fields->info(LogFields(LogForm::kText, "call").Add("text", text).Add("number", -7).message());
  }
  ASSERT_EQ(log.lines().size(), 2 * texts.size());
  for (const std::string& line : log.lines()) {
    EXPECT_EQ(line.find("Z [qconfigd] [info] "), 26u) << line;
  }
}

TEST(LogTest, TextFieldsAreQuotedIfNecessary) {
  EXPECT_EQ(LogFields(LogForm::kText, "call").Add("a", "x=1").Add("b", "").Add("c", "two words").Add("n", 5).message(),
            "call a=x=1 b= c=\"two words\" n=5");
  EXPECT_EQ(LogFields(LogForm::kText, "call").Add("a", "\"").Add("b", "\n").message(),
            "call a=\"\\\"\" b=\"\\\\u000a\"");
}

TEST(LogTest, TimesAreUtcWithMicroseconds) {
  for (const LogForm form : {LogForm::kJson, LogForm::kText}) {
    MemoryLog log(form);
    const absl::Time before = absl::Now() - absl::Microseconds(1);
    (*log).error("x");
    const std::string line = log.text();
    const std::string time =
        form == LogForm::kText ? line.substr(0, 27) : nlohmann::json::parse(line)["time"].get<std::string>();
    EXPECT_THAT(time, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z"));
    absl::Time parsed;
    std::string error;
    ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, time, &parsed, &error)) << error;
    EXPECT_THAT(parsed, AllOf(Ge(before), Le(absl::Now())));
  }
}

TEST(LogTest, LevelsHaveTheirNames) {
  MemoryLog log(LogForm::kJson);
  (*log).set_level(spdlog::level::debug);
  (*log).debug("x");
  (*log).info("x");
  (*log).warn("x");
  (*log).error("x");
  (*log).critical("x");
  std::vector<std::string> levels;
  for (const std::string& line : log.lines()) levels.push_back(nlohmann::json::parse(line)["level"]);
  EXPECT_THAT(levels, testing::ElementsAre("debug", "info", "warn", "error", "critical"));
}

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

TEST(LogTest, FormatFollowsTheOption) {
  Options options;
  options.log_format = "text";
  EXPECT_EQ(LogFormOf(options), LogForm::kText);
  options.log_format = "json";
  EXPECT_EQ(LogFormOf(options), LogForm::kJson);
}

}  // namespace
}  // namespace qconfig
