// SPDX-License-Identifier: Apache-2.0
//
// Recorded digests of configurations, which must never change.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/get_config.h"
#include "core/request_shape.h"
#include "tests/core/test_support.h"
#include "tests/source_files.h"

namespace qconfig {
namespace {

TEST(DigestVectorsTest, DigestsNeverChange) {
  std::ifstream file(SourceFile("tests/golden/digests.json"));
  const auto vectors = nlohmann::json::parse(file);
  ASSERT_FALSE(vectors.empty());
  for (const auto& vector : vectors) {
    SCOPED_TRACE(vector["name"]);
    v1::GetConfigRequest request;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(vector["request"].dump(), &request).ok());
    request.set_include_canonical_json(true);
    ASSERT_TRUE(CheckShape(request, Limits{}).ok());
    const auto response = GetConfig(Builtins(), request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->canonical_json(), vector["canonical_json"]);
    EXPECT_EQ(response->config_digest(), vector["config_digest"]);
  }
}

}  // namespace
}  // namespace qconfig
