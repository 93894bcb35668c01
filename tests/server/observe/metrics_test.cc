// SPDX-License-Identifier: Apache-2.0
#include "server/observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/error.h"
#include "server/app/serve_metrics.h"
#include "server/observe/disk_usage.h"
#include "server/observe/process_metrics.h"
#include "server/registry/storage/memory_store.h"
#include "server/registry/storage/observed_store.h"
#include "tests/core/test_support.h"
#include "tests/server/observe/metrics_text.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

const std::vector<std::string>& Methods() {
  static const auto* const kMethods = new std::vector<std::string>{
      "ConfigService/GetConfig",          "ConfigService/BatchGetConfig",       "ConfigService/ListTemplates",
      "ConfigService/GetTemplate",        "ConfigService/ListSchemes",          "ConfigService/GetScheme",
      "ConfigService/ListCatalogs",       "RegistryService/RegisterScheme",     "RegistryService/UnregisterScheme",
      "RegistryService/RegisterTemplate", "RegistryService/UnregisterTemplate", "RegistryService/SetDefaultCatalog",
      "RegistryService/ListChanges"};
  return *kMethods;
}

std::vector<std::string> Reasons() {
  std::vector<std::string> reasons = {"NONE"};
  const auto* descriptor = v1::ErrorReason_descriptor();
  for (int i = 1; i < descriptor->value_count(); ++i) {
    reasons.push_back(ReasonName(static_cast<v1::ErrorReason>(descriptor->value(i)->number())));
  }
  return reasons;
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

TEST(MetricsTest, SeriesOfCallsAndStoresAreThereFromTheStart) {
  const Metrics metrics(100);
  std::set<std::string> expected = {"qconfig_tenant_calls_total{tenant=\"other\"}",
                                    "qconfig_batch_items_total{reason=\"OK\"}"};
  for (const std::string& reason : Reasons()) {
    expected.insert(absl::StrCat("qconfig_batch_items_total{reason=\"", reason, "\"}"));
  }
  const std::vector<std::string> bounds = {"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005",
                                           "0.01",   "0.025",   "0.05",   "0.1",   "0.25",   "0.5",
                                           "1",      "2.5",     "5",      "10",    "30",     "+Inf"};
  const auto expect_times = [&](const std::string& name, const std::string& labels) {
    for (const char* end : {"_count", "_sum"}) expected.insert(absl::StrCat(name, end, "{", labels, "}"));
    for (const std::string& bound : bounds) {
      expected.insert(absl::StrCat(name, "_bucket{", labels, ",le=\"", bound, "\"}"));
    }
  };
  for (const std::string& method : Methods()) {
    const std::vector<std::string> names = absl::StrSplit(method, '/');
    const std::string labels =
        absl::StrCat("grpc_method=\"", names[1], "\",grpc_service=\"qconfig.v1.", names[0], "\"");
    for (const char* name : {"started", "msg_received", "msg_sent"}) {
      expected.insert(absl::StrCat("grpc_server_", name, "_total{", labels, ",grpc_type=\"unary\"}"));
    }
    for (const char* code : {"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound",
                             "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted",
                             "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated"}) {
      expected.insert(
          absl::StrCat("grpc_server_handled_total{grpc_code=\"", code, "\",", labels, ",grpc_type=\"unary\"}"));
    }
    expect_times("grpc_server_handling_seconds", absl::StrCat(labels, ",grpc_type=\"unary\""));
    for (const std::string& reason : Reasons()) {
      expected.insert(absl::StrCat("qconfig_rejected_total{", labels, ",reason=\"", reason, "\"}"));
    }
  }
  for (const char* operation : {"commit", "revisions", "load", "changes", "find_request"}) {
    expect_times("qconfig_store_operation_seconds", absl::StrCat("operation=\"", operation, "\""));
    for (const char* reason : {"STORAGE_UNAVAILABLE", "STORAGE_FULL", "NONE"}) {
      expected.insert(
          absl::StrCat("qconfig_store_errors_total{operation=\"", operation, "\",reason=\"", reason, "\"}"));
    }
  }
  std::set<std::string> found;
  const MetricsText text(metrics);
  for (const auto& [series, value] : text.series()) {
    found.insert(series);
    EXPECT_EQ(value, 0) << series;
  }
  EXPECT_EQ(found, expected);
}

TEST(MetricsTest, EveryFamilyOfTheServerIsThereFromTheStart) {
  TestServer server;
  Readiness readiness;
  const DiskUsage disk("memory");
  AddServeMetrics({Options(), server.registry().catalogs(), server.in_flight_calls(), server.answer_cache(), readiness,
                   disk, nullptr},
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
                                          "qconfig_waiting_calls",
                                          "qconfig_ready",
                                          "qconfig_store_revision",
                                          "qconfig_store_file_bytes",
                                          "qconfig_store_free_bytes",
                                          "qconfig_store_operation_seconds",
                                          "qconfig_store_errors_total",
                                          "qconfig_registry_cache_bytes",
                                          "qconfig_registry_cache_limit_bytes",
                                          "qconfig_registry_tenants_in_memory",
                                          "qconfig_log_lines_dropped_total",
                                          "qconfig_tls_reloads_total",
                                          "qconfig_tls_certificate_expiry_timestamp_seconds",
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
}

TEST(MetricsTest, ValuesThatLiveElsewhereAreReadWhenAskedFor) {
  TestServer server;
  const MemoryStore store({});
  Readiness readiness;
  const DiskUsage disk("memory");
  AddServeMetrics({Options(), server.registry().catalogs(), server.in_flight_calls(), server.answer_cache(), readiness,
                   disk, nullptr},
                  server.metrics());
  AddRegistryMetrics(&server.registry(), &store, server.metrics());
  EXPECT_EQ(MetricsText(server.metrics()).Value("qconfig_ready"), 0);
  readiness.Serve([] { return absl::OkStatus(); });
  const MetricsText before(server.metrics());
  EXPECT_EQ(before.Value("qconfig_ready"), 1);
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

TEST(MetricsTest, DiskIsLookedAtOnlyWhenItIsTold) {
  const TempDirectory directory;
  const std::string file = directory.Path("disk_usage.db");
  DiskUsage disk("sqlite:" + file);
  std::ofstream(file) << "1234";
  std::ofstream(file + "-wal") << "56";
  EXPECT_EQ(disk.file_bytes(), 0);
  disk.Refresh();
  EXPECT_EQ(disk.file_bytes(), 6);
  EXPECT_GT(disk.free_bytes(), 0);
  DiskUsage memory("memory");
  memory.Refresh();
  EXPECT_EQ(memory.free_bytes(), 0);
}

TEST(MetricsTest, WaitingCallsAreSeen) {
  TestServer server;
  const MemoryStore store({});
  Readiness readiness;
  const DiskUsage disk("memory");
  AddServeMetrics({Options(), server.registry().catalogs(), server.in_flight_calls(), server.answer_cache(), readiness,
                   disk, nullptr},
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

TEST(MetricsTest, ProcessIsAsTheSystemTells) {
  Metrics metrics(0);
  AddProcessMetrics(metrics);
  const MetricsText one(metrics);
  EXPECT_GE(one.Value("process_threads"), 1);
  EXPECT_GT(one.Value("process_cpu_seconds_total"), 0);
  EXPECT_GT(one.Value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(one.Value("process_virtual_memory_bytes"), one.Value("process_resident_memory_bytes"));
  EXPECT_NEAR(one.Value("process_start_time_seconds"), absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()), 3600);
  EXPECT_GT(one.Value("process_max_fds"), one.Value("process_open_fds"));
  const int opened = dup(0);
  EXPECT_EQ(MetricsText(metrics).Value("process_open_fds"), one.Value("process_open_fds") + 1);
  close(opened);
  constexpr int kThreads = 50;
  absl::Notification end;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { end.WaitForNotification(); });
  EXPECT_GT(MetricsText(metrics).Value("process_threads"), kThreads);
  end.Notify();
  for (std::thread& thread : threads) thread.join();
}

TEST(MetricsTest, ProcessIsKnownWhenNoMoreFilesCanBeOpened) {
  Metrics metrics(0);
  AddProcessMetrics(metrics);
  const std::map<std::string, double> before = MetricsText(metrics).series();
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  const rlimit none = {0, files.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const MetricsText text(metrics);
  setrlimit(RLIMIT_NOFILE, &files);
  for (const auto& [series, value] : before) {
    if (series == "process_open_fds" || series == "process_max_fds") continue;
    EXPECT_GE(text.Value(series), value / 2) << series;
  }
  EXPECT_EQ(text.Value("process_open_fds"), 0) << "as many as may be open";
}

TEST(MetricsTest, UnknownValuesAreLeftOut) {
  Metrics metrics(0);
  metrics.AddGauge("g", "Help.", {}, [] { return std::nullopt; });
  EXPECT_THAT(metrics.Text(), testing::Not(HasSubstr("Help.")));
}

TEST(MetricsTest, LaterSourceOfASeriesTakesItsPlace) {
  Metrics metrics(0);
  metrics.AddGauge("g", "Help.", {{"a", "1"}}, [] { return 1; });
  metrics.AddGauge("g", "Help.", {{"a", "2"}}, [] { return 2; });
  metrics.AddGauge("g", "Help.", {{"a", "1"}}, [] { return 3; });
  metrics.AddCounter("c_total", "Help.", {}, [] { return 4; });
  const MetricsText text(metrics);
  EXPECT_EQ(text.Value("g{a=\"1\"}"), 3);
  EXPECT_EQ(text.Value("g{a=\"2\"}"), 2);
  EXPECT_EQ(text.Value("c_total"), 4);
  EXPECT_THAT(metrics.Text(), HasSubstr("# HELP g Help.\n# TYPE g gauge\n"));
  EXPECT_THAT(metrics.Text(), HasSubstr("# TYPE c_total counter\n"));
}

TEST(MetricsTest, EveryCodeHasItsName) {
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

TEST(MetricsTest, TimesFallIntoTheirBuckets) {
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
  EXPECT_EQ(up_to("0.0001"), 2) << "the clock that went back took no time";
  EXPECT_EQ(up_to("0.00025"), 3);
  EXPECT_EQ(up_to("0.0025"), 3);
  EXPECT_EQ(up_to("0.005"), 4);
  EXPECT_EQ(up_to("30"), 5);
  EXPECT_EQ(up_to("+Inf"), 6);
  EXPECT_NEAR(text.Value("grpc_server_handling_seconds_sum" + Labels("GetConfig")), 60.0043, 1e-6);
}

TEST(MetricsTest, CallsAreCountedExactly) {
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

TEST(MetricsTest, BatchesCountTheirItems) {
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
  EXPECT_EQ(text.Sum("qconfig_rejected_total"), 1) << "items that fail are no calls that do";
}

TEST(MetricsTest, TenantsBeyondTheBoundAreOther) {
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
  EXPECT_EQ(text.Value("qconfig_tenant_calls_total{tenant=\"b\"}"), 2) << "the tenant \"other\" takes no place";
  EXPECT_EQ(text.Value("qconfig_tenant_calls_total{tenant=\"other\"}"), 5);
  EXPECT_EQ(text.Sum("qconfig_tenant_calls_total"), 9) << "what is no tenant's name is counted under none";
}

TEST(MetricsTest, WithoutPlacesEveryTenantIsOther) {
  Metrics metrics(0);
  for (const char* tenant : {"a", "b", "other"}) metrics.calls().CountTenant(tenant);
  EXPECT_EQ(MetricsText(metrics).Value("qconfig_tenant_calls_total{tenant=\"other\"}"), 3);
  EXPECT_EQ(MetricsText(metrics).Sum("qconfig_tenant_calls_total"), 3);
}

TEST(MetricsTest, ManyThreadsLoseNoCount) {
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

TEST(StoreMetricsTest, OperationsAndFailuresOfAStoreAreCounted) {
  auto metrics = std::make_shared<Metrics>(0);
  auto faulty = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
  FaultInjectingStore& faults = *faulty;
  ObservedStore store(std::move(faulty), [metrics](auto... report) { metrics->store().Finished(report...); });
  faults.FailBeforeStoring(StorageFull("no room"));
  faults.FailBeforeStoring(absl::InternalError("a reason that nobody foresaw"));
  for (int64_t revision : {2, 2, 2, 7}) store.Commit(Tenant("a"), Write(revision, {})).IgnoreError();
  store.Load(Tenant("a"), 99).IgnoreError();
  faults.FailReads(StorageUnavailable("gone"));
  store.FindRequest(Tenant("a"), "r").IgnoreError();
  const MetricsText text(*metrics);
  EXPECT_EQ(text.Value("qconfig_store_operation_seconds_count{operation=\"commit\"}"), 4);
  EXPECT_EQ(text.Value("qconfig_store_operation_seconds_count{operation=\"load\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_store_operation_seconds_count{operation=\"find_request\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_store_errors_total{operation=\"commit\",reason=\"STORAGE_FULL\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_store_errors_total{operation=\"commit\",reason=\"NONE\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_store_errors_total{operation=\"find_request\",reason=\"STORAGE_UNAVAILABLE\"}"), 1);
  EXPECT_EQ(text.Sum("qconfig_store_errors_total"), 3) << "conflicts and unknown revisions are answers";
}

}  // namespace
}  // namespace qconfig
