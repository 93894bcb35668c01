// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/model_modules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "qconfigctl/model_reader.h"
#include "qconfigctl/module_names.h"
#include "qconfigctl/module_rules.h"
#include "tests/client/module_summaries.h"
#include "tests/source_files.h"

namespace qconfig::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

std::vector<std::pair<std::string, std::string>> NamesAndTypes(const Model& model) {
  std::vector<std::pair<std::string, std::string>> modules;
  for (const v1::Module& module : model.modules) {
    const RangedName name = ParseRanges(module.name());
    ForEachName(name.ranges, [&](absl::Span<const uint32_t> numbers) {
      modules.emplace_back(FormatName(name.form, numbers), module.type());
    });
  }
  return modules;
}

Model MakeModelOf(const std::vector<Tensor>& tensors, const ModelFacts& facts = {"llama", "", 0}) {
  TensorList list;
  for (const Tensor& tensor : tensors) {
    const absl::Status status = list.Add(tensor);
    EXPECT_TRUE(status.ok()) << status;
  }
  return MakeModel(list, facts, BuiltinModuleRules());
}

Model ParseList(const std::string& text) {
  TensorList tensors;
  const absl::Status status = AddModuleList(text, tensors);
  EXPECT_TRUE(status.ok()) << status;
  return MakeModel(tensors, {"llama", "", 0}, BuiltinModuleRules());
}

TEST(ModelModulesTest, ShowsConv1dOfGpt2AndSaysThatQuarkDoesNotQuantizeIt) {
  const std::string note =
      "Quark cannot quantize 2 modules of type Conv1D; it quantizes only Linear, Conv2d and ConvTranspose2d";
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"h.0.attn.c_attn", "Conv1D"}, {"h.0.mlp.c_fc", "Conv1D"}, {"wte", "Embedding"}, {"lm_head", "Linear"}};
  const Model model = MakeModelOf({{"h.0.attn.c_attn.weight", "", "F16", std::vector<int64_t>{8, 24}},
                                   {"h.0.mlp.c_fc.weight", "", "F16", std::vector<int64_t>{8, 32}},
                                   {"wte.weight", "", "F16", std::vector<int64_t>{64, 8}}},
                                  {"gpt2", "GPT2LMHeadModel", 0});
  EXPECT_THAT(NamesAndTypes(model), UnorderedElementsAreArray(expected));
  EXPECT_THAT(model.notes, ::testing::Contains(note));
  const Model list = ParseList("h.0.attn.c_attn Conv1D\nh.0.ln_1 LayerNorm\nh.0.mlp.c_fc Conv1D\n");
  EXPECT_EQ(list.modules.size(), 2);
  EXPECT_THAT(list.notes, ::testing::Contains(note));
}

TEST(ModelModulesTest, ReproducesTheModulesThatQuarkSees) {
  std::ifstream file(SourceFile("tests/golden/modules.json"));
  const json models = json::parse(file);
  ASSERT_EQ(models.size(), 33u);
  for (const auto& [model_type, expected] : models.items()) {
    std::vector<Tensor> tensors;
    std::vector<std::pair<std::string, std::string>> modules;
    for (const json& module : expected) {
      modules.emplace_back(module[0], module[1]);
      const std::vector<int64_t> shape =
          module[1] == "Conv2d" ? std::vector<int64_t>{8, 3, 2, 2} : std::vector<int64_t>{8, 16};
      tensors.push_back({absl::StrCat(modules.back().first, ".weight"), "", "BF16", shape});
      tensors.push_back({absl::StrCat(modules.back().first, ".bias"), "", "BF16", std::vector<int64_t>{8}});
    }
    // A router of transformers has a weight, but is not a Linear.
    modules.emplace_back("model.layers.0.mlp.gate", "Router");
    tensors.push_back({"model.layers.0.mlp.gate.weight", "", "BF16", std::vector<int64_t>{8, 16}});
    tensors.push_back({"model.norm.weight", "", "BF16", std::vector<int64_t>{8}});
    tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", "", "F32", std::vector<int64_t>{8}});
    const ModelFacts facts{model_type, "", 0};
    EXPECT_THAT(NamesAndTypes(MakeModelOf(tensors, facts)), UnorderedElementsAreArray(modules)) << model_type;
    for (Tensor& tensor : tensors) tensor.shape.reset();
    EXPECT_THAT(NamesAndTypes(MakeModelOf(tensors, facts)), UnorderedElementsAreArray(modules))
        << model_type << " without shapes";
  }
}

