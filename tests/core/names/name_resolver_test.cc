// SPDX-License-Identifier: Apache-2.0
#include "core/names/name_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/builtin_catalogs.h"
#include "core/names/known_names.h"
#include "core/quark_names.h"

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Catalogs& Builtin() {
  static const auto* const kCatalogs = new Catalogs(LoadBuiltinCatalogs().value());
  return *kCatalogs;
}

// The names of a kind in a catalogue.
std::vector<absl::string_view> NamesIn(const Catalog& catalog, NameKind kind) {
  std::vector<absl::string_view> names;
  const auto add_all = [&names](const auto& known) { names.insert(names.end(), known.begin(), known.end()); };
  switch (kind) {
    case NameKind::kScheme:
      for (const v1::Scheme& scheme : catalog.schemes()) names.push_back(scheme.name());
      break;
    case NameKind::kTemplate:
      for (const v1::LlmTemplate& entry : catalog.templates()) names.push_back(entry.model_type());
      break;
    case NameKind::kCatalog:
      for (const auto& known : Builtin()) names.push_back(known->name());
      break;
    case NameKind::kAlgorithm:
      add_all(catalog.algorithms());
      break;
    case NameKind::kLayerType:
      names = {"Linear", "Conv2d", "ConvTranspose2d"};
      break;
    case NameKind::kDtype:
      add_all(catalog.tensor_vocabulary().enums.find("Dtype")->second);
      break;
    case NameKind::kQScheme:
      add_all(catalog.tensor_vocabulary().enums.find("QSchemeType")->second);
      break;
    case NameKind::kAttentionTensor:
      for (const auto& [name, unused] : catalog.kv_cache_schemes()) names.push_back(name);
      break;
    case NameKind::kOther:
      add_all(catalog.observers());
      break;
  }
  return names;
}

// What the name resolves to in the default catalogue, beside the others.
NameResolution Resolve(NameKind kind, absl::string_view name) {
  const Catalog& catalog = *Builtin().front();
  const auto catalog_of = [&](absl::string_view other) {
    return kind == NameKind::kCatalog ? "" : OtherCatalogWith(Builtin(), catalog, [&](const Catalog& known) {
      const auto names = NamesIn(known, kind);
      return std::find(names.begin(), names.end(), other) != names.end();
    });
  };
  return ResolveName(kind, name, NamesIn(catalog, kind), catalog_of);
}

std::vector<std::string> Suggested(NameKind kind, absl::string_view name) {
  std::vector<std::string> names;
  for (const NameResolution::Item& item : Resolve(kind, name).items) names.push_back(item.name);
  return names;
}

std::string Text(NameKind kind, absl::string_view name) { return ResolutionText(Resolve(kind, name)); }

std::string Note(NameKind kind, absl::string_view name) { return Resolve(kind, name).note; }

TEST(NameResolverTest, NameInAnotherCatalogComesFirst) {
  const NameResolution resolution = Resolve(NameKind::kTemplate, "qwen3_5");
  ASSERT_EQ(resolution.items.size(), 1u);
  EXPECT_EQ(resolution.items[0].name, "qwen3_5");
  EXPECT_EQ(resolution.items[0].reason.kind(), v1::SUGGESTION_KIND_OTHER_CATALOG);
  EXPECT_EQ(resolution.items[0].reason.catalog(), "quark-0.13");
  EXPECT_EQ(ResolutionText(resolution), "; quark-0.13 on this server has it");
  EXPECT_THAT(Suggested(NameKind::kTemplate, "lfm2"), ElementsAre("lfm2"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "mx9"), ElementsAre("mx9"));
  EXPECT_THAT(Suggested(NameKind::kAlgorithm, "autoround"), ElementsAre("autoround"));
}

