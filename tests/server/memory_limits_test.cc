// SPDX-License-Identifier: Apache-2.0
//
// A server whose memory is short, over a real port.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/core/test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckResponse;

class MemoryLimitsTest : public testing::Test {
 protected:
  static TestSettings Settings(const CallResources& memory) {
    TestSettings settings;
    settings.resources = memory;
    return settings;
  }

  // Each pattern makes another request, which is not cached.
  std::string GetConfig(const std::string& pattern, const std::string& tenant = "") {
    auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
    request.set_tenant(tenant);
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(pattern);
    entry.set_scheme("int8");
    return ReceivedReasonAndField(server_.client().GetConfig(request).status());
  }

  std::string LargeGetConfig() {
    auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
    for (int i = 0; i < 100; ++i) {
      v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
      entry.set_pattern(absl::StrCat("*", i, std::string(1000, 'x')));
      entry.set_scheme("int8");
    }
    return ReceivedReasonAndField(server_.client().GetConfig(request).status());
  }

  std::string Batch(int items, absl::Duration timeout = absl::Seconds(60)) {
    v1::BatchGetConfigRequest batch;
    for (int i = 0; i < items; ++i) {
      *batch.add_requests() = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
    }
    const absl::Status status = server_.NewClient("", timeout).BatchGetConfig(batch).status();
    return absl::IsDeadlineExceeded(status) ? "DEADLINE_EXCEEDED" : ReceivedReasonAndField(status);
  }

  std::string Plan() {
    const auto request = Proto<v1::PlanLayersRequest>(
        "spec { model_type: 'llama' scheme: 'fp8' } modules { name: 'model.layers.0.mlp' type: 'Linear' }");
    return ReceivedReasonAndField(server_.client().PlanLayers(request).status());
  }

  std::string ListSchemes() { return ReceivedReasonAndField(server_.client().ListSchemes({}).status()); }

  // The result of a health check, and of the first response to a watch.
  std::string Check() {
    grpc::ClientContext context;
    HealthCheckResponse response;
    const grpc::Status status = Health::NewStub(server_.channel())->Check(&context, {}, &response);
    return status.ok() ? HealthCheckResponse::ServingStatus_Name(response.status()) : status.error_message();
  }
  bool Watch() {
    grpc::ClientContext context;
    const auto stub = Health::NewStub(server_.channel());
    HealthCheckResponse response;
    const bool is_served = stub->Watch(&context, {})->Read(&response);
    context.TryCancel();
    return is_served;
  }

  const CallResources memory_{std::make_shared<MemoryBudget>(8u << 20), std::make_shared<MemoryPressure>(1000)};
  TestServer server_{Settings(memory_)};
};

TEST_F(MemoryLimitsTest, HighPressureRejectsWhatNeedsMuchMemory) {
  ASSERT_TRUE(server_.NewClient("a")
                  .RegisterTemplate(Proto<v1::RegisterTemplateRequest>("llm_template { model_type: 'm' }"))
                  .ok());
  server_.registry().ClearCache();
  memory_.pressure->Update(900);
  EXPECT_EQ(Batch(1), "OVERLOADED");
  EXPECT_EQ(Plan(), "OVERLOADED");
  EXPECT_EQ(LargeGetConfig(), "OVERLOADED");
  EXPECT_EQ(GetConfig("*", "a"), "OVERLOADED") << "the registry is not in memory";
  EXPECT_FALSE(Watch());
  EXPECT_EQ(GetConfig("*"), "OK");
  EXPECT_EQ(ListSchemes(), "OK");
  EXPECT_EQ(Check(), "SERVING");
  memory_.pressure->Update(700);
  EXPECT_EQ(Batch(1), "OK");
  EXPECT_EQ(Plan(), "OK");
  EXPECT_EQ(LargeGetConfig(), "OK");
  EXPECT_EQ(GetConfig("*", "a"), "OK");
  EXPECT_TRUE(Watch());
}

TEST_F(MemoryLimitsTest, CriticalPressureLeavesCachedAnswersAndProbes) {
  ASSERT_EQ(GetConfig("cached*"), "OK");
  memory_.pressure->Update(970);
  EXPECT_EQ(GetConfig("cached*"), "OK");
  EXPECT_EQ(GetConfig("new*"), "OVERLOADED");
  EXPECT_EQ(ListSchemes(), "OVERLOADED");
  EXPECT_EQ(Check(), "SERVING");
  memory_.pressure->Update(700);
  EXPECT_EQ(GetConfig("new*"), "OK");
}

TEST_F(MemoryLimitsTest, LargeCallsWaitForMemoryAndSmallOnesDoNot) {
  absl::StatusOr<Counted> all = memory_.budget->Reserve("a", 8u << 20, -absl::InfiniteDuration());
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(Batch(1000, absl::Milliseconds(200)), "DEADLINE_EXCEEDED");
  EXPECT_EQ(Batch(10), "OK");
  EXPECT_EQ(GetConfig("*"), "OK");
  all->Reset();
  EXPECT_EQ(Batch(1000), "OK");
  EXPECT_EQ(memory_.budget->reserved_bytes(), 0u);
}

}  // namespace
}  // namespace qconfig
