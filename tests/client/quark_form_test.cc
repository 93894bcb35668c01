// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/quark_form.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>

#include "qconfigctl/observers.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Accepted {
  std::string name;
  std::string json;
  std::string textproto;
};

struct Refused {
  std::string name;
  std::string json;
  std::string problem;
};

template <typename Case>
std::string NameOf(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

template <typename Entry>
void ExpectRead(const absl::StatusOr<Entry>& entry, const std::string& textproto) {
  Entry expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(textproto, &expected));
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*entry, expected)) << entry->DebugString();
}

class QuarkSchemeTest : public testing::TestWithParam<Accepted> {};
TEST_P(QuarkSchemeTest, Reads) {
  ExpectRead(SchemeOfQuarkForm(ordered_json::parse(GetParam().json)), GetParam().textproto);
}
INSTANTIATE_TEST_SUITE_P(
    QuarkForm, QuarkSchemeTest,
    testing::Values(
        Accepted{"NameAndDescription",
                 R"({"name": "x", "description": "d", "weight": {"dtype": "int4", "observer_cls": "A"}})",
                 R"(name: "x" description: "d" config { weight { dtype: DTYPE_INT4 observer_cls: "A" } })"},
        Accepted{"AroundTheConfig", R"({"config": {"bias": null}, "name": "x"})", R"(name: "x" config {})"},
        Accepted{"NoObserverIsPlaceholder",
                 R"({"weight": {"dtype": "int4"}, "bias": {"dtype": "int4", "observer_cls": null}})",
                 R"(config { weight { dtype: DTYPE_INT4 observer_cls: "PlaceholderObserver" }
                             bias { dtype: DTYPE_INT4 observer_cls: "PlaceholderObserver" } })"},
        Accepted{"OlderKeys", R"({"weight": {"dtype": "int4", "dynamic": true, "axis": -1, "observer_cls": "A"}})",
                 R"(config { weight { dtype: DTYPE_INT4 is_dynamic: true ch_axis: -1 observer_cls: "A" } })"},
        Accepted{"ZeroPointTypes",
                 R"({"weight": [{"dtype": "int4", "observer_cls": "A", "zero_point_type": null},
                                {"dtype": "int4", "observer_cls": "A", "zero_point_type": "float32"}],
                     "bias": {"dtype": "int4", "observer_cls": "A", "zero_point_type": "int32"}})",
                 R"(config { weight { dtype: DTYPE_INT4 observer_cls: "A" zero_point_type: ZERO_POINT_TYPE_NONE }
                             weight { dtype: DTYPE_INT4 observer_cls: "A" zero_point_type: ZERO_POINT_TYPE_FLOAT32 }
                             bias { dtype: DTYPE_INT4 observer_cls: "A" } })"},
        Accepted{"QatSpecNull", R"({"weight": {"dtype": "int4", "observer_cls": "A", "qat_spec": null}})",
                 R"(config { weight { dtype: DTYPE_INT4 observer_cls: "A" } })"},
        Accepted{"Device", R"({"target_device": "ipu"})", "config { target_device: DEVICE_TYPE_IPU }"},
        Accepted{"DeviceByMemberName", R"({"target_device": "CPU"})", "config { target_device: DEVICE_TYPE_CPU }"},
        Accepted{
            "Preset",
            R"({"weight": {"spec": "Int8PerTensorSpec", "fields": {"symmetric": null, "a": [1, true, "x", {"b": 0.5}]}}})",
            R"(spec { weight { preset { spec: "Int8PerTensorSpec" fields {
                    fields { key: "symmetric" value { null_value: NULL_VALUE } }
                    fields { key: "a" value { list_value { values { number_value: 1 } values { bool_value: true }
                      values { string_value: "x" }
                      values { struct_value { fields { key: "b" value { number_value: 0.5 } } } } } } } } } } })"},
        Accepted{"PresetWithoutFields", R"({"weight": {"form": "MX6Spec"}, "target_device": "cpu"})",
                 R"(spec { weight { preset { spec: "MX6Spec" } } target_device: DEVICE_TYPE_CPU })"},
        Accepted{"TwoStages",
                 R"({"weight": {"form": "ProgressiveSpec", "first_stage": {"spec": "A", "fields": {}},
                                "second_stage": {"dtype": "int4", "observer_cls": "B"}},
                     "bias": {"spec": "ScaleQuantSpec", "first_stage": {"spec": "C"}, "second_stage": {"spec": "D"}}})",
                 R"(spec { weight { progressive { first_stage { preset { spec: "A" fields {} } }
                                                  second_stage { config { dtype: DTYPE_INT4 observer_cls: "B" } } } }
                           bias { scale_quant { first_stage { preset { spec: "C" } }
                                                second_stage { preset { spec: "D" } } } } })"},
        Accepted{"FullTensorsBesideASpec",
                 R"({"weight": {"spec": "A"}, "bias": {"dtype": "int4", "observer_cls": "B"},
                     "input_tensors": [{"dtype": "fp4", "observer_cls": "B"}, {"dtype": "int4", "observer_cls": "B"}],
                     "output_tensors": [{"dtype": "fp4", "observer_cls": "B"},
                                        {"dtype": "int4", "observer_cls": "B", "is_scale_quant": true}]})",
                 R"(spec { weight { preset { spec: "A" } } bias { config { dtype: DTYPE_INT4 observer_cls: "B" } }
                      input_tensors { progressive { first_stage { config { dtype: DTYPE_FP4 observer_cls: "B" } }
                                                    second_stage { config { dtype: DTYPE_INT4 observer_cls: "B" } } } }
                      output_tensors { scale_quant { first_stage { config { dtype: DTYPE_FP4 observer_cls: "B" } }
                        second_stage { config { dtype: DTYPE_INT4 observer_cls: "B" is_scale_quant: true } } } } })"}),
    NameOf<Accepted>);

