// SPDX-License-Identifier: Apache-2.0
#include "core/warnings.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/resolve_config.h"
#include "tests/core/test_support.h"
#include "tests/golden/golden_releases.h"

namespace qconfig {
namespace {

google::protobuf::RepeatedPtrField<v1::Warning> Find(const Snapshot& snapshot, const v1::ConfigSpec& spec) {
  const auto config = ResolveConfig(snapshot, spec);
  EXPECT_TRUE(config.ok()) << config.status();
  return FindWarnings(snapshot, spec, *config);
}

// One line for each warning: "<code> <field> <value>".
std::string GetWarnings(const std::string& spec, const Snapshot& snapshot = Tiny()) {
  std::string lines;
  for (const v1::Warning& warning : Find(snapshot, Proto<v1::ConfigSpec>(spec))) {
    EXPECT_FALSE(warning.message().empty());
    absl::StrAppend(&lines, v1::WarningCode_Name(warning.code()).substr(13), " ", warning.field(), " ", warning.value(),
                    "\n");
  }
  return lines;
}

TEST(WarningsTest, OrdinaryRequestHasNoWarnings) {
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' kv_cache_scheme: 'fp8' attention_scheme: 'fp8'"), "");
}

TEST(WarningsTest, KvCacheOrAttentionSchemeWithoutProjectionsWarns) {
  EXPECT_EQ(GetWarnings("model_type: 'bare' scheme: 'plain' kv_cache_scheme: 'fp8' attention_scheme: 'fp8'"),
            "KV_CACHE_WITHOUT_LAYERS spec.kv_cache_scheme fp8\nATTENTION_WITHOUT_LAYERS spec.attention_scheme fp8\n");
}

TEST(WarningsTest, DroppedExclusionWarns) {
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' exclude_layers { patterns: 'x' }"),
            "TEMPLATE_EXCLUSION_DROPPED spec.exclude_layers head\n");
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' exclude_layers { patterns: 'x' patterns: 'head' }"), "");
}

TEST(WarningsTest, AliasWarnsInEveryField) {
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'alias' layer_config { pattern: 'a' scheme: 'alias' }"
                        "layer_type_config { layer_type: 'Conv2d' scheme: 'alias' }"),
            "SCHEME_ALIAS spec.scheme alias\nSCHEME_ALIAS spec.layer_config[0].scheme alias\n"
            "SCHEME_ALIAS spec.layer_type_config[0].scheme alias\n");
}

TEST(WarningsTest, OverrideCoveredByAnEarlierOverrideWarns) {
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' layer_config { pattern: '*mlp*' scheme: 'plain' }"
                        "layer_config { pattern: '*mlp.up*' scheme: 'plain' }"),
            "OVERRIDE_NEVER_WINS spec.layer_config[1].pattern *mlp.up*\n");
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' layer_config { pattern: '*mlp.up*' scheme: 'plain' }"
                        "layer_config { pattern: '*mlp*' scheme: 'plain' }"),
            "");
}

TEST(WarningsTest, LiteralNameOverridesEarlierPatterns) {
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' layer_config { pattern: '*' scheme: 'plain' }"
                        "layer_config { pattern: 'model.mlp' scheme: 'plain' }"),
            "");
}

TEST(WarningsTest, LayerTypeCoveredByAStarPatternWarns) {
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' layer_config { pattern: '*' scheme: 'plain' }"
                        "layer_type_config { layer_type: 'Linear' scheme: 'plain' }"),
            "OVERRIDE_NEVER_WINS spec.layer_type_config[0].layer_type Linear\n");
}

TEST(WarningsTest, OverrideThatKvCacheOrAttentionCanUseDoesNotWarn) {
  const std::string overrides =
      "layer_config { pattern: '*layers*' scheme: 'plain' } layer_config { pattern: '*layers*attn*' scheme: 'plain' }";
  EXPECT_NE(GetWarnings("model_type: 'model' scheme: 'plain'" + overrides), "");
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' kv_cache_scheme: 'fp8'" + overrides), "");
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' attention_scheme: 'fp8'" + overrides), "");
}