TEST(NameResolverTest, ModelTypesLeadToRelatives) {
  const std::map<std::string, std::string> expected = {
      {"llama4_text", "llama4"},
      {"qwen3_vl", "qwen3 qwen3_vl_moe"},
      {"glm4", "llama glm4_moe glm4_moe_lite"},
      {"granite", "llama granitemoehybrid"},
      {"grok", "grok-1"},
      {"phimoe", "mixtral"},
      {"qwen2_5_vl", "qwen2"},
      {"gemma3_text_x", "gemma3_text"},
  };
  for (const auto& [name, suggestions] : expected) {
    EXPECT_EQ(absl::StrJoin(Suggested(NameKind::kTemplate, name), " "), suggestions) << name;
  }
  EXPECT_EQ(Text(NameKind::kTemplate, "phimoe"), "; did you mean mixtral (a related model to start from)?");
  EXPECT_EQ(Resolve(NameKind::kTemplate, "phimoe").items[0].reason.kind(), v1::SUGGESTION_KIND_RELATED_MODEL);
}

TEST(NameResolverTest, ArchitecturesAndIdsLeadToModelTypes) {
  EXPECT_EQ(Text(NameKind::kTemplate, "DeepseekV3ForCausalLM"),
            "; did you mean deepseek_v3 (the model_type of this architecture)?");
  EXPECT_EQ(Text(NameKind::kTemplate, "meta-llama/Llama-3.1-8B-Instruct"),
            "; did you mean llama (the model_type of llama-3 models)?");
  EXPECT_EQ(Text(NameKind::kTemplate, "Qwen3_5ForCausalLM"),
            "; did you mean qwen3_5 (the model_type of this architecture; quark-0.13 on this server has it)?");
  const std::map<std::string, std::string> expected = {
      {"LlamaForCausalLM", "llama"},
      {"Qwen3VLMoeForConditionalGeneration", "qwen3_vl_moe"},
      {"GraniteForCausalLM", "llama"},
      {"PhimoeForCausalLM", "mixtral"},
      {"microsoft/Phi-3.5-MoE-instruct", "mixtral"},
      {"Qwen/Qwen3-30B-A3B", "qwen3_moe"},
      {"openai/gpt-oss-120b", "gpt_oss"},
      {"deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "qwen2"},
      {"llama-3", "llama"},
      {"llama3", "llama"},
      {"phi4", "phi3"},
      {"qwen3.5", "qwen3_5 qwen3_5_moe"},
  };
  for (const auto& [name, suggestions] : expected) {
    EXPECT_EQ(absl::StrJoin(Suggested(NameKind::kTemplate, name), " "), suggestions) << name;
  }
}

TEST(NameResolverTest, MisspelledModelTypes) {
  const std::map<std::string, std::string> expected = {{"lama", "llama"},
                                                       {"qwen3_moee", "qwen3_moe"},
                                                       {"qwen3-moe", "qwen3_moe"},
                                                       {"Llama", "llama"},
                                                       {"Grok_1", "grok-1"}};
  for (const auto& [name, suggestions] : expected) {
    const auto items = Resolve(NameKind::kTemplate, name).items;
    ASSERT_FALSE(items.empty()) << name;
    EXPECT_EQ(items[0].name, suggestions) << name;
    EXPECT_EQ(items[0].reason.kind(), v1::SUGGESTION_KIND_SPELLING) << name;
  }
  EXPECT_THAT(Suggested(NameKind::kTemplate, "zzzz"), IsEmpty());
}

TEST(NameResolverTest, OtherModelsAreNoSpellings) {
  for (const char* name : {"gpt2", "GPT-2", "gpt3", "mpt", "bloom", "falcon", "gpt_neo", "qwen9", "gemma5"}) {
    for (const NameResolution::Item& item : Resolve(NameKind::kTemplate, name).items) {
      EXPECT_NE(item.reason.kind(), v1::SUGGESTION_KIND_SPELLING) << name << ": " << item.name;
    }
  }
  // Another number of the same family is similar, but not the same model.
  const NameResolution family = Resolve(NameKind::kTemplate, "qwen9");
  ASSERT_EQ(family.items.size(), 3u);
  EXPECT_EQ(family.items[0].name, "qwen");
  EXPECT_EQ(family.items[1].reason.kind(), v1::SUGGESTION_KIND_SIMILAR_NAME);
  EXPECT_THAT(Suggested(NameKind::kTemplate, "gpt2"), IsEmpty());
  EXPECT_THAT(Suggested(NameKind::kTemplate, "mpt"), IsEmpty());
  EXPECT_THAT(Suggested(NameKind::kTemplate, "olmo2"), testing::Contains("olmo")) << "a relative of the table";
  EXPECT_THAT(Suggested(NameKind::kTemplate, "AutoModelForCausalLM"), IsEmpty());
  EXPECT_EQ(Note(NameKind::kTemplate, "AutoModelForCausalLM"), "Name the model, not the Auto class");
}

TEST(NameResolverTest, ModelsWithoutATemplateNameOneToStartFrom) {
  EXPECT_THAT(Suggested(NameKind::kTemplate, "gpt2"), IsEmpty());
  EXPECT_EQ(
      Note(NameKind::kTemplate, "openai-community/gpt2"),
      "No catalogue has a template for gpt2 models. Their decoder layers consist of Conv1D modules, which Quark does "
      "not quantize; replace these with Linear modules first. Start from the template of chatglm: replace the names "
      "of modules in kv_layers_name, q_layer_name, gate_up_layers_name, exclude_layers_name and algorithm_configs "
      "with those of gpt2");
  EXPECT_THAT(Note(NameKind::kTemplate, "bloom"), HasSubstr("bloom models. Start from the template of chatglm: "));
  EXPECT_THAT(Note(NameKind::kTemplate, "t5"), HasSubstr("t5 models. Start from the template of llama: "));
  EXPECT_EQ(Note(NameKind::kTemplate, "granite"), "") << "has a related template";
}

// A name of someone's own scheme is similar to that of a built-in scheme, but does not mean it.
TEST(NameResolverTest, NamesWithMoreWordsAreNoSpellings) {
  for (const char* name : {"acme_int4_wo_128", "int4_wo_128_acme", "acmeint4_wo_128", "myint8", "my_nvfp4",
                           "int4_wo_acme_128", "int8xy", "mxfp4_weight_only_mine", "ptpc_fp8_mi"}) {
    const auto items = Resolve(NameKind::kScheme, name).items;
    ASSERT_FALSE(items.empty()) << name;
    for (const NameResolution::Item& item : items) {
      EXPECT_EQ(item.reason.kind(), v1::SUGGESTION_KIND_SIMILAR_NAME) << name << ": " << item.name;
    }
  }
  for (const char* name : {"acme_int8", "my_team_scheme", "my_fp8", "team_int8"}) {
    EXPECT_THAT(Suggested(NameKind::kScheme, name), IsEmpty()) << name;
  }
  for (const char* name : {"int8s", "nvvfp4", "mxfp4_weigth_only", "INT4-WO-128", "ptpcc_fp8"}) {
    const auto items = Resolve(NameKind::kScheme, name).items;
    ASSERT_EQ(items.size(), 1u) << name;
    EXPECT_EQ(items[0].reason.kind(), v1::SUGGESTION_KIND_SPELLING) << name;
  }
}

TEST(NameResolverTest, NamesOfTheTenantComeBeforeThoseOfOtherTools) {
  const std::vector<absl::string_view> names = {"int4_wo_128", "W4A16"};
  const auto items = ResolveName(NameKind::kScheme, "w4a16", names).items;
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].name, "W4A16");
  EXPECT_EQ(items[0].reason.kind(), v1::SUGGESTION_KIND_SPELLING);
  // The scheme of the table is not there.
  const std::vector<absl::string_view> others = {"w4a16_mine"};
  EXPECT_EQ(ResolveName(NameKind::kScheme, "w4a16", others).items.at(0).name, "w4a16_mine");
}