class QuarkSchemeRefusedTest : public testing::TestWithParam<Refused> {};
TEST_P(QuarkSchemeRefusedTest, SaysWhereAndWhy) {
  const auto scheme = SchemeOfQuarkForm(ordered_json::parse(GetParam().json));
  ASSERT_FALSE(scheme.ok()) << scheme->DebugString();
  EXPECT_THAT(std::string(scheme.status().message()), HasSubstr(GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    QuarkForm, QuarkSchemeRefusedTest,
    testing::Values(
        Refused{"UnknownKey", R"({"wieght": null})", "wieght: unknown key; did you mean weight?"},
        Refused{"UnknownKeyBesideConfig", R"({"config": {}, "weight": null})", "weight: unknown key"},
        Refused{"UnknownKeyInConfig", R"({"config": {"name": "x"}})", "config.name: unknown key"},
        Refused{"NothingButAName", R"({"name": "x"})", "has neither"},
        Refused{"NameIsANumber", R"({"name": 1, "weight": null})", "name: not a string"},
        Refused{"ConfigIsNull", R"({"config": null})", "config: not an object"},
        Refused{"UnknownField", R"({"weight": {"dtype": "int4", "observer": "A"}})",
                "weight.observer: QTensorConfig has no such field"},
        Refused{"NameInATensor", R"({"weight": {"dtype": "int4", "name": "A"}})",
                "weight.name: QTensorConfig has no such field"},
        Refused{"NoDtype", R"({"weight": {"observer_cls": "A"}})", "weight.dtype: required"},
        Refused{"NullDtype", R"({"weight": {"dtype": null}})", "weight.dtype: required"},
        Refused{"UnknownDtype", R"({"weight": [{"dtype": "int5"}]})",
                "weight[0].dtype: \"int5\" is not a value of Dtype; did you mean int8, int4, int3?"},
        Refused{"OlderAndNewerKey", R"({"weight": {"dtype": "int4", "dynamic": true, "is_dynamic": true}})",
                "weight.dynamic: is the older name of is_dynamic, also given"},
        Refused{"QatSpec", R"({"weight": {"dtype": "int4", "qat_spec": {}}})",
                "weight.qat_spec: quantization-aware training is not supported"},
        Refused{"LargeInteger", R"({"weight": {"dtype": "int4", "ch_axis": 18446744073709551615}})",
                "weight.ch_axis: not a 32-bit integer"},
        Refused{"FractionAsInteger", R"({"weight": {"dtype": "int4", "group_size": 64.0}})",
                "weight.group_size: not an integer"},
        Refused{"NoStage", R"({"weight": []})", "weight: not one or two stages"},
        Refused{"ThreeStages", R"({"weight": [{"dtype": "int4"}, {"dtype": "int4"}, {"dtype": "int4"}]})",
                "weight: not one or two stages"},
        Refused{"TensorIsText", R"({"weight": "int4"})", "weight: not a tensor's dictionary"},
        Refused{"Device", R"({"target_device": "gpu"})", "target_device: \"gpu\" is no device; did you mean cpu"},
        Refused{"SpecAndForm", R"({"weight": {"spec": "A", "form": "A"}})", "weight.form: spec is also given"},
        Refused{"SpecIsANumber", R"({"weight": {"spec": 1}})", "weight.spec: not a string"},
        Refused{"SpecWithUnknownKey", R"({"weight": {"spec": "A", "field": {}}})",
                "weight.field: unknown key; did you mean fields"},
        Refused{"FieldsIsAList", R"({"weight": {"spec": "A", "fields": []}})", "weight.fields: not an object"},
        Refused{"SpecInAList", R"({"weight": [{"spec": "A"}]})", "weight[0]: a spec cannot stand in a list"},
        Refused{"NoSecondStage", R"({"weight": {"spec": "ScaleQuantSpec", "first_stage": {"spec": "A"}}})",
                "weight.second_stage: required"},
        Refused{"FieldsOfTwoStages", R"({"weight": {"spec": "ProgressiveSpec", "fields": {}}})",
                "weight.fields: unknown key"},
        Refused{
            "TwoStagesInAStage",
            R"({"weight": {"spec": "ProgressiveSpec", "first_stage": {"spec": "ScaleQuantSpec"}, "second_stage": {"spec": "A"}}})",
            "weight.first_stage: two stages cannot stand in a stage"}),
    NameOf<Refused>);

class QuarkTemplateTest : public testing::TestWithParam<Accepted> {};
TEST_P(QuarkTemplateTest, Reads) {
  ExpectRead(TemplateOfQuarkForm(ordered_json::parse(GetParam().json)), GetParam().textproto);
}
INSTANTIATE_TEST_SUITE_P(
    QuarkForm, QuarkTemplateTest,
    testing::Values(
        Accepted{"ModelTypeOnly", R"({"model_type": "x"})", R"(model_type: "x")"},
        Accepted{"Nulls",
                 R"({"model_type": "x", "kv_layers_name": null, "q_layer_name": null, "gate_up_layers_name": null,
                     "exclude_layers_name": null, "algorithm_configs": null, "f2f_weight_converters": null,
                     "description": null, "labels": null})",
                 R"(model_type: "x")"},
        Accepted{"Patterns",
                 R"({"model_type": "x", "kv_layers_name": ["*k", "*v"], "q_layer_name": "*q",
                     "gate_up_layers_name": ["w1", "w3"], "exclude_layers_name": ["lm_head"], "description": "d",
                     "labels": {"team": "a"}})",
                 R"(model_type: "x" kv_layers_name: ["*k", "*v"] q_layer_name: "*q" gate_up_layers_name: ["w1", "w3"]
                    exclude_layers_name: "lm_head" description: "d" labels { key: "team" value: "a" })"},
        Accepted{"SeveralQLayers", R"({"model_type": "x", "q_layer_name": ["*a", "*b"]})",
                 R"(model_type: "x" q_layer_name: ["*a", "*b"])"},
        Accepted{"AlgorithmsInAnyCase",
                 R"({"model_type": "x", "algorithm_configs": {"GPTQ": {"name": "gptq", "block_size": 64},
                     "SmoothQuant": {"name": "smooth", "alpha": 1}, "awq": null}})",
                 R"(model_type: "x" algorithm_configs { algorithm: "gptq" config { gptq { block_size: 64 } } }
                    algorithm_configs { algorithm: "smoothquant" config { smoothquant { alpha: 1 } } })"},
        Accepted{"ComputeScaleLossNone",
                 R"({"model_type": "x", "algorithm_configs": {"autosmoothquant": {"compute_scale_loss": null}}})",
                 R"(model_type: "x" algorithm_configs {
                      algorithm: "autosmoothquant" config { autosmoothquant { compute_scale_loss_none: true } } })"},
        Accepted{"ComputeScaleLossAbsent", R"({"model_type": "x", "algorithm_configs": {"autosmoothquant": {}}})",
                 R"(model_type: "x"
                    algorithm_configs { algorithm: "autosmoothquant" config { autosmoothquant {} } })"},
        Accepted{"Converters",
                 R"({"model_type": "x", "f2f_weight_converters": [{"source_patterns": ["a"], "target_patterns": ["b"],
                     "operations": [{"class": "SplitFusedExperts", "split_axis": 1}]}]})",
                 R"(model_type: "x" f2f_weight_converters { source_patterns: "a" target_patterns: "b"
                      operations { split_fused_experts { split_axis: 1 } } })"}),
    NameOf<Accepted>);

