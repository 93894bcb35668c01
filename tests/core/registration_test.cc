// SPDX-License-Identifier: Apache-2.0
//
// Registration rules without transport and storage, which tests/server/services/registry_service_test.cc covers.
#include "core/registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"
#include "core/error.h"
#include "core/get_config.h"
#include "core/resolve_config.h"
#include "core/snapshot.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

// The registry of a tenant whose default catalogue is the first of `catalogs`.
class Tenant {
 public:
  explicit Tenant(Catalogs catalogs = LoadBuiltinCatalogs().value()) : catalogs_(std::move(catalogs)) {}

  std::string Register(const std::string& scheme, const PutConditions& conditions = {false, ""}) {
    return Apply(PutScheme(Proto<v1::Scheme>(scheme), conditions, Context()));
  }
  std::string SetDefaultCatalog(const std::string& catalog, int64_t expected_revision = 0) {
    return Apply(ChangeDefaultCatalog(catalog, expected_revision, Context()));
  }
  std::string RegisterTemplate(const std::string& entry, const PutConditions& conditions = {}) {
    return Apply(PutTemplate(Proto<v1::LlmTemplate>(entry), conditions, Context()));
  }
  const RegistryState& registry() const { return *registry_; }
  Limits& limits() { return limits_; }

  Snapshot Through(size_t catalog) const { return Snapshot(catalogs_[catalog], registry_); }
  std::string Get(size_t catalog, const std::string& spec) const {
    return ReasonAndField(ResolveConfig(Through(catalog), Proto<v1::ConfigSpec>(spec)).status());
  }

 private:
  RegistrationContext Context() const { return {catalogs_, *registry_, registry_->revision() + 1, limits_, {}}; }

  std::string Apply(const absl::StatusOr<v1::RegistryChange>& change) {
    if (!change.ok()) return ReasonAndField(change.status());
    if (change->change_case() == v1::RegistryChange::CHANGE_NOT_SET) return "no change";
    v1::ChangeRecord record;
    record.set_revision(registry_->revision() + 1);
    *record.add_changes() = *change;
    registry_ = std::make_shared<const RegistryState>(registry_->After(record));
    return "OK";
  }

  Catalogs catalogs_;
  Limits limits_;
  std::shared_ptr<const RegistryState> registry_ = std::make_shared<const RegistryState>();
};

// Indexes of catalogues in the result of LoadBuiltinCatalogs().
constexpr size_t k0_12 = 0;
constexpr size_t k0_13 = 1;

constexpr char kUint2[] =
    "name: 'later' config { weight { dtype: DTYPE_UINT2 observer_cls: 'PerTensorMinMaxObserver' "
    "qscheme: Q_SCHEME_TYPE_PER_TENSOR } }";

TEST(RegistrationTest, AcceptsSchemesThatAnyCatalogueSupports) {
  Tenant tenant;
  ASSERT_EQ(tenant.Register(kUint2), "OK") << "although the default catalogue does not have the data type";
  EXPECT_EQ(tenant.Get(k0_13, "model_type: 'llama' scheme: 'later'"), "OK");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'llama' scheme: 'later'"), "NOT_IN_CATALOG at spec.scheme");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*' scheme: 'later' }"),
            "NOT_IN_CATALOG at spec.layer_config[0].scheme");
  EXPECT_EQ(tenant.Get(k0_12,
                       "model_type: 'llama' scheme: 'fp8' layer_type_config { layer_type: 'Linear' scheme: "
                       "'later' }"),
            "NOT_IN_CATALOG at spec.layer_type_config[0].scheme");
}

TEST(RegistrationTest, RejectsSchemesThatNoCatalogueSupports) {
  Tenant only_0_12({LoadBuiltinCatalogs().value()[k0_12]});
  EXPECT_EQ(only_0_12.Register(kUint2), "INVALID_TENSOR_CONFIG at scheme.config.weight[0].dtype");
}

TEST(RegistrationTest, TemplateWithANewerAlgorithmWorksOnlyInNewerCatalogues) {
  Tenant tenant;
  ASSERT_EQ(tenant.RegisterTemplate("model_type: 'm' algorithm_configs { algorithm: 'AutoRound' config { autoround {} "
                                    "} }"),
            "OK");
  EXPECT_EQ(tenant.Get(k0_13, "model_type: 'm' scheme: 'fp8' algorithm: 'autoround'"), "OK");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'm' scheme: 'fp8'"), "NOT_IN_CATALOG at spec.model_type");
}

