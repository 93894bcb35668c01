// SPDX-License-Identifier: Apache-2.0
//
// Values of --algo-config as users of other tools type them.
#include "qconfigctl/algo_config_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "qconfigctl/algo_config_fields.h"

namespace qconfig::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

v1::ConfigSpec Spec(const std::vector<std::string>& algorithms = {}, const std::string& scheme = "fp8") {
  v1::ConfigSpec spec;
  spec.set_model_type("llama");
  spec.set_scheme(scheme);
  for (const std::string& algorithm : algorithms) spec.add_algorithm(algorithm);
  return spec;
}

std::string Problem(const std::string& value, const std::vector<std::string>& algorithms = {},
                    const std::string& scheme = "fp8") {
  return std::string(ReadAlgoConfig(value, Spec(algorithms, scheme)).status().message());
}

class AlgoConfigTextTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& text, const std::string& name = "awq.json") const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  // With the process's number, because several tests run at once.
  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / absl::StrCat("algo_config_text_test.", getpid());
};

TEST_F(AlgoConfigTextTest, ReadsTextAndFiles) {
  const std::string text = R"({"gptq": {"block_size": 64}})";
  for (const std::string& value : {text, "@" + Write(text), " " + text}) {
    const auto config = ReadAlgoConfig(value, Spec());
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->gptq().block_size(), 64);
  }
  EXPECT_THAT(Problem("@" + (folder_ / "absent.json").string()), HasSubstr("absent.json: cannot open the file"));
  EXPECT_THAT(Problem("@"), HasSubstr("names no file"));
}

TEST_F(AlgoConfigTextTest, APathIsNotText) {
  const std::string path = Write("{}");
  EXPECT_THAT(Problem(path),
              HasSubstr("takes JSON text such as {\"gptq\": {\"block_size\": 64}}; to read a file, write @" + path));
  EXPECT_THAT(Problem("configs/awq.json"), HasSubstr("write @configs/awq.json"));
  for (const char* text : {R"([{"gptq": "a/b"}])", R"('{"gptq": {"model_decoder_layers": "a/b"}}')", " \"a/b.json\""}) {
    EXPECT_THAT(Problem(text), HasSubstr("is not a JSON object; expected")) << text;
  }
  EXPECT_THAT(Problem("gptq"), HasSubstr("to request gptq, add --algorithm gptq"));
  EXPECT_THAT(Problem("none"), HasSubstr("\"none\" is not a JSON object; expected"));
}

TEST_F(AlgoConfigTextTest, FilesMustBeJson) {
  for (const char* name : {"awq.yaml", "configs/awq.yml"}) {
    const std::string problem = Problem(name);
    EXPECT_THAT(problem, HasSubstr(std::string(name) + ": the file must be JSON, such as {\"gptq\": ")) << name;
    EXPECT_THAT(problem, Not(HasSubstr("write @" + std::string(name)))) << name;
  }
  const std::string path = Write("gptq:\n  block_size: 64\n", "gptq.yaml");
  EXPECT_THAT(Problem("@" + path), HasSubstr("gptq.yaml: the file must be JSON"));
  EXPECT_TRUE(ReadAlgoConfig("@" + Write(R"({"gptq": {}})", "gptq.yaml"), Spec()).ok());
}

TEST_F(AlgoConfigTextTest, FieldsOfOtherToolsBelongElsewhere) {
  const std::string gptq =
      Problem(R"({"bits": 4, "group_size": 128, "damp_percent": 0.1, "desc_act": true, "sym": true})");
  EXPECT_THAT(gptq, AllOf(HasSubstr("bits, group_size and sym belong to the scheme"), HasSubstr("int4_wo_128"),
                          HasSubstr("damp_percent and desc_act belong under the name of the algorithm"),
                          HasSubstr("set damp_percent to 0.1 and desc_act to true"), Not(HasSubstr("write {")),
                          HasSubstr("`qconfigctl describe template llama -o json` shows it")));
  EXPECT_THAT(gptq, Not(HasSubstr("whose fields are"))) << "no list of all fields";
  EXPECT_THAT(Problem(R"({"bits": 4, "damp_percent": 0.01, "desc_act": true})", {"gptq"}),
              HasSubstr("; leave out --algo-config to use the template's own configuration (`qconfigctl describe "
                        "template llama -o json` shows it), or save its {\"gptq\": {...}} as FILE, set damp_percent to "
                        "0.01 and desc_act to true, and write --algo-config @FILE"));
  const std::string awq = Problem(R"({"w_bit": 4, "q_group_size": 128, "zero_point": true, "version": "GEMM"})");
  EXPECT_THAT(awq, AllOf(HasSubstr("w_bit, q_group_size and zero_point belong to the scheme"),
                         HasSubstr("version: has no counterpart"), Not(HasSubstr("write {"))));
  EXPECT_THAT(Problem(R"({"gptq": {"bits": 4, "percdamp": 0.1}})"),
              AllOf(HasSubstr("gptq.bits belongs to the scheme"), HasSubstr("gptq.percdamp is damp_percent here"),
                    HasSubstr("set damp_percent to 0.1,")));
  EXPECT_THAT(Problem(R"({"alpha": 0.5})", {"smoothquant"}),
              HasSubstr(R"(save its {"smoothquant": {...}} as FILE, set alpha to 0.5, and write)"));
  EXPECT_THAT(Problem(R"({"name": "gptq", "block_size": 64})"),
              HasSubstr(R"(save its {"gptq": {...}} as FILE, set block_size to 64, and write)"));
  EXPECT_THAT(Problem(R"({"name": "gptq"})"), HasSubstr(R"(save its {"gptq": {...}} as FILE, edit it, and write)"));
  EXPECT_THAT(Problem(R"({"name": "gptq", "inside_layer_modules": ["a"], "model_decoder_layers": "b"})"),
              HasSubstr(R"(or write {"gptq": {"inside_layer_modules": ["a"], "model_decoder_layers": "b"}})"));
}

