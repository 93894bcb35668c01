// SPDX-License-Identifier: Apache-2.0
#include "core/registration_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/builtin_catalogs.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

Catalogs Catalogs() { return LoadBuiltinCatalogs().value(); }

v1::Scheme MakeCopy(const std::string& name) {
  v1::Scheme copy = **Builtins().FindScheme(name, "");
  copy.set_name("copy");
  copy.set_default_shared_scales(false);
  return copy;
}

TEST(RegistrationWarningsTest, CopyOfASchemeWithSharedScalesWarns) {
  const auto warnings = RegistrationWarnings(MakeCopy("nvfp4"), Catalogs());
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_EQ(warnings[0].code(), v1::WARNING_CODE_SHARED_SCALES_DROPPED);
  EXPECT_EQ(warnings[0].field(), "scheme.default_shared_scales");
  EXPECT_EQ(warnings[0].value(), "copy");
  EXPECT_THAT(warnings[0].message(), HasSubstr("nvfp4 of quark-0.12.post1"));
}

TEST(RegistrationWarningsTest, SchemeThatKeepsOrNeverHadSharedScalesDoesNotWarn) {
  v1::Scheme keeps = MakeCopy("nvfp4");
  keeps.set_default_shared_scales(true);
  EXPECT_EQ(RegistrationWarnings(keeps, Catalogs()).size(), 0);
  EXPECT_EQ(RegistrationWarnings(MakeCopy("fp8"), Catalogs()).size(), 0);
  v1::Scheme other = MakeCopy("nvfp4");
  other.mutable_config()->clear_input_tensors();
  EXPECT_EQ(RegistrationWarnings(other, Catalogs()).size(), 0);
}

TEST(RegistrationWarningsTest, SchemeThatHidesACataloguesSchemeWarns) {
  const auto warnings = RegistrationWarnings(Proto<v1::Scheme>("name: 'fp8' config {}"), Catalogs());
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_EQ(warnings[0].code(), v1::WARNING_CODE_SHADOWS_BUILTIN);
  EXPECT_EQ(warnings[0].field(), "scheme.name");
}

TEST(RegistrationWarningsTest, TemplateThatHidesCataloguesTemplatesNamesTheCatalogues) {
  const auto both = RegistrationWarnings(Proto<v1::LlmTemplate>("model_type: 'llama'"), Catalogs());
  ASSERT_EQ(both.size(), 1);
  EXPECT_EQ(both[0].code(), v1::WARNING_CODE_SHADOWS_BUILTIN);
  EXPECT_EQ(both[0].field(), "llm_template.model_type");
  EXPECT_EQ(both[0].value(), "llama");
  EXPECT_THAT(both[0].message(), HasSubstr("quark-0.12.post1 and quark-0.13"));

  const auto one = RegistrationWarnings(Proto<v1::LlmTemplate>("model_type: 'qwen3_5'"), Catalogs());
  ASSERT_EQ(one.size(), 1);
  EXPECT_THAT(one[0].message(), HasSubstr("in quark-0.13"));
  EXPECT_THAT(one[0].message(), testing::Not(HasSubstr("quark-0.12")));

  EXPECT_EQ(RegistrationWarnings(Proto<v1::LlmTemplate>("model_type: 'mine'"), Catalogs()).size(), 0);
}

}  // namespace
}  // namespace qconfig
