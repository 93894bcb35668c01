// SPDX-License-Identifier: Apache-2.0
#include "server/observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/error.h"
#include "tests/server/observe/metrics_text.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

const std::vector<std::string>& Methods() {
  static const auto* const kMethods = new std::vector<std::string>{"ConfigService/GetConfig",
                                                                   "ConfigService/BatchGetConfig",
                                                                   "ConfigService/PlanLayers",
                                                                   "ConfigService/ListTemplates",
                                                                   "ConfigService/GetTemplate",
                                                                   "ConfigService/ListSchemes",
                                                                   "ConfigService/GetScheme",
                                                                   "ConfigService/ListCatalogs",
                                                                   "ConfigService/WhoAmI",
                                                                   "RegistryService/RegisterScheme",
                                                                   "RegistryService/UnregisterScheme",
                                                                   "RegistryService/RegisterTemplate",
                                                                   "RegistryService/UnregisterTemplate",
                                                                   "RegistryService/SetDefaultCatalog",
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

TEST(MetricsTest, SeriesOfCallsAndStoresExistFromTheStart) {
  const Metrics metrics(100);
  std::set<std::string> expected = {"qconfig_tenant_calls_total{tenant=\"other\"}",
                                    "qconfig_tenant_disk_bytes{tenant=\"other\"}",
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
  for (const char* operation : {"commit", "revisions", "load", "changes", "find_request", "find_removed"}) {
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

TEST(MetricsTest, UnknownValuesAreOmitted) {
  Metrics metrics(0);
  metrics.AddGauge("g", "Help.", {}, [] { return std::nullopt; });
  EXPECT_THAT(metrics.Text(), testing::Not(HasSubstr("Help.")));
}

TEST(MetricsTest, LaterSourceReplacesTheSeries) {
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

}  // namespace
}  // namespace qconfig
