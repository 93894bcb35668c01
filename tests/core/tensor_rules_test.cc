// SPDX-License-Identifier: Apache-2.0
//
// Covers what the golden cases cannot: the field of an error, its suggestions, and values that only messages can hold.
#include "core/tensor_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/complete_layer.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using testing::Contains;
using testing::ElementsAre;

constexpr char kInt8[] =
    "dtype: DTYPE_INT8 observer_cls: 'PerTensorMinMaxObserver' is_dynamic: false symmetric: true "
    "qscheme: Q_SCHEME_TYPE_PER_TENSOR round_method: ROUND_TYPE_HALF_EVEN scale_type: SCALE_TYPE_FLOAT ";

const Catalog& Quark012() { return CatalogOfRelease("0.12.post1"); }

// Checks a weight.
absl::Status Check(const v1::QTensorConfig& tensor, const Catalog& catalog = Quark012()) {
  ErrorList errors;
  const auto path_of = [](absl::string_view field) { return absl::StrCat("scheme.config.weight[0].", field); };
  CheckTensor(catalog, tensor, /*is_activation=*/false, path_of, errors);
  return errors.ToStatus();
}

absl::Status Check(const std::string& tensor) { return Check(Proto<v1::QTensorConfig>(tensor)); }

// The violated rule and the field of the tensor, such as "is_dynamic_required at is_dynamic".
std::string RuleAndField(const absl::Status& status) {
  if (status.ok()) return "OK";
  constexpr absl::string_view kPath = "INVALID_TENSOR_CONFIG at scheme.config.weight[0].";
  const std::string error = ReasonAndField(status);
  EXPECT_EQ(error.substr(0, kPath.size()), kPath);
  return absl::StrCat(GetDetail(status).rule(), " at ", error.substr(kPath.size()));
}

struct Case {
  const char* expected;
  std::string tensor;
};

class TensorRuleTest : public testing::TestWithParam<Case> {};

TEST_P(TensorRuleTest, RejectsInvalidTensorsAtTheirField) {
  EXPECT_EQ(RuleAndField(Check(GetParam().tensor)), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, TensorRuleTest,
    testing::Values(
        Case{"OK", kInt8}, Case{"dtype_required at dtype", "observer_cls: 'TQTObserver'"},
        Case{"is_dynamic_required at is_dynamic", "dtype: DTYPE_INT8"},
        Case{"observer_cls_required at observer_cls", "dtype: DTYPE_INT8 is_dynamic: true"},
        Case{"observer_cls_required at observer_cls", "dtype: DTYPE_FP4"},
        Case{"qscheme_required at qscheme", "dtype: DTYPE_FP4 observer_cls: 'PerBlockMXObserver'"},
        Case{"observer_cls_placeholder at observer_cls", "dtype: DTYPE_FLOAT16"},
        Case{"OK", "dtype: DTYPE_FLOAT16 observer_cls: 'PlaceholderObserver' group_size: 3 is_dynamic: true"},
        Case{"group_size_required at group_size", "dtype: DTYPE_MX ch_axis: 0"},
        Case{"mx_element_dtype_required at mx_element_dtype", "dtype: DTYPE_MX ch_axis: 0 group_size: 0"},
        Case{"OK", "dtype: DTYPE_MX6 ch_axis: 0 group_size: 0 block_size: [1, 2, 3] observer_cls: 'TQTObserver'"},
        Case{"observer_cls_per_group at observer_cls",
             "dtype: DTYPE_FP4 qscheme: Q_SCHEME_TYPE_PER_GROUP observer_cls: 'TQTObserver'"},
        Case{"ch_axis_required at ch_axis",
             "dtype: DTYPE_FP4 qscheme: Q_SCHEME_TYPE_PER_GROUP observer_cls: 'PerBlockMXObserver' group_size: 1"},
        Case{"block_size_pair at block_size",
             "dtype: DTYPE_FP4 qscheme: Q_SCHEME_TYPE_PER_BLOCK observer_cls: 'TQTObserver' block_size: [1, 2, 3]"},
        Case{"OK", "dtype: DTYPE_FP4 qscheme: Q_SCHEME_TYPE_PER_BLOCK observer_cls: 'TQTObserver' block_size: [-1, 0]"},
        Case{"OK", std::string(kInt8) + "max_input_numel: -1 scale_format: '' zero_point_type: ZERO_POINT_TYPE_NONE"}));

// The fields of all errors, in order, without the path `parent`.
std::vector<std::string> Fields(const absl::Status& status, absl::string_view parent = "scheme.config.weight[0].") {
  const v1::ItemError error = ItemErrorOf(status);
  std::vector<std::string> fields;
  for (const v1::FieldViolation& violation : error.field_violations()) {
    fields.emplace_back(absl::StripPrefix(violation.field(), parent));
  }
  return fields;
}

TEST(TensorRuleTest, ReportsAllErrorsOfATensor) {
  EXPECT_THAT(
      Fields(Check("dtype: DTYPE_INT8 qscheme: Q_SCHEME_TYPE_PER_GROUP")),
      ElementsAre("is_dynamic", "observer_cls", "symmetric", "round_method", "scale_type", "ch_axis", "group_size"));
  EXPECT_THAT(Fields(Check("dtype: DTYPE_INT8 observer_cls: 'Nobody' qscheme: Q_SCHEME_TYPE_PER_GROUP is_dynamic: true "
                           "symmetric: true round_method: ROUND_TYPE_HALF_EVEN scale_type: SCALE_TYPE_FLOAT")),
              ElementsAre("observer_cls", "ch_axis", "group_size"));
  EXPECT_THAT(Fields(Check("observer_cls: 'Nobody'")), ElementsAre("dtype", "observer_cls"));
}

TEST(TensorRuleTest, NamesTheObserverThatFits) {
  for (const char* observer : {"", "observer_cls: 'PlaceholderObserver'"}) {
    const absl::Status status =
        Check(absl::StrCat("dtype: DTYPE_FP4 qscheme: Q_SCHEME_TYPE_PER_GROUP group_size: 32 "
                           "ch_axis: -1 is_dynamic: false scale_format: 'e8m0' ",
                           observer));
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(". Quark's own schemes use PerBlockMXObserver here."))
        << status;
    EXPECT_THAT(GetDetail(status).allowed(), Contains("PerBlockMXObserver"));
  }
}