TEST(NameResolverTest, TemplatesOfTheTenantMayBeMisspelledIds) {
  const std::vector<absl::string_view> names = {"llama", "jamba-acme"};
  for (const char* name : {"jamba-acmee", "jamba-acm"}) {
    const NameResolution resolution = ResolveName(NameKind::kTemplate, name, names);
    ASSERT_EQ(resolution.items.size(), 1u) << name;
    EXPECT_EQ(resolution.items[0].name, "jamba-acme") << name;
    EXPECT_EQ(resolution.note, "") << name;
  }
  const NameResolution other = ResolveName(NameKind::kTemplate, "ai21labs/jamba-acmee", names);
  EXPECT_THAT(other.items, IsEmpty()) << "a model of Hugging Face";
  EXPECT_THAT(other.note, testing::StartsWith("No catalogue has a template for jamba models. "));
  EXPECT_THAT(Suggested(NameKind::kTemplate, "Phi-3.5-vision-instruct"), IsEmpty()) << "phi3 is another model";
  EXPECT_THAT(Note(NameKind::kTemplate, "Phi-3.5-vision-instruct"),
              testing::StartsWith("No catalogue has a template for phi3_v models. "));
}

TEST(NameResolverTest, FormerNamesOfSchemes) {
  EXPECT_EQ(Text(NameKind::kScheme, "w_fp8_a_fp8"), "; did you mean fp8 (its present name in Quark)?");
  EXPECT_EQ(Resolve(NameKind::kScheme, "w_fp8_a_fp8").items[0].reason.kind(), v1::SUGGESTION_KIND_FORMER_NAME);
  EXPECT_THAT(Suggested(NameKind::kScheme, "w_uint4_per_group_asym"),
              ElementsAre("uint4_wo_128", "uint4_wo_64", "uint4_wo_32"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "w_int8_a_int8_per_tensor_sym"), ElementsAre("int8"));
}

