// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_LRU_CACHE_H_
#define QCONFIG_SERVER_BASE_LRU_CACHE_H_

#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// Keeps the most recently used values, up to a number of bytes. Not thread-safe.
template <typename Value>
class LruCache {
 public:
  explicit LruCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Null if the key is not cached. Valid until the next Put() or Erase().
  const Value* Find(absl::string_view key) {
    const auto it = index_.find(key);
    if (it == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, it->second);
    return &entries_.front().value;
  }

  // Caches a value. `bytes` is the memory of `value` and its key. A value larger than the whole cache is not cached.
  // Returns the evicted values, so that the caller can destroy them without holding a lock.
  std::vector<Value> Put(std::string key, Value value, size_t bytes) {
    std::vector<Value> dropped = Erase(key);
    if (bytes > max_bytes_) return dropped;
    ShrinkTo(max_bytes_ - bytes, dropped);
    entries_.push_front({std::move(key), std::move(value), bytes});
    index_[entries_.front().key] = entries_.begin();
    bytes_ += bytes;
    return dropped;
  }

  // Removes the value of a key, and returns it as Put() does.
  std::vector<Value> Erase(absl::string_view key) {
    std::vector<Value> dropped;
    if (const auto it = index_.find(key); it != index_.end()) Drop(it->second, dropped);
    return dropped;
  }

  // Evicts values until they take at most `bytes`, and returns them as Put() does.
  std::vector<Value> ShrinkTo(size_t bytes) {
    std::vector<Value> dropped;
    ShrinkTo(bytes, dropped);
    return dropped;
  }

  size_t bytes() const { return bytes_; }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    Value value;
    size_t bytes;
  };
  using Entries = std::list<Entry>;

  void ShrinkTo(size_t bytes, std::vector<Value>& dropped) {
    while (bytes_ > bytes) Drop(std::prev(entries_.end()), dropped);
  }

  void Drop(typename Entries::iterator entry, std::vector<Value>& dropped) {
    bytes_ -= entry->bytes;
    index_.erase(entry->key);
    dropped.push_back(std::move(entry->value));
    entries_.erase(entry);
  }

  const size_t max_bytes_;
  size_t bytes_ = 0;
  Entries entries_;                                                           // most recently used first
  absl::flat_hash_map<absl::string_view, typename Entries::iterator> index_;  // views into `entries_`
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_LRU_CACHE_H_
