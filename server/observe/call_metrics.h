// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_CALL_METRICS_H_
#define QCONFIG_SERVER_OBSERVE_CALL_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig {

// The upper bounds of the buckets of all latency histograms, in seconds.
const prometheus::Histogram::BucketBoundaries& TimeBuckets();

// The label for a reason; "NONE" for a failure without one.
std::string ReasonLabel(v1::ErrorReason reason);

struct MethodFamilies;

// The series of one method. Thread-safe.
class MethodMetrics {
 public:
  // The registry of `families` owns the series, and must outlive this object.
  MethodMetrics(const MethodFamilies& families, const std::string& service, const std::string& method);

  // `has_message`: whether the request arrived; a client can end a call without sending one.
  void Started(bool has_message) const;
  void Finished(const absl::Status& status, v1::ErrorReason reason, absl::Duration elapsed) const;

 private:
  prometheus::Counter* started_;
  prometheus::Counter* received_;
  prometheus::Counter* sent_;
  std::vector<prometheus::Counter*> handled_;   // by status code
  std::vector<prometheus::Counter*> rejected_;  // by reason
  prometheus::Histogram* seconds_;
};

// The series about calls and tenants: by method, by tenant, and of the items of batches. Thread-safe.
class CallMetrics {
 public:
  // `registry` owns the series, and must outlive this object.
  CallMetrics(prometheus::Registry& registry, size_t max_tenants);

  // The series of a method such as "qconfig.v1.ConfigService/GetConfig". Valid as long as this object.
  // REQUIRES: the method exists.
  const MethodMetrics& Method(absl::string_view method) const;

  // Counts a call for the tenant. After the first `max_tenants` tenants, further tenants are counted as "other",
  // like a tenant with that name.
  void CountTenant(const std::string& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  // Sets what the store keeps of the tenant. "other" is the most that one of the further tenants has had.
  void SetTenantBytes(const std::string& tenant, int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  void CountItems(int64_t ok) { items_ok_->Increment(static_cast<double>(ok)); }
  void CountFailedItems(v1::ErrorReason reason, int64_t failed);

 private:
  struct Tenant {
    prometheus::Counter* calls;
    prometheus::Gauge* bytes;  // null: it has not written yet
  };

  // Null: the tenant is one of the others.
  Tenant* FindTenant(const std::string& tenant) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::flat_hash_map<std::string, MethodMetrics> methods_;
  prometheus::Counter* items_ok_;
  std::vector<prometheus::Counter*> failed_items_;  // by reason

  const size_t max_tenants_;
  prometheus::Family<prometheus::Counter>& tenant_calls_;
  prometheus::Counter& other_tenants_;
  prometheus::Family<prometheus::Gauge>& tenant_bytes_;
  prometheus::Gauge& other_bytes_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Tenant> tenants_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_CALL_METRICS_H_
