// SPDX-License-Identifier: Apache-2.0
#include "server/observe/call_metrics.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/registry_service.pb.h"

namespace qconfig {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::Labels;

constexpr char kOther[] = "other";

// The names of status codes 0 to 16 in gRPC's Prometheus libraries.
constexpr std::array<const char*, 17> kCodeNames = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

Family<Counter>& Counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

// A series for each reason, indexed by the reason's number.
std::vector<Counter*> ByReason(Family<Counter>& family, Labels labels) {
  std::vector<Counter*> counters(v1::ErrorReason_ARRAYSIZE);
  for (int number = 0; number < v1::ErrorReason_ARRAYSIZE; ++number) {
    if (!v1::ErrorReason_IsValid(number)) continue;
    labels["reason"] = ReasonLabel(static_cast<v1::ErrorReason>(number));
    counters[static_cast<size_t>(number)] = &family.Add(labels);
  }
  return counters;
}

}  // namespace

const Histogram::BucketBoundaries& TimeBuckets() {
  static const auto* const kSeconds = new Histogram::BucketBoundaries{
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
  return *kSeconds;
}

std::string ReasonLabel(v1::ErrorReason reason) {
  return reason == v1::ERROR_REASON_UNSPECIFIED ? "NONE" : ReasonName(reason);
}

// The families that have series for each method.
struct MethodFamilies {
  explicit MethodFamilies(prometheus::Registry& registry)
      : started(Counters(registry, "grpc_server_started_total", "Calls started.")),
        handled(Counters(registry, "grpc_server_handled_total", "Calls finished, by status code.")),
        received(Counters(registry, "grpc_server_msg_received_total", "Request messages received.")),
        sent(Counters(registry, "grpc_server_msg_sent_total", "Response messages sent.")),
        rejected(Counters(registry, "qconfig_rejected_total", "Failed calls, by reason.")),
        seconds(prometheus::BuildHistogram()
                    .Name("grpc_server_handling_seconds")
                    .Help("Duration of calls, from the request message to the response.")
                    .Register(registry)) {}

  Family<Counter>& started;
  Family<Counter>& handled;
  Family<Counter>& received;
  Family<Counter>& sent;
  Family<Counter>& rejected;
  Family<Histogram>& seconds;
};

MethodMetrics::MethodMetrics(const MethodFamilies& families, const std::string& service, const std::string& method) {
  Labels labels = {{"grpc_service", service}, {"grpc_method", method}};
  rejected_ = ByReason(families.rejected, labels);
  labels["grpc_type"] = "unary";
  started_ = &families.started.Add(labels);
  received_ = &families.received.Add(labels);
  sent_ = &families.sent.Add(labels);
  seconds_ = &families.seconds.Add(labels, TimeBuckets());
  for (const char* code : kCodeNames) {
    labels["grpc_code"] = code;
    handled_.push_back(&families.handled.Add(labels));
  }
}

void MethodMetrics::Started(bool has_message) const {
  started_->Increment();
  if (has_message) received_->Increment();
}

void MethodMetrics::Finished(const absl::Status& status, v1::ErrorReason reason, absl::Duration elapsed) const {
  handled_[static_cast<size_t>(status.code())]->Increment();
  if (status.ok()) {
    sent_->Increment();
  } else {
    rejected_[static_cast<size_t>(reason)]->Increment();
  }
  seconds_->Observe(absl::ToDoubleSeconds(std::max(elapsed, absl::ZeroDuration())));  // the wall clock can be set back
}

CallMetrics::CallMetrics(prometheus::Registry& registry, size_t max_tenants)
    : max_tenants_(max_tenants),
      tenant_calls_(Counters(registry, "qconfig_tenant_calls_total",
                             "Calls by tenant; a batch counts once for each of its tenants.")),
      other_tenants_(tenant_calls_.Add({{"tenant", kOther}})),
      tenant_bytes_(prometheus::BuildGauge()
                        .Name("qconfig_tenant_disk_bytes")
                        .Help("Bytes that the store uses for a tenant, after its last write; for other, the largest "
                              "of these tenants.")
                        .Register(registry)),
      other_bytes_(tenant_bytes_.Add({{"tenant", kOther}})) {
  const MethodFamilies families(registry);
  for (const auto* file : {v1::GetConfigRequest::descriptor()->file(), v1::ListChangesRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      const auto* service = file->service(s);
      for (int m = 0; m < service->method_count(); ++m) {
        const std::string& method = service->method(m)->name();
        methods_.emplace(absl::StrCat(service->full_name(), "/", method),
                         MethodMetrics(families, service->full_name(), method));
      }
    }
  }
  auto& items = Counters(registry, "qconfig_batch_items_total", "Answered batch items, by reason.");
  items_ok_ = &items.Add({{"reason", "OK"}});
  failed_items_ = ByReason(items, {});
}

const MethodMetrics& CallMetrics::Method(absl::string_view method) const { return methods_.at(method); }

CallMetrics::Tenant* CallMetrics::FindTenant(const std::string& tenant) {
  if (tenant == kOther) return nullptr;
  auto known = tenants_.find(tenant);
  if (known == tenants_.end()) {
    if (tenants_.size() >= max_tenants_) return nullptr;
    known = tenants_.emplace(tenant, Tenant{&tenant_calls_.Add({{"tenant", tenant}}), nullptr}).first;
  }
  return &known->second;
}

void CallMetrics::CountTenant(const std::string& tenant) {
  const absl::MutexLock lock(&mutex_);
  const Tenant* const known = FindTenant(tenant);
  (known == nullptr ? &other_tenants_ : known->calls)->Increment();
}

void CallMetrics::SetTenantBytes(const std::string& tenant, int64_t bytes) {
  const absl::MutexLock lock(&mutex_);
  Tenant* const known = FindTenant(tenant);
  const auto size = static_cast<double>(bytes);
  if (known == nullptr) return other_bytes_.Set(std::max(other_bytes_.Value(), size));
  if (known->bytes == nullptr) known->bytes = &tenant_bytes_.Add({{"tenant", tenant}});
  known->bytes->Set(size);
}

void CallMetrics::CountFailedItems(v1::ErrorReason reason, int64_t failed) {
  failed_items_[static_cast<size_t>(reason)]->Increment(static_cast<double>(failed));
}

}  // namespace qconfig
