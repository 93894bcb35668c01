// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/quark_format.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "qconfigctl/observers.h"
#include "tests/source_files.h"

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

struct Rejected {
  std::string name;
  std::string json;
  std::string problem;
};

template <typename Case>
std::string CaseName(const testing::TestParamInfo<Case>& info) {
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
  ExpectRead(SchemeFromQuark(ordered_json::parse(GetParam().json)), GetParam().textproto);
}
INSTANTIATE_TEST_SUITE_P(
    QuarkFormat, QuarkSchemeTest,
    testing::Values(
        Accepted{"NameAndDescription",
                 R"({"name": "x", "description": "d", "weight": {"dtype": "int4", "observer_cls": "A"}})",
                 R"(name: "x" description: "d" config { weight { dtype: DTYPE_INT4 observer_cls: "A" } })"},
        Accepted{"WrappedConfig", R"({"config": {"bias": null}, "name": "x"})", R"(name: "x" config {})"},
        Accepted{"NoObserver", R"({"weight": {"dtype": "int4"}, "bias": {"dtype": "int4", "observer_cls": null}})",
                 "config { weight { dtype: DTYPE_INT4 } bias { dtype: DTYPE_INT4 } }"},
        Accepted{"Labels", R"({"labels": {"team": "a"}, "config": {"bias": null}})",
                 R"(labels { key: "team" value: "a" } config {})"},
        Accepted{"LabelsNextToTheKeys", R"({"labels": null, "bias": null})", "config {}"},
        Accepted{"OlderKeys", R"({"weight": {"dtype": "int4", "dynamic": true, "axis": -1, "observer_cls": "A"}})",
                 R"(config { weight { dtype: DTYPE_INT4 is_dynamic: true ch_axis: -1 observer_cls: "A" } })"},
        Accepted{"ZeroPointTypes",
                 R"({"weight": [{"dtype": "int4", "observer_cls": "A", "zero_point_type": null},
                                {"dtype": "int4", "observer_cls": "A", "zero_point_type": "float32"}],
                     "bias": {"dtype": "int4", "observer_cls": "A", "zero_point_type": "int32"}})",
                 R"(config { weight { dtype: DTYPE_INT4 observer_cls: "A" zero_point_type: ZERO_POINT_TYPE_NONE }
                             weight { dtype: DTYPE_INT4 observer_cls: "A" zero_point_type: ZERO_POINT_TYPE_FLOAT32 }
                             bias { dtype: DTYPE_INT4 observer_cls: "A" } })"},
        Accepted{"NullsThatAreNone",
                 R"({"weight": {"dtype": "mx6", "is_dynamic": null, "qscheme": null, "ch_axis": null,
                     "group_size": null, "block_size": null, "symmetric": null, "round_method": null,
                     "scale_type": null, "scale_format": null, "scale_calculation_mode": null,
                     "mx_element_dtype": null, "observer_cls": "A"}})",
                 R"(config { weight { dtype: DTYPE_MX6 observer_cls: "A" } })"},
        Accepted{"QatSpecNull", R"({"weight": {"dtype": "int4", "observer_cls": "A", "qat_spec": null}})",
                 R"(config { weight { dtype: DTYPE_INT4 observer_cls: "A" } })"},
        Accepted{"Device", R"({"target_device": "ipu"})", "config { target_device: DEVICE_TYPE_IPU }"},
        Accepted{"DeviceByMemberName", R"({"target_device": "CPU"})", "config { target_device: DEVICE_TYPE_CPU }"},
        Accepted{
            "Preset",
            R"({"weight": {"spec": "Int8PerTensorSpec", "fields": {"symmetric": null, "a": [1, true, "x", {"b": -5}]}}})",
            R"(spec { weight { preset { spec: "Int8PerTensorSpec" fields {
                    fields { key: "symmetric" value { null_value: NULL_VALUE } }
                    fields { key: "a" value { list_value { values { number_value: 1 } values { bool_value: true }
                      values { string_value: "x" }
                      values { struct_value { fields { key: "b" value { number_value: -5 } } } } } } } } } } })"},
        Accepted{"PresetWithoutFields", R"({"weight": {"spec": "MX6Spec"}, "target_device": "cpu"})",
                 R"(spec { weight { preset { spec: "MX6Spec" } } target_device: DEVICE_TYPE_CPU })"},
        Accepted{"TwoStages",
                 R"({"weight": {"spec": "ProgressiveSpec", "first_stage": {"spec": "A", "fields": {}},
                                "second_stage": {"dtype": "int4", "observer_cls": "B"}},
                     "bias": {"spec": "ScaleQuantSpec", "first_stage": {"spec": "C"}, "second_stage": {"spec": "D"}}})",
                 R"(spec { weight { progressive { first_stage { preset { spec: "A" fields {} } }
                                                  second_stage { config { dtype: DTYPE_INT4 observer_cls: "B" } } } }
                           bias { scale_quant { first_stage { preset { spec: "C" } }
                                                second_stage { preset { spec: "D" } } } } })"},
        Accepted{"FullTensorsNextToASpec",
                 R"({"weight": {"spec": "A"}, "bias": {"dtype": "int4", "observer_cls": "B"},
                     "input_tensors": [{"dtype": "fp4", "observer_cls": "B"}, {"dtype": "int4", "observer_cls": "B"}],
                     "output_tensors": [{"dtype": "fp4", "observer_cls": "B"},
                                        {"dtype": "int4", "observer_cls": "B", "is_scale_quant": true}]})",
                 R"(spec { weight { preset { spec: "A" } } bias { config { dtype: DTYPE_INT4 observer_cls: "B" } }
                      input_tensors { progressive { first_stage { config { dtype: DTYPE_FP4 observer_cls: "B" } }
                                                    second_stage { config { dtype: DTYPE_INT4 observer_cls: "B" } } } }
                      output_tensors { scale_quant { first_stage { config { dtype: DTYPE_FP4 observer_cls: "B" } }
                        second_stage { config { dtype: DTYPE_INT4 observer_cls: "B" is_scale_quant: true } } } } })"}),
    CaseName<Accepted>);

