// SPDX-License-Identifier: Apache-2.0
//
// What registering makes of entries, whatever transport and store there are; tests/server/registry_service_test.cc has
// the rest.
#include "core/registration.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"
#include "core/get_config.h"
#include "core/snapshot.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

// The registry of a tenant whose default catalogue is the first of `catalogs`.
class Tenant {
 public:
  explicit Tenant(std::vector<std::shared_ptr<const Catalog>> catalogs = LoadBuiltinCatalogs().value())
      : catalogs_(std::move(catalogs)) {}

  std::string Register(const std::string& scheme) { return Apply(PutScheme(Proto<v1::Scheme>(scheme), Context())); }
  std::string RegisterTemplate(const std::string& entry) {
    return Apply(PutTemplate(Proto<v1::LlmTemplate>(entry), "", Context()));
  }
  const RegistryState& registry() const { return *registry_; }

  Snapshot Through(size_t catalog) const { return Snapshot(catalogs_[catalog], registry_); }
  std::string Get(size_t catalog, const std::string& request) const {
    return Told(GetConfig(Through(catalog), Proto<v1::GetConfigRequest>(request)).status());
  }

 private:
  RegistrationContext Context() const { return {catalogs_, *registry_, limits_, {}}; }

  std::string Apply(const absl::StatusOr<v1::RegistryChange>& change) {
    if (!change.ok()) return Told(change.status());
    v1::ChangeRecord record;
    record.set_revision(registry_->revision() + 1);
    *record.add_changes() = *change;
    registry_ = std::make_shared<const RegistryState>(registry_->After(record));
    return "OK";
  }

  std::vector<std::shared_ptr<const Catalog>> catalogs_;
  Limits limits_;
  std::shared_ptr<const RegistryState> registry_ = std::make_shared<const RegistryState>();
};

// In the order of LoadBuiltinCatalogs().
constexpr size_t k0_12 = 0;
constexpr size_t k0_13 = 1;

constexpr char kUint2[] =
    "name: 'later' config { weight { dtype: DTYPE_UINT2 observer_cls: 'PerTensorMinMaxObserver' "
    "qscheme: Q_SCHEME_TYPE_PER_TENSOR } }";

TEST(RegistrationTest, WhatAnyCatalogueTakesIsTakenAndRefusedWhereItDoesNotFit) {
  Tenant tenant;
  ASSERT_EQ(tenant.Register(kUint2), "OK") << "its default catalogue does not know the data type";
  EXPECT_EQ(tenant.Get(k0_13, "model_type: 'llama' scheme: 'later'"), "OK");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'llama' scheme: 'later'"), "NOT_IN_CATALOG at scheme");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*' scheme: 'later' }"),
            "NOT_IN_CATALOG at layer_config[0].scheme");
  EXPECT_EQ(tenant.Get(k0_12,
                       "model_type: 'llama' scheme: 'fp8' layer_type_config { layer_type: 'Linear' scheme: "
                       "'later' }"),
            "NOT_IN_CATALOG at layer_type_config[0].scheme");
}

TEST(RegistrationTest, WhatNoCatalogueTakesIsRefused) {
  Tenant only_0_12({LoadBuiltinCatalogs().value()[k0_12]});
  EXPECT_EQ(only_0_12.Register(kUint2), "INVALID_TENSOR_CONFIG at scheme.config.weight[0].dtype");
}

TEST(RegistrationTest, TemplateWithALaterAlgorithmFitsLaterCataloguesOnly) {
  Tenant tenant;
  ASSERT_EQ(tenant.RegisterTemplate("model_type: 'm' algorithm_configs { algorithm: 'AutoRound' config { autoround {} "
                                    "} }"),
            "OK");
  EXPECT_EQ(tenant.Get(k0_13, "model_type: 'm' scheme: 'fp8' algorithm: 'autoround'"), "OK");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'm' scheme: 'fp8'"), "NOT_IN_CATALOG at model_type");
}

