// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/answer_cache.h"

#include <tuple>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"

namespace qconfig {
namespace {

constexpr size_t kBytesPerAnswer = 832;  // roughly the overhead of an entry; gRPC's buffer accounts for 320 of them

}  // namespace

size_t AnswerCache::FindSlot(const std::string& tenant) {
  return absl::HashOf(tenant) % std::tuple_size_v<decltype(last_change_)>;
}

std::shared_ptr<const CachedAnswer> AnswerCache::Find(absl::string_view request) {
  std::vector<Entry> outdated;  // destroyed without the lock
  absl::MutexLock lock(&mutex_);
  const Entry* const entry = answers_.Find(request);
  if (entry != nullptr && entry->origin->is_newest) {
    ++counts_.hits;
    return entry->answer;
  }
  if (entry != nullptr) outdated = answers_.Erase(request);
  ++counts_.misses;
  return nullptr;
}

int64_t AnswerCache::Begin() const {
  absl::MutexLock lock(&mutex_);
  return changes_;
}

void AnswerCache::Put(int64_t began, absl::string_view request, const std::string& tenant, absl::string_view answer) {
  if (request.size() > kMaxRequestBytes || answer.size() > kMaxAnswerBytes) return;
  const size_t bytes = request.size() + answer.size() + kBytesPerAnswer;
  if (bytes > max_bytes_) return;
  std::string key(request);
  const grpc::Slice slice(answer.data(), answer.size());
  Entry entry = {std::make_shared<const CachedAnswer>(CachedAnswer{tenant, grpc::ByteBuffer(&slice, 1)}), nullptr};
  std::vector<Entry> dropped;  // destroyed without the lock
  absl::MutexLock lock(&mutex_);
  if (last_change_[FindSlot(tenant)] > began) return;
  if (const Entry* there = answers_.Find(request); there != nullptr && there->origin->is_newest) return;
  std::shared_ptr<Origin>& origin = origins_[tenant];
  if (origin == nullptr) origin = std::make_shared<Origin>();
  ++origin->answers;
  entry.origin = origin;
  dropped = answers_.Put(std::move(key), std::move(entry), bytes);
  for (const Entry& other : dropped) Evicted(other);
}

void AnswerCache::Evicted(const Entry& entry) {
  if (!entry.origin->is_newest) return;
  ++counts_.evictions;
  if (--entry.origin->answers == 0) origins_.erase(entry.answer->tenant);
}

void AnswerCache::Forget(const TenantId& tenant) {
  absl::MutexLock lock(&mutex_);
  last_change_[FindSlot(tenant.name())] = ++changes_;
  const auto origin = origins_.find(tenant.name());
  if (origin == origins_.end()) return;
  origin->second->is_newest = false;
  origins_.erase(origin);
}

void AnswerCache::Halve() {
  std::vector<Entry> dropped;  // destroyed without the lock
  absl::MutexLock lock(&mutex_);
  dropped = answers_.ShrinkTo(answers_.bytes() / 2);
  for (const Entry& entry : dropped) Evicted(entry);
}

AnswerCache::Counts AnswerCache::counts() const {
  absl::MutexLock lock(&mutex_);
  Counts counts = counts_;
  counts.answers = answers_.size();
  counts.bytes = answers_.bytes();
  return counts;
}

}  // namespace qconfig
