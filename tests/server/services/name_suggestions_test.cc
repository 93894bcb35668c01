// SPDX-License-Identifier: Apache-2.0
//
// What users typed, and what the errors say about it, over a real port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/builtin_catalogs.h"
#include "core/error.h"
#include "core/tensor_rules.h"
#include "qconfig/call_status.h"
#include "qconfig/error.h"
#include "server/registry/storage/memory_store.h"
#include "server/rpc/wire_status.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

class NameSuggestionsTest : public testing::Test {
 protected:
  // The error of GetConfig for `spec`, and other fields of the request.
  v1::ItemError ErrorOf(const std::string& spec, const std::string& fields = "") {
    const auto request = Proto<v1::GetConfigRequest>(absl::StrCat("spec { ", spec, " } ", fields));
    const auto response = server_.client().GetConfig(request);
    EXPECT_FALSE(response.ok()) << spec;
    return client::ErrorOf(response.status());
  }
  // The suggestions and the message for a scheme, a model type, or an algorithm.
  std::string ForScheme(const std::string& name) {
    return Shown(ErrorOf(absl::StrCat("model_type: 'llama' scheme: '", name, "'")));
  }
  std::string ForTemplate(const std::string& name) {
    return Shown(ErrorOf(absl::StrCat("model_type: '", name, "' scheme: 'fp8'")));
  }
  static std::string Shown(const v1::ItemError& error) {
    EXPECT_EQ(error.detail().suggestions_size(), error.detail().suggestion_reasons_size());
    return absl::StrCat(absl::StrJoin(error.detail().suggestions(), " "), " | ", error.message());
  }
  void Register(const std::string& name) {
    v1::RegisterSchemeRequest request;
    request.mutable_scheme()->set_name(name);
    request.mutable_scheme()->mutable_config();
    ASSERT_TRUE(server_.client().RegisterScheme(request).ok());
  }
  void Unregister(const std::string& name) {
    v1::UnregisterSchemeRequest request;
    request.set_name(name);
    ASSERT_TRUE(server_.client().UnregisterScheme(request).ok());
  }

  TestServer server_;
};

TEST_F(NameSuggestionsTest, ModelTypesOfOtherCatalogs) {
  for (const char* name : {"qwen3_5", "lfm2"}) {
    const v1::ItemError error = ErrorOf(absl::StrCat("model_type: '", name, "' scheme: 'fp8'"));
    ASSERT_EQ(error.detail().suggestions_size(), 1) << name;
    EXPECT_EQ(error.detail().suggestions(0), name);
    EXPECT_EQ(error.detail().suggestion_reasons(0).kind(), v1::SUGGESTION_KIND_OTHER_CATALOG);
    EXPECT_EQ(error.detail().suggestion_reasons(0).catalog(), "quark-0.13");
    EXPECT_THAT(error.message(),
                HasSubstr(absl::StrCat("\"", name, "\"; quark-0.13 on this server has it. Allowed: ")));
    const auto request =
        Proto<v1::GetConfigRequest>(absl::StrCat("spec { model_type: '", name, "' scheme: 'fp8' } catalog: '",
                                                 error.detail().suggestion_reasons(0).catalog(), "'"));
    EXPECT_TRUE(server_.client().GetConfig(request).ok()) << "the suggestion works";
  }
}

