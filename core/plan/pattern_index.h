// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PLAN_PATTERN_INDEX_H_
#define QCONFIG_CORE_PLAN_PATTERN_INDEX_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cancellation.h"
#include "core/pattern.h"

namespace qconfig {

// Finds which of many patterns match a name, for many names. Looks patterns without wildcards up by the whole name, and
// tries any other pattern only on names that contain four bytes which the pattern demands, or that end with them if the
// end is as rare.
// Const methods are thread-safe if each call has its own token and vector.
class PatternIndex {
 public:
  // `sample` are some of the names, which tell the index which bytes are rare.
  // Refers to `patterns`, which must outlive the index.
  PatternIndex(absl::Span<const absl::string_view> patterns, absl::Span<const absl::string_view> sample);

  // Sets `matches` to the positions of all patterns that match `name`, in ascending order.
  // An error of `token`: the computation was cancelled.
  absl::Status FindMatches(absl::string_view name, CancellationToken& token, std::vector<uint32_t>& matches) const;

 private:
  using Gram = uint32_t;  // four bytes of a text

  struct Glob {
    Pattern pattern;
    uint32_t position;
    size_t chars;
  };

  // Fast rejection of grams that no pattern demands.
  static size_t FilterBit(Gram gram) { return (gram * 0x9E3779B1u) >> 16; }

  absl::Status Try(const Glob& glob, absl::string_view name, CancellationToken& token,
                   std::vector<uint32_t>& matches) const;

  absl::flat_hash_map<absl::string_view, std::vector<uint32_t>> literals_;
  std::vector<bool> literal_sizes_;  // whether a literal has as many bytes
  std::vector<Glob> unconditional_;  // without four literal bytes in a row
  absl::flat_hash_map<Gram, std::vector<Glob>> by_last_gram_;
  absl::flat_hash_map<Gram, std::vector<Glob>> globs_;  // by a gram anywhere in the name
  std::array<uint64_t, 1024> filter_ = {};
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_PLAN_PATTERN_INDEX_H_