TEST(ModelModulesTest, EqualLayersAreOneMessage) {
  std::vector<Tensor> tensors;
  for (int layer = 0; layer < 32; ++layer) {
    tensors.push_back(
        {absl::StrCat("model.layers.", layer, ".mlp.up_proj.weight"), "", "BF16", std::vector<int64_t>{64, 32}});
    tensors.push_back(
        {absl::StrCat("model.layers.", layer, ".input_layernorm.weight"), "", "BF16", std::vector<int64_t>{32}});
  }
  EXPECT_THAT(Summaries(MakeModelOf(tensors)), ElementsAre("model.layers.{0..31}.mlp.up_proj Linear [64,32] BF16"));
}

TEST(ModelModulesTest, LargeModelFitsInAKilobyte) {
  std::vector<Tensor> tensors;
  for (int layer = 3; layer < 61; ++layer) {
    for (int expert = 0; expert < 256; ++expert) {
      for (const char* name : {"gate_proj", "up_proj", "down_proj"}) {
        const std::string prefix = absl::StrCat("model.layers.", layer, ".mlp.experts.", expert, ".", name);
        tensors.push_back({prefix + ".weight", "", "F8_E4M3", std::vector<int64_t>{2048, 7168}});
        tensors.push_back({prefix + ".weight_scale_inv", "", "F32", std::vector<int64_t>{16, 56}});
      }
    }
  }
  v1::PlanLayersRequest request;
  *request.mutable_modules() = MakeModelOf(tensors).modules;
  EXPECT_EQ(request.modules_size(), 3);
  EXPECT_LT(request.ByteSizeLong(), 1024u);
}

TEST(ModelModulesTest, FusedExpertsBecomeOneModuleForEachExpert) {
  const std::vector<Tensor> tensors = {
      {"model.layers.0.mlp.experts.gate_up_proj", "", "BF16", std::vector<int64_t>{8, 40, 16}},
      {"model.layers.0.mlp.experts.down_proj", "", "BF16", std::vector<int64_t>{8, 16, 20}},
      {"model.layers.1.mlp.experts.down_proj", "", "BF16", std::vector<int64_t>{8, 16, 20}}};
  EXPECT_THAT(Summaries(MakeModelOf(tensors, {"qwen3_moe", "", 0})),
              ElementsAre("model.layers.0.mlp.experts.{0..7}.gate_proj Linear [20,16] BF16",
                          "model.layers.0.mlp.experts.{0..7}.up_proj Linear [20,16] BF16",
                          "model.layers.{0..1}.mlp.experts.{0..7}.down_proj Linear [16,20] BF16"));
}

TEST(ModelModulesTest, SomeModelTypesStoreTheInputsOfExpertsFirst) {
  const std::vector<Tensor> tensors = {
      {"model.layers.0.mlp.experts.gate_up_proj", "", "BF16", std::vector<int64_t>{8, 16, 40}},
      {"model.layers.0.mlp.experts.down_proj", "", "BF16", std::vector<int64_t>{8, 20, 16}}};
  EXPECT_THAT(Summaries(MakeModelOf(tensors, {"llama4", "", 0})),
              ElementsAre("model.layers.0.mlp.experts.{0..7}.gate_proj Linear [20,16] BF16",
                          "model.layers.0.mlp.experts.{0..7}.up_proj Linear [20,16] BF16",
                          "model.layers.0.mlp.experts.{0..7}.down_proj Linear [16,20] BF16"));
  EXPECT_THAT(Summaries(MakeModelOf(tensors, {"gpt_oss", "", 0})),
              ElementsAre("model.layers.0.mlp.experts.{0..7}.gate_up_proj Linear [40,16] BF16",
                          "model.layers.0.mlp.experts.{0..7}.down_proj Linear [16,20] BF16"));
}

TEST(ModelModulesTest, FusedExpertsOfGranite) {
  const std::vector<Tensor> tensors = {
      {"model.layers.2.block_sparse_moe.input_linear.weight", "", "BF16", std::vector<int64_t>{4, 40, 16}},
      {"model.layers.2.block_sparse_moe.output_linear.weight", "", "BF16", std::vector<int64_t>{4, 16, 20}},
      {"model.layers.2.shared_mlp.input_linear.weight", "", "BF16", std::vector<int64_t>{40, 16}}};
  EXPECT_THAT(Summaries(MakeModelOf(tensors, {"granitemoehybrid", "", 0})),
              ElementsAre("model.layers.2.block_sparse_moe.experts.{0..3}.gate_proj Linear [20,16] BF16",
                          "model.layers.2.block_sparse_moe.experts.{0..3}.up_proj Linear [20,16] BF16",
                          "model.layers.2.block_sparse_moe.experts.{0..3}.down_proj Linear [16,20] BF16",
                          "model.layers.2.shared_mlp.input_linear Linear [40,16] BF16"));
}

