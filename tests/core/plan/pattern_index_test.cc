// SPDX-License-Identifier: Apache-2.0
#include "core/plan/pattern_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/pattern.h"

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<uint32_t> Matches(const PatternIndex& index, absl::string_view name) {
  std::vector<uint32_t> matches = {17};
  CancellationToken token;
  EXPECT_TRUE(index.FindMatches(name, token, matches).ok());
  return matches;
}

TEST(PatternIndexTest, FindsAllPatternsInTheirOrder) {
  const std::vector<absl::string_view> patterns = {"*q_proj",      "model.q_proj", "*",
                                                   "*.layers.1.*", "model.q_proj", "m?del.q_proj"};
  const PatternIndex index(patterns, {});
  EXPECT_THAT(Matches(index, "model.q_proj"), ElementsAre(0, 1, 2, 4, 5));
  EXPECT_THAT(Matches(index, "a.layers.1.layers.1.b"), ElementsAre(2, 3)) << "not twice";
  EXPECT_THAT(Matches(index, ""), ElementsAre(2));
}

TEST(PatternIndexTest, ReadsTheTextAfterABracketAsASet) {
  const std::vector<absl::string_view> patterns = {"*[abcd]", "x*[!abcd]", "*[abcd"};
  const PatternIndex index(patterns, {});
  EXPECT_THAT(Matches(index, "xb"), ElementsAre(0));
  EXPECT_THAT(Matches(index, "xyz"), ElementsAre(1));
  EXPECT_THAT(Matches(index, "x[abcd"), ElementsAre(0, 2));
}

TEST(PatternIndexTest, LongPatternsWithACommonEndAreFoundByTheirBeginning) {
  const std::string rare = "*" + std::string(200, 'r') + ".proj";
  const std::string both = "*.proj*" + std::string(200, 'b') + ".proj";
  const std::vector<absl::string_view> patterns = {rare, both};
  const std::vector<absl::string_view> sample(256, "layers.0.up.proj");
  const PatternIndex index(patterns, sample);
  EXPECT_THAT(Matches(index, std::string(300, 'r') + ".proj"), ElementsAre(0));
  EXPECT_THAT(Matches(index, "x.proj" + std::string(200, 'b') + ".proj"), ElementsAre(1));
  // The token would be used up if the patterns were tried on names that only have the same end.
  const auto check = [] { return absl::CancelledError("tried"); };
  CancellationToken token(check);
  std::vector<uint32_t> matches;
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(index.FindMatches("layers.0.up.proj", token, matches).ok());
}

TEST(PatternIndexTest, AcceptsNamesThatAreNotAscii) {
  const std::vector<absl::string_view> patterns = {"?.schicht", "*größe*"};
  const PatternIndex index(patterns, {});
  EXPECT_THAT(Matches(index, "ü.schicht"), ElementsAre(0));
  EXPECT_THAT(Matches(index, "eine größe da"), ElementsAre(1));
  EXPECT_THAT(Matches(index, "\xff"), IsEmpty());
}

TEST(PatternIndexTest, AgreesWithTryingEachPattern) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same cases each time
  const auto make_text = [&random](absl::string_view alphabet, size_t max_size) {
    std::string text(random() % (max_size + 1), ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    return text;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> texts(20), names(50);
    for (std::string& text : texts) text = make_text("aaaabbb..**?[]!", 12);
    for (std::string& name : names) name = make_text("aaaabbb..[", 14);
    const std::vector<absl::string_view> patterns(texts.begin(), texts.end());
    const std::vector<absl::string_view> sample(names.begin(), names.begin() + round % 10);
    const PatternIndex index(patterns, sample);
    for (const std::string& name : names) {
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < patterns.size(); ++i) {
        if (Pattern(patterns[i]).Matches(name)) expected.push_back(i);
      }
      ASSERT_EQ(Matches(index, name), expected) << name;
    }
  }
}

TEST(PatternIndexTest, CanBeCancelled) {
  const std::string pattern(1000, '*');
  const std::vector<absl::string_view> patterns = {pattern};
  const PatternIndex index(patterns, {});
  const auto check = [] { return absl::CancelledError("enough"); };
  CancellationToken token(check);
  std::vector<uint32_t> matches;
  absl::Status status;
  while (status.ok()) status = index.FindMatches(pattern, token, matches);
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace qconfig