TEST(TensorRuleTest, ReportsAllErrorsOfALayer) {
  const auto layer = Proto<v1::QLayerConfig>(
      "weight { dtype: DTYPE_FP4 } bias {} bias {} bias {} output_tensors { observer_cls: 'x' } target_device: 99");
  EXPECT_THAT(Fields(CheckLayer(Quark012(), layer, "c"), ""),
              ElementsAre("c.output_tensors[0].dtype", "c.output_tensors[0].observer_cls", "c.weight[0].observer_cls",
                          "c.weight[0].qscheme", "c.bias", "c.target_device"));
}

TEST(TensorRuleTest, UndefinedEnumNumberIsUnknown) {
  for (const int number : {-1, 99, 2147483647}) {
    auto tensor = Proto<v1::QTensorConfig>(kInt8);
    tensor.set_dtype(static_cast<v1::Dtype>(number));
    const absl::Status status = Check(tensor);
    EXPECT_EQ(RuleAndField(status), "dtype_unknown at dtype");
    EXPECT_EQ(GetDetail(status).value(), absl::StrCat(number));
  }
  auto tensor = Proto<v1::QTensorConfig>(kInt8);
  tensor.set_mx_element_dtype(static_cast<v1::Dtype>(77));
  EXPECT_EQ(RuleAndField(Check(tensor)), "mx_element_dtype_unknown at mx_element_dtype")
      << "even where the data type does not use it";
  tensor = Proto<v1::QTensorConfig>(kInt8);
  tensor.set_zero_point_type(static_cast<v1::ZeroPointType>(3));
  EXPECT_EQ(RuleAndField(Check(tensor)), "zero_point_type_unknown at zero_point_type");
  tensor = Proto<v1::QTensorConfig>(kInt8);
  tensor.set_qscheme(static_cast<v1::QSchemeType>(5));
  EXPECT_EQ(RuleAndField(Check(tensor)), "qscheme_unknown at qscheme");
}

TEST(TensorRuleTest, DataTypeFromANewerReleaseIsUnknownInOlderReleases) {
  const auto tensor = Proto<v1::QTensorConfig>(
      "dtype: DTYPE_UINT2 observer_cls: 'PerTensorMinMaxObserver' qscheme: Q_SCHEME_TYPE_PER_TENSOR");
  const absl::Status status = Check(tensor);
  EXPECT_EQ(RuleAndField(status), "dtype_unknown at dtype");
  EXPECT_EQ(GetDetail(status).value(), "uint2");
  EXPECT_THAT(GetDetail(status).suggestions(), testing::IsEmpty()) << "others have another bit width or are signed";
  EXPECT_EQ(ReasonAndField(Check(tensor, CatalogOfRelease("0.13"))), "OK");
}

TEST(TensorRuleTest, UnknownObserverGetsSuggestions) {
  const absl::Status status = Check("dtype: DTYPE_MX6 ch_axis: 0 group_size: 8 observer_cls: 'PerTensorMinMaxObserve'");
  EXPECT_EQ(RuleAndField(status), "observer_cls_unknown at observer_cls");
  EXPECT_THAT(GetDetail(status).suggestions(), Contains("PerTensorMinMaxObserver"));
  EXPECT_EQ(GetDetail(status).allowed_size(), 10);
  EXPECT_EQ(GetDetail(status).allowed_total(), 21);
}