TEST(RegistrationTest, ErrorsAboutAlgorithmsStopAtTheLimit) {
  const Catalogs catalogs = LoadBuiltinCatalogs().value();
  const RegistryState registry;
  const Limits limits;
  const RegistrationContext context{catalogs, registry, 1, limits, {}};
  v1::LlmTemplate entry;
  entry.set_model_type("m");
  for (int i = 0; i < 4000; ++i) entry.add_algorithm_configs()->set_algorithm(absl::StrCat("smoothquand", i));
  const v1::ItemError error = ItemErrorOf(PutTemplate(entry, {}, context).status());
  EXPECT_GT(error.field_violations_size(), 1);
  EXPECT_LE(error.field_violations_size(), 20);
  // The number of all errors would show that the others were looked at.
  EXPECT_THAT(error.message(), testing::HasSubstr("At least 20 more"));
}

TEST(RegistrationTest, NewerFieldsOfAnAlgorithmTakeTheirDefaultsInNewerReleases) {
  constexpr char kRotation[] =
      "model_type: 'm' algorithm_configs { algorithm: 'rotation' config { rotation { r1: true online_r1_rotation: true "
      "scaling_layers { position: 'p' layers { prev_modules: 'a' next_modules: 'b' } } } } }";
  Tenant tenant;
  ASSERT_EQ(tenant.RegisterTemplate(kRotation), "OK");
  const auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'm' scheme: 'fp8' algorithm: 'rotation' }");
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

TEST(RegistrationTest, FieldFromANewerReleaseIsNotInOlderCatalogues) {
  Tenant tenant;
  ASSERT_EQ(tenant.RegisterTemplate("model_type: 'm' algorithm_configs { algorithm: 'rotation' config { rotation { "
                                    "r1: true online_r1_rotation: true online_config { shared_parallel: true "
                                    "use_input_prescale: true } scaling_layers { position: 'p' layers { prev_modules: "
                                    "'a' } } } } }"),
            "OK");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'm' scheme: 'fp8'"), "NOT_IN_CATALOG at spec.model_type");
  EXPECT_EQ(tenant.Get(k0_13, "model_type: 'm' scheme: 'fp8'"), "OK");
}

TEST(RegistrationTest, TenantsSchemeHidesASchemeOfANewerCatalogueAndWarns) {
  const auto catalogs = LoadBuiltinCatalogs().value();
  Tenant tenant({catalogs[k0_12]});
  ASSERT_EQ(tenant.Register("name: 'mx9' spec { weight { preset { spec: 'Bfloat16Spec' } } }"), "OK");
  const Snapshot upgraded(catalogs[k0_13], std::make_shared<const RegistryState>(tenant.registry()));
  const auto response = GetConfig(upgraded, Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'mx9' }"));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->config().global_quant_config().weight(0).dtype(), v1::DTYPE_BFLOAT16);
  ASSERT_EQ(response->warnings_size(), 1);
  EXPECT_EQ(response->warnings(0).code(), v1::WARNING_CODE_SHADOWS_BUILTIN);
  EXPECT_EQ(response->warnings(0).field(), "spec.scheme");
  int named = 0;
  for (const v1::Scheme* scheme : upgraded.schemes()) named += scheme->name() == "mx9" ? 1 : 0;
  EXPECT_EQ(named, 1) << "a list contains the name once";
}

TEST(RegistrationTest, CopyOfNvfp4SharesScalesOnlyWithDefaultSharedScales) {
  Tenant tenant;
  const auto nvfp4 = *Builtins().FindScheme("nvfp4", "");
  v1::Scheme copy;
  *copy.mutable_config() = nvfp4->config();
  const auto groups = [&](const std::string& scheme) {
    return GetConfig(tenant.Through(k0_12),
                     Proto<v1::GetConfigRequest>(absl::StrCat("spec { model_type: 'llama' scheme: '", scheme, "' }")))
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

TEST(RegistrationTest, FieldsOfTemplatesAreLimited) {
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

std::string Repeated(absl::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) absl::StrAppend(&result, text);
  return result;
}

TEST(RegistrationTest, FieldsOfSchemesAreLimited) {
  Tenant tenant;
  const std::string spec =
      "name: 'x' spec { weight { preset { spec: 'BFP16Spec' fields { fields { key: 'ch_axis' value { "
      "number_value: 1 } } fields { key: 'scale_calculation_mode' value { string_value: '";
  EXPECT_EQ(tenant.Register(spec + std::string(1025, 'x') + "' } } } } } }"),
            "INVALID_REQUEST at scheme.spec.weight.preset.fields");
  EXPECT_EQ(tenant.Register("name: 'x' config { bias { } bias { " + Repeated("block_size: 1 ", 17) + "} }"),
            "INVALID_REQUEST at scheme.config.bias[1].block_size");
}

TEST(RegistrationTest, ProjectionsOfTemplatesAreLimited) {
  Tenant tenant;
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'm' kv_layers_name: [" + Repeated("'k',", 64) + "'k']"),
            "INVALID_REQUEST at llm_template.kv_layers_name");
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'm' q_layer_name: [" + Repeated("'q',", 64) + "'q']"),
            "INVALID_REQUEST at llm_template.q_layer_name");
}