class QuarkSchemeRejectedTest : public testing::TestWithParam<Rejected> {};
TEST_P(QuarkSchemeRejectedTest, ReportsPathAndProblem) {
  const auto scheme = SchemeFromQuark(ordered_json::parse(GetParam().json));
  ASSERT_FALSE(scheme.ok()) << scheme->DebugString();
  EXPECT_THAT(std::string(scheme.status().message()), HasSubstr(GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    QuarkFormat, QuarkSchemeRejectedTest,
    testing::Values(
        Rejected{"UnknownKey", R"({"wieght": null})", "wieght: unknown key; did you mean weight?"},
        Rejected{"UnknownKeyBesideConfig", R"({"config": {}, "weight": null})", "weight: unknown key"},
        Rejected{"UnknownKeyInConfig", R"({"config": {"name": "x"}})", "config.name: unknown key"},
        Rejected{"OnlyAName", R"({"name": "x"})", "no configuration"},
        Rejected{"NameIsANumber", R"({"name": 1, "weight": null})", "name: not a string"},
        Rejected{"ConfigIsNull", R"({"config": null})", "config: not an object"},
        Rejected{"UnknownField", R"({"weight": {"dtype": "int4", "observer": "A"}})",
                 "weight.observer: QTensorConfig has no such field"},
        Rejected{"NameInATensor", R"({"weight": {"dtype": "int4", "name": "A"}})",
                 "weight.name: QTensorConfig has no such field"},
        Rejected{"NoDtype", R"({"weight": {"observer_cls": "A"}})", "weight.dtype: required"},
        Rejected{"NullDtype", R"({"weight": {"dtype": null}})", "weight.dtype: required"},
        Rejected{"UnknownDtype", R"({"weight": [{"dtype": "int5"}, {"dtype": "int4"}]})",
                 "weight[0].dtype: \"int5\" is not a value of Dtype; allowed: "},
        Rejected{"OlderAndNewerKey", R"({"weight": {"dtype": "int4", "dynamic": true, "is_dynamic": true}})",
                 "weight.dynamic: older name of is_dynamic, which is also set"},
        Rejected{"NullThatWouldBeLost", R"({"weight": {"dtype": "int4", "max_input_numel": null}})",
                 "weight.max_input_numel: null is not supported; omit the key to use the default"},
        Rejected{"NullScaleQuant", R"({"weight": {"dtype": "int4", "is_scale_quant": null}})",
                 "weight.is_scale_quant: null is not supported"},
        Rejected{"NullBufferReuse", R"({"bias": {"dtype": "int4", "enable_buffer_reuse": null}})",
                 "bias.enable_buffer_reuse: null is not supported"},
        Rejected{"NullInASpec", R"({"weight": {"spec": "ScaleQuantSpec", "first_stage": {"spec": "A"},
                                              "second_stage": {"dtype": "int4", "is_scale_quant": null}}})",
                 "weight.second_stage.is_scale_quant: null is not supported"},
        Rejected{"QatSpec", R"({"weight": {"dtype": "int4", "qat_spec": {}}})",
                 "weight.qat_spec: quantization-aware training is not supported"},
        Rejected{"LargeInteger", R"({"weight": {"dtype": "int4", "ch_axis": 18446744073709551615}})",
                 "weight.ch_axis: not a 32-bit integer"},
        Rejected{"FractionAsInteger", R"({"weight": {"dtype": "int4", "group_size": 64.0}})",
                 "weight.group_size: not an integer"},
        Rejected{"NoStage", R"({"weight": []})", "weight: must have one or two stages"},
        Rejected{"ThreeStages", R"({"weight": [{"dtype": "int4"}, {"dtype": "int4"}, {"dtype": "int4"}]})",
                 "weight: must have one or two stages"},
        Rejected{"TensorIsText", R"({"weight": "int4"})", "weight: not an object"},
        Rejected{"Device", R"({"target_device": "gpu"})", "target_device: unknown device \"gpu\"; did you mean cpu"},
        Rejected{"OneStageInAList", R"({"weight": [{"dtype": "int4"}]})",
                 "weight: a single stage must not be in a list"},
        Rejected{"LabelIsANumber", R"({"bias": null, "labels": {"a": 1}})", "labels.a: not a string"},
        Rejected{"OnlyLabels", R"({"name": "x", "labels": {"a": "b"}})", "no configuration"},
        Rejected{"FloatInASpec", R"({"weight": {"spec": "A", "fields": {"group_size": 48.0}}})",
                 "weight.fields.group_size: not an integer"},
        Rejected{"ExponentInASpec", R"({"weight": {"spec": "A", "fields": {"a": 1e3}}})",
                 "weight.fields.a: not an integer"},
        Rejected{"TooDeepInASpec",
                 R"({"weight": {"spec": "A", "fields": {"a": )" + std::string(200, '[') + std::string(200, ']') + "}}}",
                 "weight.fields: "},
        Rejected{"FormInsteadOfSpec", R"({"weight": {"dtype": "int4", "form": "A"}})",
                 "weight.form: QTensorConfig has no such field"},
        Rejected{"SpecIsANumber", R"({"weight": {"spec": 1}})", "weight.spec: not a string"},
        Rejected{"SpecWithUnknownKey", R"({"weight": {"spec": "A", "field": {}}})",
                 "weight.field: unknown key; did you mean fields"},
        Rejected{"FieldsIsAList", R"({"weight": {"spec": "A", "fields": []}})", "weight.fields: not an object"},
        Rejected{"SpecInAList", R"({"weight": [{"spec": "A"}]})", "weight[0]: a list cannot contain specs"},
        Rejected{"NoSecondStage", R"({"weight": {"spec": "ScaleQuantSpec", "first_stage": {"spec": "A"}}})",
                 "weight.second_stage: required"},
        Rejected{"FieldsOfTwoStages", R"({"weight": {"spec": "ProgressiveSpec", "fields": {}}})",
                 "weight.fields: unknown key"},
        Rejected{
            "TwoStagesInAStage",
            R"({"weight": {"spec": "ProgressiveSpec", "first_stage": {"spec": "ScaleQuantSpec"}, "second_stage": {"spec": "A"}}})",
            "weight.first_stage: a spec with two stages cannot be a stage"}),
    CaseName<Rejected>);

