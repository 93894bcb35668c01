// SPDX-License-Identifier: Apache-2.0
#include "core/plan/pattern_index.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

constexpr size_t kGramBytes = sizeof(uint32_t);

uint32_t GramAt(absl::string_view text, size_t position) {
  uint32_t gram;
  std::memcpy(&gram, text.data() + position, kGramBytes);
  return gram;
}

// Calls `visit` with grams that every name that matches `pattern` contains.
template <typename Visit>
void ForEachGram(absl::string_view pattern, Visit visit) {
  constexpr size_t kMaxBytes = 128;  // bounds the time; more grams would rarely be more selective
  // What follows `[` may be a set.
  const absl::string_view text = pattern.substr(0, std::min(kMaxBytes, pattern.find('[')));
  size_t run = 0;  // where the current run of literals starts
  for (size_t end = 0; end < text.size(); ++end) {
    if (text[end] == '*' || text[end] == '?') {
      run = end + 1;
    } else if (end + 1 - run >= kGramBytes) {
      visit(GramAt(text, end + 1 - kGramBytes));
    }
  }
}

// The gram with which every name that `pattern` matches ends. Nullopt: unknown.
std::optional<uint32_t> LastGram(absl::string_view pattern) {
  // The text after a bracket may be a set.
  if (pattern.size() < kGramBytes || absl::StrContains(pattern, '[')) return std::nullopt;
  const absl::string_view end = pattern.substr(pattern.size() - kGramBytes);
  if (Pattern::HasWildcard(end)) return std::nullopt;
  return GramAt(end, 0);
}

}  // namespace

PatternIndex::PatternIndex(absl::Span<const absl::string_view> patterns, absl::Span<const absl::string_view> sample) {
  absl::flat_hash_map<Gram, size_t> frequency;
  for (const absl::string_view pattern : patterns) {
    if (Pattern::HasWildcard(pattern)) ForEachGram(pattern, [&](Gram gram) { ++frequency[gram]; });
  }
  if (!frequency.empty()) {
    for (const absl::string_view name : sample) {
      ForEachGram(name, [&](Gram gram) {
        const auto it = frequency.find(gram);
        if (it != frequency.end()) it->second += patterns.size();  // one name counts more than all patterns
      });
    }
  }
  for (uint32_t i = 0; i < patterns.size(); ++i) {
    if (!Pattern::HasWildcard(patterns[i])) {
      literals_[patterns[i]].push_back(i);
      if (patterns[i].size() >= literal_sizes_.size()) literal_sizes_.resize(patterns[i].size() + 1);
      literal_sizes_[patterns[i].size()] = true;
      continue;
    }
    Gram rarest = 0;
    size_t least = 0;  // 0: no gram so far
    ForEachGram(patterns[i], [&](Gram gram) {
      const size_t count = frequency[gram];
      if (least == 0 || count < least) {
        least = count;
        rarest = gram;
      }
    });
    Glob glob{Pattern(patterns[i]), i, patterns[i].size()};
    const std::optional<Gram> last = LastGram(patterns[i]);
    const auto at_end = last.has_value() ? frequency.find(*last) : frequency.end();
    if (least == 0) {
      unconditional_.push_back(std::move(glob));
    } else if (at_end != frequency.end() && at_end->second <= least) {
      by_last_gram_[at_end->first].push_back(std::move(glob));
    } else {
      globs_[rarest].push_back(std::move(glob));
      filter_[FilterBit(rarest) / 64] |= uint64_t{1} << (FilterBit(rarest) % 64);
    }
  }
}

absl::Status PatternIndex::Try(const Glob& glob, absl::string_view name, CancellationToken& token,
                               std::vector<uint32_t>& matches) const {
  QCONFIG_RETURN_IF_ERROR(token.Spend((glob.chars + 1) * (name.size() + 1)));
  if (glob.pattern.Matches(name)) matches.push_back(glob.position);
  return absl::OkStatus();
}

absl::Status PatternIndex::FindMatches(absl::string_view name, CancellationToken& token,
                                       std::vector<uint32_t>& matches) const {
  matches.clear();
  QCONFIG_RETURN_IF_ERROR(token.Spend(name.size() + 1));
  if (name.size() < literal_sizes_.size() && literal_sizes_[name.size()]) {
    const auto it = literals_.find(name);
    if (it != literals_.end()) matches = it->second;
  }
  for (const Glob& glob : unconditional_) QCONFIG_RETURN_IF_ERROR(Try(glob, name, token, matches));
  if (!by_last_gram_.empty() && name.size() >= kGramBytes) {
    const auto it = by_last_gram_.find(GramAt(name, name.size() - kGramBytes));
    if (it != by_last_gram_.end()) {
      for (const Glob& glob : it->second) QCONFIG_RETURN_IF_ERROR(Try(glob, name, token, matches));
    }
  }
  if (!globs_.empty()) {
    for (size_t i = 0; i + kGramBytes <= name.size(); ++i) {
      const Gram gram = GramAt(name, i);
      if ((filter_[FilterBit(gram) / 64] >> (FilterBit(gram) % 64) & 1) == 0) continue;
      const auto it = globs_.find(gram);
      if (it == globs_.end()) continue;
      for (const Glob& glob : it->second) QCONFIG_RETURN_IF_ERROR(Try(glob, name, token, matches));
    }
  }
  if (matches.size() > 1) {
    std::sort(matches.begin(), matches.end());
    matches.erase(std::unique(matches.begin(), matches.end()), matches.end());  // a name may have a gram twice
  }
  return absl::OkStatus();
}

}  // namespace qconfig
