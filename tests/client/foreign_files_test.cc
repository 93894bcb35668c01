// SPDX-License-Identifier: Apache-2.0
//
// Files that people hold, as they hold them, and the table that recognizes them.
#include "qconfigctl/foreign_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "qconfigctl/entry_file.h"
#include "tests/source_files.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string SchemeError(const std::string& text) { return std::string(ReadScheme(text, {}).status().message()); }
std::string TemplateError(const std::string& text) { return std::string(ReadTemplate(text, {}).status().message()); }

struct Known {
  std::string name;
  std::string text;
  std::string begin;
  std::string scheme;  // what is suggested; empty: nothing
};

class ForeignFileTest : public testing::TestWithParam<Known> {};
TEST_P(ForeignFileTest, IsNamedWithTheNearestScheme) {
  const std::string problem = SchemeError(GetParam().text);
  EXPECT_THAT(problem, StartsWith(GetParam().begin));
  if (GetParam().scheme.empty()) {
    EXPECT_THAT(problem, HasSubstr("No built-in scheme has the same format"));
  } else {
    EXPECT_THAT(problem, HasSubstr(GetParam().scheme));
  }
}
INSTANTIATE_TEST_SUITE_P(
    All, ForeignFileTest,
    testing::Values(
        Known{"Awq", R"({"quant_method":"awq","bits":4,"group_size":128})",
              "this is an AWQ quantization_config, not a scheme (quant_method, line 1: \"awq\"). ",
              "The nearest schemes are uint4_wo_128 and int4_wo_128; the first has zero points, as AWQ has by default, "
              "the second does not. Run: qconfigctl get-config MODEL_TYPE --scheme uint4_wo_128 --algorithm awq"},
        Known{"AwqWithZeroPoints",
              R"({"quant_method": "awq", "zero_point": true, "group_size": 64, "bits": 4, "version": "gemm"})",
              "this is an AWQ quantization_config, not a scheme", "The nearest scheme is uint4_wo_64. Run: "},
        Known{
            "TorchaoOfTransformers",
            R"({"quant_method": "torchao", "quant_type": {"default": {"_type": "Int4WeightOnlyConfig", "_version": 1,)"
            R"( "_data": {"group_size": 64}}}, "modules_to_not_convert": ["lm_head"]})",
            "this is a torchao quantization_config, not a scheme (quant_type.default._type, line 1: "
            "\"Int4WeightOnlyConfig\"). ",
            "The nearest scheme is int4_wo_64; it has no zero points. Run: qconfigctl get-config MODEL_TYPE --scheme "
            "int4_wo_64 --exclude lm_head"},
        Known{"TorchaoByName", R"({"quant_type": "int4_weight_only", "quant_type_kwargs": {"group_size": 128}})",
              "this is a torchao quantization_config, not a scheme (quant_type, line 1: ", "int4_wo_128"},
        Known{"TorchaoConfig", R"({"_type": "Float8DynamicActivationFloat8WeightConfig", "_data": {}, "_version": 2})",
              "this is a torchao config, not a scheme (_type, line 1: ", "fp8; it has a static scale for inputs"},
        Known{"TorchaoConfigByHand", "_type: Int4WeightOnlyConfig\ngroup_size: 32\n",
              "this is a torchao config, not a scheme (_type, line 1: ", "int4_wo_32"},
        Known{"TorchaoWithoutScheme", R"({"_type": "Int8WeightOnlyConfig", "_data": {}})",
              "this is a torchao config, not a scheme", "No built-in scheme quantizes only weights to int8"},
        Known{"Manifest", "apiVersion: v1\nkind: Scheme\nmetadata:\n  name: a\nspec: {}\n",
              "this is a Kubernetes manifest, not a scheme (apiVersion, line 1: \"v1\"). ",
              "qconfigctl describe scheme fp8 -o json > FILE"},
        Known{"AwqOfThreeBits", R"({"quant_method": "awq", "bits": 3, "group_size": 128})",
              "this is an AWQ quantization_config, not a scheme", ""},
        Known{"AutoAwq", R"({"zero_point": true, "q_group_size": 128, "w_bit": 4, "version": "GEMM"})",
              "this is an AutoAWQ quantization config, not a scheme (w_bit, line 1). ", "uint4_wo_128"},
        Known{
            "Gptq",
            "{\"model_type\": \"qwen3\",\n\"quantization_config\": {\"bits\": 4, \"group_size\": 128, \"sym\": true,\n"
            "\"quant_method\": \"gptq\"}}",
            "this is a GPTQ quantization_config, not a scheme (quantization_config.quant_method, line 3: \"gptq\"). ",
            "The nearest scheme is int4_wo_128. Run: qconfigctl get-config qwen3 --scheme int4_wo_128 --algorithm "
            "gptq"},
        Known{"GptqOfEightBits", R"({"quant_method": "gptq", "bits": 8, "group_size": 128, "sym": true})",
              "this is a GPTQ quantization_config, not a scheme", ""},
        Known{"AutoGptq",
              R"({"bits": 4, "group_size": -1, "damp_percent": 0.01, "desc_act": true, "sym": true,
                  "true_sequential": true, "model_name_or_path": null})",
              "this is an AutoGPTQ quantization config, not a scheme", "int4_wo_per_channel"},
        Known{"Bitsandbytes",
              R"({"_load_in_4bit": true, "load_in_4bit": true, "bnb_4bit_quant_type": "nf4",
                  "quant_method": "bitsandbytes"})",
              "this is a bitsandbytes quantization_config, not a scheme", ""},
        Known{"ModelOpt", R"({"producer":{"name":"modelopt"},"quantization":{"quant_algo":"NVFP4"}})",
              "this is a ModelOpt quantization config, not a scheme (producer.name, line 1: \"modelopt\"). ",
              "scheme is nvfp4. Run: "},
        Known{"ModelOptWithKvCache",
              R"({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8",
                  "exclude_modules": ["lm_head", "*.gate"]}})",
              "this is a ModelOpt quantization config, not a scheme",
              "get-config MODEL_TYPE --scheme fp8 --kv-cache-scheme fp8 --exclude lm_head --exclude '*.gate'"},
        Known{"ModelOptFp8InConfigJson",
              R"({"model_type": "llama", "quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8"}})",
              "this is a ModelOpt quantization config, not a scheme",
              "scheme is fp8. Run: qconfigctl get-config llama --scheme fp8"},
        Known{"ModelOptMxfp8", R"({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "MXFP8"}})",
              "this is a ModelOpt quantization config, not a scheme", ""},
        Known{"CompressedTensors",
              R"({"quant_method":"compressed-tensors","config_groups":{},"ignore":["re:.*visual.*"]})",
              "this is a compressed-tensors quantization_config (llm-compressor), not a scheme (quant_method, line 1: "
              "\"compressed-tensors\"). ",
              ""},
        Known{"CompressedTensorsW4A16",
              R"({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4,
                  "type": "int", "strategy": "group", "group_size": 128, "symmetric": true},
                  "input_activations": null, "targets": ["Linear"]}}})",
              "this is a compressed-tensors quantization_config", "scheme is int4_wo_128. Run: "},
        Known{"CompressedTensorsFp8Dynamic",
              R"({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8,
                  "type": "float", "strategy": "channel", "dynamic": false}, "input_activations": {"num_bits": 8,
                  "type": "float", "strategy": "token", "dynamic": true}}}})",
              "this is a compressed-tensors quantization_config", "scheme is ptpc_fp8. Run: "},
        Known{"CompressedTensorsW8A8",
              R"({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8,
                  "type": "int", "strategy": "channel"}, "input_activations": {"num_bits": 8, "type": "int"}}}})",
              "this is a compressed-tensors quantization_config", ""},
        Known{"CompressedTensorsOfTwoGroups",
              R"({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4,
                  "type": "int", "group_size": 128, "symmetric": true}}, "group_1": {}}})",
              "this is a compressed-tensors quantization_config", ""},
        Known{"Recipe",
              "quant_stage:\n  quant_modifiers:\n    QuantizationModifier:\n      ignore: [lm_head]\n      scheme: "
              "FP8_DYNAMIC\n      targets: [Linear]\n",
              "this is an llm-compressor recipe, not a scheme "
              "(quant_stage.quant_modifiers.QuantizationModifier.scheme, line "
              "5: \"FP8_DYNAMIC\"). ",
              "scheme is ptpc_fp8. Run: "},
        Known{"RecipeWithAnAlgorithm",
              "quant_stage:\n  quant_modifiers:\n    GPTQModifier:\n      scheme: W4A16\n      targets: [Linear]\n",
              "this is an llm-compressor recipe", "--scheme int4_wo_128 --algorithm gptq"},
        Known{"RecipeWithSeveralModifiers",
              "quant_stage:\n  quant_modifiers:\n    SmoothQuantModifier:\n      smoothing_strength: 0.8\n"
              "    GPTQModifier:\n      scheme: W8A8\n      targets: [Linear]\n",
              "this is an llm-compressor recipe, not a scheme (quant_stage.quant_modifiers.GPTQModifier.scheme, line 6",
              "--scheme int8 --algorithm gptq --algorithm smoothquant"},
        Known{"RecipeOfWeightsOnlyNvfp4",
              "quant_stage:\n  quant_modifiers:\n    QuantizationModifier:\n      scheme: NVFP4A16\n",
              "this is an llm-compressor recipe", "qconfigctl describe scheme nvfp4 -o json > FILE"},
        Known{"RecipeWithConfigGroupsAfterAnotherModifier",
              "quant_stage:\n  quant_modifiers:\n    SmoothQuantModifier: {smoothing_strength: 0.8}\n"
              "    GPTQModifier:\n      config_groups:\n        group_0:\n"
              "          weights: {num_bits: 4, type: int, symmetric: true, strategy: group, group_size: 128}\n",
              "this is an llm-compressor recipe", "--scheme int4_wo_128 --algorithm gptq"},
        Known{"RecipeWithConfigGroups",
              "quant_stage:\n  quant_modifiers:\n    QuantizationModifier:\n      config_groups:\n        group_0:\n"
              "          weights: {num_bits: 4, type: int, symmetric: true, strategy: group, group_size: 128}\n"
              "          targets: [Linear]\n",
              "this is an llm-compressor recipe, not a scheme "
              "(quant_stage.quant_modifiers.QuantizationModifier.config_groups, line 4). ",
              "scheme is int4_wo_128. Run: "},
        Known{"DeepSeekFp8",
              R"({"model_type": "deepseek_v3", "quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3",
                  "quant_method": "fp8", "weight_block_size": [128, 128]}})",
              "this is a quantization_config of block-wise FP8 (DeepSeek, vLLM), not a scheme", ""},
        Known{"VllmFp8", R"({"quant_method": "fp8", "activation_scheme": "static"})",
              "this is an FP8 quantization_config of vLLM, not a scheme", "scheme is fp8. Run: "},
        Known{"GptOss", R"({"quantization_config": {"modules_to_not_convert": ["lm_head"], "quant_method": "mxfp4"}})",
              "this is an MXFP4 quantization_config (gpt-oss), not a scheme", "scheme is mxfp4_weight_only. Run: "},
        Known{"OtherTool", R"({"quant_method": "vptq", "enable_proxy_error": false})",
              "this is the quantization config of another tool, not a scheme (quant_method, line 1: \"vptq\"). ", ""},
        Known{"ConfigOfAMultimodalModel",
              R"({"model_type": "x", "text_config": {"quantization_config": {"quant_method": "awq", "bits": 4,
                  "group_size": 32, "zero_point": false}}})",
              "this is an AWQ quantization_config, not a scheme (text_config.quantization_config.quant_method",
              "scheme is int4_wo_32. Run: "},
        Known{"ConfigJson", R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 128256})",
              "this is a model's config.json without quantization_config, not a scheme (architectures, line 1). ",
              "`qconfigctl get-config llama --scheme SCHEME`"},
        Known{"Index", R"({"metadata": {"total_size": 1}, "weight_map": {"lm_head.weight": "a.safetensors"}})",
              "this is the index of a checkpoint, not a scheme", "`qconfigctl plan FOLDER --scheme SCHEME`"},
        Known{"Request", R"({"model_type": "llama", "scheme": "fp8"})",
              "this is a request for a configuration, not a scheme", "`qconfigctl get-config llama --scheme fp8`"},
        Known{"ConfigurationInProtoJson",
              R"({"global_quant_config": {"weight": [{"dtype": "DTYPE_INT4"}]}, "exclude": ["lm_head"]})",
              "this is a whole configuration in ProtoJSON, not a scheme", "`qconfigctl get-config` without -o json"},
        Known{"Template", R"({"model_type": "x", "kv_layers_name": ["*k"]})", "this is a template, not a scheme",
              "`qconfigctl register template -f FILE`"}),
    [](const testing::TestParamInfo<Known>& known) { return known.param.name; });