class QuarkTemplateTest : public testing::TestWithParam<Accepted> {};
TEST_P(QuarkTemplateTest, Reads) {
  ExpectRead(TemplateFromQuark(ordered_json::parse(GetParam().json)), GetParam().textproto);
}
INSTANTIATE_TEST_SUITE_P(
    QuarkFormat, QuarkTemplateTest,
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
    CaseName<Accepted>);

class QuarkTemplateRejectedTest : public testing::TestWithParam<Rejected> {};
TEST_P(QuarkTemplateRejectedTest, ReportsPathAndProblem) {
  const auto entry = TemplateFromQuark(ordered_json::parse(GetParam().json));
  ASSERT_FALSE(entry.ok()) << entry->DebugString();
  EXPECT_THAT(std::string(entry.status().message()), HasSubstr(GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    QuarkFormat, QuarkTemplateRejectedTest,
    testing::Values(
        Rejected{"NoModelType", R"({"kv_layers_name": []})", "model_type: required"},
        Rejected{"UnknownKey", R"({"model_type": "x", "kv_layer_name": []})",
                 "kv_layer_name: unknown key; did you mean kv_layers_name"},
        Rejected{"ConstructorsKeyword", R"({"model_type": "x", "awq_config": {}})",
                 "awq_config: unknown key; use algorithm_configs: {awq: ...}"},
        Rejected{"ConstructorsKeywordWithUnderscores", R"({"model_type": "x", "auto_smooth_quant_config": {}})",
                 "auto_smooth_quant_config: unknown key; use algorithm_configs: {autosmoothquant: ...}"},
        Rejected{"OtherKeywordWithConfigSuffix", R"({"model_type": "x", "x_config": {}})", "x_config: unknown key; "},
        Rejected{"TextInsteadOfAList", R"({"model_type": "x", "kv_layers_name": "*k"})",
                 "kv_layers_name: not a list of strings"},
        Rejected{"NumberInAList", R"({"model_type": "x", "exclude_layers_name": [1]})",
                 "exclude_layers_name: not a list of strings"},
        Rejected{"QLayerIsANumber", R"({"model_type": "x", "q_layer_name": 1})",
                 "q_layer_name: not a list of strings or a string"},
        Rejected{"AlgorithmsAsAList", R"({"model_type": "x", "algorithm_configs": []})",
                 "algorithm_configs: not an object"},
        Rejected{"UnknownAlgorithm", R"({"model_type": "x", "algorithm_configs": {"gptx": {}}})",
                 "algorithm_configs.gptx: unknown algorithm; did you mean gptq"},
        Rejected{"AlgorithmTwice", R"({"model_type": "x", "algorithm_configs": {"awq": {}, "AWQ": {}}})",
                 "algorithm_configs.AWQ: duplicate algorithm"},
        Rejected{"AlgorithmOfAnotherName", R"({"model_type": "x", "algorithm_configs": {"awq": {"name": "gptq"}}})",
                 "algorithm_configs.awq.name: must be \"awq\""},
        Rejected{"UnknownAlgorithmField", R"({"model_type": "x", "algorithm_configs": {"gptq": {"blocksize": 1}}})",
                 "algorithm_configs.gptq.blocksize: GptqConfig has no such field; did you mean block_size"},
        Rejected{"NullBlockSize", R"({"model_type": "x", "algorithm_configs": {"gptq": {"block_size": null}}})",
                 "algorithm_configs.gptq.block_size: null is not supported; omit the key to use the default"},
        Rejected{"NullScalingLayers", R"({"model_type": "x", "algorithm_configs": {"awq": {"scaling_layers": null}}})",
                 "algorithm_configs.awq.scaling_layers: null is not supported"},
        Rejected{"NullInAScalingLayer", R"({"model_type": "x", "algorithm_configs": {"awq": {"scaling_layers": [
                    {"prev_op": "a", "layers": ["b"], "inp": "b", "module2inspect": null}]}}})",
                 "algorithm_configs.awq.scaling_layers[0].module2inspect: null is not supported"},
        Rejected{
            "NullInAListThatMayBeNone",
            R"({"model_type": "x", "algorithm_configs": {"autosmoothquant": {"scaling_layers": [{"inp": null}]}}})",
            "algorithm_configs.autosmoothquant.scaling_layers[0].inp: null is not supported"},
        Rejected{"NullInARotationsLayers", R"({"model_type": "x", "algorithm_configs": {"rotation": {"scaling_layers": {
                    "first_layer": [{"prev_modules": ["a"], "norm_module": null}]}}}})",
                 "algorithm_configs.rotation.scaling_layers.first_layer[0].norm_module: null is not supported"},
        Rejected{"NullAxis", R"({"model_type": "x", "f2f_weight_converters": [{"operations": [
                    {"class": "SplitFusedExperts", "split_axis": null}]}]})",
                 "operations[0].split_axis: required"},
        Rejected{"NameInAScalingLayer",
                 R"({"model_type": "x", "algorithm_configs": {"awq": {"scaling_layers": [{"name": "x"}]}}})",
                 "algorithm_configs.awq.scaling_layers[0].name: ScalingLayer has no such field"},
        Rejected{"UnknownOperation",
                 R"({"model_type": "x", "f2f_weight_converters": [{"operations": [{"class": "Other"}]}]})",
                 "f2f_weight_converters[0].operations[0].class: must be \"SplitFusedExperts\""},
        Rejected{"NoAxis",
                 R"({"model_type": "x", "f2f_weight_converters": [{"operations": [{"class": "SplitFusedExperts"}]}]})",
                 "operations[0].split_axis: required"},
        Rejected{"UnknownConverterKey", R"({"model_type": "x", "f2f_weight_converters": [{"source": []}]})",
                 "f2f_weight_converters[0].source: unknown key"},
        Rejected{"LabelIsANumber", R"({"model_type": "x", "labels": {"a": 1}})", "labels.a: not a string"}),
    CaseName<Rejected>);

