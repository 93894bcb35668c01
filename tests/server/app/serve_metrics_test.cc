// SPDX-License-Identifier: Apache-2.0
#include "server/app/serve_metrics.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "server/observe/disk_usage.h"
#include "server/registry/storage/memory_store.h"
#include "tests/core/test_support.h"
#include "tests/server/observe/metrics_text.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

EventLog NoEvents() {
  spdlog::logger logger("none");
  return EventLog(logger, LogForm::kJson);
}

std::set<std::string> FamiliesOf(const Metrics& metrics) {
  std::set<std::string> families;
  const std::string text = metrics.Text();
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    const bool is_new = words.size() < 4 || words[1] != "TYPE" || families.insert(words[2]).second;
    EXPECT_TRUE(is_new) << line;
  }
  return families;
}

TEST(ServeMetricsTest, EveryFamilyExistsFromTheStart) {
  TestServer server;
  Readiness readiness;
  const DiskUsage disk("memory");
  const DamageLog damage(NoEvents(), "memory");
  AddServeMetrics({Options(), server.registry().catalogs(), server.connections(), server.in_flight_calls(),
                   server.transport_guard(), CallResources(), server.answer_cache(), readiness, disk, damage, nullptr},
                  server.metrics());
  const std::set<std::string> expected = {"grpc_server_started_total",
                                          "grpc_server_handled_total",
                                          "grpc_server_msg_received_total",
                                          "grpc_server_msg_sent_total",
                                          "grpc_server_handling_seconds",
                                          "qconfig_build_info",
                                          "qconfig_catalog_info",
                                          "qconfig_rejected_total",
                                          "qconfig_batch_items_total",
                                          "qconfig_tenant_calls_total",
                                          "qconfig_tenant_disk_bytes",
                                          "qconfig_connections",
                                          "qconfig_max_connections",
                                          "qconfig_computing_calls",
                                          "qconfig_max_computing_calls",
                                          "qconfig_stage_waiting_calls",
                                          "qconfig_stage_rejections_total",
                                          "qconfig_rate_excess_total",
                                          "qconfig_tenant_disk_limit_bytes",
                                          "qconfig_connections_closed_total",
                                          "qconfig_accept_failures_total",
                                          "qconfig_in_flight_calls",
                                          "qconfig_max_in_flight_calls",
                                          "qconfig_answer_cache_hits_total",
                                          "qconfig_answer_cache_misses_total",
                                          "qconfig_answer_cache_evictions_total",
                                          "qconfig_answer_cache_answers",
                                          "qconfig_answer_cache_bytes",
                                          "qconfig_answer_cache_limit_bytes",
                                          "qconfig_sending_answers",
                                          "qconfig_sending_answer_bytes",
                                          "qconfig_unread_rejections_total",
                                          "qconfig_connections_ended_total",
                                          "qconfig_unfinished_message_bytes",
                                          "qconfig_unread_cancellations_total",
                                          "qconfig_memory_limit_bytes",
                                          "qconfig_memory_used_bytes",
                                          "qconfig_memory_pressure",
                                          "qconfig_memory_rejections_total",
                                          "qconfig_memory_waiting_calls",
                                          "qconfig_request_memory_bytes",
                                          "qconfig_request_memory_limit_bytes",
                                          "qconfig_waiting_calls",
                                          "qconfig_ready",
                                          "qconfig_self_check_ok",
                                          "qconfig_self_check_failures_total",
                                          "qconfig_self_check_seconds",
                                          "qconfig_store_revision",
                                          "qconfig_store_tenants",
                                          "qconfig_max_tenants",
                                          "qconfig_history_expiry_paused",
                                          "qconfig_store_file_bytes",
                                          "qconfig_store_free_bytes",
                                          "qconfig_store_operation_seconds",
                                          "qconfig_store_errors_total",
                                          "qconfig_store_damage_total",
                                          "qconfig_registry_cache_bytes",
                                          "qconfig_registry_cache_limit_bytes",
                                          "qconfig_registry_tenants_in_memory",
                                          "qconfig_log_lines_dropped_total",
                                          "qconfig_tls_reloads_total",
                                          "qconfig_tls_certificate_expiry_timestamp_seconds",
                                          "qconfig_auth_policy_reloads_total",
                                          "qconfig_auth_policy_loaded_timestamp_seconds",
                                          "qconfig_auth_policy_usable",
                                          "qconfig_audit_log_lines_total",
                                          "process_cpu_seconds_total",
                                          "process_resident_memory_bytes",
                                          "process_virtual_memory_bytes",
                                          "process_start_time_seconds",
                                          "process_open_fds",
                                          "process_max_fds",
                                          "process_threads"};
  EXPECT_EQ(FamiliesOf(server.metrics()), expected);
  const MetricsText text(server.metrics());
  for (const char* result : {"ok", "failed"}) {
    EXPECT_EQ(text.Value(absl::StrCat("qconfig_tls_reloads_total{result=\"", result, "\"}")), 0);
  }
  EXPECT_EQ(text.Sum("qconfig_build_info", absl::StrCat("version=\"", QCONFIG_VERSION, "\"")), 1);
  EXPECT_EQ(text.Sum("qconfig_catalog_info"), 2);
  EXPECT_EQ(text.Value("qconfig_auth_policy_usable"), 1) << "without a policy";
}