TEST(TensorRuleTest, UnsuitableObserverGetsTheSuitableObservers) {
  const absl::Status status =
      Check("dtype: DTYPE_FP4 qscheme: Q_SCHEME_TYPE_PER_CHANNEL observer_cls: 'PerTensorMinMaxObserver' ch_axis: 0");
  EXPECT_EQ(RuleAndField(status), "observer_cls_per_channel at observer_cls");
  EXPECT_THAT(GetDetail(status).allowed(),
              ElementsAre("LSQObserver", "PerChannelMinMaxObserver", "PerChannelPowOf2MinMSEObserver",
                          "PerChannelPowOf2MinMaxObserver"));
}

std::string LayerError(const std::string& layer) {
  const absl::Status status = CheckLayer(Quark012(), Proto<v1::QLayerConfig>(layer), "c");
  return status.ok() ? "OK" : absl::StrCat(GetDetail(status).rule(), " at ", GetDetail(status).field());
}

TEST(LayerRuleTest, EveryTensorIsChecked) {
  EXPECT_EQ(LayerError(""), "OK");
  for (const char* name : {"input_tensors", "output_tensors", "weight", "bias"}) {
    const std::string good = absl::StrCat(name, " {", kInt8, "} ");
    EXPECT_EQ(LayerError(good + good), "OK");
    EXPECT_EQ(LayerError(absl::StrCat(good, name, " { dtype: DTYPE_INT8 }")),
              absl::StrCat("is_dynamic_required at c.", name, "[1].is_dynamic"));
    EXPECT_EQ(LayerError(good + good + good), absl::StrCat("stages_at_most_two at c.", name));
  }
}

TEST(LayerRuleTest, TwentyErrorsFitIntoAStatus) {
  const std::string tensor = " { dtype: DTYPE_INT8 observer_cls: 'PerTensorMinMaxObserver' } ";
  const auto layer = Proto<v1::QLayerConfig>("input_tensors" + tensor + "output_tensors" + tensor + "weight" + tensor +
                                             "bias" + tensor);
  const v1::ItemError error = ItemErrorOf(CheckLayer(Quark012(), layer, "scheme.config"));
  ASSERT_EQ(error.field_violations_size(), 20);
  EXPECT_EQ(error.field_violations(1).description(), "required when dtype is int8; int8 has per_tensor");
  EXPECT_EQ(error.field_violations(19).description(), "required when dtype is int8");
}

// The description of the error of `field`.
std::string Description(const absl::Status& status, absl::string_view field) {
  const v1::ItemError error = ItemErrorOf(status);
  for (const v1::FieldViolation& violation : error.field_violations()) {
    if (absl::EndsWith(violation.field(), field)) return violation.description();
  }
  return "none";
}

TEST(LayerRuleTest, MissingFieldsNameTheValuesOfABuiltinScheme) {
  const auto check = [](const std::string& layer) {
    return CheckLayer(Quark012(), Proto<v1::QLayerConfig>(layer), "c");
  };
  const absl::Status weight = check("weight { dtype: DTYPE_INT4 }");
  EXPECT_EQ(
      Description(weight, ".is_dynamic"),
      "required when dtype is int4; int4_wo_128 has false. Start from int4_wo_128 (GetScheme; `qconfigctl describe "
      "scheme int4_wo_128 -o json`).");
  EXPECT_EQ(Description(weight, ".round_method"), "required when dtype is int4; int4_wo_128 has half_even");
  EXPECT_EQ(Description(weight, ".observer_cls"),
            "required when dtype is int4; int4_wo_128 has PerGroupMinMaxObserver");
  EXPECT_EQ(Description(weight, ".qscheme"), "required when dtype is int4; int4_wo_128 has per_group");
  EXPECT_EQ(GetDetail(weight).advice(),
            "Start from int4_wo_128 (GetScheme; `qconfigctl describe scheme int4_wo_128 -o json`).");
  const std::string group = "weight { dtype: DTYPE_INT4 qscheme: Q_SCHEME_TYPE_PER_GROUP ";
  EXPECT_EQ(Description(check(group + "}"), ".ch_axis"), "required when qscheme is per_group; int4_wo_128 has -1");
  EXPECT_EQ(Description(check(group + "group_size: 32 }"), ".symmetric"),
            "required when dtype is int4; int4_wo_32 has true");
  EXPECT_EQ(Description(check("weight { dtype: DTYPE_INT4 qscheme: Q_SCHEME_TYPE_PER_CHANNEL }"), ".ch_axis"),
            "required when qscheme is per_channel; int4_wo_per_channel has 0");
  EXPECT_EQ(Description(check("weight { dtype: DTYPE_FP4 }"), ".qscheme"),
            "required when dtype is fp4; mxfp4 has per_group");
  EXPECT_EQ(Description(check("input_tensors { dtype: DTYPE_INT4 }"), ".scale_type"),
            "required when dtype is int4; int4_wa_64 has float");
  EXPECT_THAT(Description(check("input_tensors { dtype: DTYPE_INT4 }"), ".is_dynamic"),
              testing::StartsWith("required when dtype is int4; int4_wa_64 has true. Start from int4_wa_64 ("));
  EXPECT_EQ(Description(check("weight { dtype: DTYPE_INT2 }"), ".qscheme"), "required when dtype is int2")
      << "no built-in scheme has this data type";
}

