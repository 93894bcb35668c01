// SPDX-License-Identifier: Apache-2.0
//
// What an author learns about a scheme or template file: all mistakes, with their places in the file.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "qconfigctl/entry_file.h"

namespace qconfig::client {
namespace {

using google::protobuf::util::MessageDifferencer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string SchemeProblem(const std::string& text) { return std::string(ReadScheme(text, {}).status().message()); }

TEST(EntryMistakesTest, ListsAllMistakesWithTheirLines) {
  EXPECT_EQ(SchemeProblem(R"({
  "name": 5,
  "weight": {
    "dtype": 4,
    "group_size": "64",
    "qscheme": "per_gruop"
  },
  "wieght": {}
})"),
            "not a valid scheme as Quark JSON:\n"
            "  wieght, line 8: unknown key; did you mean weight?\n"
            "  name, line 2: not a string\n"
            "  weight.dtype, line 4: not a string\n"
            "  weight.group_size, line 5: not an integer\n"
            "  weight.qscheme, line 6: \"per_gruop\" is not a value of QSchemeType; did you mean per_group?");
}

TEST(EntryMistakesTest, FindsKeysWithDots) {
  EXPECT_THAT(SchemeProblem("name: a\nlabels:\n  example.com/owner: me\n  example.com/team: 5\nbias: null\n"),
              HasSubstr("labels.example.com/team, line 4: not a string"));
}

TEST(EntryMistakesTest, ListsAtMostTwentyMistakes) {
  std::string text = "{\"name\": \"x\"";
  for (int i = 0; i < 25; ++i) absl::StrAppend(&text, ", \"weight", i, "\": 1");
  const std::string problem = SchemeProblem(text + ", \"bias\": null}");
  EXPECT_THAT(problem, AllOf(HasSubstr("weight19, line 1: "), HasSubstr("\n  and 5 more mistakes")));
  EXPECT_THAT(problem, Not(HasSubstr("weight20")));
}

TEST(EntryMistakesTest, SaysHowToLeaveATensorUnquantized) {
  EXPECT_THAT(SchemeProblem(R"({"name": "x", "weight": {}})"),
              HasSubstr("weight, line 1: has no fields; if the tensor is not quantized, set it to null or remove it"));
}

TEST(EntryMistakesTest, ReadsCommentsInJson) {
  const auto file = ReadScheme("// mine\n{\"name\": \"x\", /* none */ \"weight\": null}\n", {});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->entry.name(), "x");
}

TEST(EntryMistakesTest, AFileHoldsOneEntry) {
  EXPECT_EQ(SchemeProblem(R"([{"name": "a", "weight": null}, {"name": "b", "weight": null}])"),
            "the file is a list with 2 items; it must hold one scheme: put each in its own file");
  EXPECT_EQ(SchemeProblem("- name: a\n"), "the file is a list with 1 item; it must hold one scheme");
  EXPECT_THAT(SchemeProblem("name: a\nweight: null\n---\nname: b\nweight: null\n"),
              HasSubstr("more than one YAML document, or text after the document; a file holds one document"));
}

TEST(EntryMistakesTest, NamesOfProtoJsonInQuarksForm) {
  const std::string problem = SchemeProblem("weight:\n  dtype: DTYPE_INT4\n  qscheme: Q_SCHEME_TYPE_PER_GROUP\n");
  EXPECT_THAT(problem,
              HasSubstr("weight.dtype, line 2: \"DTYPE_INT4\" is the name in ProtoJSON; in Quark's form, write "
                        "int4"));
  EXPECT_THAT(problem, HasSubstr("weight.qscheme, line 3: \"Q_SCHEME_TYPE_PER_GROUP\" is the name in ProtoJSON; in "
                                 "Quark's form, write per_group"));
}

TEST(EntryMistakesTest, ReadsTheGlobalConfigOfAWholeConfiguration) {
  const std::string config = R"({"global_quant_config": {"weight": {"dtype": "int4", "observer_cls": "A"}},
      "exclude": ["lm_head"], "algo_config": null, "layer_quant_config": {}})";
  v1::Scheme scheme;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(config { weight { dtype: DTYPE_INT4 observer_cls: "A" } })", &scheme));
  const auto file = ReadScheme(config, {});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(MessageDifferencer::Equals(file->entry, scheme)) << file->entry.DebugString();
  EXPECT_THAT(
      file->notes,
      ElementsAre("reading global_quant_config, line 1: a scheme describes the layers without settings of their own",
                  "not part of a scheme, so pass the options to get-config: exclude (--exclude PATTERN)"));
  const auto in_model = ReadScheme("{\n\"model_type\": \"x\",\n\"quantization_config\": " + config + "}", {});
  ASSERT_TRUE(in_model.ok()) << in_model.status();
  EXPECT_TRUE(MessageDifferencer::Equals(in_model->entry, scheme)) << in_model->entry.DebugString();
  EXPECT_THAT(in_model->notes.front(), HasSubstr("reading quantization_config.global_quant_config, line 3: "));
  EXPECT_EQ(SchemeProblem("quantization_config:\n  global_quant_config:\n    weight:\n      dtype: 4\n"),
            "not a valid scheme as Quark YAML: quantization_config.global_quant_config.weight.dtype, line 4: not a "
            "string");
}