TEST(ModelModulesTest, NumberOfFusedExpertsWithoutShapesIsThatOfTheConfig) {
  const std::vector<Tensor> tensors = {{"model.layers.0.mlp.experts.down_proj", "", "", std::nullopt}};
  EXPECT_THAT(Summaries(MakeModelOf(tensors, {"qwen3_moe", "", 8})),
              ElementsAre("model.layers.0.mlp.experts.{0..7}.down_proj Linear [] "));
  const Model unknown = MakeModelOf(tensors, {"qwen3_moe", "", 0});
  EXPECT_THAT(unknown.modules, IsEmpty());
  EXPECT_THAT(unknown.notes, ElementsAre(HasSubstr("left out 1 fused weight of experts")));
}

TEST(ModelModulesTest, PackedWeightsHaveNoShape) {
  const Model model = MakeModelOf({
      {"a.q_proj.weight_packed", "", "I32", std::vector<int64_t>{64, 4}},
      {"a.q_proj.weight_scale", "", "BF16", std::vector<int64_t>{64, 1}},
      {"a.q_proj.weight_shape", "", "I64", std::vector<int64_t>{2}},
      {"a.k_proj.qweight", "", "I32", std::vector<int64_t>{64, 4}},
      {"a.k_proj.qzeros", "", "I32", std::vector<int64_t>{64, 4}},
      {"a.v_proj.weight", "", "U8", std::vector<int64_t>{64, 16}},
      {"a.o_proj.weight", "", "F8_E4M3", std::vector<int64_t>{64, 32}},
      {"a.o_proj.weight_scale_inv", "", "F32", std::vector<int64_t>{1, 1}},
  });
  EXPECT_THAT(Summaries(model), ElementsAre("a.q_proj Linear [] I32", "a.k_proj Linear [] I32", "a.v_proj Linear [] U8",
                                            "a.o_proj Linear [64,32] F8_E4M3"));
  EXPECT_THAT(model.notes,
              ElementsAre("the checkpoint is already quantized: 1 weight of type F8_E4M3, 2 weights of type "
                          "I32, 1 weight of type U8",
                          "the sizes of 3 of 4 modules are unknown; totals leave them out"));
}

TEST(ModelModulesTest, NotesCountOneModule) {
  EXPECT_THAT(ParseList("a.c_attn Conv1D").notes,
              ElementsAre("Quark cannot quantize 1 module of type Conv1D; it quantizes only Linear, Conv2d and "
                          "ConvTranspose2d",
                          "the size of 1 of 1 module is unknown; totals leave it out"));
}

TEST(ModelModulesTest, NotesArePrintable) {
  const Model model = MakeModelOf({{"a.weight_packed", "", "\x1B[2J", std::vector<int64_t>{64, 4}}});
  EXPECT_THAT(model.notes, ::testing::Contains("the checkpoint is already quantized: 1 weight of type \\u001b[2J"));
}

TEST(ModelModulesTest, AddsAnOutputHeadThatSharesItsWeight) {
  const std::vector<Tensor> tensors = {{"model.embed_tokens.weight", "", "BF16", std::vector<int64_t>{64, 32}}};
  const Model model = MakeModelOf(tensors, {"llama", "LlamaForCausalLM", 0});
  EXPECT_THAT(Summaries(model), ElementsAre("model.embed_tokens Embedding [64,32] BF16", "lm_head Linear [] "));
  EXPECT_THAT(model.notes, ElementsAre(HasSubstr("no lm_head")));
  EXPECT_THAT(Summaries(MakeModelOf(tensors, {"llama", "LlamaModel", 0})), ElementsAre(HasSubstr("embed_tokens")));
  const std::vector<Tensor> with_head = {{"language_model.lm_head.weight", "", "BF16", std::vector<int64_t>{64, 32}}};
  EXPECT_THAT(Summaries(MakeModelOf(with_head, {"llava", "LlavaForConditionalGeneration", 0})),
              ElementsAre("language_model.lm_head Linear [64,32] BF16"));
}

