// SPDX-License-Identifier: Apache-2.0
#include "server/answer_cache.h"

#include <utility>
#include <vector>

namespace qconfig {
namespace {

// A request that takes longer to look up than that is rare, and none that is asked all the time.
constexpr size_t kMaxRequestBytes = 64u << 10;
constexpr size_t kBytesPerAnswer = 512;  // of the entry itself, about

}  // namespace

std::shared_ptr<const CachedAnswer> AnswerCache::Find(absl::string_view request) {
  if (max_bytes_ == 0 || request.size() > kMaxRequestBytes) return nullptr;
  std::vector<Kept> outdated;  // destroyed without the lock
  absl::MutexLock lock(&mutex_);
  const Kept* const kept = answers_.Find(request);
  if (kept != nullptr && kept->origin->is_newest) {
    ++counts_.hits;
    return kept->answer;
  }
  if (kept != nullptr) outdated = answers_.Erase(request);
  ++counts_.misses;
  return nullptr;
}

int64_t AnswerCache::Begin() const {
  absl::MutexLock lock(&mutex_);
  return forgotten_;
}

void AnswerCache::Put(int64_t began, absl::string_view request, const std::string& tenant, const grpc::Slice& answer) {
  if (request.size() > kMaxRequestBytes) return;
  const size_t bytes = request.size() + answer.size() + kBytesPerAnswer;
  if (bytes > max_bytes_) return;
  Kept kept = {std::make_shared<const CachedAnswer>(CachedAnswer{tenant, answer}), nullptr};
  std::vector<Kept> dropped;  // destroyed without the lock
  absl::MutexLock lock(&mutex_);
  if (began != forgotten_) return;
  if (const Kept* there = answers_.Find(request); there != nullptr && there->origin->is_newest) return;
  std::shared_ptr<Origin>& origin = origins_[tenant];
  if (origin == nullptr) origin = std::make_shared<Origin>();
  ++origin->answers;
  kept.origin = origin;
  dropped = answers_.Put(std::string(request), std::move(kept), bytes);
  for (const Kept& other : dropped) Dropped(other);
}

void AnswerCache::Dropped(const Kept& kept) {
  if (!kept.origin->is_newest) return;
  ++counts_.evictions;
  if (--kept.origin->answers == 0) origins_.erase(kept.answer->tenant);
}

void AnswerCache::Forget(const TenantId& tenant) {
  absl::MutexLock lock(&mutex_);
  ++forgotten_;
  const auto origin = origins_.find(tenant.name());
  if (origin == origins_.end()) return;
  origin->second->is_newest = false;
  origins_.erase(origin);
}

AnswerCache::Counts AnswerCache::counts() const {
  absl::MutexLock lock(&mutex_);
  Counts counts = counts_;
  counts.answers = answers_.size();
  counts.bytes = answers_.bytes();
  return counts;
}

}  // namespace qconfig