TEST(WarningsTest, ExclusionCoveredByABroaderPatternDoesNotWarn) {
  EXPECT_EQ(GetWarnings("model_type: 'model' scheme: 'plain' exclude_layers { patterns: '*ea*' }"), "");
}

TEST(WarningsTest, SearchForCoveredOverridesIsBounded) {
  v1::ConfigSpec spec;
  spec.set_model_type("model");
  spec.set_scheme("plain");
  const auto add = [&spec](const std::string& pattern) {
    v1::LayerConfigEntry& entry = *spec.add_layer_config();
    entry.set_pattern(pattern);
    entry.set_scheme("plain");
  };
  for (int i = 0; i < 5'000; ++i) add(absl::StrCat("*a*a*a*a*", 10'000 + i, "*b"));
  add("*a*a*a*a*10000*b*b");  // covered by the first override, but the search has already stopped
  EXPECT_EQ(Find(Tiny(), spec).size(), 0);
}

// The same for a built-in catalogue.
std::string BuiltinWarnings(const std::string& spec, const std::string& release = "0.12.post1") {
  return GetWarnings(spec, Snapshot(FindCatalog(release)));
}

// The message of the only warning.
std::string Message(const std::string& spec) {
  const auto warnings = Find(Snapshot(FindCatalog("0.12.post1")), Proto<v1::ConfigSpec>(spec));
  EXPECT_EQ(warnings.size(), 1);
  return warnings.empty() ? "" : warnings[0].message();
}

// Clients print the value before the message.
TEST(WarningsTest, MessagesContinueASentenceAboutTheValue) {
  EXPECT_EQ(Message("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: 'x' }"),
            "is excluded by the template, but spec.exclude_layers replaces the template's list, so its layers may be "
            "quantized. To exclude them as well, add the pattern (qconfigctl: --exclude 'lm_head')");
  EXPECT_EQ(Message("model_type: 'llama' scheme: 'fp4_block16_scale_e4m3'"), "is an older name of nvfp4");
}

TEST(WarningsTest, OverrideOfAnExcludedLayerWarns) {
  for (const char* release : {"0.12.post1", "0.13"}) {
    for (const char* pattern : {"lm_head", "*lm_head", "lm_head*"}) {
      EXPECT_EQ(BuiltinWarnings(absl::StrCat("model_type: 'llama' scheme: 'fp8' layer_config { pattern: '", pattern,
                                             "' scheme: 'int8' }"),
                                release),
                absl::StrCat("OVERRIDE_EXCLUDED spec.layer_config[0].pattern ", pattern, "\n"));
    }
    EXPECT_EQ(BuiltinWarnings("model_type: 'llama' scheme: 'fp8' exclude_layers {}"
                              "layer_config { pattern: 'lm_head' scheme: 'int8' }",
                              release),
              "TEMPLATE_EXCLUSION_DROPPED spec.exclude_layers lm_head\n");
    EXPECT_EQ(BuiltinWarnings("model_type: 'llama' scheme: 'fp8'"
                              "layer_config { pattern: '*_head' scheme: 'fp8' }"
                              "layer_config { pattern: '*head*' scheme: 'int8' }",
                              release),
              "");
  }
}

TEST(WarningsTest, ExclusionsCoverModulesBelowOnlyInCataloguesThatExpandThem) {
  const std::string spec = "model_type: 'llama' scheme: 'fp8' layer_config { pattern: 'lm_head.*' scheme: 'int8' }";
  EXPECT_EQ(BuiltinWarnings(spec), "OVERRIDE_EXCLUDED spec.layer_config[0].pattern lm_head.*\n");
  EXPECT_EQ(BuiltinWarnings(spec, "0.13"), "");
}