TEST(RegistrationTest, LaterFieldsOfAnAlgorithmTakeTheirDefaultsInLaterReleases) {
  constexpr char kRotation[] =
      "model_type: 'm' algorithm_configs { algorithm: 'rotation' config { rotation { r1: true online_r1_rotation: true "
      "scaling_layers { position: 'p' layers { prev_modules: 'a' next_modules: 'b' } } } } }";
  Tenant tenant;
  ASSERT_EQ(tenant.RegisterTemplate(kRotation), "OK");
  const auto request = Proto<v1::GetConfigRequest>("model_type: 'm' scheme: 'fp8' algorithm: 'rotation'");
  const auto online = [&](size_t catalog) {
    return GetConfig(tenant.Through(catalog), request)->config().algo_config(0).rotation().online_config();
  };
  EXPECT_FALSE(online(k0_12).has_use_input_prescale());
  EXPECT_TRUE(online(k0_13).has_use_input_prescale());

  const auto catalogs = LoadBuiltinCatalogs().value();
  Tenant later({catalogs[k0_13], catalogs[k0_12]});
  ASSERT_EQ(later.RegisterTemplate(kRotation), "OK");
  EXPECT_EQ(GetConfig(later.Through(1), request)->config_digest(),
            GetConfig(tenant.Through(k0_12), request)->config_digest());
  EXPECT_EQ(GetConfig(later.Through(0), request)->config_digest(),
            GetConfig(tenant.Through(k0_13), request)->config_digest());
}

TEST(RegistrationTest, FieldThatAReleaseDoesNotKnowDoesNotFitIt) {
  Tenant tenant;
  ASSERT_EQ(tenant.RegisterTemplate("model_type: 'm' algorithm_configs { algorithm: 'rotation' config { rotation { "
                                    "r1: true online_r1_rotation: true online_config { shared_parallel: true "
                                    "use_input_prescale: true } scaling_layers { position: 'p' layers { prev_modules: "
                                    "'a' } } } } }"),
            "OK");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'm' scheme: 'fp8'"), "NOT_IN_CATALOG at model_type");
  EXPECT_EQ(tenant.Get(k0_13, "model_type: 'm' scheme: 'fp8'"), "OK");
}

TEST(RegistrationTest, SchemeThatALaterCatalogueBringsTooIsTheTenantsAndWarns) {
  const auto catalogs = LoadBuiltinCatalogs().value();
  Tenant tenant({catalogs[k0_12]});
  ASSERT_EQ(tenant.Register("name: 'mx9' spec { weight { preset { spec: 'Bfloat16Spec' } } }"), "OK");
  const Snapshot upgraded(catalogs[k0_13], std::make_shared<const RegistryState>(tenant.registry()));
  const auto response = GetConfig(upgraded, Proto<v1::GetConfigRequest>("model_type: 'llama' scheme: 'mx9'"));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->config().global_quant_config().weight(0).dtype(), v1::DTYPE_BFLOAT16);
  ASSERT_EQ(response->warnings_size(), 1);
  EXPECT_EQ(response->warnings(0).code(), v1::WARNING_CODE_SHADOWS_BUILTIN);
  EXPECT_EQ(response->warnings(0).field(), "scheme");
  int named = 0;
  for (const v1::Scheme* scheme : upgraded.schemes()) named += scheme->name() == "mx9" ? 1 : 0;
  EXPECT_EQ(named, 1) << "a list has it once";
}

TEST(RegistrationTest, CopyOfNvfp4SharesNoScalesUnlessItSaysSo) {
  Tenant tenant;
  const auto nvfp4 = *Builtins().FindScheme("nvfp4", "");
  v1::Scheme copy;
  *copy.mutable_config() = nvfp4->config();
  const auto groups = [&](const std::string& scheme) {
    return GetConfig(tenant.Through(k0_12),
                     Proto<v1::GetConfigRequest>(absl::StrCat("model_type: 'llama' scheme: '", scheme, "'")))
        ->config()
        .shared_scale_groups_size();
  };
  ASSERT_EQ(tenant.Register(absl::StrCat("name: 'copy' ", copy.ShortDebugString())), "OK");
  ASSERT_EQ(tenant.Register(absl::StrCat("name: 'sharing' default_shared_scales: true ", copy.ShortDebugString())),
            "OK");
  EXPECT_EQ(groups("copy"), 0);
  EXPECT_EQ(groups("sharing"), 2);
}

