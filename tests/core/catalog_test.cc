// SPDX-License-Identifier: Apache-2.0
#include "core/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_replace.h"
#include "core/canonical_json.h"
#include "core/get_config.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

std::string LoadError(const CatalogTexts& texts) {
  const auto catalog = Catalog::Load(texts.files());
  return catalog.ok() ? "" : std::string(catalog.status().message());
}

TEST(CatalogTest, HasWhatQuarkHas) {
  const Catalog& catalog = Builtins().catalog();
  EXPECT_EQ(catalog.name(), "quark-0.12.post1");
  EXPECT_EQ(catalog.quark_release(), "0.12.post1");
  EXPECT_EQ(catalog.schemes().size(), 27u);
  EXPECT_EQ(catalog.templates().size(), 41u);
  EXPECT_EQ(catalog.algorithms().size(), 7u);
  EXPECT_EQ(catalog.templates().front().model_type(), "chatglm") << "the order of registration";
  EXPECT_EQ(catalog.FindTemplate("qwen3_5_moe")->f2f_weight_converters_size(), 2);
  EXPECT_EQ(catalog.FindScheme("fp4_block16_scale_e4m3")->alias_of(), "nvfp4");
  EXPECT_EQ(catalog.FindScheme("nope"), nullptr);
}

TEST(CatalogTest, DigestIsOfTheFilesOneAfterTheOther) {
  const CatalogTexts texts = BuiltinTexts();
  EXPECT_EQ(Builtins().catalog().digest(),
            Sha256Hex(texts.catalog + texts.schemes + texts.templates + texts.algorithms + texts.vocabulary));
}

TEST(CatalogTest, ChangedPatternInTheDataChangesTheAnswer) {
  CatalogTexts texts = BuiltinTexts();
  texts.templates = absl::StrReplaceAll(texts.templates, {{"transformer.output_layer", "some.other_layer"}});
  const auto changed = Catalog::Load(texts.files());
  ASSERT_TRUE(changed.ok()) << changed.status();
  const auto request = Proto<v1::GetConfigRequest>("model_type: 'chatglm' scheme: 'fp8'");
  const auto before = GetConfig(Builtins(), request);
  const auto after = GetConfig(Snapshot(*changed, 1), request);
  EXPECT_THAT(before->config().exclude(),
              testing::ElementsAre("transformer.output_layer.*", "transformer.output_layer"));
  EXPECT_THAT(after->config().exclude(), testing::ElementsAre("some.other_layer.*", "some.other_layer"));
  EXPECT_NE(before->catalog_digest(), after->catalog_digest());
  EXPECT_NE(before->config_digest(), after->config_digest());
}

TEST(CatalogTest, ModelIsAddedByDataAlone) {
  CatalogTexts texts = TinyTexts();
  texts.templates =
      R"({"new_model": {"kv_layers_name": ["*kv"], "q_layer_name": ["*a", "*b"], "algorithms": ["awq"]}})";
  texts.algorithms = R"({"awq": {"new_model": {"name": "awq", "scaling_layers": [], "model_decoder_layers": "m"}}})";
  const auto catalog = Catalog::Load(texts.files());
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  const v1::LlmTemplate* entry = (*catalog)->FindTemplate("new_model");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->q_layer_name_size(), 2);
  EXPECT_EQ(entry->algorithm_configs(0).config().awq().model_decoder_layers(), "m");
}

TEST(CatalogTest, BrokenDataIsRefusedWithItsPlace) {
  CatalogTexts texts = TinyTexts();
  texts.schemes = "{";
  EXPECT_THAT(LoadError(texts), HasSubstr("schemes.json: not a JSON object"));

  texts = TinyTexts();
  texts.schemes = R"({"plain": {"weight": {"dtype": "int7"}}, "alias": {}})";
  EXPECT_THAT(LoadError(texts), HasSubstr("schemes.json: plain.weight.dtype: \"int7\" is not a value of Dtype"));

  texts = TinyTexts();
  texts.schemes = R"({"plain": {"weight": {"colour": 1}}, "alias": {}})";
  EXPECT_THAT(LoadError(texts), HasSubstr("plain.weight.colour: QTensorConfig has no such field"));

  texts = TinyTexts();
  texts.schemes = R"({"plain": {"weight": {"ch_axis": 1.5}}, "alias": {}})";
  EXPECT_THAT(LoadError(texts), HasSubstr("plain.weight.ch_axis: not an integer"));

  texts = TinyTexts();
  texts.catalog = absl::StrReplaceAll(texts.catalog, {{"exclude_patterns_expanded", "flies"}});
  EXPECT_THAT(LoadError(texts), HasSubstr("no trait is named flies"));

  texts = TinyTexts();
  texts.catalog = absl::StrReplaceAll(texts.catalog, {{"\"alias\": \"plain\"", "\"alias\": \"gone\""}});
  EXPECT_THAT(LoadError(texts), HasSubstr("alias: is no alias of a scheme"));

  texts = TinyTexts();
  texts.templates = R"({"m": {"kv_layers_name": [1]}})";
  EXPECT_THAT(LoadError(texts), HasSubstr("templates.json: m.kv_layers_name: not a list of strings"));

  texts = TinyTexts();
  texts.templates = R"({"m": {"algorithms": ["awq"]}})";
  EXPECT_THAT(LoadError(texts), HasSubstr("awq.m: not an object"));

  texts = TinyTexts();
  texts.algorithms = R"({"spin": {}})";
  EXPECT_THAT(LoadError(texts), HasSubstr("algorithms.json: spin"));
}

}  // namespace
}  // namespace qconfig
