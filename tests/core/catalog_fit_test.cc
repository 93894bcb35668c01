// SPDX-License-Identifier: Apache-2.0
//
// A release can have more or fewer fields of algorithm configurations than the contract, by its data alone.
#include "core/catalog_fit.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/algorithm_config.h"
#include "core/quark_json.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

// The first built-in catalogue without some fields of GPTQ and AutoSmoothQuant.
const Catalog& Older() {
  static const auto* const kCatalog = [] {
    CatalogTexts texts = BuiltinTexts();
    ordered_json vocabulary = ordered_json::parse(texts.vocabulary);
    for (const auto& [algorithm, name] :
         {std::pair("gptq", "damp_percent"), std::pair("autosmoothquant", "compute_scale_loss")}) {
      ordered_json kept = ordered_json::array();
      for (const ordered_json& field : vocabulary["algorithms"][algorithm]) {
        if (field["field"] != name) kept.push_back(field);
      }
      vocabulary["algorithms"][algorithm] = kept;
    }
    texts.vocabulary = vocabulary.dump();
    texts.templates = "{}";
    texts.algorithms = "{}";
    return new std::shared_ptr<const Catalog>(Catalog::Load(texts.files()).value());
  }();
  return **kCatalog;
}

const Catalog& Newer() { return Builtins().catalog(); }

v1::AlgoConfig Complete(const Catalog& catalog, const char* config) {
  return CompleteAlgoConfig(catalog, Proto<v1::AlgoConfig>(config), "c").value();
}

std::string CheckTemplate(const Catalog& catalog, const v1::AlgoConfig& config) {
  v1::LlmTemplate entry;
  entry.set_origin(v1::REGISTRY_ORIGIN_TENANT);
  entry.add_algorithm_configs()->set_algorithm("gptq");
  *entry.mutable_algorithm_configs(0)->mutable_config() = config;
  return std::string(CheckFits(catalog, entry, "m").message());
}

TEST(CatalogFitTest, FieldThatTheReleaseLacksIsRejectedInRequests) {
  const auto set = Proto<v1::AlgoConfig>("gptq { damp_percent: 0 }");
  EXPECT_EQ(ReasonAndField(CompleteAlgoConfig(Newer(), set, "c").status()), "OK");
  const absl::Status status = CompleteAlgoConfig(Older(), set, "c").status();
  EXPECT_EQ(status.message(), "c.gptq.damp_percent: Quark 0.12.post1 has no such field");
  EXPECT_EQ(ReasonAndField(status), "INVALID_ALGORITHM_CONFIG at c.gptq.damp_percent");
}

TEST(CatalogFitTest, FieldThatTheReleaseLacksIsNotCompletedOrWritten) {
  const v1::AlgoConfig config = Complete(Older(), "gptq {}");
  EXPECT_FALSE(config.gptq().has_damp_percent());
  EXPECT_FALSE(ordered_json::parse(QuarkJson(config, Older())).contains("damp_percent"));
  EXPECT_TRUE(ordered_json::parse(QuarkJson(config, Newer())).contains("damp_percent"));
}

TEST(CatalogFitTest, TemplateFitsUnlessItSetsAFieldThatTheReleaseLacks) {
  EXPECT_EQ(CheckTemplate(Newer(), Complete(Newer(), "gptq {}")), "");
  EXPECT_EQ(CheckTemplate(Older(), Complete(Newer(), "gptq { damp_percent: 0 }")), "");
  EXPECT_EQ(CheckTemplate(Older(), Complete(Newer(), "gptq { damp_percent: 0.5 }")),
            "m: the template cannot be used with this catalogue, because it sets gptq.damp_percent, which Quark "
            "0.12.post1 does not have: \"\"");
}

TEST(CatalogFitTest, FittedConfigurationMatchesTheRelease) {
  v1::AlgoConfig config = Complete(Newer(), "gptq { damp_percent: 0 block_size: 7 }");
  FitAlgoConfig(Older(), config);
  EXPECT_EQ(config.ShortDebugString(), Complete(Older(), "gptq { block_size: 7 }").ShortDebugString());
  FitAlgoConfig(Newer(), config);
  EXPECT_EQ(config.ShortDebugString(), Complete(Newer(), "gptq { block_size: 7 }").ShortDebugString());
}

TEST(CatalogFitTest, NoneStaysNone) {
  v1::AlgoConfig config = Complete(Newer(), "autosmoothquant { compute_scale_loss_none: true }");
  const std::string before = config.ShortDebugString();
  FitAlgoConfig(Newer(), config);
  EXPECT_EQ(config.ShortDebugString(), before);
}

TEST(CatalogFitTest, IgnoresInputOnlyFields) {
  EXPECT_TRUE(UnlistedFields(Newer(), Proto<v1::AutoSmoothQuantConfig>("compute_scale_loss_none: true")).empty());
  EXPECT_EQ(UnlistedFields(Older(), Proto<v1::AutoSmoothQuantConfig>("compute_scale_loss: 'MSE'")).size(), 1u);
}

TEST(CatalogFitTest, NestedFieldsHavePaths) {
  const auto unlisted = UnlistedFields(CatalogOfRelease("0.12.post1"),
                                       Proto<v1::RotationConfig>("online_config { use_input_prescale: true }"));
  ASSERT_EQ(unlisted.size(), 1u);
  EXPECT_EQ(unlisted[0].path, "online_config.use_input_prescale");
  EXPECT_FALSE(unlisted[0].is_zero);
}

}  // namespace
}  // namespace qconfig
