// SPDX-License-Identifier: Apache-2.0
#include "core/warnings.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/resolve_config.h"
#include "tests/core/test_support.h"

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

}  // namespace
}  // namespace qconfig
