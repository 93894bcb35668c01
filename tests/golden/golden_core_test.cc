// SPDX-License-Identifier: Apache-2.0
//
// Compares configurations with the recorded results of Quark.
#include <gtest/gtest.h>

#include <string>

#include "core/algorithm_config.h"
#include "core/error.h"
#include "core/get_config.h"
#include "core/pattern.h"
#include "core/quark_json.h"
#include "core/request_shape.h"
#include "core/snapshot.h"
#include "tests/golden/golden_cases.h"
#include "tests/golden/golden_releases.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

class GoldenConfigTest : public testing::TestWithParam<GoldenFile> {};

TEST_P(GoldenConfigTest, MatchesQuark) {
  const Snapshot snapshot(FindCatalog(GetParam().release));
  const auto cases = ReadGoldenCases(GetParam().release, GetParam().name);
  EXPECT_EQ(cases.size(), GetParam().cases);
  for (const ordered_json& golden : cases) {
    const v1::GetConfigRequest request = ReadRequest(golden["request"]);
    const absl::Status shape = CheckShape(request, Limits{});
    const auto response = shape.ok() ? GetConfig(snapshot, request) : shape;
    ASSERT_EQ(
        response.ok() ? DifferenceFrom(golden, *response) : DifferenceFrom(golden, ItemErrorOf(response.status())), "")
        << golden["id"];
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenConfigTest,
                         testing::Values(GoldenFile{"0.12.post1", "matrix", 4428},
                                         GoldenFile{"0.12.post1", "algorithms", 968},
                                         GoldenFile{"0.12.post1", "overrides", 2996},
                                         GoldenFile{"0.13", "matrix", 5712}, GoldenFile{"0.13", "algorithms", 1524},
                                         GoldenFile{"0.13", "overrides", 1500}),
                         NameOfGoldenFile);

class GoldenAlgorithmConfigTest : public testing::TestWithParam<GoldenFile> {};

TEST_P(GoldenAlgorithmConfigTest, MatchesQuark) {
  const auto catalog = FindCatalog(GetParam().release);
  const auto cases = ReadGoldenCases(GetParam().release, GetParam().name);
  EXPECT_EQ(cases.size(), GetParam().cases);
  for (const ordered_json& golden : cases) {
    const v1::AlgoConfig given = ReadAlgoConfig(golden["algorithm"].get<std::string>(), golden["fields"]);
    const auto completed = CompleteAlgoConfig(*catalog, given, "config");
    ASSERT_EQ(completed.ok(), golden.contains("config")) << golden << completed.status();
    if (completed.ok()) {
      ASSERT_EQ(ordered_json::parse(QuarkJson(*completed, *catalog)), golden["config"]) << golden;
    } else {
      ASSERT_EQ(ItemErrorOf(completed.status()).reason(), v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG) << golden;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenAlgorithmConfigTest,
                         testing::Values(GoldenFile{"0.12.post1", "algorithm_configs", 600},
                                         GoldenFile{"0.13", "algorithm_configs", 720}),
                         NameOfGoldenFile);

TEST(GoldenPatternTest, MatchesPythonsFnmatch) {
  const auto cases = ReadGoldenCases("0.12.post1", "fnmatch");
  EXPECT_EQ(cases.size(), 7742u);
  for (const ordered_json& golden : cases) {
    const Pattern pattern(golden["pattern"].get<std::string>());
    ASSERT_EQ(pattern.Matches(golden["name"].get<std::string>()), golden["match"].get<bool>()) << golden;
  }
}

}  // namespace
}  // namespace qconfig
