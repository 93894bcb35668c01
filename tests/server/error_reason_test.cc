// SPDX-License-Identifier: Apache-2.0
//
// Produces every ErrorReason over a real port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/registry/storage/memory_store.h"
#include "server/rpc/wire_status.h"
#include "tests/core/test_support.h"
#include "tests/server/observe/metrics_text.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

std::string Repeated(absl::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) absl::StrAppend(&result, text);
  return result;
}

// Rejected requests by reason.
const std::map<v1::ErrorReason, std::string>& RejectedRequests() {
  static const auto* const kRequests = new std::map<v1::ErrorReason, std::string>{
      {v1::ERROR_REASON_INVALID_REQUEST, "spec { model_type: 'llama' scheme: 'fp8' min_kv_scale: nan }"},
      {v1::ERROR_REASON_TEMPLATE_NOT_FOUND, "spec { model_type: 'lama' scheme: 'fp8' }"},
      {v1::ERROR_REASON_SCHEME_NOT_FOUND, "spec { model_type: 'llama' scheme: 'fp9' }"},
      {v1::ERROR_REASON_CATALOG_NOT_FOUND, "spec { model_type: 'llama' scheme: 'fp8' } catalog: 'quark-0.12'"},
      {v1::ERROR_REASON_UNSUPPORTED_ALGORITHM, "spec { model_type: 'llama' scheme: 'fp8' algorithm: 'agw' }"},
      {v1::ERROR_REASON_UNSUPPORTED_KV_CACHE_SCHEME,
       "spec { model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'int8' }"},
      {v1::ERROR_REASON_UNSUPPORTED_ATTENTION_SCHEME,
       "spec { model_type: 'llama' scheme: 'fp8' attention_scheme: 'int8' }"},
      {v1::ERROR_REASON_ALGORITHM_CONFIG_MISSING, "spec { model_type: 'qwen3' scheme: 'fp8' algorithm: 'awq' }"},
      {v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG,
       "spec { model_type: 'llama' scheme: 'fp8' "
       "algo_configs { algorithm: 'gptq' config { gptq { static_groups: false } } } }"},
      {v1::ERROR_REASON_REVISION_IN_FUTURE, "spec { model_type: 'llama' scheme: 'fp8' } revision: 2"},
      {v1::ERROR_REASON_ANSWER_TOO_LARGE,
       "spec { model_type: 'llama' scheme: 'fp8' " + Repeated("algorithm: 'rotation' ", 10'000) + "}"},
      {v1::ERROR_REASON_MESSAGE_TOO_LARGE, "spec { model_type: '" + std::string(5 << 20, 'x') + "' }"},
  };
  return *kRequests;
}

// Rejections of writes, and of reads after writes. The server keeps one revision of each tenant.
using Rejection = std::function<absl::Status(client::Client&, FaultInjectingStore&)>;

absl::Status Put(client::Client& client, const std::string& request) {
  return client.RegisterScheme(Proto<v1::RegisterSchemeRequest>(request)).status();
}

absl::Status GetLater(client::Client& client, const std::string& request) {
  for (const char* name : {"one", "two", "three"}) {
    auto registered = Proto<v1::RegisterSchemeRequest>(
        "scheme { config { weight { dtype: DTYPE_UINT2 is_dynamic: false "
        "observer_cls: 'PerTensorMinMaxObserver' "
        "qscheme: Q_SCHEME_TYPE_PER_TENSOR symmetric: true "
        "round_method: ROUND_TYPE_ROUND scale_type: SCALE_TYPE_FLOAT } } }");
    registered.mutable_scheme()->set_name(name);
    EXPECT_TRUE(client.RegisterScheme(registered).ok());
  }
  return client.GetConfig(Proto<v1::GetConfigRequest>(request)).status();
}

const std::map<v1::ErrorReason, Rejection>& RejectedAfterWrites() {
  constexpr char kId[] = "request_id: '123e4567-e89b-42d3-a456-426614174000'";
  static const auto* const kRejections = new std::map<v1::ErrorReason, Rejection>{
      {v1::ERROR_REASON_SCHEME_EXISTS,
       [](auto& client, auto&) { return Put(client, "scheme { name: 'fp8' config {} }"); }},
      {v1::ERROR_REASON_INVALID_TENSOR_CONFIG,
       [](auto& client, auto&) { return Put(client, "scheme { name: 'x' config { weight {} } }"); }},
      {v1::ERROR_REASON_BUILTIN_READ_ONLY,
       [](auto& client, auto&) {
         return client.UnregisterScheme(Proto<v1::UnregisterSchemeRequest>("name: 'fp8'")).status();
       }},
      {v1::ERROR_REASON_ETAG_MISMATCH,
       [](auto& client, auto&) {
         return client
             .RegisterTemplate(Proto<v1::RegisterTemplateRequest>("llm_template { model_type: 'm' } etag: '9'"))
             .status();
       }},
      {v1::ERROR_REASON_TEMPLATE_EXISTS,
       [](auto& client, auto&) {
         const auto request = Proto<v1::RegisterTemplateRequest>("llm_template { model_type: 'm' } must_be_new: true");
         EXPECT_TRUE(client.RegisterTemplate(request).ok());
         return client.RegisterTemplate(request).status();
       }},
      {v1::ERROR_REASON_PLAN_HAS_FINDINGS,
       [](auto& client, auto&) {
         return client
             .PlanLayers(Proto<v1::PlanLayersRequest>("spec { model_type: 'llama' scheme: 'fp8' } fail_at: "
                                                      "FINDING_SEVERITY_WARNING modules { name: 'norm' type: 'Norm' }"))
             .status();
       }},
      {v1::ERROR_REASON_REVISION_MISMATCH,
       [](auto& client, auto&) {
         return client
             .SetDefaultCatalog(Proto<v1::SetDefaultCatalogRequest>("catalog: 'quark-0.13' expected_revision: 7"))
             .status();
       }},
      {v1::ERROR_REASON_REVISION_LOST,
       [](auto& client, auto& store) {
         EXPECT_TRUE(Put(client, "scheme { name: 'a' config {} }").ok());
         EXPECT_TRUE(store.BeginEpoch().ok());
         EXPECT_TRUE(Put(client, "scheme { name: 'b' config {} }").ok());
         return client.GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'a' } revision: 3"))
             .status();
       }},
      {v1::ERROR_REASON_REVISION_COMPACTED,
       [](auto& client, auto&) { return GetLater(client, "spec { model_type: 'llama' scheme: 'fp8' } revision: 1"); }},
      {v1::ERROR_REASON_REQUEST_ID_REUSED,
       [=](auto& client, auto&) {
         EXPECT_TRUE(Put(client, absl::StrCat("scheme { name: 'a' config {} } ", kId)).ok());
         return Put(client, absl::StrCat("scheme { name: 'b' config {} } ", kId));
       }},
      {v1::ERROR_REASON_QUOTA_EXCEEDED,
       [](auto& client, auto&) {
         EXPECT_TRUE(GetLater(client, "spec { model_type: 'llama' scheme: 'fp8' }").ok());
         return Put(client, "scheme { name: 'four' config {} }");
       }},
      {v1::ERROR_REASON_STORAGE_UNAVAILABLE,
       [](auto& client, auto& store) {
         store.FailBeforeStoring(StorageUnavailable("gone"));
         return Put(client, "scheme { name: 'a' config {} }");
       }},
      {v1::ERROR_REASON_STORAGE_FULL,
       [](auto& client, auto& store) {
         store.FailBeforeStoring(StorageFull("no room"));
         return Put(client, "scheme { name: 'a' config {} }");
       }},
      {v1::ERROR_REASON_NOT_IN_CATALOG,
       [](auto& client, auto&) { return GetLater(client, "spec { model_type: 'llama' scheme: 'one' }"); }},
  };
  return *kRejections;
}

TEST(ErrorReasonTest, EveryReasonIsProducedOverTheWire) {
  auto store = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits{1}));
  FaultInjectingStore& faults = *store;
  TestSettings settings;
  settings.store = std::move(store);
  settings.limits.tenant_entries = 3;
  TestServer server(std::move(settings));
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason = static_cast<v1::ErrorReason>(reasons->value(i)->number());
    // Never sent, or covered by ServerTest.ShutdownWaitsForRunningCallsAndRefusesNewOnes, OverloadTest, PermissionTest
    // and CallAuditTest.
    const std::set<v1::ErrorReason> elsewhere = {
        v1::ERROR_REASON_UNSPECIFIED,         v1::ERROR_REASON_SHUTTING_DOWN,       v1::ERROR_REASON_OVERLOADED,
        v1::ERROR_REASON_CREDENTIALS_MISSING, v1::ERROR_REASON_CREDENTIALS_INVALID, v1::ERROR_REASON_PERMISSION_DENIED,
        v1::ERROR_REASON_AUDIT_UNAVAILABLE,   v1::ERROR_REASON_RATE_LIMITED};
    if (elsewhere.count(reason) > 0) continue;
    client::Client client = server.NewClient(absl::StrCat("tenant-", reason));
    absl::Status status;
    if (RejectedRequests().count(reason) > 0) {
      status = client.GetConfig(Proto<v1::GetConfigRequest>(RejectedRequests().at(reason))).status();
    } else {
      ASSERT_TRUE(RejectedAfterWrites().count(reason)) << ReasonName(reason) << " has no request that causes it";
      status = RejectedAfterWrites().at(reason)(client, faults);
    }
    const v1::ItemError error = client::ErrorOf(status);
    EXPECT_EQ(ReasonName(error.reason()), ReasonName(reason));
    EXPECT_EQ(status.code(), Error(reason).ToStatus("").code());
    EXPECT_EQ(error.field_violations_size(), error.metadata().count("field")) << error.ShortDebugString();
    const std::string label = absl::StrCat("reason=\"", ReasonName(reason), "\"");
    EXPECT_EQ(MetricsText(server.metrics()).Sum("qconfig_rejected_total", label), 1) << label;
  }
}