TEST(NameResolverTest, NamesOfOtherTools) {
  EXPECT_EQ(Text(NameKind::kScheme, "W4A16"), "; did you mean int4_wo_128 (the same as llm-compressor's W4A16)?");
  const v1::SuggestionReason reason = Resolve(NameKind::kScheme, "W4A16").items[0].reason;
  EXPECT_EQ(reason.kind(), v1::SUGGESTION_KIND_OTHER_TOOL);
  EXPECT_EQ(reason.source(), "llm-compressor");
  EXPECT_THAT(Suggested(NameKind::kScheme, "FP8_DYNAMIC"), ElementsAre("ptpc_fp8"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "w8a8"), ElementsAre("int8"));
  EXPECT_THAT(Text(NameKind::kScheme, "w8a8"),
              HasSubstr("the nearest to llm-compressor's W8A8: int8 has one static scale"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "NVFP4A16"), IsEmpty());
  EXPECT_THAT(Note(NameKind::kScheme, "NVFP4A16"),
              HasSubstr("No built-in scheme quantizes only weights to NVFP4: nvfp4 also quantizes inputs to 4 bits"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "awq"), ElementsAre("uint4_wo_128"));
  EXPECT_THAT(Note(NameKind::kScheme, "awq"), HasSubstr("AWQ is an algorithm"));
  EXPECT_THAT(Suggested(NameKind::kAlgorithm, "AWQModifier"), ElementsAre("awq"));
  EXPECT_THAT(Suggested(NameKind::kAttentionTensor, "fp8_e4m3"), ElementsAre("fp8"));
  EXPECT_THAT(Suggested(NameKind::kQScheme, "channel"), ElementsAre("per_channel"));
  EXPECT_EQ(Text(NameKind::kDtype, "nvfp4"), "; did you mean fp4 (the same as ModelOpt's nvfp4)?");
}

TEST(NameResolverTest, PrefixesAndWords) {
  EXPECT_THAT(Suggested(NameKind::kScheme, "int4_wo_"), ElementsAre("int4_wo_128", "int4_wo_64", "int4_wo_32"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "mxfp4_w"), ElementsAre("mxfp4_weight_only", "mxfp4"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "ptpc"), ElementsAre("ptpc_fp8"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "fp8_ptpc"), ElementsAre("ptpc_fp8"));
  EXPECT_EQ(Resolve(NameKind::kScheme, "ptpc").items[0].reason.kind(), v1::SUGGESTION_KIND_SIMILAR_NAME);
  EXPECT_THAT(Suggested(NameKind::kScheme, "int4_wo_12"), ElementsAre("int4_wo_128", "int4_wo_32", "int4_wo_64"));
  EXPECT_THAT(Suggested(NameKind::kOther, "TensorMinMaxObserver"), testing::Contains("PerTensorMinMaxObserver"));
}