TEST(LayerRuleTest, ErrorsOfATensorHideThoseThatFollow) {
  v1::QLayerConfig layer;
  for (int i = 0; i < 10000; ++i) {
    layer.add_input_tensors()->set_qscheme(v1::Q_SCHEME_TYPE_PER_GROUP);
    layer.add_output_tensors()->set_qscheme(v1::Q_SCHEME_TYPE_PER_GROUP);
  }
  EXPECT_THAT(Fields(CheckLayer(Quark012(), layer, "c"), ""), ElementsAre("c.input_tensors", "c.output_tensors"));
  // The observer is missing; without it, `is_dynamic` does not matter.
  const std::string group = "dtype: DTYPE_FP4 qscheme: Q_SCHEME_TYPE_PER_GROUP ch_axis: 0 group_size: 1 ";
  const std::string complete = group + "observer_cls: 'PerBlockMXObserver' ";
  layer = Proto<v1::QLayerConfig>("input_tensors {" + group + "} output_tensors {" + complete + "}");
  EXPECT_THAT(Fields(CheckLayer(Quark012(), layer, "c"), ""),
              ElementsAre("c.input_tensors[0].observer_cls", "c.output_tensors[0].is_dynamic"));
}

TEST(LayerRuleTest, PerGroupActivationsMustBeDynamicInEveryStage) {
  const std::string group =
      "dtype: DTYPE_FP4 qscheme: Q_SCHEME_TYPE_PER_GROUP observer_cls: 'PerBlockMXObserver' ch_axis: 0 group_size: 1 ";
  const std::string dynamic = group + "is_dynamic: true ";
  EXPECT_EQ(LayerError("weight {" + group + "} bias {" + group + "}"), "OK");
  EXPECT_EQ(LayerError("input_tensors {" + dynamic + "} output_tensors {" + dynamic + "}"), "OK");
  EXPECT_EQ(LayerError("input_tensors {" + dynamic + "} input_tensors {" + group + "}"),
            "activation_group_dynamic at c.input_tensors[1].is_dynamic");
  EXPECT_EQ(LayerError("output_tensors {" + group + "is_dynamic: false }"),
            "activation_group_dynamic at c.output_tensors[0].is_dynamic");
  EXPECT_EQ(LayerError("input_tensors {" + group + "} bias { dtype: DTYPE_INT8 }"),
            "is_dynamic_required at c.bias[0].is_dynamic")
      << "Quark constructs all tensors before the layer";
  EXPECT_EQ(LayerError("input_tensors { dtype: DTYPE_MX6 ch_axis: 0 group_size: 1 qscheme: Q_SCHEME_TYPE_PER_GROUP }"),
            "activation_group_dynamic at c.input_tensors[0].is_dynamic")
      << "even if the data type does not use the field";
}

TEST(LayerRuleTest, UnknownDeviceIsRejected) {
  v1::QLayerConfig layer;
  layer.set_target_device(v1::DEVICE_TYPE_IPU);
  EXPECT_EQ(ReasonAndField(CheckLayer(Quark012(), layer, "c")), "OK");
  layer.set_target_device(static_cast<v1::DeviceType>(3));
  const absl::Status status = CheckLayer(Quark012(), layer, "c");
  EXPECT_EQ(ReasonAndField(status), "INVALID_TENSOR_CONFIG at c.target_device");
  EXPECT_EQ(GetDetail(status).rule(), "target_device_unknown");
  EXPECT_THAT(GetDetail(status).allowed(), ElementsAre("cpu", "ipu"));
}

TEST(CompleteLayerTest, SetsOnlyUnsetFields) {
  const v1::QLayerConfig layer = CompleteLayer(
      Proto<v1::QLayerConfig>("input_tensors {} output_tensors {} weight {} weight { max_input_numel: 0 } bias {}"));
  EXPECT_EQ(layer.ShortDebugString(),
            "input_tensors { max_input_numel: 4194304 } output_tensors { max_input_numel: 4194304 } "
            "weight { max_input_numel: 4194304 } weight { max_input_numel: 0 } bias { max_input_numel: 4194304 }");
}

}  // namespace
}  // namespace qconfig