TEST(WarningsTest, ExclusionOfTheRequestCanExcludeAnOverride) {
  EXPECT_EQ(BuiltinWarnings("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: 'lm_head' patterns: '*mlp*' }"
                            "layer_config { pattern: '*mlp.down_proj' scheme: 'int8' }"),
            "OVERRIDE_EXCLUDED spec.layer_config[0].pattern *mlp.down_proj\n");
  // The pattern of a request is no claim about the model.
  EXPECT_EQ(BuiltinWarnings("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: 'lm_head' }"
                            "layer_config { pattern: '*lm_head' scheme: 'int8' }"),
            "");
}

TEST(WarningsTest, ExcludedOverrideThatTheKvCacheUsesDoesNotWarn) {
  const std::string spec =
      "model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: 'lm_head' patterns: '*self_attn*' }"
      "layer_config { pattern: '*self_attn*' scheme: 'int8' }";
  EXPECT_EQ(BuiltinWarnings(spec), "OVERRIDE_EXCLUDED spec.layer_config[0].pattern *self_attn*\n");
  EXPECT_EQ(BuiltinWarnings(spec + "kv_cache_scheme: 'fp8'"), "");
  // An excluded projection takes only its output from the KV cache scheme.
  EXPECT_EQ(BuiltinWarnings("model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8'"
                            "exclude_layers { patterns: 'lm_head' patterns: '*[qkv]_proj' }"
                            "layer_config { pattern: '*k_proj' scheme: 'int8' }"),
            "OVERRIDE_EXCLUDED spec.layer_config[0].pattern *k_proj\n");
}

TEST(WarningsTest, ExcludedOverrideIsExplained) {
  EXPECT_EQ(
      Message("model_type: 'llama' scheme: 'fp8' layer_config { pattern: 'lm_head' scheme: 'int8' }"),
      "never applies, because exclusions come first and the template llama excludes \"lm_head\". To quantize these "
      "layers, set exclude_layers, which replaces the template's list, to the rest of that list (qconfigctl: "
      "--exclude-nothing)");
  EXPECT_EQ(
      Message("model_type: 'mixtral' scheme: 'fp8' layer_config { pattern: 'lm_head' scheme: 'int8' }"),
      "never applies, because exclusions come first and the template mixtral excludes \"lm_head\". To quantize "
      "these layers, set exclude_layers, which replaces the template's list, to the rest of that list (qconfigctl: "
      "--exclude '*.gate' --exclude '*.gate.linear')");
  EXPECT_EQ(
      Message("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: '*lm_head' }"
              "layer_config { pattern: 'lm_head' scheme: 'int8' }"),
      "never applies, because exclusions come first and spec.exclude_layers.patterns[0] \"*lm_head\" excludes its "
      "layers. Remove one of them");
}

TEST(WarningsTest, RegularExpressionWarns) {
  EXPECT_EQ(
      BuiltinWarnings("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: 're:.*x' patterns: 'lm_head' }"
                      "layer_config { pattern: '.*mlp$' scheme: 'int8' }"),
      "PATTERN_LOOKS_LIKE_REGEX spec.layer_config[0].pattern .*mlp$\n"
      "PATTERN_LOOKS_LIKE_REGEX spec.exclude_layers.patterns[0] re:.*x\n");
  EXPECT_EQ(Message("model_type: 'llama' scheme: 'fp8' layer_config { pattern: 're:.*lm_head' scheme: 'int8' }"),
            "looks like a regular expression, but patterns are globs. Use \"*lm_head\" instead");
  EXPECT_EQ(Message("model_type: 'llama' scheme: 'fp8' layer_config { pattern: 're:.*(up|gate)' scheme: 'int8' }"),
            "looks like a regular expression, but patterns are globs. Use \"*up\" and \"*gate\" instead");
  EXPECT_EQ(Message("model_type: 'llama' scheme: 'fp8' layer_config { pattern: 'layers.[0-9]+.mlp' scheme: 'int8' }"),
            "looks like a regular expression, but patterns are globs. The nearest glob is \"layers.*.mlp\"");
  EXPECT_EQ(
      Message("model_type: 'llama' scheme: 'fp8' layer_config { pattern: '(?!a)b' scheme: 'int8' }"),
      "looks like a regular expression, but patterns are globs, in which only *, ? and [...] are special: * stands "
      "for any characters");
}