TEST(ErrorReasonTest, BatchItemFailsLikeASingleCall) {
  TestServer server;
  v1::BatchGetConfigRequest batch;
  for (const auto& [reason, request] : RejectedRequests()) {
    if (reason != v1::ERROR_REASON_MESSAGE_TOO_LARGE) *batch.add_requests() = Proto<v1::GetConfigRequest>(request);
  }
  const auto response = server.client().BatchGetConfig(batch);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->results_size(), batch.requests_size());
  for (int i = 0; i < batch.requests_size(); ++i) {
    const auto alone = server.client().GetConfig(batch.requests(i));
    EXPECT_EQ(response->results(i).error().ShortDebugString(), client::ErrorOf(alone.status()).ShortDebugString());
  }
}

TEST(ErrorReasonTest, WireCarriesErrorInfoBadRequestAndErrorDetail) {
  TestServer server;
  const auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'pf8' }");
  const grpc::Status status = server.CallWithBytes("GetConfig", request.SerializeAsString());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_EQ(details.details_size(), 3);
  EXPECT_EQ(details.code(), 5);
  EXPECT_EQ(details.message(), status.error_message());
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.domain(), "qconfig.dev");
  EXPECT_EQ(info.reason(), "SCHEME_NOT_FOUND");
  EXPECT_EQ(info.metadata().at("value"), "pf8");
  EXPECT_EQ(info.metadata().at("field"), "spec.scheme");
  EXPECT_EQ(info.metadata().at("catalog"), "quark-0.12.post1");
  EXPECT_EQ(info.metadata().size(), 3u) << "lists are in the ErrorDetail";
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(details.details(1).UnpackTo(&bad_request));
  EXPECT_EQ(bad_request.field_violations(0).field(), "spec.scheme");
  v1::ErrorDetail detail;
  ASSERT_TRUE(details.details(2).UnpackTo(&detail));
  EXPECT_EQ(detail.field(), "spec.scheme");
  EXPECT_THAT(detail.suggestions(), testing::Contains("fp8"));
  EXPECT_EQ(detail.allowed_size(), 10);
  EXPECT_EQ(detail.allowed_total(), 27);
}