TEST_F(AlgoConfigTextTest, TheSchemeOfTheLineIsNotChosenAgain) {
  const auto of_scheme = [](const std::string& value, const std::string& scheme) {
    const std::string problem = Problem(value, {"gptq"}, scheme);
    return problem.substr(0, problem.find("; "));
  };
  EXPECT_EQ(of_scheme(R"({"bits": 4})", "int4_wo_128"), "bits belongs to the scheme, and int4_wo_128 has it");
  EXPECT_EQ(of_scheme(R"({"bits": 4, "group_size": 128, "sym": true})", "int4_wo_128"),
            "bits, group_size and sym belong to the scheme, and int4_wo_128 has them");
  EXPECT_EQ(of_scheme(R"({"w_bit": 4, "zero_point": true})", "uint4_wo_128"),
            "w_bit and zero_point belong to the scheme, and uint4_wo_128 has them");
  for (const char* value :
       {R"({"bits": 8})", R"({"bits": 4, "group_size": 64})", R"({"bits": 4, "sym": false})",
        R"({"bits": 4, "zero_point": true})", R"({"bits": "4"})", R"({"bits": 4, "scheme": "x"})"}) {
    EXPECT_THAT(of_scheme(value, "int4_wo_128"), HasSubstr(" to the scheme: choose one, such as ")) << value;
  }
  const std::pair<std::string, std::string> others[] = {
      {"mxfp6_e3m2", R"({"bits": 3})"},      {"mxfp6_e3m2", R"({"bits": 6})"},  {"team_4", R"({"bits": 4})"},
      {"int4_wo_128", R"({"bits": 128})"},   {"int4_wo_32", R"({"bits": 32})"}, {"int4_wo_64", R"({"group_size": 4})"},
      {"int8", R"({"sym": true})"},          {"uint4_mine", R"({"bits": 4})"},  {"int4_wo_", R"({"bits": 4})"},
      {"int4_wo_128", R"({"strategy": 4})"}, {"int4_wo_64x", R"({"bits": 4})"},
  };
  for (const auto& [scheme, value] : others) {
    EXPECT_THAT(of_scheme(value, scheme), HasSubstr(" to the scheme: choose one, such as ")) << scheme << value;
  }
}

TEST_F(AlgoConfigTextTest, UnknownFieldsGetTheListOnce) {
  const std::string problem = Problem(R"({"rotation": {"hadamard": true, "zzz": 1}})");
  EXPECT_THAT(problem,
              AllOf(HasSubstr("rotation.hadamard and rotation.zzz are not in RotationConfig, whose fields are "),
                    HasSubstr("leave out --algo-config and add --algorithm rotation to use the template's own")));
  EXPECT_EQ(problem.find("scaling_layers"), problem.rfind("scaling_layers"));
  EXPECT_THAT(Problem(R"({"rotation": {"hadamard": true}})", {"rotation"}),
              HasSubstr("leave out --algo-config to use the template's own configuration (`qconfigctl"));
  EXPECT_THAT(Problem(R"({"gptq": {"block_siz": 1}})"), HasSubstr("did you mean block_size"));
  EXPECT_THAT(Problem(R"({"gptq": {"block_size": "x"}, "awq": {}})"),
              HasSubstr("has gptq and awq; repeat --algo-config for each algorithm"));
  EXPECT_THAT(Problem("{gptq: {}}"), HasSubstr("the key gptq needs double quotes"));
}