TEST(ServeMetricsTest, APolicyThatCannotBeUsedIsVisibleUntilItCan) {
  const TempDirectory directory;
  const std::string path = directory.Path("policy.yaml");
  const std::string good = "version: 1\nanonymous: {grants: [{role: reader, tenants: [acme]}]}\n";
  WriteFile(path, good);
  const auto policy = PolicyFile::Open(
                          path, Clock(), NoEvents(), [](const auto&) {}, absl::InfiniteDuration())
                          .value();
  TestServer server;
  Readiness readiness;
  const DiskUsage disk("memory");
  const DamageLog damage(NoEvents(), "memory");
  AddServeMetrics({Options(), server.registry().catalogs(), server.connections(), server.in_flight_calls(),
                   server.transport_guard(), CallResources(), server.answer_cache(), readiness, disk, damage, nullptr,
                   policy.get()},
                  server.metrics());
  const auto usable = [&] {
    policy->ReloadIfChanged();
    return MetricsText(server.metrics()).Value("qconfig_auth_policy_usable");
  };
  EXPECT_EQ(usable(), 1);
  WriteFile(path, good + "oops: 1\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(usable(), 0);
  WriteFile(path, good);
  EXPECT_EQ(usable(), 1);
}

TEST(ServeMetricsTest, GaugesAreReadAtEachScrape) {
  TestServer server;
  const MemoryStore store({});
  Readiness readiness;
  const DiskUsage disk("memory");
  const DamageLog damage(NoEvents(), "memory");
  AddServeMetrics({Options(), server.registry().catalogs(), server.connections(), server.in_flight_calls(),
                   server.transport_guard(), CallResources(), server.answer_cache(), readiness, disk, damage, nullptr},
                  server.metrics());
  AddRegistryMetrics(&server.registry(), &store, server.metrics());
  EXPECT_EQ(MetricsText(server.metrics()).Value("qconfig_ready"), 0);
  readiness.Serve({{"writes", [] { return absl::OkStatus(); }, [](const absl::Status&) {}}});
  while (!readiness.Ready().ok()) std::this_thread::yield();
  const MetricsText before(server.metrics());
  EXPECT_EQ(before.Value("qconfig_ready"), 1);
  EXPECT_EQ(before.Value("qconfig_self_check_ok{check=\"writes\"}"), 1);
  EXPECT_EQ(before.Value("qconfig_self_check_failures_total{check=\"writes\"}"), 0);
  EXPECT_EQ(before.Value("qconfig_registry_tenants_in_memory"), 0);
  EXPECT_EQ(before.Value("qconfig_registry_cache_bytes"), 0);
  EXPECT_EQ(before.Value("qconfig_registry_cache_limit_bytes"), 256 << 20);
  EXPECT_EQ(before.Value("qconfig_max_in_flight_calls"), 256);
  ASSERT_TRUE(server.client().RegisterScheme(Proto<v1::RegisterSchemeRequest>("scheme { name: 's' config {} }")).ok());
  readiness.Drain();
  const MetricsText after(server.metrics());
  EXPECT_EQ(after.Value("qconfig_ready"), 0);
  EXPECT_EQ(after.Value("qconfig_registry_tenants_in_memory"), 1);
  EXPECT_GT(after.Value("qconfig_registry_cache_bytes"), 0);
  EXPECT_EQ(after.Value("qconfig_in_flight_calls"), 0);
}

TEST(ServeMetricsTest, WaitingCallsAreCounted) {
  TestServer server;
  const MemoryStore store({});
  Readiness readiness;
  const DiskUsage disk("memory");
  const DamageLog damage(NoEvents(), "memory");
  AddServeMetrics({Options(), server.registry().catalogs(), server.connections(), server.in_flight_calls(),
                   server.transport_guard(), CallResources(), server.answer_cache(), readiness, disk, damage, nullptr},
                  server.metrics());
  AddRegistryMetrics(&server.registry(), &store, server.metrics());
  const auto waiting = [&] { return MetricsText(server.metrics()).Value("qconfig_waiting_calls"); };
  EXPECT_EQ(waiting(), 0);
  std::thread caller([&] {
    EXPECT_TRUE(
        server.client()
            .GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' } min_revision: 2"))
            .ok());
  });
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (waiting() != 1 && absl::Now() < deadline) std::this_thread::yield();
  EXPECT_EQ(waiting(), 1);
  EXPECT_GE(MetricsText(server.metrics()).Value("qconfig_in_flight_calls"), 1);
  EXPECT_TRUE(server.client().RegisterScheme(Proto<v1::RegisterSchemeRequest>("scheme { name: 's' config {} }")).ok());
  caller.join();
  EXPECT_EQ(waiting(), 0);
}

}  // namespace
}  // namespace qconfig
