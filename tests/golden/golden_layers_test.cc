// SPDX-License-Identifier: Apache-2.0
//
// Compares the configuration of each module of real models with what a run of Quark set up.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "core/plan_layers.h"
#include "core/snapshot.h"
#include "tests/golden/golden_cases.h"
#include "tests/golden/golden_releases.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

class GoldenLayersTest : public testing::TestWithParam<GoldenFile> {};

TEST_P(GoldenLayersTest, MatchesQuark) {
  const Snapshot snapshot(FindCatalog(GetParam().release));
  const auto cases = ReadGoldenCases(GetParam().release, GetParam().name);
  EXPECT_EQ(cases.size(), GetParam().cases);
  for (const ordered_json& golden : cases) {
    const v1::PlanLayersRequest request = ReadPlanRequest(golden);
    ASSERT_TRUE(CheckShape(request, Limits{}).ok()) << golden["id"] << CheckShape(request, Limits{});
    const auto plan = PlanLayers(snapshot, request);
    ASSERT_TRUE(plan.ok()) << golden["id"] << plan.status();
    ASSERT_EQ(DifferenceFrom(golden, request, *plan), "") << golden["id"];
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenLayersTest,
                         testing::Values(GoldenFile{"0.12.post1", "layers", 500}, GoldenFile{"0.13", "layers", 200}),
                         NameOfGoldenFile);

}  // namespace
}  // namespace qconfig