TEST_F(AlgoConfigTextTest, TheFieldsTellTheAlgorithm) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"alpha": 0.5})", R"(save its {"smoothquant": {...}} as FILE, set alpha to 0.5,)"},
      {R"({"alpha": 0.5, "block_size": 64})",
       R"(save its {"gptaq": {...}} as FILE, set alpha to 0.5 and block_size to 64,)"},
      {R"({"compute_scale_loss": "MSE"})",
       R"(save its {"autosmoothquant": {...}} as FILE, set compute_scale_loss to "MSE",)"},
      {R"({"bits": 2, "group_size": 64, "sub_group_size": 16})",
       R"(write {"twobitscalar": {"bits": 2, "group_size": 64, "sub_group_size": 16}})"},
      {R"({"bits": 4, "group_size": 128, "damp_percent": 0.1})",
       R"(save its {"gptq": {...}} as FILE, set damp_percent to 0.1,)"},
  };
  for (const auto& [value, example] : cases) EXPECT_THAT(Problem(value), HasSubstr(example)) << value;

  const std::string damp = R"({"damp_percent": 0.1})";
  for (const char* request : {"awq,gptq", "gptq,awq", "awq,GPTQ", "nope,gptq", "gptaq,gptq"}) {
    EXPECT_THAT(Problem(damp, absl::StrSplit(request, ',')),
                AllOf(HasSubstr("damp_percent belongs under the name of the algorithm; leave out --algo-config to use"),
                      HasSubstr(R"(save its {"gptq": {...}} as FILE)")))
        << request;
  }
  EXPECT_THAT(Problem(damp, {"awq", "gptaq"}), HasSubstr(R"(save its {"gptaq": {...}} as FILE)"));
  EXPECT_THAT(Problem(damp, {"awq"}), HasSubstr("leave out --algo-config and add --algorithm gptq to use"));
  EXPECT_THAT(Problem(R"({"bits": 4})", {"awq", "gptq"}), HasSubstr("; leave out --algo-config to use"));
}

TEST_F(AlgoConfigTextTest, ANameIsNotAField) {
  EXPECT_THAT(Problem(R"({"name": "nope"})"),
              AllOf(HasSubstr("name: \"nope\" is not an algorithm; allowed: awq, gptq,"), Not(HasSubstr("write {"))));
  EXPECT_THAT(Problem(R"({"name": "gptk"})"), HasSubstr("name: \"gptk\" is not an algorithm; did you mean gptq"));
  EXPECT_THAT(Problem(R"({"name": 1, "block_size": 64})"),
              AllOf(HasSubstr("name: 1 is not an algorithm"),
                    HasSubstr(R"(save its {"gptq": {...}} as FILE, set block_size to 64,)")));
  for (const char* name : {"gptq", "awq", "nope"}) {
    EXPECT_THAT(Problem("{\"name\": \"" + std::string(name) + R"(", "gptq": {"block_size": 64}})"),
                AllOf(HasSubstr("leave out name, because gptq already names the algorithm; leave out --algo-config"),
                      HasSubstr(R"(save its {"gptq": {...}} as FILE, set block_size to 64,)"),
                      Not(HasSubstr("not an algorithm"))))
        << name;
  }
}

TEST_F(AlgoConfigTextTest, ExamplesHaveSpacesOnlyBetweenValues) {
  EXPECT_THAT(
      Problem(R"({"name": "gptq", "inside_layer_modules": ["a,\"b\":c", "d,"], "model_decoder_layers": "b"})"),
      HasSubstr(R"(write {"gptq": {"inside_layer_modules": ["a,\"b\":c", "d,"], "model_decoder_layers": "b"}})"));
}

TEST_F(AlgoConfigTextTest, ExamplesKeepTheKindOfLongValues) {
  const std::string text(100, 'a');
  EXPECT_THAT(Problem(R"({"name": "gptq", "model_decoder_layers": ")" + text + R"("})"),
              HasSubstr(R"(set model_decoder_layers to "...",)"));
  EXPECT_THAT(Problem(R"({"name": "gptq", "inside_layer_modules": ["a", ")" + text + R"("]})"),
              HasSubstr(R"(set inside_layer_modules to ["..."],)"));
}

TEST_F(AlgoConfigTextTest, AnEmptyKeyIsNotAnAlgorithm) {
  for (const char* value : {R"({"": {"a": 1}})", R"({"": {}})", R"({"": 1, "b": {"": 2}})"}) {
    EXPECT_THAT(Problem(value), HasSubstr("\"\" is not an algorithm; allowed: awq, gptq,")) << value;
  }
  EXPECT_THAT(Problem(R"({"gptq": {"": {"a": 1}}})"), HasSubstr("not in GptqConfig, whose fields are "));
}

TEST_F(AlgoConfigTextTest, NotesWhatAReplacementLeavesOut) {
  v1::AlgoConfig config;
  config.mutable_gptq()->set_block_size(64);
  EXPECT_EQ(
      ReplacementNote(config, "llama"),
      "--algo-config: replaces the template's whole configuration of gptq and leaves out inside_layer_modules and "
      "model_decoder_layers; copy them from `qconfigctl describe template llama -o json`, or leave out --algo-config "
      "to use the template's configuration");
  config.mutable_gptq()->add_inside_layer_modules("a");
  config.mutable_gptq()->set_model_decoder_layers("b");
  EXPECT_EQ(ReplacementNote(config, "llama"), "");
}

}  // namespace
}  // namespace qconfig::client