// Without a limit, this small request would take gigabytes of memory.
TEST(RegistrationTest, OverridesThatNeedTooMuchMemoryAreRejected) {
  Tenant tenant;
  const std::string stage = "weight { dtype: DTYPE_BFLOAT16 observer_cls: 'PlaceholderObserver' scale_format: '" +
                            std::string(1024, 'x') + "' scale_calculation_mode: '" + std::string(1024, 'x') + "' } ";
  ASSERT_EQ(tenant.Register("name: 'large' config { " + stage + stage + "}"), "OK");
  v1::ConfigSpec spec;
  spec.set_model_type("llama");
  spec.set_scheme("fp8");
  for (int i = 0; i < 10'000; ++i) {
    v1::LayerConfigEntry& entry = *spec.add_layer_config();
    entry.set_pattern(absl::StrCat(i));
    entry.set_scheme("large");
  }
  Limits limits;
  limits.answer_bytes = 16 << 20;
  const absl::Status refused = ResolveConfig(tenant.Through(k0_12), spec, limits).status();
  EXPECT_EQ(ReasonAndField(refused).substr(0, 38), "ANSWER_TOO_LARGE at spec.layer_config[") << refused;
}

TEST(RegistrationTest, ProjectionsThatTakeTooLongToMatchAreRejected) {
  Tenant tenant;
  const std::string pattern = "'" + std::string(1000, '*') + "',";
  ASSERT_EQ(
      tenant.RegisterTemplate("model_type: 'm' kv_layers_name: [" + Repeated(pattern, 63) + "'k'] q_layer_name: [" +
                              Repeated(pattern, 63) + "'q'] exclude_layers_name: [" + Repeated(pattern, 380) + "'x']"),
      "OK");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'm' scheme: 'fp8' kv_cache_scheme: 'fp8'"),
            "ANSWER_TOO_LARGE at spec.kv_cache_scheme");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'm' scheme: 'fp8' attention_scheme: 'fp8'"),
            "ANSWER_TOO_LARGE at spec.attention_scheme");
  EXPECT_EQ(tenant.Get(k0_12, "model_type: 'm' scheme: 'fp8'"), "OK");
}

