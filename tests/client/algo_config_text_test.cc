// SPDX-License-Identifier: Apache-2.0
//
// Values of --algo-config as users of other tools type them.
#include "qconfigctl/algo_config_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace qconfig::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Problem(const std::string& value, const std::vector<std::string>& algorithms = {}) {
  return std::string(ReadAlgoConfig(value, algorithms, "llama").status().message());
}

class AlgoConfigTextTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& text, const std::string& name = "awq.json") const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / "algo_config_text_test";
};

TEST_F(AlgoConfigTextTest, ReadsTextAndFiles) {
  const std::string text = R"({"gptq": {"block_size": 64}})";
  for (const std::string& value : {text, "@" + Write(text), " " + text}) {
    const auto config = ReadAlgoConfig(value, {}, "llama");
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
  EXPECT_TRUE(ReadAlgoConfig("@" + Write(R"({"gptq": {}})", "gptq.yaml"), {}, "llama").ok());
}

TEST_F(AlgoConfigTextTest, FieldsOfOtherToolsBelongElsewhere) {
  const std::string gptq =
      Problem(R"({"bits": 4, "group_size": 128, "damp_percent": 0.1, "desc_act": true, "sym": true})");
  EXPECT_THAT(gptq, AllOf(HasSubstr("bits, group_size and sym belong to the scheme"), HasSubstr("int4_wo_128"),
                          HasSubstr("damp_percent and desc_act belong under the name of the algorithm"),
                          HasSubstr(R"(write {"gptq": {"damp_percent": 0.1, "desc_act": true}})"),
                          HasSubstr("`qconfigctl describe template llama -o json` shows it")));
  EXPECT_THAT(gptq, Not(HasSubstr("inside_layer_modules"))) << "no list of all fields";
  const std::string awq = Problem(R"({"w_bit": 4, "q_group_size": 128, "zero_point": true, "version": "GEMM"})");
  EXPECT_THAT(awq, AllOf(HasSubstr("w_bit, q_group_size and zero_point belong to the scheme"),
                         HasSubstr("version: has no counterpart"), Not(HasSubstr("write {"))));
  EXPECT_THAT(Problem(R"({"gptq": {"bits": 4, "percdamp": 0.1}})"),
              AllOf(HasSubstr("gptq.bits belongs to the scheme"), HasSubstr("gptq.percdamp is damp_percent here"),
                    HasSubstr(R"(write {"gptq": {"damp_percent": 0.1}})")));
  EXPECT_THAT(Problem(R"({"alpha": 0.5})", {"smoothquant"}), HasSubstr(R"(write {"smoothquant": {"alpha": 0.5}})"));
  EXPECT_THAT(Problem(R"({"name": "gptq", "block_size": 64})"), HasSubstr(R"(write {"gptq": {"block_size": 64}})"));
}

TEST_F(AlgoConfigTextTest, UnknownFieldsGetTheListOnce) {
  const std::string problem = Problem(R"({"rotation": {"hadamard": true, "zzz": 1}})");
  EXPECT_THAT(problem,
              AllOf(HasSubstr("rotation.hadamard and rotation.zzz are not in RotationConfig, whose fields are "),
                    HasSubstr("without --algo-config, the template's own configuration is used")));
  EXPECT_EQ(problem.find("scaling_layers"), problem.rfind("scaling_layers"));
  EXPECT_THAT(problem, HasSubstr("is used if the call has --algorithm rotation"));
  EXPECT_THAT(Problem(R"({"rotation": {"hadamard": true}})", {"rotation"}), HasSubstr("is used (`qconfigctl"));
  EXPECT_THAT(Problem(R"({"gptq": {"block_siz": 1}})"), HasSubstr("did you mean block_size"));
  EXPECT_THAT(Problem(R"({"gptq": {"block_size": "x"}, "awq": {}})"),
              HasSubstr("has gptq and awq; repeat --algo-config for each algorithm"));
  EXPECT_THAT(Problem("{gptq: {}}"), HasSubstr("the key gptq needs double quotes"));
}

TEST_F(AlgoConfigTextTest, TheFieldsTellTheAlgorithm) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"alpha": 0.5})", R"(write {"smoothquant": {"alpha": 0.5}})"},
      {R"({"alpha": 0.5, "block_size": 64})", R"(write {"gptaq": {"alpha": 0.5, "block_size": 64}})"},
      {R"({"compute_scale_loss": "MSE"})", R"(write {"autosmoothquant": {"compute_scale_loss": "MSE"}})"},
      {R"({"bits": 2, "group_size": 64, "sub_group_size": 16})",
       R"(write {"twobitscalar": {"bits": 2, "group_size": 64, "sub_group_size": 16}})"},
      {R"({"bits": 4, "group_size": 128, "damp_percent": 0.1})", R"(write {"gptq": {"damp_percent": 0.1}})"},
  };
  for (const auto& [value, example] : cases) EXPECT_THAT(Problem(value), HasSubstr(example)) << value;
}

TEST_F(AlgoConfigTextTest, ANameIsNotAField) {
  EXPECT_THAT(Problem(R"({"name": "nope"})"),
              AllOf(HasSubstr("name: \"nope\" is not an algorithm; allowed: awq, gptq,"), Not(HasSubstr("write {"))));
  EXPECT_THAT(Problem(R"({"name": "gptk"})"), HasSubstr("name: \"gptk\" is not an algorithm; did you mean gptq"));
  EXPECT_THAT(Problem(R"({"name": 1, "block_size": 64})"),
              AllOf(HasSubstr("name: 1 is not an algorithm"), HasSubstr(R"(write {"gptq": {"block_size": 64}})")));
  for (const char* name : {"gptq", "awq", "nope"}) {
    EXPECT_THAT(Problem("{\"name\": \"" + std::string(name) + R"(", "gptq": {"block_size": 64}})"),
                AllOf(HasSubstr("leave out name, because gptq already names the algorithm; "
                                R"(write {"gptq": {"block_size": 64}})"),
                      Not(HasSubstr("not an algorithm"))))
        << name;
  }
}

TEST_F(AlgoConfigTextTest, ExamplesKeepTheKindOfLongValues) {
  const std::string text(100, 'a');
  EXPECT_THAT(Problem(R"({"name": "gptq", "model_decoder_layers": ")" + text + R"("})"),
              HasSubstr(R"(write {"gptq": {"model_decoder_layers": "..."}})"));
  EXPECT_THAT(Problem(R"({"name": "gptq", "inside_layer_modules": ["a", ")" + text + R"("]})"),
              HasSubstr(R"(write {"gptq": {"inside_layer_modules": ["..."]}})"));
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
      "model_decoder_layers; copy them from `qconfigctl describe template llama -o json`");
  config.mutable_gptq()->add_inside_layer_modules("a");
  config.mutable_gptq()->set_model_decoder_layers("b");
  EXPECT_EQ(ReplacementNote(config, "llama"), "");
}

}  // namespace
}  // namespace qconfig::client
