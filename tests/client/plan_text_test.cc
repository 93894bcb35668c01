// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/plan_text.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "qconfigctl/plan_groups.h"

namespace qconfig::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A request and a response that are made by hand.
class PlanTextTest : public ::testing::Test {
 protected:
  PlanTextTest() {
    request_.mutable_spec()->set_model_type("llama");
    request_.mutable_spec()->set_scheme("int4_wo_128");
    AddConfig("weight { dtype: DTYPE_INT4 qscheme: Q_SCHEME_TYPE_PER_GROUP group_size: 128 }");
    AddConfig("weight { dtype: DTYPE_FP8_E4M3 qscheme: Q_SCHEME_TYPE_PER_TENSOR }");
    AddConfig(
        "weight { dtype: DTYPE_INT4 qscheme: Q_SCHEME_TYPE_PER_GROUP group_size: 128 } "
        "output_tensors { dtype: DTYPE_FP8_E4M3 qscheme: Q_SCHEME_TYPE_PER_TENSOR }");
    AddRule("kind: LAYER_RULE_KIND_GLOBAL");
    AddRule("kind: LAYER_RULE_KIND_EXCLUDED pattern: 'lm_head' field: 'template.exclude_layers_name[0]'");
    AddRule("kind: LAYER_RULE_KIND_OVERRIDE pattern: '*down_proj' field: 'spec.layer_config[0].pattern'");
    AddRule("kind: LAYER_RULE_KIND_KV_CACHE pattern: '*k_proj' field: 'template.kv_layers_name[0]'");
    AddRule("kind: LAYER_RULE_KIND_NOT_QUANTIZABLE");
    AddRule("kind: LAYER_RULE_KIND_LAYER_TYPE pattern: 'Conv2d' field: 'spec.layer_type_config[0].layer_type'");
  }

  void AddConfig(const std::string& text) {
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, response_.add_configs()));
  }
  void AddRule(const std::string& text) {
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, response_.add_rules()));
  }
  void AddModules(const std::string& name, int count, uint32_t config, uint32_t rule) {
    request_.add_modules()->set_name(name);
    AddResults(count, config, rule);
  }
  void AddResults(int count, uint32_t config, uint32_t rule) {
    for (int i = 0; i < count; ++i) {
      response_.add_config_of_module(config);
      response_.add_rule_of_module(rule);
    }
  }

  std::vector<std::string> Groups() const {
    EXPECT_TRUE(CheckPlan(request_, response_).ok());
    std::vector<std::string> groups;
    for (const PlanGroup& group : GroupModules(request_, response_)) {
      groups.push_back(absl::StrCat(group.name, " ", group.modules, " ", group.config, " ", group.rule));
    }
    return groups;
  }

  v1::PlanLayersRequest request_;
  v1::PlanLayersResponse response_;
};

TEST_F(PlanTextTest, JoinsEqualLayersAndSiblings) {
  for (const char* name : {"q_proj", "k_proj", "v_proj"}) {
    AddModules(absl::StrCat("model.layers.{0..3}.self_attn.", name), 4, 1, 0);
  }
  AddModules("model.layers.{0..3}.mlp.up_proj", 4, 1, 0);
  AddModules("lm_head", 1, 0, 1);
  EXPECT_THAT(Groups(), ElementsAre("model.layers.{0..3}.self_attn.* 12 1 0", "model.layers.{0..3}.mlp.up_proj 4 1 0",
                                    "lm_head 1 0 1"));
}

TEST_F(PlanTextTest, JoinsModulesOfSeveralMessages) {
  AddModules("model.layers.0.mlp.up_proj", 1, 1, 0);
  AddModules("model.layers.{1..2}.mlp.up_proj", 2, 1, 0);
  AddModules("model.layers.3.mlp.up_proj", 1, 1, 0);
  EXPECT_THAT(Groups(), ElementsAre("model.layers.{0..3}.mlp.up_proj 4 1 0"));
}

TEST_F(PlanTextTest, StarCoversEverythingBelowTheParent) {
  AddModules("a.{0..1}.mlp.up_proj", 2, 1, 0);
  AddModules("a.{0..1}.mlp.gate_proj", 2, 1, 0);
  AddModules("a.{0..1}.mlp.down_proj", 2, 2, 2);
  EXPECT_THAT(Groups(), ElementsAre("a.{0..1}.mlp.{up_proj,gate_proj} 4 1 0", "a.{0..1}.mlp.down_proj 2 2 2"));
}