TEST(ErrorReasonTest, LongestErrorArrivesComplete) {
  TestServer server;
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->set_scheme("fp8");
  v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
  // Four-byte characters, each of which takes twelve bytes in HTTP/2 trailers.
  for (int i = 0; i < 128; ++i) entry.mutable_scheme()->append("😀");
  const auto response = server.client().GetConfig(request);
  EXPECT_EQ(ReceivedReasonAndField(response.status()), "SCHEME_NOT_FOUND at spec.layer_config[0].scheme");
  EXPECT_EQ(response.status().code(), absl::StatusCode::kNotFound);
  const grpc::Status raw = server.CallWithBytes("GetConfig", request.SerializeAsString());
  EXPECT_LE(ErrorBytesOnWire(raw), kMaxErrorBytes);
  EXPECT_GE(ErrorBytesOnWire(raw), kMaxErrorBytes / 2) << "the error is not long enough";
}

TEST(WireStatusTest, LongErrorsAreShortened) {
  std::string emoji;
  for (int i = 0; i < 128; ++i) emoji.append("😀");
  const std::vector<absl::string_view> names(20, emoji);
  const grpc::Status status = ToGrpcStatus(Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
                                               .Field("spec.layer_config[9999].scheme")
                                               .Value(emoji)
                                               .Allowed(names)
                                               .Suggest(NameKind::kScheme, names)
                                               .Catalog(emoji)
                                               .ToStatus(emoji));
  EXPECT_LE(ErrorBytesOnWire(status), kMaxErrorBytes);
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "SCHEME_NOT_FOUND");
  EXPECT_EQ(info.metadata().at("field"), "spec.layer_config[9999].scheme");
}

