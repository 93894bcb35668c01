// SPDX-License-Identifier: Apache-2.0
#include "core/names/release_names.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/numbers.h"
#include "core/names/edit_distance.h"
#include "core/names/name_words.h"

namespace qconfig {
namespace {

// The parts of "0.12.post1": numbers 0 and 12, post 1.
struct Release {
  std::vector<uint64_t> numbers;
  uint64_t post = 0;

  bool operator==(const Release& other) const { return numbers == other.numbers && post == other.post; }
  bool operator<(const Release& other) const {
    return numbers != other.numbers ? numbers < other.numbers : post < other.post;
  }
  // Whether `other` is this release, or one of its later fixes.
  bool Includes(const Release& other) const {
    return post == 0 && other.numbers.size() >= numbers.size() &&
           std::equal(numbers.begin(), numbers.end(), other.numbers.begin());
  }
};

bool IsQuark(const std::string& word) {
  constexpr absl::string_view kProduct = "quark";
  return word.size() >= 4 && word.size() <= 6 && EditDistance(kProduct).To(word) <= 2;
}

// Nullopt: `name` has other words than those in names of Quark's releases.
std::optional<Release> ParseRelease(absl::string_view name) {
  Release release;
  bool is_post = false;
  for (std::string& word : WordsOfName(name)) {
    word.erase(std::remove(word.begin(), word.end(), '='), word.end());  // as in "amd-quark==0.13"
    uint64_t number = 0;
    if (absl::SimpleAtoi(word, &number)) {
      if (is_post) release.post = number;
      if (!is_post) release.numbers.push_back(number);
    } else if (word == "post") {
      is_post = true;
    } else if (!word.empty() && word != "amd" && word != "v" && !IsQuark(word)) {
      return std::nullopt;
    }
  }
  while (release.numbers.size() > 2 && release.numbers.back() == 0) release.numbers.pop_back();
  if (release.numbers.size() < 2 || release.numbers.size() > 4) return std::nullopt;
  return release;
}

struct KnownRelease {
  Release release;
  absl::string_view name;
};

std::vector<KnownRelease> ParseAll(const std::vector<absl::string_view>& catalogs) {
  std::vector<KnownRelease> known;
  for (const absl::string_view name : catalogs) {
    if (const auto release = ParseRelease(name); release.has_value()) known.push_back({*release, name});
  }
  std::sort(known.begin(), known.end(),
            [](const KnownRelease& a, const KnownRelease& b) { return a.release < b.release; });
  return known;
}

}  // namespace

std::optional<ReleaseSuggestion> FindRelease(absl::string_view name, const std::vector<absl::string_view>& catalogs) {
  constexpr size_t kMaxLength = 64;
  const std::vector<KnownRelease> known = ParseAll(catalogs);
  if (known.empty() || name.size() > kMaxLength) return std::nullopt;
  const auto newest = [&known] {
    return ReleaseSuggestion{known.back().name, v1::SUGGESTION_KIND_OTHER_RELEASE, "the newest release on this server"};
  };
  const std::string compact = CompactName(name);
  if (compact == "latest" || compact == "newest" || compact == "quarklatest") return newest();
  const auto given = ParseRelease(name);
  if (!given.has_value()) return std::nullopt;
  for (const KnownRelease& one : known) {
    if (one.release == *given) return ReleaseSuggestion{one.name, v1::SUGGESTION_KIND_SPELLING, ""};
  }
  for (auto one = known.rbegin(); one != known.rend(); ++one) {
    if (given->Includes(one->release)) return ReleaseSuggestion{one->name, v1::SUGGESTION_KIND_SIMILAR_NAME, ""};
  }
  if (known.back().release < *given) return newest();
  if (*given < known.front().release) {
    return ReleaseSuggestion{known.front().name, v1::SUGGESTION_KIND_OTHER_RELEASE,
                             "the oldest release on this server"};
  }
  const auto next =
      std::find_if(known.begin(), known.end(), [&given](const KnownRelease& one) { return *given < one.release; });
  const Release& before = std::prev(next)->release;
  const bool is_near = std::equal(before.numbers.begin(), before.numbers.begin() + 2, given->numbers.begin());
  return ReleaseSuggestion{(is_near ? std::prev(next) : next)->name, v1::SUGGESTION_KIND_OTHER_RELEASE,
                           "the nearest release on this server"};
}

}  // namespace qconfig
