// SPDX-License-Identifier: Apache-2.0
//
// Compares configurations that use registered schemes and templates with the recorded results of Quark.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/get_config.h"
#include "core/registration.h"
#include "core/snapshot.h"
#include "tests/golden/golden_cases.h"
#include "tests/golden/golden_releases.h"

namespace qconfig {
namespace {

class GoldenRegistryTest : public testing::TestWithParam<GoldenFile> {};

TEST_P(GoldenRegistryTest, MatchesQuark) {
  const Catalogs catalogs = {FindCatalog(GetParam().release)};
  const auto cases = ReadGoldenCases(GetParam().release, GetParam().name);
  EXPECT_EQ(cases.size(), GetParam().cases);
  for (const auto& golden : cases) {
    auto registry = std::make_shared<const RegistryState>();
    const auto apply = [&](const auto& entry, auto put) {
      const auto change =
          put(entry, PutConditions{}, RegistrationContext{catalogs, *registry, registry->revision() + 1, Limits(), {}});
      ASSERT_TRUE(change.ok()) << golden["id"] << ": " << change.status();
      v1::ChangeRecord record;
      record.set_revision(registry->revision() + 1);
      *record.add_changes() = *change;
      registry = std::make_shared<const RegistryState>(registry->After(record));
    };
    for (const v1::Scheme& scheme : ReadSchemes(golden["register_schemes"])) apply(scheme, PutScheme);
    for (const v1::LlmTemplate& entry : ReadTemplates(golden["register_templates"])) {
      apply(entry, PutTemplate);
    }
    const auto response = GetConfig(Snapshot(catalogs[0], registry), ReadRequest(golden["request"]));
    ASSERT_EQ(
        response.ok() ? DifferenceFrom(golden, *response) : DifferenceFrom(golden, ItemErrorOf(response.status())), "")
        << golden["id"];
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenRegistryTest,
                         testing::Values(GoldenFile{"0.12.post1", "registry", 800},
                                         GoldenFile{"0.13", "registry", 300}),
                         NameOfGoldenFile);

}  // namespace
}  // namespace qconfig
