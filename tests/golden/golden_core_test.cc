// SPDX-License-Identifier: Apache-2.0
//
// The core gives Quark's answer to every case that Quark was asked.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/algorithm_config.h"
#include "core/builtin_catalogs.h"
#include "core/error.h"
#include "core/get_config.h"
#include "core/pattern.h"
#include "core/quark_json.h"
#include "core/request_shape.h"
#include "core/snapshot.h"
#include "tests/golden/golden_cases.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

const Snapshot& Builtins() {
  static const auto* const kSnapshot = new Snapshot(LoadBuiltinCatalogs().value().front());
  return *kSnapshot;
}

struct GoldenFile {
  const char* name;
  size_t cases;
};

class GoldenConfigTest : public testing::TestWithParam<GoldenFile> {};

TEST_P(GoldenConfigTest, AnswersAsQuarkDoes) {
  const auto cases = ReadGoldenCases(GetParam().name);
  EXPECT_EQ(cases.size(), GetParam().cases);
  for (const ordered_json& golden : cases) {
    const v1::GetConfigRequest request = RequestOf(golden["request"]);
    const absl::Status shape = CheckShape(request, Limits{});
    ASSERT_TRUE(shape.ok()) << golden["id"] << ": " << shape;
    const auto response = GetConfig(Builtins(), request);
    ASSERT_EQ(
        response.ok() ? DifferenceFrom(golden, *response) : DifferenceFrom(golden, ItemErrorOf(response.status())), "")
        << golden["id"];
  }
}

INSTANTIATE_TEST_SUITE_P(Quark_0_12_post1, GoldenConfigTest,
                         testing::Values(GoldenFile{"matrix", 4428}, GoldenFile{"algorithms", 968},
                                         GoldenFile{"overrides", 2996}),
                         [](const auto& file) { return std::string(file.param.name); });

TEST(GoldenAlgorithmConfigTest, CompletesAndRefusesAsQuarkDoes) {
  for (const ordered_json& golden : ReadGoldenCases("algorithm_configs")) {
    const v1::AlgoConfig given = AlgoConfigOf(golden["algorithm"].get<std::string>(), golden["fields"]);
    const auto completed = CompleteAlgoConfig(Builtins().catalog(), given, "config");
    ASSERT_EQ(completed.ok(), golden.contains("config")) << golden << completed.status();
    if (completed.ok()) {
      ASSERT_EQ(ordered_json::parse(QuarkJson(*completed)), golden["config"]) << golden;
    } else {
      ASSERT_EQ(ItemErrorOf(completed.status()).reason(), v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG) << golden;
    }
  }
}

TEST(GoldenPatternTest, MatchesAsPythonDoes) {
  const auto cases = ReadGoldenCases("fnmatch");
  EXPECT_EQ(cases.size(), 7742u);
  for (const ordered_json& golden : cases) {
    const Pattern pattern(golden["pattern"].get<std::string>());
    ASSERT_EQ(pattern.Matches(golden["name"].get<std::string>()), golden["match"].get<bool>()) << golden;
  }
}

}  // namespace
}  // namespace qconfig
