// SPDX-License-Identifier: Apache-2.0
//
// Compares the validation of tensor configurations and the expansion of spec classes with the recorded results of
// Quark.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/layer_spec.h"
#include "core/tensor_rules.h"
#include "tests/golden/golden_cases.h"
#include "tests/golden/golden_releases.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

// Maps Quark's error messages to rules. "$1" is the field that the message names.
struct RuleMapping {
  const char* text;
  const char* rule;
};
constexpr RuleMapping kRuleMappings[] = {
    {"Dtype\\.\\w+ only supports observer_cls=PlaceholderObserver .*", "observer_cls_placeholder"},
    {"The field `(\\w+)` cannot be None when Dtype is .*", "$1_required"},
    {"When using dtype=Dtype\\.\\w+, quantization_spec\\.(\\w+) must be specified\\. .*", "$1_required"},
    {"QTensorConfig requires (\\w+) to be specified\\. .*", "$1_required"},
    {"Observer .* does not support per-tensor quantization\\. .*", "observer_cls_per_tensor"},
    {"You select channel wise quant, the observer_cls you select is .*", "observer_cls_per_channel"},
    {"The combination qscheme=QSchemeType\\.per_group and observer_cls=.*", "observer_cls_per_group"},
    {"You select channel wise quant, user must assigned int num to (ch_axis)\\.", "$1_required"},
    {"Got (ch_axis|group_size)=None in QTensorConfig .*", "$1_required"},
    {"Got block_size=.*", "block_size_pair"},
    {"The parameterization `qscheme=QSchemeType\\.per_group` along with `is_dynamic=False` .*",
     "activation_group_dynamic"},
    {"Invalid (observer_method|scale_type|round_method|zero_point_type) .*", "spec_value"},
    {"amdfp4 group_size must be 16 or 32, .*", "spec_value"},
};

std::string ViolatedRule(const ordered_json& golden) {
  const std::string text = golden["error"]["message"].get<std::string>();
  for (const RuleMapping& known : kRuleMappings) {
    const std::regex pattern(known.text);
    if (std::regex_match(text, pattern)) return std::regex_replace(text, pattern, known.rule);
  }
  return "unknown error message of Quark: " + text;
}

// The rule that `status` reports as violated. Empty for an OK status.
std::string ViolatedRule(const absl::Status& status) {
  if (status.ok()) return "";
  const v1::ItemError error = ItemErrorOf(status);
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_INVALID_TENSOR_CONFIG) << status;
  const auto rule = error.metadata().find("rule");
  return rule == error.metadata().end() ? "no rule" : rule->second;
}

v1::SpecPreset ReadPreset(const ordered_json& json) {
  v1::SpecPreset preset;
  preset.set_spec(json["spec"].get<std::string>());
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json["fields"].dump(), preset.mutable_fields()).ok());
  return preset;
}

class GoldenTensorTest : public testing::TestWithParam<GoldenFile> {
 protected:
  const std::vector<ordered_json> cases_ = ReadGoldenCases(GetParam().release, GetParam().name);
  const std::shared_ptr<const Catalog> catalog_ = FindCatalog(GetParam().release);
};

using GoldenTensorValidationTest = GoldenTensorTest;

TEST_P(GoldenTensorValidationTest, RejectsWithTheSameRuleAsQuark) {
  EXPECT_EQ(cases_.size(), GetParam().cases);
  for (const ordered_json& golden : cases_) {
    v1::QLayerConfig layer;
    const auto* where = layer.GetDescriptor()->FindFieldByName(golden["where"].get<std::string>());
    layer.GetReflection()->AddMessage(&layer, where)->CopyFrom(ReadTensor(golden["tensor"]));
    const absl::Status status = CheckLayer(*catalog_, layer, "config");
    ASSERT_EQ(ViolatedRule(status), golden["valid"] ? "" : ViolatedRule(golden)) << golden;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTensorValidationTest,
                         testing::Values(GoldenFile{"0.12.post1", "tensor_validation", 2000},
                                         GoldenFile{"0.13", "tensor_validation", 1000}),
                         NameOfGoldenFile);

using GoldenSpecPresetTest = GoldenTensorTest;

TEST_P(GoldenSpecPresetTest, MatchesQuark) {
  EXPECT_EQ(cases_.size(), GetParam().cases);
  for (const ordered_json& golden : cases_) {
    v1::LayerSpec spec;
    *spec.mutable_weight()->mutable_preset() = ReadPreset(golden);
    const auto layer = ExpandLayerSpec(*catalog_, spec, "spec");
    ASSERT_EQ(ViolatedRule(layer.status()), golden.contains("error") ? ViolatedRule(golden) : "") << golden;
    if (!layer.ok()) continue;
    ASSERT_EQ(layer->weight(0).DebugString(), ReadTensor(golden["tensor"]).DebugString()) << golden;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenSpecPresetTest,
                         testing::Values(GoldenFile{"0.12.post1", "spec_presets", 1900},
                                         GoldenFile{"0.13", "spec_presets", 950}),
                         NameOfGoldenFile);

using GoldenTwoStageSpecTest = GoldenTensorTest;

TEST_P(GoldenTwoStageSpecTest, MatchesQuark) {
  EXPECT_EQ(cases_.size(), GetParam().cases);
  for (const ordered_json& golden : cases_) {
    v1::LayerSpec spec;
    v1::TwoStageSpec& stages = golden["form"] == "ScaleQuantSpec" ? *spec.mutable_weight()->mutable_scale_quant()
                                                                  : *spec.mutable_weight()->mutable_progressive();
    *stages.mutable_first_stage()->mutable_preset() = ReadPreset(golden["first_stage"]);
    *stages.mutable_second_stage()->mutable_preset() = ReadPreset(golden["second_stage"]);
    const auto layer = ExpandLayerSpec(*catalog_, spec, "spec");
    ASSERT_TRUE(layer.ok()) << golden << layer.status();
    ASSERT_EQ(layer->weight_size(), 2);
    for (int i = 0; i < 2; ++i) {
      const v1::QTensorConfig expected = ReadTensor(golden["tensors"][static_cast<size_t>(i)]);
      ASSERT_EQ(layer->weight(i).DebugString(), expected.DebugString()) << golden;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTwoStageSpecTest,
                         testing::Values(GoldenFile{"0.12.post1", "two_stage_specs", 60},
                                         GoldenFile{"0.13", "two_stage_specs", 60}),
                         NameOfGoldenFile);

using GoldenRegisteredSchemeTest = GoldenTensorTest;

TEST_P(GoldenRegisteredSchemeTest, AcceptsSchemesThatQuarkAccepts) {
  EXPECT_EQ(cases_.size(), GetParam().cases);
  for (const ordered_json& golden : cases_) {
    for (const v1::Scheme& scheme : ReadSchemes(golden["register_schemes"])) {
      ASSERT_EQ(ViolatedRule(CheckLayer(*catalog_, scheme.config(), "config")), "") << scheme.DebugString();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenRegisteredSchemeTest,
                         testing::Values(GoldenFile{"0.12.post1", "registry", 800},
                                         GoldenFile{"0.13", "registry", 300}),
                         NameOfGoldenFile);

}  // namespace
}  // namespace qconfig