TEST(WireStatusTest, SuggestionsAreNeverTruncated) {
  std::string name, emoji;
  for (int i = 0; i < 16; ++i) name.append("😀");
  for (int i = 0; i < 128; ++i) emoji.append("😀");
  std::vector<std::string> distinct;
  for (char c = 'a'; c < 'a' + 20; ++c) distinct.push_back(name + c);
  const std::vector<absl::string_view> names(distinct.begin(), distinct.end());
  const grpc::Status status = ToGrpcStatus(Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
                                               .Value(name.substr(4))
                                               .Allowed(names)
                                               .Suggest(NameKind::kScheme, names)
                                               .Catalog(emoji)
                                               .ToStatus(emoji));
  EXPECT_LE(ErrorBytesOnWire(status), kMaxErrorBytes);
  google::rpc::Status details;
  v1::ErrorDetail detail;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_TRUE(details.details(1).UnpackTo(&detail));
  EXPECT_TRUE(detail.allowed().empty()) << "the error is not long enough to be shortened";
  EXPECT_EQ(detail.allowed_total(), 20);
  EXPECT_EQ(detail.suggestions_size(), 3);
  EXPECT_THAT(detail.suggestions(), testing::ElementsAre(name + 'a', name + 'b', name + 'c'));
}

TEST(WireStatusTest, StatusWithoutAReasonKeepsItsCodeAndMessage) {
  const grpc::Status status = ToGrpcStatus(absl::CancelledError("gone"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(status.error_message(), "gone");
}

}  // namespace
}  // namespace qconfig
