// SPDX-License-Identifier: Apache-2.0
//
// A real server on a real port gives Quark's answer to every case that Quark was asked.
#include <gtest/gtest.h>

#include <string>

#include "tests/golden/golden_cases.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

class GoldenWireTest : public testing::TestWithParam<const char*> {};

TEST_P(GoldenWireTest, AnswersAsQuarkDoes) {
  TestServer server;
  for (const auto& golden : ReadGoldenCases("0.12.post1", GetParam())) {
    const auto response = server.client().GetConfig(RequestOf(golden["request"]));
    ASSERT_EQ(
        response.ok() ? DifferenceFrom(golden, *response) : DifferenceFrom(golden, client::ErrorOf(response.status())),
        "")
        << golden["id"];
  }
}

INSTANTIATE_TEST_SUITE_P(Quark_0_12_post1, GoldenWireTest, testing::Values("matrix", "algorithms", "overrides"),
                         [](const auto& file) { return std::string(file.param); });

}  // namespace
}  // namespace qconfig
