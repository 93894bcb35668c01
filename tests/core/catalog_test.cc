// SPDX-License-Identifier: Apache-2.0
#include "core/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_replace.h"
#include "core/canonical_json.h"
#include "core/get_config.h"
#include "core/tensor_rules.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

std::string LoadError(const CatalogTexts& texts) {
  const auto catalog = Catalog::Load(texts.files());
  return catalog.ok() ? "" : std::string(catalog.status().message());
}

TEST(CatalogTest, HasTheSchemesTemplatesAndAlgorithmsOfQuark) {
  const Catalog& catalog = Builtins().catalog();
  EXPECT_EQ(catalog.name(), "quark-0.12.post1");
  EXPECT_EQ(catalog.quark_release(), "0.12.post1");
  EXPECT_EQ(catalog.schemes().size(), 27u);
  EXPECT_EQ(catalog.templates().size(), 41u);
  EXPECT_EQ(catalog.algorithms().size(), 7u);
  EXPECT_EQ(catalog.templates().front().model_type(), "chatglm") << "templates are in registration order";
  EXPECT_EQ(catalog.FindTemplate("qwen3_5_moe")->f2f_weight_converters_size(), 2);
  EXPECT_EQ(catalog.FindScheme("fp4_block16_scale_e4m3")->alias_of(), "nvfp4");
  EXPECT_EQ(catalog.FindScheme("nope"), nullptr);
}

TEST(CatalogTest, ReleasesDifferByDataAndTraits) {
  const Catalog& older = CatalogOfRelease("0.12.post1");
  const Catalog& newer = CatalogOfRelease("0.13");
  EXPECT_EQ(newer.name(), "quark-0.13");
  EXPECT_EQ(newer.schemes().size(), 28u);
  EXPECT_EQ(newer.templates().size(), 51u);
  EXPECT_THAT(newer.algorithms(), testing::IsSupersetOf({"autoround", "twobitscalar"}));
  EXPECT_EQ(newer.FindScheme("fp4_block16_scale_e4m3")->alias_of(), "nvfp4");
  EXPECT_EQ(older.FindScheme("mx6")->config().weight(0).group_size(), 32);
  EXPECT_EQ(newer.FindScheme("mx6")->config().weight(0).group_size(), 16);
  EXPECT_TRUE(older.traits().exclude_patterns_expanded);
  EXPECT_FALSE(older.traits().tensor_json_has_zero_point_type);
  EXPECT_FALSE(newer.traits().exclude_patterns_expanded);
  EXPECT_TRUE(newer.traits().tensor_json_has_zero_point_type);
  EXPECT_NE(older.digest(), newer.digest());
}

TEST(CatalogTest, ListsObserversAndSpecClassesInQuarksOrder) {
  const Catalog& catalog = Builtins().catalog();
  EXPECT_EQ(catalog.observers().size(), 21u);
  EXPECT_EQ(catalog.observers().front(), "LSQObserver");
  EXPECT_EQ(catalog.spec_classes().size(), 38u);
  EXPECT_EQ(catalog.spec_classes().front().name, "AmdFP4Spec");
  EXPECT_EQ(catalog.FindSpecClass("MX6Spec")->fields[1].target->name(), "group_size");
  EXPECT_EQ(catalog.FindSpecClass("MX7Spec"), nullptr);
}

TEST(CatalogTest, BuiltInSchemesSatisfyTheRulesOfTheirRelease) {
  for (const char* release : {"0.12.post1", "0.13"}) {
    const Catalog& catalog = CatalogOfRelease(release);
    for (const v1::Scheme& scheme : catalog.schemes()) {
      EXPECT_EQ(ReasonAndField(CheckLayer(catalog, scheme.config(), "config")), "OK")
          << release << " " << scheme.name();
    }
  }
}

TEST(CatalogTest, DigestIsTheSha256OfTheConcatenatedFiles) {
  const CatalogTexts texts = BuiltinTexts();
  EXPECT_EQ(Builtins().catalog().digest(), Sha256Hex(texts.catalog + texts.schemes + texts.templates +
                                                     texts.algorithms + texts.vocabulary + texts.spec_presets));
}

