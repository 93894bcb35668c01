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

// The form of each module.
std::vector<size_t> FormsOf(const v1::PlanLayersRequest& request) {
  CancellationToken token;
  const auto list = ModuleList::Expand(request.modules(), {}, token).value();
  std::vector<size_t> forms;
  for (size_t i = 0; i < list.size(); ++i) forms.push_back(list.form_of(i));
  return forms;
}

TEST(ModuleListTest, NamesThatDifferInNumbersBeforeTheLastPartHaveOneForm) {
  const auto forms = [](const std::vector<std::string>& names) { return FormsOf(WithNames(names)); };
  EXPECT_THAT(forms({"a.0.b", "a.12.b", "a.7.c", "a.3.b"}), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(forms({"l.{8..10}.e.{0..1}.up", "l.11.e.255.up", "l.3.e.0.down"}), ElementsAre(0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_THAT(forms({"0.a", "12.a", "1", "1.", "2."}), ElementsAre(0, 0, 1, 2, 2));
  EXPECT_THAT(forms({"mlp.0", "mlp.2", "mlp.0.a", "mlp"}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(forms({"a1.b", "a2.b", "a.1b.c", "a.2b.c", "a.1.b", "a.x.b"}), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(forms({"w{1..3}.x", "e.w{1..2}"}), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(forms({"a.1.2.b", "a.3.4.b", "a.3.b", "a..b", "a.1..b", "a.2..b"}), ElementsAre(0, 0, 1, 2, 3, 3));
  EXPECT_THAT(forms({"", ".", "a.1.b.2.c", "a.2.b.1.c", "a.2.b.x.c"}), ElementsAre(0, 1, 2, 2, 3));
}

TEST(ModuleListTest, ModulesOfOneFormHaveTheSameWeights) {
  v1::PlanLayersRequest request = WithNames({"a.0.b", "a.1.b", "a.2.b", "a.3.b", "a.4.b"});
  request.mutable_modules(1)->set_type("Linear");
  request.mutable_modules(2)->set_dtype("BF16");
  request.mutable_modules(3)->add_shape(5);
  EXPECT_THAT(FormsOf(request), ElementsAre(0, 1, 2, 3, 0));
  request.mutable_modules(4)->add_shape(6);
  EXPECT_THAT(FormsOf(request), ElementsAre(0, 1, 2, 3, 4));
}

TEST(ModuleListTest, ManyFormsKeepTheirNumbers) {
  v1::PlanLayersRequest request = WithNames({"a.{0..9}.b", "c.{0..4999}", "a.10.b", "c.{0..4999}"});
  const std::vector<size_t> forms = FormsOf(request);
  EXPECT_EQ(forms[9], 0);
  EXPECT_EQ(forms[10], 1);
  EXPECT_EQ(forms[5009], 5000);
  EXPECT_EQ(forms[5010], 0);
  EXPECT_EQ(forms[5011], 1);
  EXPECT_EQ(forms[10010], 5000);
}

TEST(ModuleListTest, KnowsTheMessageAndTheFirstModuleOfEachForm) {
  v1::PlanLayersRequest request = WithNames({"a.{0..1}.b", "c", "a.2.b", "c"});
  CancellationToken token;
  const auto list = ModuleList::Expand(request.modules(), {}, token).value();
  ASSERT_EQ(list.forms().size(), 2);
  EXPECT_EQ(list.forms()[1].first, 2);
  EXPECT_EQ(&list.message(3), &request.modules(0));
  EXPECT_EQ(&list.message(4), &request.modules(1));
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