TEST(ModelModulesTest, ConvolutionsOfOneOrThreeDimensionsAreNoModules) {
  EXPECT_THAT(Summaries(MakeModelOf({{"a.conv1d.weight", "", "BF16", std::vector<int64_t>{8, 1, 4}},
                                     {"a.patch_embed.proj.weight", "", "BF16", std::vector<int64_t>{8, 3, 2, 2, 2}},
                                     {"a.conv.weight", "", "BF16", std::vector<int64_t>{8, 3, 2, 2}}})),
              ElementsAre("a.conv Conv2d [8,3,2,2] BF16"));
}

TEST(ModuleListTest, OutputOfNamedModules) {
  EXPECT_THAT(
      Summaries(ParseList(" LlamaForCausalLM\nmodel LlamaModel\nmodel.embed_tokens Embedding\nmodel.layers ModuleList\n"
                          "model.layers.0 LlamaDecoderLayer\nmodel.layers.0.self_attn.q_proj Linear\r\n"
                          "model.layers.1.self_attn.q_proj Linear\nmodel.norm LlamaRMSNorm\nlm_head Linear\n")),
      ElementsAre("model.embed_tokens Embedding [] ", "model.layers.{0..1}.self_attn.q_proj Linear [] ",
                  "lm_head Linear [] "));
}

TEST(ModuleListTest, NamesWithShapes) {
  EXPECT_THAT(Summaries(ParseList("# a comment\n\nlm_head Linear [128, 64]\nconv  Conv2d [8,3,2,2]\n")),
              ElementsAre("lm_head Linear [128,64] ", "conv Conv2d [8,3,2,2] "));
}

TEST(ModuleListTest, NamesOnly) {
  EXPECT_THAT(
      Summaries(ParseList("model\nmodel.embed_tokens\nmodel.layers\nmodel.layers.0\nmodel.layers.0.mlp\n"
                          "model.layers.0.mlp.up_proj\nmodel.layers.0.mlp.act_fn\nmodel.norm\nlm_head")),
      ElementsAre("model.embed_tokens Embedding [] ", "model.layers.0.mlp.up_proj Linear [] ", "lm_head Linear [] "));
}

TEST(ModuleListTest, NamesOfTensors) {
  EXPECT_THAT(Summaries(ParseList("a.q_proj.weight\na.q_proj.bias\na.q_proj.weight_scale\nlm_head.weight\n")),
              ElementsAre("a.q_proj Linear [] ", "lm_head Linear [] "));
}

TEST(ModuleListTest, FusedExpertsOfUnknownNumberAreNoted) {
  const Model model = ParseList("a.mlp.experts Qwen3MoeExperts\na.q_proj Linear\n");
  EXPECT_THAT(Summaries(model), ElementsAre("a.q_proj Linear [] "));
  EXPECT_THAT(model.notes, ::testing::Contains(HasSubstr("left out 1 fused weight of experts")));
}

TEST(ModuleListTest, ErrorsNameTheLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a Linear\n{\"a\": 1}\n", "line 2: \"1}\" is not a type"},
      {"a Linear 4x4", "line 1: \"4x4\" is not a shape"},
      {"a Linear [4, -1]", "line 1: \"[4, -1]\" is not a shape"},
      {"a Linear [1,1,1,1,1,1,1,1,1]", "line 1: \"[1,1,1,1,1,1,1,1,1]\" is not a shape"},
      {"a Linear [4611686018427387904, 4611686018427387904]", "line 1: the tensor \"a\" is too large"},
      {"a Linear\na Linear", "line 2: the name \"a\" appears twice"},
      {"a.{0..3}.b Linear", "line 1: the name \"a.{0..3}.b\" has braces"},
      {"a\x01 Linear", "line 1: the name \"a\\u0001\" has a control character"},
      {std::string(1025, 'a') + " Linear", "is longer than 1024 bytes"},
      {"a\xFF Linear", "not valid UTF-8"},
  };
  for (const auto& [text, expected] : cases) {
    TensorList tensors;
    EXPECT_THAT(std::string(AddModuleList(text, tensors).message()), HasSubstr(expected));
  }
}

TEST(ModuleRulesTest, StarMatchesAnyCharacters) {
  EXPECT_TRUE(MatchesPattern("", "*"));
  EXPECT_TRUE(MatchesPattern("a.b.norm1", "*norm*"));
  EXPECT_TRUE(MatchesPattern("abab", "*ab"));
  EXPECT_FALSE(MatchesPattern("aba", "*ab"));
  EXPECT_FALSE(MatchesPattern("ab", "a"));
  EXPECT_FALSE(MatchesPattern("", "a"));
}

}  // namespace
}  // namespace qconfig::client
