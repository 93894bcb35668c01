// SPDX-License-Identifier: Apache-2.0
#include "server/services/request_digest.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "qconfig/v1/registry_service.pb.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

constexpr char kScheme[] =
    "name: 's' spec { weight { preset { spec: 'Int4PerGroupSpec' fields { fields { key: 'ch_axis' value { "
    "number_value: "
    "-1 } } fields { key: 'group_size' value { number_value: 48 } } } } } } labels { key: 'b' value: '2' } "
    "labels { key: 'a' value: '1' }";

std::string Digest(const std::string& rest) {
  const auto request = Proto<v1::RegisterSchemeRequest>(absl::StrCat("scheme { ", kScheme, " } ", rest));
  return RequestDigest(request).value();
}

// Digests are stored as long as history, so they must not change with the version of Protobuf.
TEST(RequestDigestTest, NeverChanges) {
  EXPECT_EQ(Digest("replace: true"), "f37cc09fa3027750d1beb7690f3e46b50f22820c503a583618c6cf4755d7c466");
  EXPECT_EQ(RequestDigest(Proto<v1::RegisterTemplateRequest>(
                              "llm_template { model_type: 'm' algorithm_configs { algorithm: 'gptq' config { gptq { "
                              "damp_percent: 0.01 } } } }"))
                .value(),
            "fa9cd96058330a3bdf26c421ca240973ad8c0b52e7b386bfce6c3b2806ffd676");
}

TEST(RequestDigestTest, IsEqualForEqualContent) {
  const std::string digest = Digest("");
  EXPECT_EQ(Digest("tenant: 'acme' request_id: '123e4567-e89b-42d3-a456-426614174000'"), digest);
  auto request = Proto<v1::RegisterSchemeRequest>(absl::StrCat("scheme { ", kScheme, " etag: '7' alias_of: 'x' }"));
  request.mutable_scheme()->mutable_create_time()->set_seconds(-1);
  request.GetReflection()->MutableUnknownFields(&request)->AddVarint(1001, 1);
  EXPECT_EQ(RequestDigest(request).value(), digest);
}

TEST(RequestDigestTest, DiffersForDifferentContent) {
  EXPECT_NE(Digest("replace: true"), Digest(""));
  EXPECT_NE(RequestDigest(Proto<v1::UnregisterSchemeRequest>("name: 's'")).value(),
            RequestDigest(Proto<v1::UnregisterSchemeRequest>("name: 't'")).value());
  EXPECT_NE(RequestDigest(v1::UnregisterSchemeRequest()).value(),
            RequestDigest(v1::UnregisterTemplateRequest()).value());
}

}  // namespace
}  // namespace qconfig