TEST(RegistrationTest, LabelsAreLimited) {
  Tenant tenant;
  std::string labels;
  for (int i = 0; i < 65; ++i) absl::StrAppend(&labels, "labels { key: 'k", i, "' value: 'v' } ");
  EXPECT_EQ(tenant.Register("name: 'x' config {} " + labels), "INVALID_REQUEST at scheme.labels");
  EXPECT_EQ(tenant.Register("name: 'x' config {} labels { key: '' value: 'v' }"), "INVALID_REQUEST at scheme.labels");
  EXPECT_EQ(tenant.Register("name: 'x' config {} description: '" + std::string(1025, 'x') + "'"),
            "INVALID_REQUEST at scheme.description");
  EXPECT_EQ(tenant.Register("name: 'x' config {} labels { key: 'k' value: 'v' }"), "OK");
}

TEST(RegistrationTest, TemplatesPartsAreLimited) {
  Tenant tenant;
  const std::string path = "INVALID_REQUEST at llm_template.";
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'm' kv_layers_name: '" + std::string(1025, 'x') + "'"),
            path + "kv_layers_name[0]");
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'm' gate_up_layers_name: '" + std::string(129, 'x') + "'"),
            path + "gate_up_layers_name[0]");
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'm' f2f_weight_converters { operations {} }"),
            path + "f2f_weight_converters[0].operations[0]");
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'm' algorithm_configs { algorithm: 'smoothquant' config { "
                                    "smoothquant { alpha: nan } } }"),
            path + "algorithm_configs[0].config.smoothquant.alpha");
}

TEST(RegistrationTest, TemplateTakesWhateverABuiltinHas) {
  Tenant tenant;
  for (const v1::LlmTemplate* builtin : Builtins().templates()) {
    ASSERT_EQ(tenant.RegisterTemplate(builtin->ShortDebugString()), "OK") << builtin->model_type();
    v1::LlmTemplate stored = *tenant.registry().FindTemplate(builtin->model_type());
    stored.clear_etag();
    stored.clear_create_time();
    stored.clear_update_time();
    stored.set_origin(v1::REGISTRY_ORIGIN_BUILTIN);
    EXPECT_EQ(stored.ShortDebugString(), builtin->ShortDebugString());
  }
}

// In Quark both are one object, so the override counts as none, and the projection takes after the next one that looks
// like attention.
TEST(RegistrationTest, OverrideByTheTenantsOwnGlobalSchemeCountsAsNoneForProjections) {
  Tenant tenant({Catalog::Load(TinyTexts().files()).value()});
  constexpr char kBfloat16[] = "config { weight { dtype: DTYPE_BFLOAT16 observer_cls: 'PlaceholderObserver' } }";
  for (const char* name : {"own", "twin"}) {
    ASSERT_EQ(tenant.Register(absl::StrCat("name: '", name, "' ", kBfloat16)), "OK");
  }
  const auto weight_of_k = [&](const std::string& overrides) {
    const auto response = GetConfig(
        tenant.Through(0),
        Proto<v1::GetConfigRequest>(absl::StrCat("model_type: 'model' kv_cache_scheme: 'fp8' scheme: 'own' ", overrides,
                                                 " layer_config { pattern: 'attn' scheme: 'plain' }")));
    return response->config().kv_cache_quant_config(0).config().weight(0).dtype();
  };
  EXPECT_EQ(weight_of_k("layer_config { pattern: '*' scheme: 'own' }"), v1::DTYPE_INT8);
  EXPECT_EQ(weight_of_k("layer_config { pattern: '*' scheme: 'twin' }"), v1::DTYPE_BFLOAT16);
  EXPECT_EQ(weight_of_k("layer_type_config { layer_type: 'Linear' scheme: 'own' }"), v1::DTYPE_INT8);
  EXPECT_EQ(weight_of_k("layer_type_config { layer_type: 'Linear' scheme: 'twin' }"), v1::DTYPE_BFLOAT16);
}

}  // namespace
}  // namespace qconfig
