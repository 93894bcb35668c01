// SPDX-License-Identifier: Apache-2.0
#include "core/request_shape.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

void FillRequired(v1::GetConfigRequest& request) {
  v1::ConfigSpec& spec = *request.mutable_spec();
  if (spec.model_type().empty()) spec.set_model_type("m");
  if (spec.scheme().empty()) spec.set_scheme("s");
}

struct Case {
  const char* expected;
  const char* request;
};

TEST(RequiredFieldsTest, MissingFieldsAreNamed) {
  EXPECT_EQ(CheckShape({}, Limits{}).message(), "spec is required");
  EXPECT_EQ(CheckShape(Proto<v1::GetConfigRequest>("spec { scheme: 's' }"), Limits{}).message(),
            "spec.model_type is required");
  EXPECT_EQ(CheckShape(Proto<v1::GetConfigRequest>("spec { model_type: 'm' }"), Limits{}).message(),
            "spec.scheme is required");
}

class RequestShapeTest : public testing::TestWithParam<Case> {};

TEST_P(RequestShapeTest, RejectsInvalidRequestsAtTheirField) {
  auto request = Proto<v1::GetConfigRequest>(GetParam().request);
  FillRequired(request);
  EXPECT_EQ(ReasonAndField(CheckShape(request, Limits{})), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, RequestShapeTest,
    testing::Values(
        Case{"OK", ""},
        Case{"OK", "spec { layer_config { pattern: '' scheme: 'x' } layer_config { pattern: '*' scheme: 'x' } }"},
        Case{"INVALID_REQUEST at spec.layer_config[0].scheme", "spec { layer_config { pattern: '*' } }"},
        Case{"INVALID_REQUEST at spec.layer_type_config[0].layer_type", "spec { layer_type_config { scheme: 'x' } }"},
        Case{"INVALID_REQUEST at spec.layer_type_config[0].scheme",
             "spec { layer_type_config { layer_type: 'Linear' } }"},
        Case{"INVALID_REQUEST at spec.algo_configs[0].algorithm", "spec { algo_configs { config { awq {} } } }"},
        Case{"INVALID_REQUEST at spec.layer_config[1].pattern",
             "spec { layer_config { pattern: 'a' scheme: 'x' } layer_config { pattern: 'a' scheme: 'y' } }"},
        Case{"INVALID_REQUEST at spec.layer_type_config[0].layer_type",
             "spec { layer_type_config { layer_type: 'linear' } }"},
        Case{"INVALID_REQUEST at spec.layer_type_config[1].layer_type",
             "spec { layer_type_config { layer_type: 'Linear' scheme: 'x' } "
             "layer_type_config { layer_type: 'Linear' scheme: 'x' } }"},
        Case{"OK", "spec { exclude_layers { patterns: 'a' patterns: 'a' } }"},
        Case{"INVALID_REQUEST at spec.min_kv_scale", "spec { min_kv_scale: nan }"},
        Case{"INVALID_REQUEST at spec.min_kv_scale", "spec { min_kv_scale: inf }"},
        Case{"OK", "spec { min_kv_scale: -1 }"}, Case{"INVALID_REQUEST at revision", "revision: -1"},
        Case{"INVALID_REQUEST at min_revision", "min_revision: -1"},
        Case{"INVALID_REQUEST at spec.algo_configs[0].algorithm",
             "spec { algo_configs { algorithm: 'spin' config { awq {} } } }"},
        Case{"INVALID_REQUEST at spec.algo_configs[0].config", "spec { algo_configs { algorithm: 'awq' } }"},
        Case{"INVALID_REQUEST at spec.algo_configs[0].config",
             "spec { algo_configs { algorithm: 'awq' config { gptq {} } } }"},
        Case{"OK", "spec { algo_configs { algorithm: 'AWQ' config { awq {} } } }"},
        Case{"INVALID_REQUEST at spec.algo_configs[1].algorithm",
             "spec { algo_configs { algorithm: 'awq' config { awq {} } } algo_configs { algorithm: 'AWQ' config { awq "
             "{} } } }"},
        Case{"INVALID_REQUEST at spec.algo_configs[0].config.gptq.damp_percent",
             "spec { algo_configs { algorithm: 'gptq' config { gptq { damp_percent: nan } } } }"},
        Case{"INVALID_REQUEST at spec.algo_configs[0].config.rotation.scaling_layers[1].position",
             "spec { algo_configs { algorithm: 'rotation' config { rotation {  scaling_layers { position: "
             "'first_layer' } scaling_layers { position: 'first_layer' } } } } }"},
        // Fields are checked in their order.
        Case{"INVALID_REQUEST at revision", "revision: -1 spec { min_kv_scale: nan }"}));

void AddLayer(v1::GetConfigRequest& request, const std::string& pattern) {
  v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
  entry.set_pattern(pattern);
  entry.set_scheme("s");
}

std::string Long(size_t size) { return std::string(size, 'x'); }

struct SizeCase {
  const char* expected;
  std::function<void(v1::GetConfigRequest&)> grow;
};

class RequestSizeTest : public testing::TestWithParam<SizeCase> {};

TEST_P(RequestSizeTest, RejectsRequestsOverTheLimits) {
  v1::GetConfigRequest request;
  FillRequired(request);
  GetParam().grow(request);
  EXPECT_EQ(ReasonAndField(CheckShape(request, Limits{})), GetParam().expected);
}

using Request = v1::GetConfigRequest;
INSTANTIATE_TEST_SUITE_P(
    All, RequestSizeTest,
    testing::Values(
        SizeCase{"OK", [](Request& r) { r.mutable_spec()->set_scheme(Long(128)); }},
        // Limits count characters: 128 of them, with four bytes each.
        SizeCase{"OK",
                 [](Request& r) {
                   for (int i = 0; i < 127; ++i) r.mutable_spec()->mutable_scheme()->append("😀");
                 }},
        SizeCase{"INVALID_REQUEST at spec.scheme", [](Request& r) { r.mutable_spec()->set_scheme(Long(129)); }},
        SizeCase{"INVALID_REQUEST at spec.model_type", [](Request& r) { r.mutable_spec()->set_model_type(Long(129)); }},
        SizeCase{"INVALID_REQUEST at catalog", [](Request& r) { r.set_catalog(Long(129)); }},
        SizeCase{"INVALID_REQUEST at if_digest", [](Request& r) { r.set_if_digest(Long(129)); }},
        SizeCase{"INVALID_REQUEST at spec.kv_cache_scheme",
                 [](Request& r) { r.mutable_spec()->set_kv_cache_scheme(Long(129)); }},
        SizeCase{"INVALID_REQUEST at spec.attention_scheme",
                 [](Request& r) { r.mutable_spec()->set_attention_scheme(Long(129)); }},
        SizeCase{"INVALID_REQUEST at spec.algorithm[1]",
                 [](Request& r) {
                   r.mutable_spec()->add_algorithm("awq");
                   r.mutable_spec()->add_algorithm(Long(129));
                 }},
        SizeCase{"OK", [](Request& r) { AddLayer(r, Long(1024)); }},
        SizeCase{"INVALID_REQUEST at spec.layer_config[0].pattern", [](Request& r) { AddLayer(r, Long(1025)); }},
        SizeCase{"INVALID_REQUEST at spec.layer_config[0].scheme",
                 [](Request& r) { r.mutable_spec()->add_layer_config()->set_scheme(Long(129)); }},
        SizeCase{"INVALID_REQUEST at spec.layer_type_config[0].scheme",
                 [](Request& r) {
                   r.mutable_spec()->add_layer_type_config()->set_layer_type("Linear");
                   r.mutable_spec()->mutable_layer_type_config(0)->set_scheme(Long(129));
                 }},
        SizeCase{"INVALID_REQUEST at spec.exclude_layers.patterns[0]",
                 [](Request& r) { r.mutable_spec()->mutable_exclude_layers()->add_patterns(Long(1025)); }},
        SizeCase{"INVALID_REQUEST at spec.shared_scale_groups.groups[0].layer_suffixes[0]",
                 [](Request& r) {
                   r.mutable_spec()->mutable_shared_scale_groups()->add_groups()->add_layer_suffixes(Long(129));
                 }},
        SizeCase{"INVALID_REQUEST at spec.algo_configs[0].config.awq.scaling_layers[0].layers[0]",
                 [](Request& r) {
                   r.mutable_spec()->add_algo_configs()->set_algorithm("awq");
                   r.mutable_spec()
                       ->mutable_algo_configs(0)
                       ->mutable_config()
                       ->mutable_awq()
                       ->add_scaling_layers()
                       ->add_layers(Long(1025));
                 }},
        SizeCase{"INVALID_REQUEST at spec.algorithm",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.mutable_spec()->add_algorithm("awq");
                 }},
        SizeCase{"OK",
                 [](Request& r) {
                   for (int i = 0; i < 10'000; ++i) AddLayer(r, absl::StrCat(i));
                 }},
        SizeCase{"INVALID_REQUEST at spec.layer_config",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) AddLayer(r, absl::StrCat(i));
                 }},
        SizeCase{"INVALID_REQUEST at spec.layer_type_config",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.mutable_spec()->add_layer_type_config();
                 }},
        SizeCase{"INVALID_REQUEST at spec.exclude_layers.patterns",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.mutable_spec()->mutable_exclude_layers()->add_patterns("a");
                 }},
        SizeCase{"INVALID_REQUEST at spec.algo_configs",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.mutable_spec()->add_algo_configs();
                 }},
        SizeCase{"INVALID_REQUEST at spec.shared_scale_groups.groups",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.mutable_spec()->mutable_shared_scale_groups()->add_groups();
                 }},
        SizeCase{"INVALID_REQUEST at spec.shared_scale_groups.groups[0].layer_suffixes",
                 [](Request& r) {
                   auto* group = r.mutable_spec()->mutable_shared_scale_groups()->add_groups();
                   for (int i = 0; i <= 10'000; ++i) group->add_layer_suffixes("a");
                 }},
        SizeCase{"INVALID_REQUEST at spec.algo_configs[0].config.gptq.inside_layer_modules", [](Request& r) {
                   r.mutable_spec()->add_algo_configs()->set_algorithm("gptq");
                   auto* gptq = r.mutable_spec()->mutable_algo_configs(0)->mutable_config()->mutable_gptq();
                   for (int i = 0; i <= 10'000; ++i) gptq->add_inside_layer_modules("a");
                 }}));

}  // namespace
}  // namespace qconfig
