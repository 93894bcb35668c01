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

// An answer as it is sent, and the tenant that it is about.
struct CachedAnswer {
  std::string tenant;
  grpc::ByteBuffer bytes;
};

// Answers to requests that came before, found by the bytes of the request. An answer is a function of the catalogues,
// the tenant's registry and the request, and a request names its tenant: so what is kept is right until the tenant's
// registry changes, which Forget() tells. Keeps what was used last. Thread-safe.
class AnswerCache {
 public:
  // Larger requests and answers are not kept: they take long to look up, or would drive out many others at once.
  static constexpr size_t kMaxRequestBytes = 64u << 10;
  static constexpr size_t kMaxAnswerBytes = 1u << 20;

  // Keeps up to `max_bytes`; 0: nothing.
  explicit AnswerCache(size_t max_bytes) : max_bytes_(max_bytes), answers_(max_bytes) {}

  size_t max_bytes() const { return max_bytes_; }

  // Null: there is none.
  std::shared_ptr<const CachedAnswer> Find(absl::string_view request) ABSL_LOCKS_EXCLUDED(mutex_);

  // To be called before the registry is looked at for an answer, and given to Put().
  int64_t Begin() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Keeps the answer, unless the tenant's registry changed since Begin() returned `began`: it may have been made from
  // what was there before.
  void Put(int64_t began, absl::string_view request, const std::string& tenant, absl::string_view answer)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The tenant's registry changes. To be called before anybody can see how.
  void Forget(const TenantId& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  struct Counts {
    int64_t hits = 0;
    int64_t misses = 0;
    int64_t evictions = 0;  // of answers that were still right, for lack of room
    size_t answers = 0;     // that are kept; also those that are no longer right and not yet dropped
    size_t bytes = 0;       // of these
  };
  Counts counts() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Of all answers that were made from one state of a tenant's registry.
  struct Origin {
    bool is_newest = true;
    int64_t answers = 0;
  };
  struct Kept {
    std::shared_ptr<const CachedAnswer> answer;
    std::shared_ptr<Origin> origin;
  };

  static size_t PlaceOf(const std::string& tenant);
  void Dropped(const Kept& kept) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_bytes_;
  mutable absl::Mutex mutex_;
  int64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  // The last change of a tenant, in the place of its name's hash, which others may share.
  std::array<int64_t, 1024> last_change_ ABSL_GUARDED_BY(mutex_) = {};
  Counts counts_ ABSL_GUARDED_BY(mutex_);
  LruCache<Kept> answers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<Origin>> origins_ ABSL_GUARDED_BY(mutex_);  // by tenant
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_ANSWER_CACHE_H_
