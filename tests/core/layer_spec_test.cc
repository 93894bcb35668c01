// SPDX-License-Identifier: Apache-2.0
//
// Covers what the golden cases cannot: specs that Python cannot express, and the field at which a spec is rejected.
#include "core/layer_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using testing::Contains;
using testing::ElementsAre;

absl::StatusOr<v1::QLayerConfig> Expand(const std::string& spec) {
  return ExpandLayerSpec(Builtins().catalog(), Proto<v1::LayerSpec>(spec), "spec");
}

// The violated rule and the field, such as "spec_unknown at spec.weight.preset.spec".
std::string RuleAndField(const absl::Status& status) {
  if (status.ok()) return "OK";
  EXPECT_EQ(ReasonAndField(status), "INVALID_TENSOR_CONFIG at " + GetDetail(status).field());
  return absl::StrCat(GetDetail(status).rule(), " at ", GetDetail(status).field());
}

// A preset in text format. `fields` are pairs of a name and a google.protobuf.Value.
std::string Preset(const std::string& spec, const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string text = absl::StrCat("preset { spec: '", spec, "' fields {");
  for (const auto& [name, value] : fields) {
    absl::StrAppend(&text, " fields { key: '", name, "' value {", value, "} }");
  }
  return text + "} }";
}

std::string WeightError(const std::string& spec, const std::vector<std::pair<std::string, std::string>>& fields) {
  return RuleAndField(Expand("weight {" + Preset(spec, fields) + "}").status());
}

TEST(LayerSpecTest, EmptySpecIsAnEmptyLayer) {
  const auto layer = Expand("target_device: DEVICE_TYPE_CPU");
  ASSERT_TRUE(layer.ok()) << layer.status();
  EXPECT_EQ(layer->ShortDebugString(), "target_device: DEVICE_TYPE_CPU");
}

TEST(LayerSpecTest, ExpandsEveryFormForEveryTensor) {
  const std::string fp8 = Preset("FP8E4M3PerTensorSpec", {});
  const auto layer = Expand(
      absl::StrCat("input_tensors {", fp8,
                   "} output_tensors { config { dtype: DTYPE_BFLOAT16 observer_cls: 'PlaceholderObserver' } }",
                   "weight { scale_quant { first_stage {", fp8, "} second_stage {", fp8, "} } }",
                   "bias { progressive { first_stage {", fp8,
                   "} second_stage { config { dtype: DTYPE_MX6 ch_axis: 1 group_size: 2 max_input_numel: 3 } } } }"));
  ASSERT_TRUE(layer.ok()) << layer.status();
  EXPECT_EQ(layer->input_tensors(0).dtype(), v1::DTYPE_FP8_E4M3);
  EXPECT_EQ(layer->output_tensors(0).max_input_numel(), 4194304);
  ASSERT_EQ(layer->weight_size(), 2);
  EXPECT_FALSE(layer->weight(0).is_scale_quant());
  EXPECT_TRUE(layer->weight(1).is_scale_quant());
  ASSERT_EQ(layer->bias_size(), 2);
  EXPECT_FALSE(layer->bias(1).is_scale_quant());
  EXPECT_EQ(layer->bias(1).max_input_numel(), 3);
}

TEST(LayerSpecTest, MissingFormsAreRejected) {
  EXPECT_EQ(RuleAndField(Expand("bias {}").status()), "spec_required at spec.bias");
  EXPECT_EQ(RuleAndField(Expand("weight { progressive {} }").status()),
            "spec_required at spec.weight.progressive.first_stage");
  const std::string first = "first_stage {" + Preset("Float16Spec", {}) + "}";
  EXPECT_EQ(RuleAndField(Expand("weight { scale_quant {" + first + "} }").status()),
            "spec_required at spec.weight.scale_quant.second_stage");
  EXPECT_EQ(RuleAndField(Expand("weight { scale_quant {" + first + " second_stage {} } }").status()),
            "spec_required at spec.weight.scale_quant.second_stage");
}

