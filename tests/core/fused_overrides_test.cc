// SPDX-License-Identifier: Apache-2.0
#include "core/fused_overrides.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/resolve_config.h"
#include "core/warnings.h"
#include "tests/core/test_support.h"
#include "tests/golden/golden_releases.h"

namespace qconfig {
namespace {

std::string Override(absl::string_view pattern, absl::string_view scheme) {
  return absl::StrCat(" layer_config { pattern: '", pattern, "' scheme: '", scheme, "' }");
}

// The warnings about fused modules, one per line: "<code> <field>", without the common prefixes.
std::string FusedWarnings(const v1::ConfigSpec& spec, const std::string& release = "0.12.post1") {
  const Snapshot snapshot(FindCatalog(release));
  const auto config = ResolveConfig(snapshot, spec);
  EXPECT_TRUE(config.ok()) << config.status();
  std::string lines;
  for (const v1::Warning& warning : FindWarnings(snapshot, spec, *config)) {
    if (warning.code() == v1::WARNING_CODE_FUSED_MODULES_DIFFER) absl::StrAppend(&lines, "DIFFER ", warning.field());
    if (warning.code() == v1::WARNING_CODE_FUSED_MODULES_PARTLY_EXCLUDED) {
      absl::StrAppend(&lines, "EXCLUDED ", warning.field());
    }
  }
  return lines;
}

// For a model of type llama with the scheme mxfp4.
std::string FusedWarnings(const std::string& rest, const std::string& model_type = "llama",
                          const std::string& release = "0.12.post1") {
  return FusedWarnings(Proto<v1::ConfigSpec>(absl::StrCat("scheme: 'mxfp4' model_type: '", model_type, "' ", rest)),
                       release);
}

constexpr char kFirst[] = "DIFFER spec.layer_config[0].pattern";

TEST(FusedOverridesTest, OverrideOfOnePartWarns) {
  for (const char* release : {"0.12.post1", "0.13"}) {
    for (const char* pattern :
         {"*q_proj", "*.v_proj", "*gate_proj", "model.layers.0.mlp.up_proj", "*layers.0.*k_proj"}) {
      EXPECT_EQ(FusedWarnings(Override(pattern, "fp8"), "llama", release), kFirst) << pattern;
    }
    // Not at the beginning of a component, and other modules.
    for (const char* pattern : {"*kv_proj", "*o_proj", "*down_proj", "*q_proj*", "*[qk]_proj", "*"}) {
      EXPECT_EQ(FusedWarnings(Override(pattern, "fp8"), "llama", release), "") << pattern;
    }
  }
}

TEST(FusedOverridesTest, GroupsDependOnTheModelType) {
  EXPECT_EQ(FusedWarnings(Override("*q_a_proj", "fp8") + "exclude_layers { patterns: 'lm_head' }", "deepseek_v3"),
            kFirst);
  EXPECT_EQ(FusedWarnings(Override("*q_a_proj", "fp8")), "");
  EXPECT_EQ(FusedWarnings(Override("*gate_proj", "fp8"), "mixtral"), "");
}

TEST(FusedOverridesTest, EqualConfigurationsDoNotWarn) {
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + Override("*k_proj", "fp8") + Override("*v_proj", "fp8")), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + Override("*[kv]_proj", "fp8")), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + Override("*_proj", "fp8")), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "mxfp4")), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "nvfp4") + Override("*", "fp4_block16_scale_e4m3")), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + "layer_type_config { layer_type: 'Linear' scheme: 'fp8' }"), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + "layer_type_config { layer_type: 'Conv2d' scheme: 'fp8' }"),
            kFirst);
}

TEST(FusedOverridesTest, PatternsThatMayConfigureTheOtherPartsDoNotWarn) {
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + Override("*self_attn*", "fp8")), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + Override("*self_attn*", "int8")), kFirst);
  EXPECT_EQ(FusedWarnings(Override("*self_attn*", "int8") + Override("*q_proj", "fp8")), "");
  EXPECT_EQ(FusedWarnings(Override("model.layers.*", "int8") + Override("*q_proj", "fp8")), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + Override("model.layers.0.self_attn.k_proj", "fp8") +
                          Override("*.v_proj", "fp8")),
            "");
}

TEST(FusedOverridesTest, PatternsForOtherModulesDoNotMatter) {
  const std::string last = "DIFFER spec.layer_config[1].pattern";
  for (const char* pattern :
       {"*mlp*", "*vision_tower*", "*.0.*", "model.layers.0.self_attn*", "*down_proj", "lm_head"}) {
    EXPECT_EQ(FusedWarnings(Override(pattern, "int8") + Override("*q_proj", "fp8") +
                            "exclude_layers { patterns: '*.1.*' patterns: '*o_proj' }"),
              last)
        << pattern;
  }
  EXPECT_EQ(FusedWarnings(Override("*self_attn*", "int8") + Override("*up_proj", "fp8")), last);
}

TEST(FusedOverridesTest, TemplateThatExcludesAttentionDoesNotWarn) {
  EXPECT_EQ(FusedWarnings(Override("*q_a_proj", "fp8"), "deepseek_v3"), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8"), "minimax_m2"), "");
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8"), "gemma3"), kFirst);  // excludes only the vision tower
}

TEST(FusedOverridesTest, ExactNameTakesPrecedence) {
  EXPECT_EQ(FusedWarnings(Override("*", "fp8") + Override("model.layers.0.self_attn.q_proj", "int8")),
            "DIFFER spec.layer_config[1].pattern");
  EXPECT_EQ(FusedWarnings(Override("*", "fp8") + Override("a.q_proj", "int8") + Override("a.k_proj", "int8") +
                          Override("a.v_proj", "int8")),
            "");
}

TEST(FusedOverridesTest, OneWarningForEachFusedModule) {
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + Override("*k_proj", "int8")), kFirst);
  EXPECT_EQ(FusedWarnings(Override("*.q_proj", "fp8") + Override("*up_proj", "fp8")),
            absl::StrCat(kFirst, "DIFFER spec.layer_config[1].pattern"));
}