TEST(RecognizeFileTest, SaysWhyAFileIsNoTemplate) {
  EXPECT_THAT(TemplateError(R"({"quant_method": "awq", "bits": 4, "group_size": 128})"),
              AllOf(StartsWith("this is an AWQ quantization_config, not a template"),
                    EndsWith("it does not say how they are quantized"), Not(HasSubstr("int4"))));
  EXPECT_THAT(
      TemplateError(R"({"name": "x", "weight": {"dtype": "int4"}})"),
      HasSubstr("this is a scheme, not a template (weight.dtype, line 1: \"int4\"). Register it with `qconfigctl "
                "register scheme -f FILE`"));
  EXPECT_THAT(TemplateError(R"({"architectures": ["X"], "model_type": "deepseek_v3"})"),
              HasSubstr("`qconfigctl get-config deepseek_v3 --scheme SCHEME`"));
}

TEST(RecognizeFileTest, CopiesOnlyWordsIntoCommands) {
  for (const char* model_type : {"a; rm -rf /", "$(x)", "-x", "", "a b"}) {
    const ordered_json config = {{"architectures", {"X"}}, {"model_type", model_type}};
    EXPECT_THAT(SchemeError(config.dump()), HasSubstr("qconfigctl get-config MODEL_TYPE --scheme SCHEME"));
  }
}