TEST(NameResolverTest, SuggestionsKeepTheMeaning) {
  EXPECT_THAT(Suggested(NameKind::kScheme, "int4"), ElementsAre("int4_wo_128", "int4_wo_64", "int4_wo_32"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "uint4"), ElementsAre("uint4_wo_128", "uint4_wo_64", "uint4_wo_32"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "mxfp6"), ElementsAre("mxfp6_e3m2", "mxfp6_e2m3"));
  EXPECT_THAT(Suggested(NameKind::kScheme, "mxfp8"), IsEmpty());
  for (const char* name : {"bf16", "fp16", "none", "bfloat16"}) {
    EXPECT_THAT(Suggested(NameKind::kScheme, name), IsEmpty()) << name;
    EXPECT_THAT(Note(NameKind::kScheme, name), HasSubstr("exclude it")) << name;
  }
  for (const char* name : {"fp9", "int5", "int8_wo", "int4_fp4", "fp8_wo", "uint8", "mx7", "int4_per_token_fp8"}) {
    EXPECT_THAT(Suggested(NameKind::kScheme, name), IsEmpty()) << name;
  }
  EXPECT_THAT(Suggested(NameKind::kDtype, "fp8"), ElementsAre("fp8_e4m3", "fp8_e5m2"));
  EXPECT_THAT(Suggested(NameKind::kDtype, "fp4_e2m1"), ElementsAre("fp4"));
  EXPECT_THAT(Suggested(NameKind::kDtype, "float8_e4m3fn"), ElementsAre("fp8_e4m3"));
  EXPECT_THAT(Suggested(NameKind::kDtype, "torch.bfloat16"), ElementsAre("bfloat16"));
  EXPECT_THAT(Suggested(NameKind::kDtype, "int5"), IsEmpty());
}

TEST(NameResolverTest, ShortNamesKeepTheirDigits) {
  for (const NameKind kind : {NameKind::kScheme, NameKind::kTemplate}) {
    EXPECT_THAT(ResolveName(kind, "q1", {"q2", "q", "2"}).items, IsEmpty());
    EXPECT_THAT(ResolveName(kind, "q", {"q2"}).items, IsEmpty());
    EXPECT_EQ(ResolveName(kind, "q1", {"p1"}).items.size(), 1u);
    EXPECT_EQ(ResolveName(kind, "Q-1", {"q1"}).items.size(), 1u);
  }
}

TEST(NameResolverTest, OtherLayerTypesStayAsTheyAre) {
  for (const char* type : {"LayerNorm", "RMSNorm", "Conv1D", "Conv1d", "Conv3d"}) {
    EXPECT_THAT(Suggested(NameKind::kLayerType, type), IsEmpty()) << type;
    EXPECT_THAT(Note(NameKind::kLayerType, type), HasSubstr("Quark does not quantize layers of this type")) << type;
  }
  EXPECT_THAT(Note(NameKind::kLayerType, "Embedding"), HasSubstr("only if an override by name (`layer_config`)"));
  EXPECT_THAT(Suggested(NameKind::kLayerType, "torch.nn.Linear"), ElementsAre("Linear"));
  EXPECT_THAT(Suggested(NameKind::kLayerType, "linear"), ElementsAre("Linear"));
  EXPECT_THAT(Suggested(NameKind::kLayerType, "Liner"), ElementsAre("Linear"));
}

