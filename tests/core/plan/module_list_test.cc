// SPDX-License-Identifier: Apache-2.0
#include "core/plan/module_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using testing::ElementsAre;

v1::PlanLayersRequest WithNames(const std::vector<std::string>& names) {
  v1::PlanLayersRequest request;
  for (const std::string& name : names) request.add_modules()->set_name(name);
  return request;
}

absl::StatusOr<std::vector<std::string>> Expand(const std::vector<std::string>& names, const Limits& limits = {}) {
  const v1::PlanLayersRequest request = WithNames(names);
  CancellationToken token;
  const auto list = ModuleList::Expand(request.modules(), limits, token);
  if (!list.ok()) return list.status();
  std::vector<std::string> expanded;
  for (size_t i = 0; i < list->size(); ++i) expanded.emplace_back(list->name(i));
  return expanded;
}

TEST(ModuleListTest, KeepsNamesWithoutRanges) {
  EXPECT_THAT(*Expand({"lm_head", "", "model.layers.0.q_proj"}), ElementsAre("lm_head", "", "model.layers.0.q_proj"));
}

TEST(ModuleListTest, ExpandsARangeInAscendingOrder) {
  EXPECT_THAT(*Expand({"a.{8..11}.b"}), ElementsAre("a.8.b", "a.9.b", "a.10.b", "a.11.b"));
  EXPECT_THAT(*Expand({"{0..0}"}), ElementsAre("0"));
}

TEST(ModuleListTest, ChangesTheLastRangeFastest) {
  EXPECT_THAT(*Expand({"a{0..1}.b{3..4}"}), ElementsAre("a0.b3", "a0.b4", "a1.b3", "a1.b4"));
  EXPECT_THAT(*Expand({"{0..1}.{4294967295..4294967295}"}), ElementsAre("0.4294967295", "1.4294967295"));
}

TEST(ModuleListTest, ReadsBracesThatAreNoRangeAsText) {
  for (const char* name : {"a{b}", "{", "}", "{1..}", "{..2}", "{1..2", "{1.2}", "{1...2}", "{a..c}", "{-1..2}"}) {
    EXPECT_THAT(*Expand({name}), ElementsAre(name));
  }
  EXPECT_THAT(*Expand({"{x}{1..2}}"}), ElementsAre("{x}1}", "{x}2}"));
}

TEST(ModuleListTest, KnowsTheMessageOfEachModule) {
  const v1::PlanLayersRequest request = WithNames({"a", "b{0..1}", "c"});
  CancellationToken token;
  const auto list = ModuleList::Expand(request.modules(), {}, token);
  ASSERT_TRUE(list.ok());
  std::vector<size_t> messages;
  for (size_t i = 0; i < list->size(); ++i) messages.push_back(list->message_index(i));
  EXPECT_THAT(messages, ElementsAre(0, 1, 1, 2));
  EXPECT_EQ(&list->message(2), &request.modules(1));
}

TEST(ModuleListTest, RejectsMalformedRanges) {
  for (const char* name : {"a.{2..1}", "a.{00..3}", "a.{1..03}", "a.{1..99999999999}"}) {
    EXPECT_EQ(ReasonAndField(Expand({"x", name}).status()), "INVALID_REQUEST at modules[1].name") << name;
  }
}

TEST(ModuleListTest, LimitsModules) {
  Limits limits;
  limits.plan_modules = 6;
  EXPECT_EQ(Expand({"x", "a.{0..4}"}, limits)->size(), 6u);
  EXPECT_EQ(ReasonAndField(Expand({"x", "y", "a.{0..4}"}, limits).status()), "INVALID_REQUEST at modules[2].name");
  EXPECT_EQ(ReasonAndField(Expand({"{0..4000000000}{0..4000000000}{0..4000000000}"}).status()),
            "INVALID_REQUEST at modules[0].name");
}

TEST(ModuleListTest, LimitsBytesOfNames) {
  Limits limits;
  limits.plan_name_bytes = 1000;
  const std::string name(90, 'a');
  EXPECT_TRUE(Expand({name + "{0..8}"}, limits).ok());
  EXPECT_EQ(ReasonAndField(Expand({name + "{0..10}"}, limits).status()), "INVALID_REQUEST at modules[0].name");
}

TEST(ModuleListTest, CanBeCancelled) {
  const v1::PlanLayersRequest request = WithNames({"model.layers.{0..60}.experts.{0..255}.up_proj"});
  const auto check = [] { return absl::CancelledError("enough"); };
  CancellationToken token(check);
  absl::Status status;
  while (status.ok()) status = ModuleList::Expand(request.modules(), {}, token).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace qconfig