// All schemes that a name with placeholders can stand for.
std::vector<std::string> Expand(const std::string& name, const ordered_json& conditions) {
  const size_t open = name.find('{');
  if (open == std::string::npos) return {name};
  const std::string path = name.substr(open + 1, name.find('}') - open - 1);
  std::vector<std::string> names;
  for (const ordered_json& value : conditions[path]) {
    names.push_back(absl::StrReplaceAll(name, {{absl::StrCat("{", path, "}"), value.dump()}}));
  }
  return names;
}

TEST(RecognizeFileTest, TheTableNamesSourcesAndSchemesOfEveryCatalogue) {
  std::ifstream file(SourceFile("client/cpp/qconfigctl/foreign_files.json"));
  const ordered_json table = ordered_json::parse(file);
  const ordered_json& rows = table["rows"];
  ASSERT_GT(rows.size(), 20u);
  std::vector<ordered_json> catalogues;
  for (const char* release : {"quark-0.12.post1", "quark-0.13"}) {
    std::ifstream schemes(SourceFile(absl::StrCat("core/catalog/", release, "/schemes.json")));
    catalogues.push_back(ordered_json::parse(schemes));
  }
  int names = 0;
  for (const ordered_json& row : rows) {
    SCOPED_TRACE(row.dump());
    EXPECT_GT(row["source"].get<std::string>().size(), 5u);
    EXPECT_FALSE(row["when"].empty());
    if (!row.contains("schemes")) continue;
    const ordered_json& schemes = row["schemes"];
    for (const ordered_json& rule : schemes.is_string() ? table["scheme_lists"][std::string(schemes)] : schemes) {
      for (const ordered_json& pattern : rule["names"]) {
        for (const std::string& name : Expand(pattern, rule["when"])) {
          for (const ordered_json& known : catalogues) EXPECT_TRUE(known.contains(name)) << name;
          ++names;
        }
      }
    }
  }
  EXPECT_GT(names, 60);
}

}  // namespace
}  // namespace qconfig::client