TEST(WarningsTest, SeveralPatternsInOneWarn) {
  EXPECT_EQ(BuiltinWarnings("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: 'lm_head' patterns: 'a, b' }"
                            "layer_config { pattern: '*a *b' scheme: 'int8' }"),
            "PATTERN_HAS_SEPARATOR spec.layer_config[0].pattern *a *b\n"
            "PATTERN_HAS_SEPARATOR spec.exclude_layers.patterns[1] a, b\n");
  EXPECT_EQ(Message("model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*a,*b' scheme: 'int8' }"),
            "has a blank or a comma, which no module name has. Pass several patterns separately: --layer '*a=int8' "
            "--layer '*b=int8' with qconfigctl, or one item of layer_config for each in the API");
  EXPECT_EQ(
      Message("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: 'lm_head' patterns: 'a b c d' }"),
      "has a blank or a comma, which no module name has. Pass several patterns separately: --exclude 'a' "
      "--exclude 'b' --exclude 'c' ... with qconfigctl, or one item of exclude_layers.patterns for each in the API");
  EXPECT_EQ(Message("model_type: 'llama' scheme: 'fp8' layer_config { pattern: ' *a' scheme: 'int8' }"),
            "has a blank or a comma, which no module name has. Use \"*a\" instead");
  EXPECT_EQ(Message("model_type: 'llama' scheme: 'fp8' layer_config { pattern: ' ' scheme: 'int8' }"),
            "has a blank or a comma, which no module name has. Remove the pattern");
}

TEST(WarningsTest, AlgorithmForOtherSchemesWarns) {
  EXPECT_EQ(BuiltinWarnings("model_type: 'llama' scheme: 'int4_wo_128' algorithm: 'awq'"), "");
  EXPECT_EQ(BuiltinWarnings("model_type: 'llama' scheme: 'mxfp4' algorithm: 'rotation' algorithm: 'AWQ'"),
            "ALGORITHM_UNUSUAL_FOR_SCHEME spec.algorithm[0] rotation\n"
            "ALGORITHM_UNUSUAL_FOR_SCHEME spec.algorithm[1] AWQ\n");
  EXPECT_EQ(BuiltinWarnings("model_type: 'llama' scheme: 'nvfp4' algorithm: 'awq'"),
            "ALGORITHM_REJECTS_SCHEME spec.algorithm[0] awq\n");
  EXPECT_EQ(Message("model_type: 'llama' scheme: 'fp8' algorithm: 'awq'"),
            "is meant for low-bit, weight-only schemes such as int4_wo_128, according to Quark's documentation. Quark "
            "accepts it for the scheme fp8, but it may not improve the accuracy. Compare with a run without it");
  EXPECT_EQ(
      Message("model_type: 'llama' scheme: 'nvfp4' algorithm: 'awq'"),
      "fails in Quark if weights are quantized in two stages, as with the scheme nvfp4, after the calibration data "
      "is loaded. Use another algorithm or scheme");
}

TEST(WarningsTest, AtMostAHundredWarningsOfACode) {
  v1::ConfigSpec spec;
  spec.set_model_type("model");
  spec.set_scheme("plain");
  spec.mutable_exclude_layers()->add_patterns("head");
  for (int i = 0; i < 101; ++i) spec.mutable_exclude_layers()->add_patterns(absl::StrCat("re:", i));
  EXPECT_EQ(Find(Tiny(), spec).size(), 100);
}

}  // namespace
}  // namespace qconfig