// The lines for an error of the server at `fields`.
template <typename Entry>
std::vector<std::string> Mistakes(const std::string& text, EntryFormat format, const std::vector<std::string>& fields) {
  v1::ItemError error;
  error.set_reason(v1::ERROR_REASON_INVALID_TENSOR_CONFIG);
  for (const std::string& field : fields) {
    error.add_field_violations()->set_field(field);
    error.mutable_field_violations()->rbegin()->set_description("no");
  }
  return MistakesInFile(error, text, format, *Entry::descriptor());
}

TEST(MistakesInFileTest, NamesTheKeysOfQuarksForm) {
  EXPECT_THAT(Mistakes<v1::Scheme>("name: x\nweight:\n  dtype: int4\n  axis: 3\nbias:\n- dtype: int4\n- dtype: fp4\n",
                                   EntryFormat::kQuark,
                                   {"scheme.config.weight[0].group_size", "scheme.config.weight[0].ch_axis",
                                    "scheme.config.bias[1].dtype", "scheme.config.target_device"}),
              ElementsAre("weight.group_size, line 2: no", "weight.axis, line 4: no", "bias[1].dtype, line 7: no",
                          "target_device, line 1: no"));
  EXPECT_THAT(
      Mistakes<v1::Scheme>(R"({"config": {
    "weight": {"spec": "ScaleQuantSpec",
      "first_stage": {"spec": "A", "fields": {
        "group_size": 3}},
      "second_stage": {"dtype": "int4"}}}})",
                           EntryFormat::kQuark,
                           {"scheme.spec.weight.scale_quant.first_stage.preset.fields.group_size",
                            "scheme.spec.weight.scale_quant.first_stage.preset.spec",
                            "scheme.spec.weight.scale_quant.second_stage.config.dtype"}),
      ElementsAre("config.weight.first_stage.fields.group_size, line 4: no",
                  "config.weight.first_stage.spec, line 3: no", "config.weight.second_stage.dtype, line 5: no"));
  EXPECT_THAT(
      Mistakes<v1::LlmTemplate>(
          R"({"model_type": "x", "algorithm_configs": {
    "smoothquant": null,
    "GPTQ": {
      "block_size": 0},
    "rotation": {"scaling_layers": {
      "first_layer": [{
        "norm_module": "x"}]}}}})",
          EntryFormat::kQuark,
          {"llm_template.algorithm_configs[0].config.gptq.block_size", "llm_template.algorithm_configs[0].algorithm",
           "llm_template.algorithm_configs[1].config.rotation.scaling_layers[0].layers[0]"
           ".norm_module"}),
      ElementsAre("algorithm_configs.GPTQ.block_size, line 4: no", "algorithm_configs.GPTQ, line 3: no",
                  "algorithm_configs.rotation.scaling_layers.first_layer[0].norm_module, line 7: no"));
}

TEST(MistakesInFileTest, NamesTheFieldsOfProtobufsForms) {
  const std::vector<std::string> fields = {"scheme.config.weight[0].group_size", "scheme.config.weight[0].dtype"};
  EXPECT_THAT(Mistakes<v1::Scheme>("{\"config\":\n {\"weight\": [\n {\n\"dtype\": \"DTYPE_INT4\"}]}}",
                                   EntryFormat::kProtoJson, fields),
              ElementsAre("config.weight[0].group_size, line 3: no", "config.weight[0].dtype, line 4: no"));
  EXPECT_THAT(
      Mistakes<v1::Scheme>("config {\n  weight {\n    dtype: DTYPE_INT4\n  }\n}\n", EntryFormat::kTextproto, fields),
      ElementsAre("config.weight[0].group_size, line 2: no", "config.weight[0].dtype, line 3: no"));
  EXPECT_THAT(
      Mistakes<v1::LlmTemplate>("{\n\"modelType\": \"x\"}", EntryFormat::kProtoJson, {"llm_template.model_type"}),
      ElementsAre("modelType, line 2: no"));
}

TEST(MistakesInFileTest, IgnoresErrorsThatAreNotAboutTheFile) {
  for (const char* field : {"etag", "tenant", "scheme.name", "schemes.weight"}) {
    EXPECT_TRUE(Mistakes<v1::Scheme>("weight: null\n", EntryFormat::kQuark, {field}).empty()) << field;
  }
}

}  // namespace
}  // namespace qconfig::client
