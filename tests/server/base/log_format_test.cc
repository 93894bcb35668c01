// SPDX-License-Identifier: Apache-2.0
#include "server/base/log_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;
using testing::MatchesRegex;

// A log in memory, whose lines have this form.
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

// Texts that break lines, quotes and encodings.
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

TEST(LogFormatTest, EveryJsonLineIsOneObject) {
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

TEST(LogFormatTest, EveryJsonLineWithFieldsIsOneObject) {
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

TEST(LogFormatTest, TextStaysOneLineWhateverIsInIt) {
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

TEST(LogFormatTest, TextFieldsAreQuotedWhenTheyAreNotPlain) {
  EXPECT_EQ(LogFields(LogForm::kText, "call").Add("a", "x=1").Add("b", "").Add("c", "two words").Add("n", 5).message(),
            "call a=x=1 b= c=\"two words\" n=5");
  EXPECT_EQ(LogFields(LogForm::kText, "call").Add("a", "\"").Add("b", "\n").message(),
            "call a=\"\\\"\" b=\"\\\\u000a\"");
}

TEST(LogFormatTest, TimesAreUtcWithMicroseconds) {
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

TEST(LogFormatTest, LevelsHaveTheirNames) {
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

}  // namespace
}  // namespace qconfig