TEST(NameResolverTest, ReleasesAreNamed) {
  const auto text = [](absl::string_view name) { return Text(NameKind::kCatalog, name); };
  EXPECT_EQ(text("quark-0.12"), "; did you mean quark-0.12.post1?");
  EXPECT_EQ(text("quark-0.9"), "; did you mean quark-0.12.post1 (the oldest release on this server)?");
  EXPECT_EQ(text("quark-0.14"), "; did you mean quark-0.13 (the newest release on this server)?");
  EXPECT_EQ(text("quark-1.0"), "; did you mean quark-0.13 (the newest release on this server)?");
  EXPECT_EQ(text("quark-0.12.1"), "; did you mean quark-0.12.post1 (the nearest release on this server)?");
  EXPECT_EQ(text("latest"), "; did you mean quark-0.13 (the newest release on this server)?");
  for (const char* name : {"0.13", "quark_0.13", "Quark-0.13.0", "amd-quark==0.13", "v0.13", "qurak-0.13"}) {
    EXPECT_EQ(text(name), "; did you mean quark-0.13?") << name;
    EXPECT_EQ(Resolve(NameKind::kCatalog, name).items[0].reason.kind(), v1::SUGGESTION_KIND_SPELLING) << name;
  }
  EXPECT_EQ(Resolve(NameKind::kCatalog, "quark-0.9").items[0].reason.kind(), v1::SUGGESTION_KIND_OTHER_RELEASE);
  EXPECT_EQ(text("llama"), "");
}

// The numbers with their kinds that a text states, as a reader sees them: "int 4", "fp 8", "e4m3". Independent of
// core/names/number_formats.
std::multiset<std::string> Stated(const std::string& text) {
  static const std::regex kFormat("(uint|int|bfp|bfloat|bf|float|fp|mx)_?([0-9]+)|e[0-9]m[0-9]");
  std::multiset<std::string> stated;
  const std::string lower = absl::AsciiStrToLower(text);
  for (auto it = std::sregex_iterator(lower.begin(), lower.end(), kFormat); it != std::sregex_iterator(); ++it) {
    std::string kind = (*it)[1];
    if (kind == "float") kind = "fp";
    if (kind == "bfloat") kind = "bf";
    stated.insert(kind.empty() ? it->str() : absl::StrCat(kind, " ", (*it)[2].str()));
  }
  return stated;
}

std::vector<std::string> OneEditFrom(const std::string& name) {
  constexpr absl::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  std::set<std::string> edited;
  for (size_t i = 0; i <= name.size(); ++i) {
    const std::string before = name.substr(0, i);
    for (const char c : kLetters) edited.insert(before + c + name.substr(i));
    if (i == name.size()) break;
    edited.insert(before + name.substr(i + 1));
    for (const char c : kLetters) edited.insert(before + c + name.substr(i + 1));
    if (i + 1 < name.size()) edited.insert(before + name[i + 1] + name[i] + name.substr(i + 2));
  }
  return {edited.begin(), edited.end()};
}

// No suggestion for a misspelled name has a number format that differs from what the misspelled name states.
void ExpectKept(const std::string& given, const NameResolution& resolution) {
  const std::multiset<std::string> stated = Stated(given);
  for (const NameResolution::Item& item : resolution.items) {
    const std::multiset<std::string> offered = Stated(item.name);
    for (const std::string& format : stated) {
      const bool kept =
          std::any_of(offered.begin(), offered.end(), [&](const std::string& other) { return other == format; });
      EXPECT_TRUE(kept) << given << " states " << format << ", but the suggestion is " << item.name;
    }
  }
}

TEST(NameResolverTest, NoEditOfASchemeChangesItsNumbers) {
  for (const auto& catalog : Builtin()) {
    const auto names = NamesIn(*catalog, NameKind::kScheme);
    for (const absl::string_view name : names) {
      for (const std::string& edited : OneEditFrom(std::string(name))) {
        if (std::find(names.begin(), names.end(), edited) != names.end()) continue;
        ExpectKept(edited, ResolveName(NameKind::kScheme, edited, names));
      }
    }
  }
}

TEST(NameResolverTest, NoEditOfADtypeChangesItsNumbers) {
  for (const auto& catalog : Builtin()) {
    const auto names = NamesIn(*catalog, NameKind::kDtype);
    for (const absl::string_view name : names) {
      for (const std::string& edited : OneEditFrom(std::string(name))) {
        if (std::find(names.begin(), names.end(), edited) != names.end()) continue;
        ExpectKept(edited, ResolveName(NameKind::kDtype, edited, names));
      }
    }
  }
}

