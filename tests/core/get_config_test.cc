// SPDX-License-Identifier: Apache-2.0
#include "core/get_config.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/canonical_json.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

v1::GetConfigResponse Answer(const std::string& request, const Snapshot& snapshot = Builtins()) {
  const auto response = GetConfig(snapshot, Proto<v1::GetConfigRequest>(request));
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *response : v1::GetConfigResponse();
}

TEST(GetConfigTest, ResponseHasCatalogAndRevision) {
  const v1::GetConfigResponse response = Answer("spec { model_type: 'llama' scheme: 'fp8' }");
  EXPECT_EQ(response.catalog(), "quark-0.12.post1");
  EXPECT_EQ(response.catalog_digest(), Builtins().catalog().digest());
  EXPECT_EQ(response.revision(), 1);
}

TEST(GetConfigTest, JsonFormsAreSetOnlyOnRequest) {
  const v1::GetConfigResponse plain = Answer("spec { model_type: 'llama' scheme: 'fp8' }");
  EXPECT_EQ(plain.quark_json(), "");
  EXPECT_EQ(plain.canonical_json(), "");
  const v1::GetConfigResponse full =
      Answer("spec { model_type: 'llama' scheme: 'fp8' } include_quark_json: true include_canonical_json: true");
  EXPECT_NE(full.quark_json(), "");
  EXPECT_EQ(Sha256Hex(full.canonical_json()), full.config_digest());
  EXPECT_EQ(full.config_digest(), plain.config_digest());
}

TEST(GetConfigTest, MatchingIfDigestOmitsTheConfig) {
  const std::string request =
      "spec { model_type: 'model' scheme: 'alias' } include_quark_json: true include_canonical_json: true ";
  const v1::GetConfigResponse first = Answer(request, Tiny());
  const v1::GetConfigResponse second = Answer(request + "if_digest: '" + first.config_digest() + "'", Tiny());
  EXPECT_TRUE(second.not_modified());
  EXPECT_FALSE(second.has_config());
  EXPECT_EQ(second.quark_json() + second.canonical_json(), "");
  EXPECT_EQ(second.config_digest(), first.config_digest());
  EXPECT_EQ(second.warnings_size(), first.warnings_size());
  EXPECT_FALSE(Answer(request + "if_digest: 'other'", Tiny()).not_modified());
}

TEST(GetConfigTest, DigestDoesNotDependOnTenantRevisionOrSchemeName) {
  const std::string digest = Answer("spec { model_type: 'model' scheme: 'plain' }", Tiny()).config_digest();
  EXPECT_EQ(Answer("spec { model_type: 'model' scheme: 'alias' }", Tiny()).config_digest(), digest);
  const Snapshot later(
      Catalog::Load(TinyTexts().files()).value(),
      std::make_shared<const RegistryState>(2, "tiny", RegistryState::Schemes(), RegistryState::Templates()));
  const v1::GetConfigResponse response = Answer("spec { model_type: 'model' scheme: 'plain' } tenant: 'acme'", later);
  EXPECT_EQ(response.revision(), 2);
  EXPECT_EQ(response.config_digest(), digest);
}

TEST(GetConfigTest, MinusZeroIsZero) {
  EXPECT_EQ(Answer("spec { model_type: 'llama' scheme: 'fp8' min_kv_scale: -0.0 }").config_digest(),
            Answer("spec { model_type: 'llama' scheme: 'fp8' }").config_digest());
}

TEST(GetConfigTest, ResponseOverTheLimitIsRejected) {
  Limits limits;
  limits.answer_bytes = 100;
  const auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
  EXPECT_EQ(ReasonAndField(GetConfig(Builtins(), request, limits).status()), "ANSWER_TOO_LARGE");
}

TEST(GetConfigTest, DigestCoversFieldsThatQuarksJsonOmits) {
  const std::string digest = Answer("spec { model_type: 'llama' scheme: 'fp8' }").config_digest();
  EXPECT_NE(Answer("spec { model_type: 'llama' scheme: 'fp8' min_kv_scale: 1e-6 }").config_digest(), digest);
  EXPECT_NE(Answer("spec { model_type: 'llama' scheme: 'fp8' shared_scale_groups { groups { layer_suffixes: 'a' } } }")
                .config_digest(),
            digest);
}

}  // namespace
}  // namespace qconfig