TEST_F(PlanTextTest, NoStarAboveDeeperModules) {
  AddModules("a.{0..1}.mlp.gate", 2, 1, 0);
  AddModules("a.{0..1}.mlp.shared_gate", 2, 1, 0);
  AddModules("a.{0..1}.mlp.experts.{0..7}.up_proj", 16, 1, 0);
  AddModules("a.{0..1}.mlp.experts.{0..7}.down_proj", 16, 1, 0);
  EXPECT_THAT(Groups(), ElementsAre("a.{0..1}.mlp.{gate,shared_gate} 4 1 0", "a.{0..1}.mlp.experts.{0..7}.* 32 1 0"));
}

TEST_F(PlanTextTest, OneDifferentExpertSplitsTheRange) {
  request_.add_modules()->set_name("a.{0..1}.experts.{0..3}.w");
  AddResults(6, 1, 0);
  AddResults(1, 2, 2);
  AddResults(1, 1, 0);
  EXPECT_THAT(Groups(), ElementsAre("a.0.experts.{0..3}.w 4 1 0", "a.1.experts.{0..1}.w 2 1 0", "a.1.experts.3.w 1 1 0",
                                    "a.1.experts.2.w 1 2 2"));
}

TEST_F(PlanTextTest, ModulesThatAreNumbersAreNotSiblings) {
  AddModules("experts.{0..3}", 4, 1, 0);
  AddModules("experts.router", 1, 1, 0);
  EXPECT_THAT(Groups(), ElementsAre("experts.{0..3} 4 1 0", "experts.router 1 1 0"));
}

TEST_F(PlanTextTest, ResponseMustFitTheRequest) {
  AddModules("a.{0..3}", 3, 1, 0);
  EXPECT_EQ(PlanText(request_, response_).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(PlanHtml(request_, response_).status().code(), absl::StatusCode::kInternal);
  AddResults(1, 4, 0);  // there are 3 configurations
  EXPECT_EQ(PlanText(request_, response_).status().code(), absl::StatusCode::kInternal);
  response_.set_config_of_module(3, 3);
  EXPECT_TRUE(PlanText(request_, response_).ok());
  response_.set_rule_of_module(3, 6);  // there are 6 rules
  EXPECT_EQ(PlanText(request_, response_).status().code(), absl::StatusCode::kInternal);
}

TEST_F(PlanTextTest, NamesConfigurationsAfterTheSchemesOfTheRequest) {
  v1::LayerConfigEntry& entry = *request_.mutable_spec()->add_layer_config();
  entry.set_pattern("*down_proj");
  entry.set_scheme("fp8");
  AddModules("a", 1, 1, 0);
  AddModules("b", 1, 2, 2);
  AddModules("c", 1, 3, 3);
  EXPECT_THAT(ConfigNames(request_, response_),
              ElementsAre("int4_wo_128", "fp8", "int4_wo_128 with output fp8_e4m3 per_tensor"));
}

TEST_F(PlanTextTest, NamesConfigurationsOfLayerTypes) {
  v1::LayerTypeConfigEntry& entry = *request_.mutable_spec()->add_layer_type_config();
  entry.set_layer_type("Conv2d");
  entry.set_scheme("fp8");
  AddModules("a", 1, 2, 5);
  EXPECT_EQ(ConfigNames(request_, response_)[1], "fp8");
}

TEST_F(PlanTextTest, AttentionSchemeReplacesTheOutputOfAScheme) {
  request_.mutable_spec()->set_attention_scheme("fp8");
  v1::LayerConfigEntry& entry = *request_.mutable_spec()->add_layer_config();
  entry.set_pattern("*q_proj");
  entry.set_scheme("int4_wo_128");
  AddModules("q_proj", 1, 3, 2);
  EXPECT_EQ(ConfigNames(request_, response_)[2], "int4_wo_128 with output fp8_e4m3 per_tensor");
  request_.mutable_spec()->clear_attention_scheme();  // then the scheme itself has an output
  EXPECT_EQ(ConfigNames(request_, response_)[2], "int4_wo_128");
}

TEST_F(PlanTextTest, DescribesConfigurationsOfNoKnownScheme) {
  AddModules("c", 1, 3, 3);
  EXPECT_EQ(ConfigNames(request_, response_)[2], "int4 per_group 128, output fp8_e4m3 per_tensor");
}

TEST_F(PlanTextTest, ShowsGroupsFindingsAndTotals) {
  AddModules("model.layers.{0..1}.mlp.up_proj", 2, 1, 0);
  request_.mutable_modules(0)->add_shape(8);
  AddModules("lm_head", 1, 0, 1);
  AddModules("embed", 1, 0, 4);
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "code: FINDING_CODE_FUSED_MODULES_DIFFER severity: FINDING_SEVERITY_ERROR message: 'q and k differ' "
      "field: 'spec.layer_config[0]' modules: 'a' modules: 'b' module_count: 5 runtime: 'vllm@0.33.0' fix: '--layer "
      "x=y'",
      response_.add_findings()));
  response_.set_finding_total(3);
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "modules: 4 quantized: 2 weight_bytes_before: 16060000000 weight_bytes_after: 5000000 kv_cache_bits: 8",
      response_.mutable_totals()));
  const auto text = PlanText(request_, response_);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text,
            "MODULES                          COUNT  SCHEME       RULE\n"
            "model.layers.{0..1}.mlp.up_proj  2      int4_wo_128  global\n"
            "lm_head                          1      -            excluded by lm_head (template)\n"
            "embed                            1      -            not quantizable\n"
            "\n"
            "ERROR: vllm@0.33.0: q and k differ (FUSED_MODULES_DIFFER)\n"
            "  field:   spec.layer_config[0] (--layer)\n"
            "  modules: a, b and 3 more\n"
            "  fix:     --layer x=y\n"
            "and 2 more findings\n"
            "\n"
            "quantized:  2 of 4 modules\n"
            "weights:    16.06 GB before, 5.00 MB after (0.0 %), without 2 modules of unknown size\n"
            "KV cache:   8 bits per value\n");
}

