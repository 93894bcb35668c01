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

struct Case {
  const char* told;
  const char* request;
};

class RequestShapeTest : public testing::TestWithParam<Case> {};

TEST_P(RequestShapeTest, RefusesAtTheRightField) {
  const auto request = Proto<v1::GetConfigRequest>(GetParam().request);
  EXPECT_EQ(Told(CheckShape(request, Limits{})), GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    All, RequestShapeTest,
    testing::Values(
        Case{"OK", ""}, Case{"OK", "layer_config { pattern: '' scheme: '' } layer_config { pattern: '*' scheme: 'x' }"},
        Case{"INVALID_REQUEST at layer_config[1].pattern",
             "layer_config { pattern: 'a' scheme: 'x' } layer_config { pattern: 'a' scheme: 'y' }"},
        Case{"INVALID_REQUEST at layer_type_config[0].layer_type", "layer_type_config { layer_type: 'linear' }"},
        Case{"INVALID_REQUEST at layer_type_config[1].layer_type",
             "layer_type_config { layer_type: 'Linear' } layer_type_config { layer_type: 'Linear' }"},
        Case{"OK", "exclude_layers { patterns: 'a' patterns: 'a' }"},
        Case{"INVALID_REQUEST at min_kv_scale", "min_kv_scale: nan"},
        Case{"INVALID_REQUEST at min_kv_scale", "min_kv_scale: inf"}, Case{"OK", "min_kv_scale: -1"},
        Case{"INVALID_REQUEST at revision", "revision: -1"},
        Case{"INVALID_REQUEST at min_revision", "min_revision: -1"},
        Case{"INVALID_REQUEST at algo_configs[0].algorithm", "algo_configs { algorithm: 'spin' config { awq {} } }"},
        Case{"INVALID_REQUEST at algo_configs[0].config", "algo_configs { algorithm: 'awq' }"},
        Case{"INVALID_REQUEST at algo_configs[0].config", "algo_configs { algorithm: 'awq' config { gptq {} } }"},
        Case{"OK", "algo_configs { algorithm: 'AWQ' config { awq {} } }"},
        Case{"INVALID_REQUEST at algo_configs[1].algorithm",
             "algo_configs { algorithm: 'awq' config { awq {} } } algo_configs { algorithm: 'AWQ' config { awq {} } }"},
        Case{"INVALID_REQUEST at algo_configs[0].config.gptq.damp_percent",
             "algo_configs { algorithm: 'gptq' config { gptq { damp_percent: nan } } }"},
        Case{"INVALID_REQUEST at algo_configs[0].config.rotation.scaling_layers[1].position",
             "algo_configs { algorithm: 'rotation' config { rotation {"
             "  scaling_layers { position: 'first_layer' } scaling_layers { position: 'first_layer' } } } }"},
        // Shape comes in the order of the fields.
        Case{"INVALID_REQUEST at revision", "revision: -1 min_kv_scale: nan"}));

std::string Long(size_t size) { return std::string(size, 'x'); }

struct SizeCase {
  const char* told;
  std::function<void(v1::GetConfigRequest&)> grow;
};

class RequestSizeTest : public testing::TestWithParam<SizeCase> {};

TEST_P(RequestSizeTest, RefusesWhatIsTooLarge) {
  v1::GetConfigRequest request;
  GetParam().grow(request);
  EXPECT_EQ(Told(CheckShape(request, Limits{})), GetParam().told);
}

using Request = v1::GetConfigRequest;
INSTANTIATE_TEST_SUITE_P(
    All, RequestSizeTest,
    testing::Values(
        SizeCase{"OK", [](Request& r) { r.set_scheme(Long(128)); }},
        // 128 characters of four bytes each.
        SizeCase{"OK",
                 [](Request& r) {
                   for (int i = 0; i < 128; ++i) r.mutable_scheme()->append("😀");
                 }},
        SizeCase{"INVALID_REQUEST at scheme", [](Request& r) { r.set_scheme(Long(129)); }},
        SizeCase{"INVALID_REQUEST at model_type", [](Request& r) { r.set_model_type(Long(129)); }},
        SizeCase{"INVALID_REQUEST at catalog", [](Request& r) { r.set_catalog(Long(129)); }},
        SizeCase{"INVALID_REQUEST at if_digest", [](Request& r) { r.set_if_digest(Long(129)); }},
        SizeCase{"INVALID_REQUEST at kv_cache_scheme", [](Request& r) { r.set_kv_cache_scheme(Long(129)); }},
        SizeCase{"INVALID_REQUEST at attention_scheme", [](Request& r) { r.set_attention_scheme(Long(129)); }},
        SizeCase{"INVALID_REQUEST at algorithm[1]",
                 [](Request& r) {
                   r.add_algorithm("awq");
                   r.add_algorithm(Long(129));
                 }},
        SizeCase{"OK", [](Request& r) { r.add_layer_config()->set_pattern(Long(1024)); }},
        SizeCase{"INVALID_REQUEST at layer_config[0].pattern",
                 [](Request& r) { r.add_layer_config()->set_pattern(Long(1025)); }},
        SizeCase{"INVALID_REQUEST at layer_config[0].scheme",
                 [](Request& r) { r.add_layer_config()->set_scheme(Long(129)); }},
        SizeCase{"INVALID_REQUEST at layer_type_config[0].scheme",
                 [](Request& r) {
                   r.add_layer_type_config()->set_layer_type("Linear");
                   r.mutable_layer_type_config(0)->set_scheme(Long(129));
                 }},
        SizeCase{"INVALID_REQUEST at exclude_layers.patterns[0]",
                 [](Request& r) { r.mutable_exclude_layers()->add_patterns(Long(1025)); }},
        SizeCase{"INVALID_REQUEST at shared_scale_groups.groups[0].layer_suffixes[0]",
                 [](Request& r) { r.mutable_shared_scale_groups()->add_groups()->add_layer_suffixes(Long(129)); }},
        SizeCase{"INVALID_REQUEST at algo_configs[0].config.awq.scaling_layers[0].layers[0]",
                 [](Request& r) {
                   r.add_algo_configs()->set_algorithm("awq");
                   r.mutable_algo_configs(0)->mutable_config()->mutable_awq()->add_scaling_layers()->add_layers(
                       Long(1025));
                 }},
        SizeCase{"INVALID_REQUEST at algorithm",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.add_algorithm("awq");
                 }},
        SizeCase{"OK",
                 [](Request& r) {
                   for (int i = 0; i < 10'000; ++i) r.add_layer_config()->set_pattern(absl::StrCat(i));
                 }},
        SizeCase{"INVALID_REQUEST at layer_config",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.add_layer_config()->set_pattern(absl::StrCat(i));
                 }},
        SizeCase{"INVALID_REQUEST at layer_type_config",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.add_layer_type_config();
                 }},
        SizeCase{"INVALID_REQUEST at exclude_layers.patterns",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.mutable_exclude_layers()->add_patterns("a");
                 }},
        SizeCase{"INVALID_REQUEST at algo_configs",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.add_algo_configs();
                 }},
        SizeCase{"INVALID_REQUEST at shared_scale_groups.groups",
                 [](Request& r) {
                   for (int i = 0; i <= 10'000; ++i) r.mutable_shared_scale_groups()->add_groups();
                 }},
        SizeCase{"INVALID_REQUEST at shared_scale_groups.groups[0].layer_suffixes",
                 [](Request& r) {
                   auto* group = r.mutable_shared_scale_groups()->add_groups();
                   for (int i = 0; i <= 10'000; ++i) group->add_layer_suffixes("a");
                 }},
        SizeCase{"INVALID_REQUEST at algo_configs[0].config.gptq.inside_layer_modules", [](Request& r) {
                   r.add_algo_configs()->set_algorithm("gptq");
                   auto* gptq = r.mutable_algo_configs(0)->mutable_config()->mutable_gptq();
                   for (int i = 0; i <= 10'000; ++i) gptq->add_inside_layer_modules("a");
                 }}));

}  // namespace
}  // namespace qconfig
