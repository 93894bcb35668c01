// SPDX-License-Identifier: Apache-2.0
#include "server/base/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace qconfig {
namespace {

using testing::EndsWith;

class EventLogTest : public testing::Test {
 protected:
  EventLog LogOf(LogForm form) {
    spdlog::logger log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    SetLogForm(log, form);
    return EventLog(log, form);
  }

  std::ostringstream text_;
};

TEST_F(EventLogTest, TextHasFieldsAfterTheEvent) {
  LogOf(LogForm::kText).Info("draining", {{"in_flight", size_t{3}}, {"grace_s", 10}, {"cause", "by hand"}});
  EXPECT_THAT(text_.str(), EndsWith(" [qconfigd] [info] draining in_flight=3 grace_s=10 cause=\"by hand\"\n"));
}

TEST_F(EventLogTest, JsonHasAMemberForEachField) {
  const std::string error = "a \"quoted\" text";
  LogOf(LogForm::kJson).Critical("cannot start", {{"error", error}, {"left", -1}});
  const auto line = nlohmann::json::parse(text_.str());
  EXPECT_EQ(line["level"], "critical");
  EXPECT_EQ(line["msg"], "cannot start");
  EXPECT_EQ(line["error"], error);
  EXPECT_EQ(line["left"], -1);
  EXPECT_EQ(line.size(), 5u);
}

TEST_F(EventLogTest, LinesOfAValueAreJoined) {
  const std::string error = "policy.yaml: line 3: a\n  line 4: \"b\"\n";
  LogOf(LogForm::kJson).Warn("event", {{"error", error}});
  EXPECT_EQ(nlohmann::json::parse(text_.str())["error"], "policy.yaml: line 3: a; line 4: \"b\"");
  text_.str("");
  LogOf(LogForm::kText).Warn("event", {{"error", "a\nb"}});
  EXPECT_THAT(text_.str(), EndsWith(" event error=\"a; b\"\n"));
}

TEST_F(EventLogTest, EventsHaveTheirLevels) {
  const EventLog log = LogOf(LogForm::kText);
  log.Info("one");
  log.Warn("two");
  log.Error("three");
  log.Critical("four");
  EXPECT_THAT(text_.str(), testing::ContainsRegex("info. one\n.*warn. two\n.*error. three\n.*critical. four\n$"));
}

}  // namespace
}  // namespace qconfig