TEST(RegistrationTest, AcceptsCopiesOfAllBuiltInTemplates) {
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

// In Quark, the override and the global scheme are the same object. The projection then ignores the override and takes
// the configuration of the next override for attention.
TEST(RegistrationTest, ProjectionsIgnoreOverridesWithTheTenantsGlobalScheme) {
  Tenant tenant({Catalog::Load(TinyTexts().files()).value()});
  constexpr char kBfloat16[] = "config { weight { dtype: DTYPE_BFLOAT16 observer_cls: 'PlaceholderObserver' } }";
  for (const char* name : {"own", "twin"}) {
    ASSERT_EQ(tenant.Register(absl::StrCat("name: '", name, "' ", kBfloat16)), "OK");
  }
  const auto weight_of_k = [&](const std::string& overrides) {
    const auto response = GetConfig(
        tenant.Through(0),
        Proto<v1::GetConfigRequest>(absl::StrCat("spec { model_type: 'model' kv_cache_scheme: 'fp8' scheme: 'own' ",
                                                 overrides, " layer_config { pattern: 'attn' scheme: 'plain' } }")));
    return response->config().kv_cache_quant_config(0).config().weight(0).dtype();
  };
  EXPECT_EQ(weight_of_k("layer_config { pattern: '*' scheme: 'own' }"), v1::DTYPE_INT8);
  EXPECT_EQ(weight_of_k("layer_config { pattern: '*' scheme: 'twin' }"), v1::DTYPE_BFLOAT16);
  EXPECT_EQ(weight_of_k("layer_type_config { layer_type: 'Linear' scheme: 'own' }"), v1::DTYPE_INT8);
  EXPECT_EQ(weight_of_k("layer_type_config { layer_type: 'Linear' scheme: 'twin' }"), v1::DTYPE_BFLOAT16);
}

TEST(RegistrationTest, ReplacedSchemeKeepsItsPosition) {
  Tenant tenant;
  ASSERT_EQ(tenant.Register("name: 'a' config {}"), "OK");
  ASSERT_EQ(tenant.Register("name: 'b' config {}"), "OK");
  EXPECT_EQ(tenant.Register("name: 'a' config {} description: 'new'"), "SCHEME_EXISTS at scheme.name");
  ASSERT_EQ(tenant.Register("name: 'a' config {} description: 'new'", {true, ""}), "OK");
  EXPECT_EQ(tenant.registry().schemes()[0]->description(), "new");
  EXPECT_EQ(tenant.registry().schemes()[0]->etag(), "4");
  EXPECT_EQ(tenant.registry().schemes().size(), 2u);
}

TEST(RegistrationTest, EtagImpliesReplaceAndMustMatch) {
  Tenant tenant;
  EXPECT_EQ(tenant.Register("name: 'a' config {}", {false, "2"}), "ETAG_MISMATCH at etag")
      << "the tenant has no such scheme";
  ASSERT_EQ(tenant.Register("name: 'a' config {}"), "OK");
  EXPECT_EQ(tenant.Register("name: 'a' config {}", {false, "1"}), "ETAG_MISMATCH at etag");
  EXPECT_EQ(tenant.Register("name: 'a' config {}", {false, "2"}), "OK");
  EXPECT_EQ(tenant.Register("name: 'a' config {}", {true, "2"}), "ETAG_MISMATCH at etag");
}

TEST(RegistrationTest, BuiltInSchemesCannotBeReplaced) {
  Tenant tenant;
  EXPECT_EQ(tenant.Register("name: 'fp8' config {}", {true, ""}), "SCHEME_EXISTS at scheme.name");
}

TEST(RegistrationTest, MustBeNewRejectsExistingTemplates) {
  Tenant tenant;
  ASSERT_EQ(tenant.RegisterTemplate("model_type: 'llama'", {false, ""}), "OK")
      << "templates of catalogues do not count";
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'llama'", {false, ""}), "TEMPLATE_EXISTS at llm_template.model_type");
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'llama'"), "OK");
}

TEST(RegistrationTest, ReplacingAnEntryFreesItsQuota) {
  Tenant tenant;
  tenant.limits().tenant_entries = 1;
  tenant.limits().tenant_bytes = 3000;
  const std::string large = "name: 'a' config {} description: '" + std::string(1000, 'x') + "'";
  ASSERT_EQ(tenant.Register(large), "OK");
  EXPECT_EQ(tenant.Register(large, {true, ""}), "OK");
  EXPECT_EQ(tenant.Register("name: 'b' config {}", {true, ""}), "QUOTA_EXCEEDED at scheme");
  tenant.limits().tenant_bytes = 900;
  EXPECT_EQ(tenant.Register(large, {true, ""}), "QUOTA_EXCEEDED at scheme");
}

TEST(RegistrationTest, StoredEntryHasAtMost512KiB) {
  Tenant tenant;
  const std::string pattern = "'" + std::string(1000, 'x') + "',";
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'm' exclude_layers_name: [" + Repeated(pattern, 520) + "'x']"), "OK");
  EXPECT_EQ(tenant.RegisterTemplate("model_type: 'm' exclude_layers_name: [" + Repeated(pattern, 524) + "'x']"),
            "INVALID_REQUEST at llm_template");
}

TEST(RegistrationTest, DefaultCatalogMustBeACatalogueOfTheServer) {
  Tenant tenant;
  EXPECT_EQ(tenant.SetDefaultCatalog(""), "INVALID_REQUEST at catalog");
  EXPECT_EQ(tenant.SetDefaultCatalog("quark-0.14"), "CATALOG_NOT_FOUND at catalog");
  EXPECT_EQ(tenant.SetDefaultCatalog("quark-0.13", -1), "INVALID_REQUEST at expected_revision");
  EXPECT_EQ(tenant.SetDefaultCatalog("quark-0.13", 2), "REVISION_MISMATCH at expected_revision");
  EXPECT_EQ(tenant.SetDefaultCatalog("quark-0.13", 1), "OK");
  EXPECT_EQ(tenant.registry().default_catalog(), "quark-0.13");
  EXPECT_EQ(tenant.registry().revision(), 2);
  EXPECT_EQ(tenant.SetDefaultCatalog("quark-0.13"), "no change");
}

TEST(RegistrationTest, NamesWithInvisibleCharactersAreRejected) {
  Tenant tenant;
  for (const char* name : {"\u3164", "a\U000E0041", "a\u200Bb", "a\u00ADb"}) {
    EXPECT_EQ(tenant.Register(absl::StrCat("name: '", name, "' config {}")), "INVALID_REQUEST at scheme.name") << name;
    EXPECT_EQ(tenant.RegisterTemplate(absl::StrCat("model_type: '", name, "'")),
              "INVALID_REQUEST at llm_template.model_type")
        << name;
    EXPECT_EQ(tenant.Register(absl::StrCat("name: 'a' config {} labels { key: '", name, "' }")),
              "INVALID_REQUEST at scheme.labels")
        << name;
  }
}

}  // namespace
}  // namespace qconfig