TEST(QuarkNullsTest, AlgorithmFieldsAcceptNullWhereVocabulariesDeclareNone) {
  int none = 0;
  const auto expect_as_declared = [&none](const ordered_json& fields, const std::string& algorithm,
                                          const char* within) {
    for (const ordered_json& field : fields) {
      ordered_json config = {{field["field"], nullptr}};
      if (within != nullptr) config = {{within, config}};
      const ordered_json entry = {{"model_type", "x"}, {"algorithm_configs", {{algorithm, config}}}};
      const bool may_be_none = absl::StrContains(field["type"].get<std::string>(), "None");
      EXPECT_EQ(TemplateFromQuark(entry).ok(), may_be_none) << entry;
      none += may_be_none ? 1 : 0;
    }
  };
  for (const char* release : {"quark-0.12.post1", "quark-0.13"}) {
    std::ifstream file(SourceFile(absl::StrCat("core/catalog/", release, "/vocabulary.json")));
    const ordered_json vocabulary = ordered_json::parse(file);
    for (const auto& [algorithm, fields] : vocabulary["algorithms"].items()) {
      expect_as_declared(fields, algorithm, nullptr);
    }
    expect_as_declared(vocabulary["online_rotation_config"], "rotation", "online_config");
  }
  EXPECT_EQ(none, 22);
}

