// SPDX-License-Identifier: Apache-2.0
#include "core/findings/name_shapes.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/core/test_plan.h"

namespace qconfig {
namespace {

ModuleList Expand(const v1::PlanLayersRequest& request) {
  CancellationToken token;
  return ModuleList::Expand(request.modules(), Limits(), token).value();
}

TEST(NameShapesTest, NamesThatDifferInNumbersHaveOneShape) {
  const auto request = Proto<v1::PlanLayersRequest>(
      absl::StrCat(LinearModule("a.{8..12}.b"), LinearModule("a.7.b"), LinearModule("a.0.fc1")));
  const ModuleList modules = Expand(request);
  NameShapes shapes(modules);
  CancellationToken token;
  const auto all = shapes.Get(token);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2);
  EXPECT_EQ((*all)[0].text, "a.0.b");
  EXPECT_EQ((*all)[0].module, 0);
  EXPECT_EQ((*all)[1].text, "a.0.fc0");
  EXPECT_EQ((*all)[1].module, 6);
}

TEST(NameShapesTest, PatternsMatchWhateverTheirNumbers) {
  const auto request = Proto<v1::PlanLayersRequest>(absl::StrCat(LinearModule("a.0.b"), LinearModule("c.0.b")));
  const ModuleList modules = Expand(request);
  NameShapes shapes(modules);
  CancellationToken token;
  EXPECT_EQ((*shapes.FirstMatch("*.123.b", token))->module, 0);
  EXPECT_EQ((*shapes.FirstMatch("*.b", token, [](const auto& shape) { return shape.module > 0; }))->module, 1);
  EXPECT_EQ(*shapes.FirstMatch("*.c", token), nullptr);
  EXPECT_FALSE(shapes.exhausted());
}

TEST(NameShapesTest, ModulesMatchWithTheirNumbers) {
  const auto request =
      Proto<v1::PlanLayersRequest>(absl::StrCat(LinearModule("a.{0..3}.b"), LinearModule("a.{4..5}.b")));
  const ModuleList modules = Expand(request);
  NameShapes shapes(modules);
  CancellationToken token;
  const auto any = [](size_t) { return true; };
  EXPECT_TRUE(*shapes.MatchesModule("*.5.b", token, any));
  EXPECT_TRUE(*shapes.MatchesModule("*.b", token, any));
  EXPECT_FALSE(*shapes.MatchesModule("*.6.b", token, any));
  EXPECT_FALSE(*shapes.MatchesModule("*.5.c", token, any));
  EXPECT_FALSE(*shapes.MatchesModule("*.5.b", token, [](size_t module) { return module < 5; }));
}

// Names of letters, which are all shapes of their own.
v1::PlanLayersRequest HostileRequest(int modules) {
  v1::PlanLayersRequest request;
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->set_scheme("fp8");
  for (int i = 0; i < modules; ++i) {
    std::string name(100, 'a');
    for (int rest = i; rest > 0; rest /= 26) name.push_back(static_cast<char>('a' + rest % 26));
    v1::Module& module = *request.add_modules();
    module.set_name(name);
    module.set_type("Linear");
  }
  return request;
}

TEST(NameShapesTest, SearchesAreBounded) {
  const v1::PlanLayersRequest request = HostileRequest(20'000);
  const ModuleList modules = Expand(request);
  NameShapes shapes(modules);
  CancellationToken token;
  EXPECT_EQ(shapes.Get(token)->size(), NameShapes::kMaxShapes);
  int searches = 0;
  for (; !shapes.exhausted(); ++searches) ASSERT_EQ(*shapes.FirstMatch("*a*a*a*b*b*0*", token), nullptr);
  EXPECT_LT(searches, 20);
  EXPECT_EQ(*shapes.FirstMatch("*", token), nullptr);
}

TEST(NameShapesTest, CancellationStopsTheSearch) {
  const v1::PlanLayersRequest request = HostileRequest(20'000);
  const ModuleList modules = Expand(request);
  NameShapes shapes(modules);
  const auto check = [] { return absl::CancelledError("test"); };
  CancellationToken token(check);
  absl::Status status;
  while (status.ok() && !shapes.exhausted()) status = shapes.FirstMatch("*a*a*a*b*b*0*", token).status();
  EXPECT_EQ(status, absl::CancelledError("test"));
}

}  // namespace
}  // namespace qconfig