TEST(FusedOverridesTest, ExclusionOfOnePartWarns) {
  const std::string last = "EXCLUDED spec.exclude_layers.patterns[1]";
  for (const char* release : {"0.12.post1", "0.13"}) {
    EXPECT_EQ(FusedWarnings("exclude_layers { patterns: 'lm_head' patterns: '*k_proj' }", "llama", release), last);
    EXPECT_EQ(FusedWarnings("exclude_layers { patterns: 'lm_head' patterns: 'model.layers.3.mlp.up_proj' }", "llama",
                            release),
              last);
    EXPECT_EQ(FusedWarnings("exclude_layers { patterns: '*self_attn' patterns: '*k_proj' }", "llama", release),
              release == std::string("0.13") ? last : "");  // 0.12 also excludes all modules below "*self_attn"
    EXPECT_EQ(FusedWarnings("exclude_layers { patterns: '*k_proj' patterns: '*[qv]_proj' }", "llama", release), "");
    EXPECT_EQ(FusedWarnings("exclude_layers { patterns: '*self_attn*' patterns: '*k_proj' }", "llama", release), "");
  }
  EXPECT_EQ(FusedWarnings(Override("*q_proj", "fp8") + "exclude_layers { patterns: 'lm_head' patterns: '*[kv]_proj' }"),
            "EXCLUDED spec.layer_config[0].pattern");
}

TEST(FusedOverridesTest, PartThatMayBeExcludedCountsAsDifferent) {
  EXPECT_EQ(FusedWarnings(Override("*k_proj", "nvfp4") + Override("*q_proj", "fp8") +
                          "exclude_layers { patterns: '*language_model.*q_proj' }"),
            absl::StrCat(kFirst, "EXCLUDED spec.exclude_layers.patterns[0]"));
}

TEST(FusedOverridesTest, KvCacheDoesNotMatter) {
  const std::string kv_cache = "kv_cache_scheme: 'fp8' attention_scheme: 'fp8'";
  EXPECT_EQ(FusedWarnings(kv_cache), "");
  EXPECT_EQ(FusedWarnings(kv_cache + Override("*q_proj", "fp8")), kFirst);
  // Quark takes this override as the base of all three.
  EXPECT_EQ(FusedWarnings(kv_cache + Override("*self_attn.q_proj", "fp8")), "");
}

TEST(FusedOverridesTest, SearchIsBounded) {
  v1::ConfigSpec spec = Proto<v1::ConfigSpec>("model_type: 'llama' scheme: 'mxfp4'");
  const auto add = [&spec](const std::string& pattern, const char* scheme) {
    v1::LayerConfigEntry& entry = *spec.add_layer_config();
    entry.set_pattern(pattern);
    entry.set_scheme(scheme);
  };
  for (int i = 0; i < 5'000; ++i) add(absl::StrCat("*x", i, ".self_attn*", i, ".q_proj"), "mxfp4");
  add("*y.q_proj", "fp8");  // differs from "*y.k_proj", but the search has already stopped
  EXPECT_EQ(FusedWarnings(spec), "");
}

TEST(FusedOverridesTest, RequestWithAllProjectionsOfALargeModelIsSearchedCompletely) {
  v1::ConfigSpec spec = Proto<v1::ConfigSpec>("model_type: 'llama' scheme: 'mxfp4'");
  for (int i = 0; i < 600; ++i) {
    for (const char* part : {"q_proj", "k_proj", "v_proj"}) {
      v1::LayerConfigEntry& entry = *spec.add_layer_config();
      entry.set_pattern(absl::StrCat("model.layers.", i, ".self_attn.", part));
      entry.set_scheme("int8");
    }
  }
  EXPECT_EQ(FusedWarnings(spec), "");
  spec.mutable_layer_config()->rbegin()->set_scheme("fp8");
  EXPECT_EQ(FusedWarnings(spec), "DIFFER spec.layer_config[1797].pattern");
}

TEST(FusedOverridesTest, MessagesSayWhatToDo) {
  const auto message = [](const std::string& rest) {
    const v1::ConfigSpec spec = Proto<v1::ConfigSpec>("model_type: 'llama' scheme: 'mxfp4' " + rest);
    const Snapshot snapshot(FindCatalog("0.13"));
    const auto warnings = FindWarnings(snapshot, spec, *ResolveConfig(snapshot, spec));
    EXPECT_EQ(warnings.size(), 1);
    return warnings.empty() ? "" : warnings[0].message();
  };
  EXPECT_EQ(
      message(Override("*q_proj", "fp8")),
      "and \"*k_proj\" and \"*v_proj\" have different configurations, but serving runtimes run them as one matrix, "
      "which has one configuration. Use the same scheme for all of them (qconfigctl: --layer '*k_proj=fp8' --layer "
      "'*v_proj=fp8')");
  EXPECT_EQ(message("exclude_layers { patterns: 'lm_head' patterns: '*gate_proj' }"),
            "and \"*up_proj\" are not all excluded, but serving runtimes run them as one matrix and reject a model in "
            "which only a part of it is quantized. Exclude all of them (qconfigctl: --exclude '*up_proj') or none");
}

}  // namespace
}  // namespace qconfig