TEST(ObserversTest, ReplacesUnsetAndUnknownObserversEverywhere) {
  v1::Scheme scheme;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(config { weight { observer_cls: "MinMax" dtype: DTYPE_FLOAT16 }
                  weight { observer_cls: "MinMix" dtype: DTYPE_FLOAT16 } bias { observer_cls: "C" dtype: DTYPE_MX6 } }
         spec { weight { config { observer_cls: "C" qscheme: Q_SCHEME_TYPE_PER_BLOCK } }
                bias { progressive { first_stage { config { dtype: DTYPE_BFLOAT16 } }
                                     second_stage { config { observer_cls: "MinMax" } } } } })",
      &scheme));
  EXPECT_THAT(ReplaceObservers({"MinMax", "PlaceholderObserver"}, scheme),
              ElementsAre("weight[1].observer_cls: unknown observer \"MinMix\"; using PlaceholderObserver, as Quark "
                          "does; did you mean MinMax?",
                          "bias.observer_cls: unknown observer \"C\"; using PlaceholderObserver, as Quark does",
                          "weight.observer_cls: unknown observer \"C\"; using PlaceholderObserver, as Quark does",
                          "bias.first_stage.observer_cls: not set; using PlaceholderObserver, as Quark does"));
  ExpectRead<v1::Scheme>(scheme, R"(
      config { weight { observer_cls: "MinMax" dtype: DTYPE_FLOAT16 }
               weight { observer_cls: "PlaceholderObserver" dtype: DTYPE_FLOAT16 }
               bias { observer_cls: "PlaceholderObserver" dtype: DTYPE_MX6 } }
      spec { weight { config { observer_cls: "PlaceholderObserver" qscheme: Q_SCHEME_TYPE_PER_BLOCK } }
             bias { progressive { first_stage { config { observer_cls: "PlaceholderObserver" dtype: DTYPE_BFLOAT16 } }
                                  second_stage { config { observer_cls: "MinMax" } } } } })");
}

TEST(ObserversTest, WithoutKnownObserversReplacesOnlyUnsetOnes) {
  v1::Scheme scheme;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(config { weight { observer_cls: "A" } bias { dtype: DTYPE_FLOAT16 } })", &scheme));
  EXPECT_THAT(ReplaceObservers({}, scheme),
              ElementsAre("bias.observer_cls: not set; using PlaceholderObserver, as Quark does"));
  ExpectRead<v1::Scheme>(scheme,
                         R"(config { weight { observer_cls: "A" }
                                      bias { observer_cls: "PlaceholderObserver" dtype: DTYPE_FLOAT16 } })");
}

// Quark rejects PlaceholderObserver there, and the server says which observers fit.
TEST(ObserversTest, LeavesTensorsThatNeedAnotherObserver) {
  v1::Scheme scheme;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(config { weight { dtype: DTYPE_INT4 qscheme: Q_SCHEME_TYPE_PER_GROUP }
                  bias { dtype: DTYPE_INT8 observer_cls: "MinMix" } })",
      &scheme));
  const v1::Scheme before = scheme;
  EXPECT_THAT(ReplaceObservers({"MinMax"}, scheme), testing::IsEmpty());
  EXPECT_EQ(scheme.SerializeAsString(), before.SerializeAsString());
}

}  // namespace
}  // namespace qconfig::client