TEST_F(NameSuggestionsTest, ModelTypesOfHuggingFace) {
  EXPECT_THAT(ForTemplate("llama4_text"), HasSubstr("llama4 | "));
  EXPECT_THAT(ForTemplate("qwen3_vl"), HasSubstr("qwen3 qwen3_vl_moe | "));
  EXPECT_THAT(ForTemplate("glm4"), HasSubstr("glm4_moe glm4_moe_lite | "));
  EXPECT_THAT(ForTemplate("granite"), HasSubstr("llama granitemoehybrid | "));
  EXPECT_THAT(ForTemplate("grok"), HasSubstr("grok-1 | "));
  EXPECT_THAT(ForTemplate("phimoe"), HasSubstr("mixtral | "));
  EXPECT_THAT(ForTemplate("qwen2_5_vl"), HasSubstr("qwen2 | "));
  EXPECT_THAT(ForTemplate("DeepseekV3ForCausalLM"), HasSubstr("deepseek_v3 | "));
  EXPECT_THAT(ForTemplate("LlamaForCausalLM"), HasSubstr("llama | "));
  EXPECT_THAT(ForTemplate("meta-llama/Llama-3.1-8B-Instruct"), HasSubstr("llama | "));
  for (const char* name : {"zzzz", "granite"}) {
    EXPECT_THAT(ForTemplate(name), HasSubstr("`model_type` in the model's config.json")) << name;
    EXPECT_THAT(ForTemplate(name), HasSubstr("ListTemplates")) << name;
    EXPECT_THAT(ForTemplate(name), HasSubstr("RegisterTemplate")) << name;
  }
}

// Real model types of which no release has a template.
TEST_F(NameSuggestionsTest, ModelTypesWithoutATemplate) {
  for (const char* name : {"llava", "llava_next", "internvl_chat", "phi3_v", "paligemma", "idefics3", "whisper", "t5",
                           "bert", "mamba2", "llava-hf/llava-1.5-7b-hf", "OpenGVLab/InternVL2-8B",
                           "LlavaForConditionalGeneration", "microsoft/Phi-3.5-vision-instruct"}) {
    const v1::ItemError error = ErrorOf(absl::StrCat("model_type: '", name, "' scheme: 'fp8'"));
    EXPECT_THAT(error.detail().suggestions(), testing::IsEmpty()) << name;
    EXPECT_THAT(error.message(), HasSubstr("No catalogue has a template for ")) << name;
    EXPECT_THAT(error.message(), HasSubstr("RegisterTemplate")) << name;
  }
}

// Schemes that Quark does not have: the error says how to make one. scheme_recipes_test.cc follows all of them.
TEST_F(NameSuggestionsTest, SchemesToMake) {
  struct Case {
    std::string name, like, edit, makes;
  };
  const std::string remove_inputs = "remove input_tensors";
  const std::string to_int8 = "set dtype of weight to DTYPE_INT8";
  const std::string nvfp4 = "weight: fp4 per_group 16 float32 + fp8_e4m3 per_tensor";
  const std::vector<Case> cases = {
      {"NVFP4A16", "nvfp4", remove_inputs, nvfp4},
      {"nvfp4_weight_only", "nvfp4", remove_inputs, nvfp4},
      {"W8A16", "int4_wo_128", to_int8, "weight: int8 per_group 128"},
      {"w_int8_per_tensor_sym", "int8", remove_inputs, "weight: int8 per_tensor"},
      {"INT8_WEIGHT_ONLY_CFG", "int4_wo_per_channel", to_int8, "weight: int8 per_channel"},
      {"Float8WeightOnlyConfig", "ptpc_fp8", remove_inputs, "weight: fp8_e4m3 per_channel"}};
  for (const Case& known : cases) {
    const v1::ItemError error = ErrorOf(absl::StrCat("model_type: 'llama' scheme: '", known.name, "'"));
    EXPECT_THAT(error.detail().suggestions(), testing::IsEmpty()) << known.name;
    EXPECT_THAT(error.detail().advice(),
                HasSubstr(absl::StrCat("To make one (", known.makes, "), save ", known.like,
                                       " (GetScheme; `qconfigctl describe scheme ", known.like, " -o json > FILE`), ",
                                       known.edit, ", change its name, and register it")))
        << known.name;
    v1::GetSchemeRequest get;
    get.set_name(known.like);
    const auto scheme = server_.client().GetScheme(get);
    ASSERT_TRUE(scheme.ok()) << scheme.status();
    v1::RegisterSchemeRequest request;
    *request.mutable_scheme() = scheme->scheme();
    request.mutable_scheme()->set_name(absl::StrCat("my_", absl::AsciiStrToLower(known.name)));
    v1::QLayerConfig& config = *request.mutable_scheme()->mutable_config();
    if (absl::StrContains(known.edit, to_int8)) config.mutable_weight(0)->set_dtype(v1::DTYPE_INT8);
    if (absl::StrContains(known.edit, remove_inputs)) config.clear_input_tensors();
    const auto registered = server_.client().RegisterScheme(request);
    EXPECT_TRUE(registered.ok()) << registered.status();
  }
  // Quark cannot compute the scales of blocks.
  EXPECT_THAT(ForScheme("FP8_BLOCK"), HasSubstr("Quark cannot compute their scales"));
  EXPECT_THAT(ForScheme("FP8_BLOCK"), Not(HasSubstr("To make one")));
  EXPECT_THAT(ForScheme("w4a16_mxfp4"), HasSubstr("mxfp4_weight_only | "));
}