TEST(CatalogTest, ChangedPatternInTheDataChangesTheConfig) {
  CatalogTexts texts = BuiltinTexts();
  texts.templates = absl::StrReplaceAll(texts.templates, {{"transformer.output_layer", "some.other_layer"}});
  const auto changed = Catalog::Load(texts.files());
  ASSERT_TRUE(changed.ok()) << changed.status();
  const auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'chatglm' scheme: 'fp8' }");
  const auto before = GetConfig(Builtins(), request);
  const auto after = GetConfig(Snapshot(*changed), request);
  EXPECT_THAT(before->config().exclude(),
              testing::ElementsAre("transformer.output_layer.*", "transformer.output_layer"));
  EXPECT_THAT(after->config().exclude(), testing::ElementsAre("some.other_layer.*", "some.other_layer"));
  EXPECT_NE(before->catalog_digest(), after->catalog_digest());
  EXPECT_NE(before->config_digest(), after->config_digest());
}

TEST(CatalogTest, DataAloneAddsAModel) {
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

TEST(CatalogTest, InvalidDataIsReportedWithItsLocation) {
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
  EXPECT_THAT(LoadError(texts), HasSubstr("alias: not an alias of an existing scheme"));

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

TEST(CatalogTest, InvalidVocabularyIsReportedWithItsLocation) {
  CatalogTexts texts = TinyTexts();
  texts.vocabulary = absl::StrReplaceAll(texts.vocabulary, {{"\"per_block\"", "\"per_star\""}});
  EXPECT_THAT(LoadError(texts), HasSubstr("vocabulary.json: QSchemeType: the contract has no value per_star"));

  texts = TinyTexts();
  texts.vocabulary = absl::StrReplaceAll(texts.vocabulary, {{"\"placeholder\"", "\"holder\""}});
  EXPECT_THAT(LoadError(texts), HasSubstr("observers: missing group placeholder"));

  texts = TinyTexts();
  texts.vocabulary = absl::StrReplaceAll(texts.vocabulary, {{"\"non_scaled\": [", "\"non_scaled\": [\"int7\","}});
  EXPECT_THAT(LoadError(texts), HasSubstr("non_scaled: the contract does not have one of the data types"));

  texts = TinyTexts();
  texts.catalog = absl::StrReplaceAll(
      texts.catalog, {{"\"traits\"", "\"dtype_requirements\": [{\"fields\": [\"colour\"]}], \"traits\""}});
  EXPECT_THAT(LoadError(texts), HasSubstr("dtype_requirements.fields: QTensorConfig does not have one of the fields"));
}

// A catalogue with the spec class "S", which has one field "f".
CatalogTexts WithSpecClass(const std::string& field, const std::string& meaning) {
  CatalogTexts texts = TinyTexts();
  texts.spec_presets = R"({"S": [{"field": "f", )" + field + "}]}";
  texts.catalog = absl::StrReplaceAll(
      texts.catalog,
      {{"\"traits\"", R"("specs": {"S": {"tensor": {}, "fields": {"f": )" + meaning + R"(}}}, "traits")"}});
  return texts;
}

TEST(CatalogTest, DataAloneAddsASpecClass) {
  const auto catalog =
      Catalog::Load(WithSpecClass(R"("type": "int | None", "default": 7)", R"({"sets": "ch_axis"})").files());
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ((*catalog)->FindSpecClass("S")->fields[0].default_value->number_value(), 7);
}

TEST(CatalogTest, InvalidSpecClassIsReportedWithItsLocation) {
  EXPECT_THAT(LoadError(WithSpecClass(R"("type": "float", "required": true)", R"({"sets": "ch_axis"})")),
              HasSubstr("spec_presets.json: S.f: unknown type: float"));
  EXPECT_THAT(LoadError(WithSpecClass(R"("type": "int", "default": 1.5)", R"({"sets": "ch_axis"})")),
              HasSubstr("S.f: the default has an unknown type"));
  EXPECT_THAT(LoadError(WithSpecClass(R"("type": "int", "required": true)", "{}")), HasSubstr("S.f: cannot set f"));
  EXPECT_THAT(LoadError(WithSpecClass(R"("type": "bool", "required": true)", R"({"sets": "ch_axis"})")),
              HasSubstr("S.f: cannot set ch_axis"));
  EXPECT_THAT(LoadError(WithSpecClass(R"("type": "int", "required": true)", R"({"sets": "block_size"})")),
              HasSubstr("S.f: cannot set block_size"));
  EXPECT_THAT(LoadError(WithSpecClass(R"("type": "str", "required": true)",
                                      R"({"sets": "round_method", "values": {"up": "upwards"}})")),
              HasSubstr("S.f: cannot set round_method"));
  CatalogTexts texts = WithSpecClass(R"("type": "int", "required": true)", R"({"sets": "ch_axis"})");
  texts.spec_presets = "{}";
  EXPECT_THAT(LoadError(texts), HasSubstr("specs.S: spec_presets.json does not have this class"));
}

}  // namespace
}  // namespace qconfig
