// SPDX-License-Identifier: Apache-2.0
#include "core/cancellation.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/builtin_catalogs.h"
#include "core/get_config.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

TEST(CancellationTokenTest, ChecksOnceForManySteps) {
  int checks = 0;
  const auto check = [&checks] {
    ++checks;
    return absl::OkStatus();
  };
  CancellationToken token(check);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(token.Spend(CancellationToken::kStepsPerCheck / 4).ok());
  EXPECT_EQ(checks, 2);
  EXPECT_TRUE(token.Spend(10 * CancellationToken::kStepsPerCheck).ok());
  EXPECT_EQ(checks, 3);
}

TEST(CancellationTokenTest, DefaultNeverStops) {
  CancellationToken token;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(token.Spend(2 * CancellationToken::kStepsPerCheck).ok());
}

// Fails at the check number `fires_at`, counted from 1.
class CountedChecks {
 public:
  explicit CountedChecks(int fires_at) : fires_at_(fires_at) {}

  absl::Status operator()() const { return ++checks_ >= fires_at_ ? absl::CancelledError("test") : absl::OkStatus(); }
  int checks() const { return checks_; }

 private:
  const int fires_at_;
  mutable int checks_ = 0;
};

// Overrides that each take long to match with a projection of the template.
v1::GetConfigRequest SlowRequest(int overrides) {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("slow");
  request.mutable_spec()->set_scheme("fp8");
  request.mutable_spec()->set_kv_cache_scheme("fp8");
  for (int i = 0; i < overrides; ++i) {
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern("*" + std::string(500, 'a') + "b" + std::to_string(i) + "*");
    entry.set_scheme("fp8");
  }
  return request;
}

Snapshot SlowSnapshot() {
  auto entry = std::make_shared<v1::LlmTemplate>();
  entry->set_model_type("slow");
  for (int i = 0; i < 5; ++i) entry->add_kv_layers_name(std::string(1000, 'a') + std::to_string(i));
  return Snapshot(
      LoadBuiltinCatalogs().value().front(),
      std::make_shared<const RegistryState>(2, "", RegistryState::Schemes(), RegistryState::Templates{entry}));
}

TEST(CancellationTest, StopsMatchingAtTheFirstCheckThatFails) {
  const Snapshot snapshot = SlowSnapshot();
  const v1::GetConfigRequest request = SlowRequest(100);
  CountedChecks never(1'000'000);
  EXPECT_TRUE(GetConfig(snapshot, request, {}, CancellationToken(never)).ok());
  ASSERT_GT(never.checks(), 100);
  for (const int fires_at : {1, 2, 50, never.checks()}) {
    CountedChecks checks(fires_at);
    EXPECT_EQ(GetConfig(snapshot, request, {}, CancellationToken(checks)).status(), absl::CancelledError("test"));
    EXPECT_EQ(checks.checks(), fires_at);
  }
}

TEST(CancellationTest, StopsWithManyOverridesAndNoProjections) {
  v1::GetConfigRequest request = SlowRequest(10'000);
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->clear_kv_cache_scheme();
  CountedChecks checks(1);
  EXPECT_EQ(GetConfig(Builtins(), request, {}, CancellationToken(checks)).status(), absl::CancelledError("test"));
}

TEST(CancellationTest, SmallRequestIsNeverChecked) {
  CountedChecks checks(1);
  const auto request = Proto<v1::GetConfigRequest>(
      "spec { model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8' } include_quark_json: true");
  EXPECT_TRUE(GetConfig(Builtins(), request, {}, CancellationToken(checks)).ok());
  EXPECT_EQ(checks.checks(), 0);
}

}  // namespace
}  // namespace qconfig
