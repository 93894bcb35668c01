// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_ANSWER_CACHE_H_
#define QCONFIG_SERVER_RPC_ANSWER_CACHE_H_

#include <grpcpp/support/byte_buffer.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/tenant_id.h"
#include "server/base/lru_cache.h"

namespace qconfig {

// An answer as it is sent, and the tenant of the request.
struct CachedAnswer {
  std::string tenant;
  grpc::ByteBuffer bytes;
};

// Answers to earlier requests, found by the request's bytes, and with a policy also by the tenant that the caller's
// requests have by default. An answer depends only on the catalogues, the tenant's registry and the request: so a
// cached answer is valid until Forget() reports that the tenant's registry changes. Whether a caller may have it is not
// known here. Evicts the least recently used answers. Thread-safe.
class AnswerCache {
 public:
  // Larger requests and answers are not cached: looking them up is slow, or they would evict many others at once.
  static constexpr size_t kMaxRequestBytes = 64u << 10;
  static constexpr size_t kMaxAnswerBytes = 1u << 20;

  // Caches up to `max_bytes`; 0 caches nothing.
  explicit AnswerCache(size_t max_bytes) : max_bytes_(max_bytes), answers_(max_bytes) {}

  size_t max_bytes() const { return max_bytes_; }

  // Null: not cached.
  std::shared_ptr<const CachedAnswer> Find(absl::string_view request) ABSL_LOCKS_EXCLUDED(mutex_);

  // Call this before a handler reads the registry, and pass the result to Put().
  int64_t Begin() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Caches the answer, unless the tenant's registry changed since Begin() returned `began`: the answer may have been
  // made from the earlier state.
  void Put(int64_t began, absl::string_view request, const std::string& tenant, absl::string_view answer)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Call this when the tenant's registry changes, before readers can see the change.
  void Forget(const TenantId& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  // Evicts the least recently used half of the answers.
  void Halve() ABSL_LOCKS_EXCLUDED(mutex_);

  struct Counts {
    int64_t hits = 0;
    int64_t misses = 0;
    int64_t evictions = 0;  // valid answers that were evicted for lack of space
    size_t answers = 0;     // cached answers, including outdated ones that are not dropped yet
    size_t bytes = 0;       // of these answers
  };
  Counts counts() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Shared by all answers that were made from one state of a tenant's registry.
  struct Origin {
    bool is_newest = true;
    int64_t answers = 0;
  };
  struct Entry {
    std::shared_ptr<const CachedAnswer> answer;
    std::shared_ptr<Origin> origin;
  };

  static size_t FindSlot(const std::string& tenant);
  void Evicted(const Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_bytes_;
  mutable absl::Mutex mutex_;
  int64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  // The number of a tenant's last change, at the hash of its name; tenants may share a slot.
  std::array<int64_t, 1024> last_change_ ABSL_GUARDED_BY(mutex_) = {};
  Counts counts_ ABSL_GUARDED_BY(mutex_);
  LruCache<Entry> answers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<Origin>> origins_ ABSL_GUARDED_BY(mutex_);  // by tenant
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_ANSWER_CACHE_H_