TEST_F(NameSuggestionsTest, FormerNamesOfSchemes) {
  EXPECT_THAT(ForScheme("w_uint4_per_group_asym"), HasSubstr("uint4_wo_128 uint4_wo_64 uint4_wo_32 | "));
  EXPECT_THAT(ForScheme("w_fp8_a_fp8"), HasSubstr("did you mean fp8 (its present name in Quark)?"));
  EXPECT_THAT(ForScheme("w_int8_a_int8_per_tensor_sym"), HasSubstr("int8 | "));
}

TEST_F(NameSuggestionsTest, NamesOfOtherTools) {
  EXPECT_THAT(ForScheme("W4A16"), HasSubstr("did you mean int4_wo_128 (the same as llm-compressor's W4A16)?"));
  EXPECT_THAT(ForScheme("FP8_DYNAMIC"), HasSubstr("ptpc_fp8 | "));
  EXPECT_THAT(ForScheme("w8a8"), HasSubstr("int8 (the nearest to llm-compressor's W8A8: "));
  EXPECT_THAT(ForScheme("NVFP4A16"), HasSubstr("nvfp4 also quantizes inputs to 4 bits"));
  EXPECT_THAT(ForScheme("int4_wo"), HasSubstr("int4_wo_128 int4_wo_64 int4_wo_32 | "));
  EXPECT_THAT(ForScheme("uint4"), HasSubstr("uint4_wo_128 uint4_wo_64 uint4_wo_32 | "));
  EXPECT_THAT(ForScheme("ptpc"), HasSubstr("ptpc_fp8 | "));
  const v1::ItemError error = ErrorOf("model_type: 'llama' scheme: 'W4A16'");
  EXPECT_EQ(error.detail().suggestion_reasons(0).source(), "llm-compressor");
  EXPECT_EQ(error.detail().suggestion_reasons(0).text(), "the same as llm-compressor's W4A16");
}

TEST_F(NameSuggestionsTest, SuggestionsKeepTheMeaning) {
  EXPECT_THAT(ForScheme("int4"), HasSubstr("int4_wo_128 int4_wo_64 int4_wo_32 | "));
  EXPECT_THAT(ForScheme("mxfp6"), HasSubstr("mxfp6_e3m2 mxfp6_e2m3 | "));
  for (const char* name : {"mxfp8", "bf16", "fp16", "none", "fp9"}) {
    EXPECT_EQ(ForScheme(name).substr(0, 3), " | ") << name << " has suggestions";
    EXPECT_THAT(ForScheme(name), HasSubstr("ListSchemes (`qconfigctl list schemes`) lists all schemes")) << name;
  }
  for (const char* spec : {"scheme: 'bf16'", "scheme: 'fp8' layer_config { pattern: '*' scheme: 'bf16' }",
                           "scheme: 'fp8' layer_type_config { layer_type: 'Linear' scheme: 'float16' }"}) {
    const v1::ItemError error = ErrorOf(absl::StrCat("model_type: 'llama' ", spec));
    EXPECT_TRUE(error.detail().suggestions().empty());
    EXPECT_THAT(error.detail().advice(),
                HasSubstr("exclude it (`exclude_layers`; `qconfigctl get-config --exclude PATTERN`)"));
    EXPECT_THAT(error.message(), HasSubstr(error.detail().advice()));
  }
}

