// SPDX-License-Identifier: Apache-2.0
#include "server/observe/call_metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/observe/metrics.h"
#include "tests/core/test_support.h"
#include "tests/server/observe/metrics_text.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

TEST(CallMetricsTest, EveryCodeHasItsName) {
  Metrics metrics(0);
  const MethodMetrics& method = metrics.calls().Method("qconfig.v1.ConfigService/GetConfig");
  const std::vector<std::string> names = {
      "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
      "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
      "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
      "DataLoss", "Unauthenticated"};
  for (int code = 0; code < static_cast<int>(names.size()); ++code) {
    for (int times = 0; times <= code; ++times) {
      method.Started(false);
      method.Finished(absl::Status(static_cast<absl::StatusCode>(code), ""), v1::ERROR_REASON_UNSPECIFIED, {});
    }
  }
  const MetricsText text(metrics);
  for (size_t code = 0; code < names.size(); ++code) {
    const std::string label = absl::StrCat("grpc_code=\"", names[code], "\",");
    EXPECT_EQ(text.Value("grpc_server_handled_total" + Labels("GetConfig", label)), static_cast<double>(code + 1));
  }
  EXPECT_EQ(text.Value("grpc_server_msg_sent_total" + Labels("GetConfig")), 1);
  EXPECT_EQ(text.Value("grpc_server_msg_received_total" + Labels("GetConfig")), 0);
}

TEST(CallMetricsTest, TimesFallIntoTheirBuckets) {
  Metrics metrics(0);
  const MethodMetrics& method = metrics.calls().Method("qconfig.v1.ConfigService/GetConfig");
  for (const double ms : {-5.0, 0.1, 0.2, 3.0, 30'000.0, 30'001.0}) {
    method.Finished(absl::OkStatus(), v1::ERROR_REASON_UNSPECIFIED, absl::Milliseconds(ms));
  }
  const MetricsText text(metrics);
  const auto up_to = [&](const std::string& bound) {
    const std::string labels = Labels("GetConfig");
    return text.Value(absl::StrCat("grpc_server_handling_seconds_bucket", labels.substr(0, labels.size() - 1), ",le=\"",
                                   bound, "\"}"));
  };
  EXPECT_EQ(up_to("0.0001"), 2) << "a negative time counts as zero";
  EXPECT_EQ(up_to("0.00025"), 3);
  EXPECT_EQ(up_to("0.0025"), 3);
  EXPECT_EQ(up_to("0.005"), 4);
  EXPECT_EQ(up_to("30"), 5);
  EXPECT_EQ(up_to("+Inf"), 6);
  EXPECT_NEAR(text.Value("grpc_server_handling_seconds_sum" + Labels("GetConfig")), 60.0043, 1e-6);
}

TEST(CallMetricsTest, CallsAreCountedExactly) {
  TestServer server;
  const auto get = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(server.client().GetConfig(get).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(server.client().GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'x' scheme: 'fp8' }")).ok());
  }
  EXPECT_FALSE(server.CallWithBytes("GetConfig", "\xff").ok());
  EXPECT_TRUE(server.client().ListCatalogs({}).ok());
  const MetricsText text(server.metrics());
  const auto handled = [&](const std::string& method, const std::string& code) {
    return text.Value("grpc_server_handled_total" + Labels(method, "grpc_code=\"" + code + "\","));
  };
  EXPECT_EQ(text.Value("grpc_server_started_total" + Labels("GetConfig")), 6);
  EXPECT_EQ(text.Value("grpc_server_msg_received_total" + Labels("GetConfig")), 6);
  EXPECT_EQ(text.Value("grpc_server_msg_sent_total" + Labels("GetConfig")), 3);
  EXPECT_EQ(text.Value("grpc_server_handling_seconds_count" + Labels("GetConfig")), 6);
  EXPECT_EQ(handled("GetConfig", "OK"), 3);
  EXPECT_EQ(handled("GetConfig", "NotFound"), 2);
  EXPECT_EQ(handled("GetConfig", "InvalidArgument"), 1);
  EXPECT_EQ(handled("ListCatalogs", "OK"), 1);
  EXPECT_EQ(text.Sum("grpc_server_handled_total"), 7);
  EXPECT_EQ(text.Sum("qconfig_rejected_total", "reason=\"TEMPLATE_NOT_FOUND\""), 2);
  EXPECT_EQ(text.Sum("qconfig_rejected_total", "reason=\"INVALID_REQUEST\""), 1);
  EXPECT_EQ(text.Sum("qconfig_rejected_total"), 3);
}