TEST(LayerSpecTest, UnknownNamesGetSuggestions) {
  absl::Status status = Expand("weight {" + Preset("Int8PerTenserSpec", {}) + "}").status();
  EXPECT_EQ(RuleAndField(status), "spec_unknown at spec.weight.preset.spec");
  EXPECT_EQ(GetDetail(status).value(), "Int8PerTenserSpec");
  EXPECT_THAT(GetDetail(status).suggestions(), Contains("Int8PerTensorSpec"));
  EXPECT_EQ(WeightError("", {}), "spec_unknown at spec.weight.preset.spec");
  EXPECT_EQ(WeightError("ProgressiveSpec", {}), "spec_unknown at spec.weight.preset.spec");

  status = Expand("weight {" + Preset("MX6Spec", {{"group_size", "number_value: 32"}, {"zz", "null_value: 0"}}) + "}")
               .status();
  EXPECT_EQ(RuleAndField(status), "spec_field_unknown at spec.weight.preset.fields");
  EXPECT_EQ(GetDetail(status).value(), "group_size") << "reports the first unknown field by name";
  EXPECT_THAT(GetDetail(status).allowed(), ElementsAre("ch_axis", "block_size", "scale_calculation_mode"));
}

TEST(LayerSpecTest, MissingRequiredFieldsAreRejected) {
  EXPECT_EQ(WeightError("Int8PerChannelSpec", {}), "spec_field_required at spec.weight.preset.fields.ch_axis");
  EXPECT_EQ(WeightError("MX6Spec", {{"ch_axis", "number_value: 0"}}),
            "spec_field_required at spec.weight.preset.fields.block_size");
}

TEST(LayerSpecTest, NullIsNoneEvenForRequiredIntegers) {
  EXPECT_EQ(WeightError("Int8PerChannelSpec", {{"ch_axis", "null_value: 0"}}),
            "ch_axis_required at spec.weight.preset.fields.ch_axis");
}

struct TypeCase {
  const char* spec;
  const char* field;
  std::string value;
  bool is_ok;
};

class SpecFieldTypeTest : public testing::TestWithParam<TypeCase> {};

TEST_P(SpecFieldTypeTest, RejectsOtherTypes) {
  EXPECT_EQ(WeightError(GetParam().spec, {{GetParam().field, GetParam().value}}),
            GetParam().is_ok ? "OK" : absl::StrCat("spec_field_type at spec.weight.preset.fields.", GetParam().field));
}

INSTANTIATE_TEST_SUITE_P(All, SpecFieldTypeTest,
                         testing::Values(TypeCase{"BFP16Spec", "ch_axis", "number_value: -1", true},
                                         TypeCase{"BFP16Spec", "ch_axis", "number_value: 2147483647", true},
                                         TypeCase{"BFP16Spec", "ch_axis", "number_value: -2147483648", true},
                                         TypeCase{"BFP16Spec", "ch_axis", "number_value: 2147483648", false},
                                         TypeCase{"BFP16Spec", "ch_axis", "number_value: 1e300", false},
                                         TypeCase{"BFP16Spec", "ch_axis", "number_value: 1.5", false},
                                         TypeCase{"BFP16Spec", "ch_axis", "number_value: nan", false},
                                         TypeCase{"BFP16Spec", "ch_axis", "number_value: inf", false},
                                         TypeCase{"BFP16Spec", "ch_axis", "string_value: '1'", false},
                                         TypeCase{"BFP16Spec", "ch_axis", "bool_value: true", false},
                                         TypeCase{"BFP16Spec", "ch_axis", "list_value { values { number_value: 1 } }",
                                                  false},
                                         TypeCase{"BFP16Spec", "ch_axis", "struct_value {}", false},
                                         TypeCase{"BFP16Spec", "ch_axis", "", false},
                                         TypeCase{"Int8PerTensorSpec", "symmetric", "bool_value: false", true},
                                         TypeCase{"Int8PerTensorSpec", "symmetric", "number_value: 1", false},
                                         TypeCase{"Int8PerTensorSpec", "symmetric", "string_value: 'true'", false},
                                         TypeCase{"Int8PerTensorSpec", "scale_type", "string_value: 'float'", true},
                                         TypeCase{"Int8PerTensorSpec", "scale_type", "number_value: 1", false},
                                         TypeCase{"Int8PerTensorSpec", "scale_type", "bool_value: true", false}));