class QuarkTemplateRefusedTest : public testing::TestWithParam<Refused> {};
TEST_P(QuarkTemplateRefusedTest, SaysWhereAndWhy) {
  const auto entry = TemplateOfQuarkForm(ordered_json::parse(GetParam().json));
  ASSERT_FALSE(entry.ok()) << entry->DebugString();
  EXPECT_THAT(std::string(entry.status().message()), HasSubstr(GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    QuarkForm, QuarkTemplateRefusedTest,
    testing::Values(
        Refused{"NoModelType", R"({"kv_layers_name": []})", "model_type: required"},
        Refused{"UnknownKey", R"({"model_type": "x", "kv_layer_name": []})",
                "kv_layer_name: unknown key; did you mean kv_layers_name"},
        Refused{"TextInsteadOfAList", R"({"model_type": "x", "kv_layers_name": "*k"})",
                "kv_layers_name: not a list of strings"},
        Refused{"NumberInAList", R"({"model_type": "x", "exclude_layers_name": [1]})",
                "exclude_layers_name: not a list of strings"},
        Refused{"QLayerIsANumber", R"({"model_type": "x", "q_layer_name": 1})",
                "q_layer_name: not a list of strings, nor a string"},
        Refused{"AlgorithmsAsAList", R"({"model_type": "x", "algorithm_configs": []})",
                "algorithm_configs: not an object"},
        Refused{"UnknownAlgorithm", R"({"model_type": "x", "algorithm_configs": {"gptx": {}}})",
                "algorithm_configs.gptx: unknown algorithm; did you mean gptq"},
        Refused{"AlgorithmTwice", R"({"model_type": "x", "algorithm_configs": {"awq": {}, "AWQ": {}}})",
                "algorithm_configs.AWQ: given twice"},
        Refused{"AlgorithmOfAnotherName", R"({"model_type": "x", "algorithm_configs": {"awq": {"name": "gptq"}}})",
                "algorithm_configs.awq.name: not \"awq\""},
        Refused{"UnknownAlgorithmField", R"({"model_type": "x", "algorithm_configs": {"gptq": {"blocksize": 1}}})",
                "algorithm_configs.gptq.blocksize: GptqConfig has no such field; did you mean block_size"},
        Refused{"NameInAScalingLayer",
                R"({"model_type": "x", "algorithm_configs": {"awq": {"scaling_layers": [{"name": "x"}]}}})",
                "algorithm_configs.awq.scaling_layers[0].name: ScalingLayer has no such field"},
        Refused{"UnknownOperation",
                R"({"model_type": "x", "f2f_weight_converters": [{"operations": [{"class": "Other"}]}]})",
                "f2f_weight_converters[0].operations[0].class: not \"SplitFusedExperts\""},
        Refused{"NoAxis",
                R"({"model_type": "x", "f2f_weight_converters": [{"operations": [{"class": "SplitFusedExperts"}]}]})",
                "operations[0].split_axis: required"},
        Refused{"UnknownConverterKey", R"({"model_type": "x", "f2f_weight_converters": [{"source": []}]})",
                "f2f_weight_converters[0].source: unknown key"},
        Refused{"LabelIsANumber", R"({"model_type": "x", "labels": {"a": 1}})", "labels.a: not a string"}),
    NameOf<Refused>);

TEST(ObserversTest, UnknownOnesBecomePlaceholderEverywhere) {
  v1::Scheme scheme;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(config { weight { observer_cls: "A" } weight { observer_cls: "B" } bias { observer_cls: "C" } }
         spec { weight { config { observer_cls: "B" } }
                bias { progressive { second_stage { config { observer_cls: "A" } } } } })",
      &scheme));
  EXPECT_THAT(ReplaceUnknownObservers({"A", "PlaceholderObserver"}, scheme), ElementsAre("B", "C"));
  ExpectRead<v1::Scheme>(scheme, R"(
      config { weight { observer_cls: "A" } weight { observer_cls: "PlaceholderObserver" }
               bias { observer_cls: "PlaceholderObserver" } }
      spec { weight { config { observer_cls: "PlaceholderObserver" } }
             bias { progressive { second_stage { config { observer_cls: "A" } } } } })");
}

}  // namespace
}  // namespace qconfig::client