TEST_F(PlanTextTest, UnknownSizes) {
  AddModules("a.{0..2}", 3, 1, 0);
  const auto text = PlanText(request_, response_);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text,
              AllOf(HasSubstr("no findings\n"), HasSubstr("weights:    unknown, as for 3 modules of unknown size\n")));
}

TEST_F(PlanTextTest, HtmlHoldsThePlanAsJson) {
  AddModules("a.{0..2}", 3, 1, 0);
  const auto page = PlanHtml(request_, response_);
  ASSERT_TRUE(page.ok()) << page.status();
  const std::string start = "<script type=\"application/json\" id=\"plan\">";
  const size_t begin = page->find(start) + start.size();
  const std::string json = page->substr(begin, page->find("</script>", begin) - begin);
  EXPECT_TRUE(absl::StartsWith(json, "{\"request\":{\"spec\":{\"model_type\":\"llama\""));
  const size_t response = json.find(",\"response\":");
  v1::PlanLayersResponse parsed;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(json.substr(response + 12, json.size() - response - 13), &parsed)
          .ok());
  EXPECT_EQ(parsed.SerializeAsString(), response_.SerializeAsString());
}

TEST_F(PlanTextTest, NamesCannotEndTheScriptOfThePage) {
  AddModules("</script><script>alert(1)//&amp;<!--", 1, 1, 0);
  const auto page = PlanHtml(request_, response_);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(*page, AllOf(HasSubstr("\\u003c/script\\u003e\\u003cscript\\u003ealert(1)//\\u0026amp;"),
                           Not(HasSubstr("alert(1)//&"))));
}

TEST(BytesTextTest, UnitsArePowersOf1000) {
  EXPECT_EQ(BytesText(0), "0.00 kB");
  EXPECT_EQ(BytesText(999'999), "1000.00 kB");
  EXPECT_EQ(BytesText(1'000'000), "1.00 MB");
  EXPECT_EQ(BytesText(1'340'000'000'000), "1340.00 GB");
}

}  // namespace
}  // namespace qconfig::client