TEST_F(NameSuggestionsTest, ReleasesAreNamed) {
  const auto message = [this](const std::string& catalog) {
    return Shown(ErrorOf("model_type: 'llama' scheme: 'fp8'", absl::StrCat("catalog: '", catalog, "'")));
  };
  EXPECT_THAT(message("quark-0.12"), HasSubstr("did you mean quark-0.12.post1? Allowed:"));
  EXPECT_THAT(message("quark-0.9"), HasSubstr("did you mean quark-0.12.post1 (the oldest release on this server)?"));
}

TEST_F(NameSuggestionsTest, MissingAlgorithmConfiguration) {
  const v1::ItemError error = ErrorOf("model_type: 'qwen3' scheme: 'int4_wo_128' algorithm: 'awq'");
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_ALGORITHM_CONFIG_MISSING);
  EXPECT_THAT(
      error.detail().advice(),
      HasSubstr("Supply one in `spec.algo_configs` (`qconfigctl get-config --algo-config '{\"awq\": {...}}'`)"));
  EXPECT_THAT(error.detail().advice(), HasSubstr("that of the template qwen2, which GetTemplate"));
  const v1::ItemError listed = ErrorOf("model_type: 'qwen2_moe' scheme: 'int4_wo_128' algorithm: 'gptq'");
  EXPECT_THAT(listed.detail().allowed(), testing::ElementsAre("awq"));
  EXPECT_THAT(listed.message(), HasSubstr("; allowed: awq. Supply one"));
  EXPECT_THAT(Shown(ErrorOf("model_type: 'llama' scheme: 'fp8' algorithm: 'autoround'")),
              HasSubstr("quark-0.13 on this server has it"));
}

TEST_F(NameSuggestionsTest, WarningNamesTheHiddenCatalogs) {
  v1::RegisterTemplateRequest request;
  request.mutable_llm_template()->set_model_type("qwen3_5");
  const auto registered = server_.client().RegisterTemplate(request);
  ASSERT_TRUE(registered.ok()) << registered.status();
  ASSERT_EQ(registered->warnings_size(), 1);
  EXPECT_EQ(registered->warnings(0).message(), "hides the template of the same model type in quark-0.13");
}

TEST_F(NameSuggestionsTest, DataTypesInARegisteredScheme) {
  v1::RegisterSchemeRequest request;
  request.mutable_scheme()->set_name("mine");
  auto& preset = *request.mutable_scheme()->mutable_spec()->mutable_weight()->mutable_preset();
  preset.set_spec("Int4PerGroupSpce");
  const v1::ItemError error = client::ErrorOf(server_.client().RegisterScheme(request).status());
  EXPECT_THAT(error.detail().suggestions(), testing::ElementsAre("Int4PerGroupSpec"));
}

TEST_F(NameSuggestionsTest, RemovedEntriesAreNamedWithTheirRevision) {
  Register("mine");    // revision 2
  Register("other");   // revision 3
  Unregister("mine");  // revision 4
  const v1::ItemError error = ErrorOf("model_type: 'llama' scheme: 'mine'");
  ASSERT_EQ(error.detail().suggestions_size(), 1);
  EXPECT_EQ(error.detail().suggestions(0), "mine");
  EXPECT_EQ(error.detail().suggestion_reasons(0).kind(), v1::SUGGESTION_KIND_REMOVED);
  EXPECT_EQ(error.detail().suggestion_reasons(0).revision(), 3);
  EXPECT_THAT(error.message(), HasSubstr("no scheme has this name; it was removed after revision 3: \"mine\""));
  EXPECT_THAT(error.detail().advice(), HasSubstr("Register it again, or set `revision` to 3"));
  v1::GetSchemeRequest get;
  get.set_name("mine");
  EXPECT_THAT(Shown(client::ErrorOf(server_.client().GetScheme(get).status())), HasSubstr("removed after revision 3"));
  get.set_revision(3);
  EXPECT_TRUE(server_.client().GetScheme(get).ok()) << "the suggestion works";
  EXPECT_THAT(ForScheme("never"), Not(HasSubstr("removed at")));
  EXPECT_THAT(Shown(ErrorOf("model_type: 'llama' scheme: 'mine'", "tenant: 'b'")), Not(HasSubstr("removed at")))
      << "another tenant's history";
}