TEST(LayerSpecTest, UnknownEnumValuesGetSuggestions) {
  const absl::Status status =
      Expand("bias {" + Preset("Int8PerTensorSpec", {{"observer_method", "string_value: 'minmax'"}}) + "}").status();
  EXPECT_EQ(RuleAndField(status), "spec_value at spec.bias.preset.fields.observer_method");
  EXPECT_THAT(GetDetail(status).suggestions(), ElementsAre("min_max"));
  EXPECT_THAT(GetDetail(status).allowed(), ElementsAre("min_max", "histogram", "histogrampro", "MSE", "percentile"));
  EXPECT_EQ(WeightError("AmdFP4Spec", {{"ch_axis", "number_value: 0"}, {"group_size", "null_value: 0"}}),
            "spec_value at spec.weight.preset.fields.group_size");
}

TEST(LayerSpecTest, EmptyNameIsNone) {
  EXPECT_EQ(WeightError("Int8PerTensorSpec", {{"round_method", "string_value: ''"}}),
            "round_method_required at spec.weight.preset.fields.round_method");
  const auto layer = Expand("weight {" +
                            Preset("Uint4PerChannelSpec", {{"ch_axis", "number_value: 0"},
                                                           {"is_dynamic", "bool_value: false"},
                                                           {"zero_point_type", "string_value: ''"}}) +
                            "}");
  ASSERT_TRUE(layer.ok()) << layer.status();
  EXPECT_EQ(layer->weight(0).zero_point_type(), v1::ZERO_POINT_TYPE_NONE);
  const auto format = Expand("weight {" +
                             Preset("FP4PerGroupSpec", {{"ch_axis", "number_value: 0"},
                                                        {"group_size", "number_value: 1"},
                                                        {"scale_format", "string_value: ''"}}) +
                             "}");
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_TRUE(format->weight(0).has_scale_format()) << "the field takes any string";
}

TEST(LayerSpecTest, ViolatedRulesAreReportedAtTheFieldOfTheSpec) {
  EXPECT_EQ(WeightError("Int8PerTensorSpec", {{"observer_method", "null_value: 0"}}),
            "observer_cls_required at spec.weight.preset.fields.observer_method");
  EXPECT_EQ(WeightError("MX6Spec", {{"ch_axis", "number_value: 0"}, {"block_size", "null_value: 0"}}),
            "group_size_required at spec.weight.preset.fields.block_size");
  EXPECT_EQ(RuleAndField(Expand("weight { progressive { first_stage { config { dtype: DTYPE_INT8 } } } }").status()),
            "is_dynamic_required at spec.weight.progressive.first_stage.config.is_dynamic");
  const std::string group =
      Preset("Int4PerGroupSpec", {{"ch_axis", "number_value: 0"}, {"group_size", "number_value: 1"}});
  EXPECT_EQ(RuleAndField(Expand("weight {" + group + "}").status()), "OK");
  EXPECT_EQ(RuleAndField(Expand("output_tensors {" + group + "}").status()),
            "activation_group_dynamic at spec.output_tensors.preset.fields.is_dynamic");
  EXPECT_EQ(RuleAndField(Expand("input_tensors { scale_quant { first_stage {" + Preset("Float16Spec", {}) +
                                "} second_stage {" + group + "} } }")
                             .status()),
            "activation_group_dynamic at spec.input_tensors.scale_quant.second_stage.preset.fields.is_dynamic");
}

TEST(LayerSpecTest, UnknownDeviceIsRejected) {
  v1::LayerSpec spec;
  spec.set_target_device(static_cast<v1::DeviceType>(9));
  EXPECT_EQ(RuleAndField(ExpandLayerSpec(Builtins().catalog(), spec, "spec").status()),
            "target_device_unknown at spec.target_device");
}

}  // namespace
}  // namespace qconfig