TEST(CallMetricsTest, BatchesCountTheirItems) {
  TestServer server;
  const auto batch = Proto<v1::BatchGetConfigRequest>(
      "requests { spec { model_type: 'llama' scheme: 'fp8' } } requests { spec { model_type: 'llama' scheme: 'fp8' } "
      "tenant: 'b' } requests { spec { model_type: 'x' scheme: 'fp8' } } requests { spec { model_type: 'llama' scheme: "
      "'fp9' } } requests { spec { model_type: 'llama' scheme: 'fp9' } tenant: 'b' } requests { tenant: 'Not a tenant' "
      "}");
  EXPECT_TRUE(server.client().BatchGetConfig(batch).ok());
  v1::BatchGetConfigRequest too_long;
  for (int i = 0; i < 1001; ++i) too_long.add_requests();
  EXPECT_FALSE(server.client().BatchGetConfig(too_long).ok());
  const MetricsText text(server.metrics());
  EXPECT_EQ(text.Value("qconfig_batch_items_total{reason=\"OK\"}"), 2);
  EXPECT_EQ(text.Value("qconfig_batch_items_total{reason=\"TEMPLATE_NOT_FOUND\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_batch_items_total{reason=\"SCHEME_NOT_FOUND\"}"), 2);
  EXPECT_EQ(text.Value("qconfig_batch_items_total{reason=\"INVALID_REQUEST\"}"), 1);
  EXPECT_EQ(text.Sum("qconfig_batch_items_total"), 6);
  EXPECT_EQ(text.Value("qconfig_tenant_calls_total{tenant=\"default\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_tenant_calls_total{tenant=\"b\"}"), 1);
  EXPECT_EQ(text.Sum("qconfig_tenant_calls_total"), 2);
  EXPECT_EQ(text.Sum("qconfig_rejected_total"), 1) << "failed items do not count as failed calls";
}

TEST(CallMetricsTest, TenantsBeyondTheLimitAreOther) {
  TestSettings settings;
  settings.metrics = std::make_shared<Metrics>(2);
  TestServer server(std::move(settings));
  for (const char* tenant : {"other", "a", "a", "Not a tenant", "b", "c", "d", "other", "b", ""}) {
    server.client()
        .GetConfig(Proto<v1::GetConfigRequest>(
            absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' } tenant: '", tenant, "'")))
        .IgnoreError();
  }
  const MetricsText text(server.metrics());
  EXPECT_EQ(text.Value("qconfig_tenant_calls_total{tenant=\"a\"}"), 2);
  EXPECT_EQ(text.Value("qconfig_tenant_calls_total{tenant=\"b\"}"), 2)
      << "the tenant \"other\" does not count towards the limit";
  EXPECT_EQ(text.Value("qconfig_tenant_calls_total{tenant=\"other\"}"), 5);
  EXPECT_EQ(text.Sum("qconfig_tenant_calls_total"), 9) << "a call with an invalid tenant name counts for no tenant";
}

TEST(CallMetricsTest, TenantsWithALabelHaveTheirSizeOnTheDisk) {
  Metrics metrics(2);
  metrics.calls().CountTenant("reader");
  metrics.calls().SetTenantBytes("a", 7);
  metrics.calls().SetTenantBytes("a", 9);
  for (const int bytes : {3, 5, 4}) metrics.calls().SetTenantBytes(absl::StrCat("t", bytes), bytes);
  metrics.calls().SetTenantBytes("other", 2);
  const MetricsText text(metrics);
  EXPECT_EQ(text.Value("qconfig_tenant_disk_bytes{tenant=\"a\"}"), 9);
  EXPECT_EQ(text.Value("qconfig_tenant_disk_bytes{tenant=\"other\"}"), 5) << "the largest one";
  EXPECT_EQ(text.Sum("qconfig_tenant_disk_bytes"), 14) << "reader has not written";
}

TEST(CallMetricsTest, WithALimitOfZeroEveryTenantIsOther) {
  Metrics metrics(0);
  for (const char* tenant : {"a", "b", "other"}) metrics.calls().CountTenant(tenant);
  EXPECT_EQ(MetricsText(metrics).Value("qconfig_tenant_calls_total{tenant=\"other\"}"), 3);
  EXPECT_EQ(MetricsText(metrics).Sum("qconfig_tenant_calls_total"), 3);
}

TEST(CallMetricsTest, ConcurrentCallsAreCountedExactly) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 1000;
  Metrics metrics(4);
  const MethodMetrics& method = metrics.calls().Method("qconfig.v1.ConfigService/GetConfig");
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kCalls; ++n) {
        method.Started(true);
        method.Finished(absl::OkStatus(), v1::ERROR_REASON_UNSPECIFIED, absl::Milliseconds(1));
        metrics.calls().CountTenant(absl::StrCat("t", (i + n) % 8));
        if (n % 100 == 0) metrics.Text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const MetricsText text(metrics);
  EXPECT_EQ(text.Value("grpc_server_started_total" + Labels("GetConfig")), kThreads * kCalls);
  EXPECT_EQ(text.Value("grpc_server_handling_seconds_count" + Labels("GetConfig")), kThreads * kCalls);
  EXPECT_EQ(text.Sum("qconfig_tenant_calls_total"), kThreads * kCalls);
  EXPECT_EQ(text.Value("qconfig_tenant_calls_total{tenant=\"other\"}"), kThreads * kCalls / 2);
}

}  // namespace
}  // namespace qconfig