TEST_F(NameSuggestionsTest, BatchSearchesHistoryForTheFirstErrorsOnly) {
  Register("mine");
  Unregister("mine");
  v1::BatchGetConfigRequest batch;
  for (int i = 0; i < 24; ++i) {
    v1::ConfigSpec& spec = *batch.add_requests()->mutable_spec();
    spec.set_model_type("llama");
    spec.set_scheme(i < 12 ? "fp8" : "mine");
    if (i < 12) spec.add_algorithm("unknown");  // errors of other kinds do not count
  }
  const auto response = server_.client().BatchGetConfig(batch);
  ASSERT_TRUE(response.ok()) << response.status();
  int found = 0;
  for (const auto& result : response->results()) {
    found += absl::StrContains(result.error().message(), "removed after") ? 1 : 0;
  }
  EXPECT_EQ(found, 10);
}

// The observers of three tensors are unknown. All that fit are reported.
TEST(LongValuesTest, CombinedErrorsFitIntoAStatus) {
  const auto catalogs = LoadBuiltinCatalogs();
  ASSERT_TRUE(catalogs.ok());
  for (const std::string character : {"x", "%", "\u4e16", "\U0001F600"}) {
    std::string observer;
    for (int i = 0; i < 128; ++i) observer += character;
    auto tensor = Proto<v1::QTensorConfig>(
        "dtype: DTYPE_INT8 qscheme: Q_SCHEME_TYPE_PER_TENSOR is_dynamic: false symmetric: true round_method: "
        "ROUND_TYPE_HALF_EVEN scale_type: SCALE_TYPE_FLOAT");
    tensor.set_observer_cls(observer);
    v1::QLayerConfig layer;
    for (auto* stages : {layer.mutable_weight(), layer.mutable_bias(), layer.mutable_input_tensors()}) {
      *stages->Add() = tensor;
    }
    const absl::Status status = CheckLayer(*catalogs->front(), layer, "scheme.config");
    const int reported = ItemErrorOf(status).field_violations_size();
    EXPECT_GE(reported, character.size() == 4 ? 2 : 3) << character;
    const grpc::Status sent = ToGrpcStatus(status);
    EXPECT_LE(ErrorBytesOnWire(sent), kMaxErrorBytes) << character;
    const v1::ItemError received = client::ErrorOf(client::ToAbslStatus(sent));
    EXPECT_EQ(received.message(), ItemErrorOf(status).message());
    ASSERT_EQ(received.field_violations_size(), reported) << character;
    for (const v1::FieldViolation& violation : received.field_violations()) {
      EXPECT_THAT(violation.description(), HasSubstr("unknown observer")) << character;
    }
  }
}

TEST(NameSuggestionsFaultTest, ErrorDoesNotDependOnTheStore) {
  TestSettings settings;
  auto store = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits{}));
  FaultInjectingStore& faults = *store;
  settings.store = std::move(store);
  TestServer server(std::move(settings));
  v1::RegisterSchemeRequest request;
  request.mutable_scheme()->set_name("mine");
  request.mutable_scheme()->mutable_config();
  ASSERT_TRUE(server.client().RegisterScheme(request).ok());
  faults.FailReads(absl::UnavailableError("disk"));
  const auto failed =
      server.client().GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'x1' }"));
  EXPECT_EQ(ReceivedReasonAndField(failed.status()), "SCHEME_NOT_FOUND at spec.scheme");
}

}  // namespace
}  // namespace qconfig
