// SPDX-License-Identifier: Apache-2.0
//
// Compares the answers of a real server, with a real port and SQLite file, with the recorded results of Quark.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/registry/storage/open_store.h"
#include "tests/golden/golden_cases.h"
#include "tests/golden/golden_releases.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

class GoldenWireTest : public testing::TestWithParam<GoldenFile> {
 protected:
  // Every successful answer was also served twice from the cache.
  ~GoldenWireTest() override {
    const AnswerCache::Counts counts = server_.answer_cache().counts();
    EXPECT_GT(counts.hits, 0);
    EXPECT_EQ(counts.hits % 2, 0);
  }

  // The default catalogue of the server is the case's release.
  TestSettings Settings() const {
    TestSettings settings;
    settings.default_catalog = absl::StrCat("quark-", GetParam().release);
    settings.store = OpenStore("sqlite:" + directory_.Path("registry.db"), settings.history).value();
    return settings;
  }

  TempDirectory directory_;
  TestServer server_{Settings()};
};

std::string Difference(const nlohmann::ordered_json& golden, const absl::StatusOr<v1::GetConfigResponse>& response) {
  return response.ok() ? DifferenceFrom(golden, *response) : DifferenceFrom(golden, client::ErrorOf(response.status()));
}

using GoldenConfigWireTest = GoldenWireTest;

TEST_P(GoldenConfigWireTest, MatchesQuark) {
  for (const auto& golden : ReadGoldenCases(GetParam().release, GetParam().name)) {
    const v1::GetConfigRequest request = ReadRequest(golden["request"]);
    const std::string cold = server_.AnswerTo(request);
    ASSERT_EQ(Difference(golden, server_.client().GetConfig(request)), "") << golden["id"];
    ASSERT_TRUE(server_.AnswerTo(request) == cold) << golden["id"] << ": the cached answer differs";
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenConfigWireTest,
                         testing::Values(GoldenFile{"0.12.post1", "matrix", 4428},
                                         GoldenFile{"0.12.post1", "algorithms", 968},
                                         GoldenFile{"0.12.post1", "overrides", 2996},
                                         GoldenFile{"0.13", "matrix", 5712}, GoldenFile{"0.13", "algorithms", 1524},
                                         GoldenFile{"0.13", "overrides", 1500}),
                         NameOfGoldenFile);

class GoldenLayersWireTest : public testing::TestWithParam<GoldenFile> {};

TEST_P(GoldenLayersWireTest, MatchesQuark) {
  TestSettings settings;
  settings.default_catalog = absl::StrCat("quark-", GetParam().release);
  TestServer server(std::move(settings));
  for (const auto& golden : ReadGoldenCases(GetParam().release, GetParam().name)) {
    const v1::PlanLayersRequest request = ReadPlanRequest(golden);
    const auto plan = server.client().PlanLayers(request);
    ASSERT_TRUE(plan.ok()) << golden["id"] << plan.status();
    ASSERT_EQ(DifferenceFrom(golden, request, *plan), "") << golden["id"];
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenLayersWireTest,
                         testing::Values(GoldenFile{"0.12.post1", "layers", 500}, GoldenFile{"0.13", "layers", 200}),
                         NameOfGoldenFile);

using GoldenRegistryWireTest = GoldenWireTest;

// Each case has its own tenant, so that cases share nothing. The server's other catalogue must not matter.
TEST_P(GoldenRegistryWireTest, MatchesQuarkAfterRegistration) {
  int tenant = 0;
  for (const auto& golden : ReadGoldenCases(GetParam().release, GetParam().name)) {
    auto client = server_.NewClient(absl::StrCat("case-", tenant++));
    for (const v1::Scheme& scheme : ReadSchemes(golden["register_schemes"])) {
      v1::RegisterSchemeRequest request;
      *request.mutable_scheme() = scheme;
      const auto registered = client.RegisterScheme(request);
      ASSERT_TRUE(registered.ok()) << golden["id"] << ": " << registered.status();
    }
    for (const v1::LlmTemplate& entry : ReadTemplates(golden["register_templates"])) {
      v1::RegisterTemplateRequest request;
      *request.mutable_llm_template() = entry;
      const auto registered = client.RegisterTemplate(request);
      ASSERT_TRUE(registered.ok()) << golden["id"] << ": " << registered.status();
    }
    v1::GetConfigRequest asked = ReadRequest(golden["request"]);
    asked.set_tenant(absl::StrCat("case-", tenant - 1));
    const std::string cold = server_.AnswerTo(asked);
    ASSERT_EQ(Difference(golden, client.GetConfig(asked)), "") << golden["id"];
    ASSERT_TRUE(server_.AnswerTo(asked) == cold) << golden["id"] << ": the cached answer differs";
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenRegistryWireTest,
                         testing::Values(GoldenFile{"0.12.post1", "registry", 800},
                                         GoldenFile{"0.13", "registry", 300}),
                         NameOfGoldenFile);

}  // namespace
}  // namespace qconfig