TEST(NameResolverTest, MostMisspelledSchemesLeadToTheScheme) {
  size_t edits = 0, found = 0;
  const auto names = NamesIn(*Builtin().front(), NameKind::kScheme);
  for (const absl::string_view name : names) {
    const std::string text(name);
    for (size_t i = 0; i < text.size(); ++i) {
      if (!absl::ascii_isalpha(static_cast<unsigned char>(text[i])) || text.size() < 4) continue;
      const std::string edited = text.substr(0, i) + text.substr(i + 1);  // a missing letter
      if (std::find(names.begin(), names.end(), edited) != names.end()) continue;
      const auto items = ResolveName(NameKind::kScheme, edited, names).items;
      ++edits;
      found += std::any_of(items.begin(), items.end(), [&](const auto& item) { return item.name == name; }) ? 1 : 0;
    }
  }
  EXPECT_GT(found * 10, edits * 9) << found << " of " << edits;
}

// What the tensors of a scheme state, in the form of Stated().
std::multiset<std::string> StatedBy(const v1::Scheme& scheme) {
  std::multiset<std::string> stated;
  const auto& config = scheme.config();
  for (const auto* stages : {&config.weight(), &config.input_tensors()}) {
    for (const v1::QTensorConfig& stage : *stages) {
      for (const std::string& format : Stated(QuarkName(stage.dtype()))) stated.insert(format);
      if (stage.dtype() == v1::DTYPE_FP4) stated.insert("e2m1");
    }
  }
  if (config.input_tensors().empty()) stated.insert({"bf 16", "fp 16"});
  return stated;
}

// The bits of the last stage, which is the one that is stored.
std::string BitsOf(const google::protobuf::RepeatedPtrField<v1::QTensorConfig>& stages) {
  if (stages.empty()) return "16";
  const std::string dtype = QuarkName(stages[0].dtype() == v1::DTYPE_FP4 ? v1::DTYPE_FP4 : stages.rbegin()->dtype());
  std::smatch digits;
  return std::regex_search(dtype, digits, std::regex("[0-9]+")) ? digits.str() : dtype;
}

TEST(NameResolverTest, NamesOfOtherToolsKeepTheirNumbers) {
  static const std::regex kWidths("w([0-9]+)a(?:fp)?([0-9]+)");
  size_t checked = 0;
  for (const OtherName& line : BuiltinKnownNames().other_names().at("scheme")) {
    for (const std::string& name : line.names) {
      ++checked;
      const std::string lower = absl::AsciiStrToLower(name);
      for (const std::string& meaning : line.means) {
        const v1::Scheme& scheme = *Builtin().back()->FindScheme(meaning);
        const std::multiset<std::string> offered = StatedBy(scheme);
        for (const std::string& format : Stated(name)) {
          EXPECT_TRUE(offered.count(format) > 0) << name << " states " << format << ", but means " << meaning;
        }
        std::smatch widths;  // "w4a16" states 4 bits for weights and 16 bits for activations
        if (!std::regex_search(lower, widths, kWidths)) continue;
        EXPECT_EQ(widths[1].str(), BitsOf(scheme.config().weight())) << name << " means " << meaning;
        EXPECT_EQ(widths[2].str(), BitsOf(scheme.config().input_tensors())) << name << " means " << meaning;
      }
    }
  }
  EXPECT_GE(checked, 150u);
}

TEST(NameResolverTest, HostileNamesAreBounded) {
  const auto names = NamesIn(*Builtin().front(), NameKind::kScheme);
  std::string emoji, combining, words;
  for (int i = 0; i < 128; ++i) emoji.append("😀");
  for (int i = 0; i < 500; ++i) combining.append("e\u0301");
  for (int i = 0; i < 5000; ++i) words.append("int4_");
  for (const std::string& name : {emoji, combining, words, std::string(1 << 20, 'a'), std::string("\xff\xfe\x00x", 4),
                                  std::string("____"), std::string()}) {
    for (const NameKind kind : {NameKind::kScheme, NameKind::kTemplate, NameKind::kCatalog, NameKind::kOther}) {
      EXPECT_THAT(ResolveName(kind, name, names).items, IsEmpty()) << name.size();
    }
  }
}

}  // namespace
}  // namespace qconfig
