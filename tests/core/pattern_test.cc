// SPDX-License-Identifier: Apache-2.0
#include "core/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace qconfig {
namespace {

bool Covers(const std::string& pattern, const std::string& other) {
  size_t steps = 0;
  return Pattern(pattern).Covers(Pattern(other), steps);
}

TEST(PatternTest, MatchesCharactersNotBytes) {
  EXPECT_TRUE(Pattern("?").Matches("é"));
  EXPECT_TRUE(Pattern("[à-ü]").Matches("é"));
  EXPECT_FALSE(Pattern("??").Matches("é"));
}

TEST(PatternTest, StarMatchesDotsAndNewlines) { EXPECT_TRUE(Pattern("a*z").Matches("a.b\n.z")); }

TEST(PatternTest, HasNoEscapes) { EXPECT_TRUE(Pattern("\\*").Matches("\\abc")); }

TEST(PatternTest, UnclosedBracketCountsAsAWildcardLikeInQuark) {
  EXPECT_FALSE(Pattern::HasWildcard("model.layers.0"));
  EXPECT_TRUE(Pattern::HasWildcard("model.["));
}

TEST(PatternTest, UnclosedBracketIsALiteral) {
  // A `]` right after the opening bracket is a member, so the first pattern is one set.
  EXPECT_TRUE(Pattern("[][a]").Matches("a"));
  EXPECT_TRUE(Pattern("[[[").Matches("[[["));
  EXPECT_TRUE(Pattern("[!][").Matches("[!]["));
}

TEST(PatternTest, ANegationUncoveredByARemovedRangeBeginsNoRange) {
  // Python removes the range from "a" to "[", which leaves "!-c". fnmatch.translate() makes "[^-c]" of it.
  const Pattern pattern("[a-[!-c]");
  EXPECT_TRUE(pattern.Matches("!"));
  EXPECT_TRUE(pattern.Matches("?"));
  EXPECT_TRUE(pattern.Matches("["));
  EXPECT_FALSE(pattern.Matches("-"));
  EXPECT_FALSE(pattern.Matches("c"));
}

TEST(PatternTest, HostilePatternsTakeAtMostPatternTimesNameSteps) {
  // A backtracking matcher takes exponential time in the number of stars, and the test would not finish.
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_FALSE(Pattern(pattern + "b*").Matches(std::string(10'000, 'a')));
}

TEST(PatternCoversTest, BroaderPatternCoversNarrowerPattern) {
  EXPECT_TRUE(Covers("*", "anything.[0-3].*"));
  EXPECT_TRUE(Covers("*mlp*", "*mlp.up_proj"));
  EXPECT_TRUE(Covers("model.*.q_proj", "model.layers.?.q_proj"));
  EXPECT_TRUE(Covers("layer.?", "layer.[0-9]"));
  EXPECT_TRUE(Covers("layer.[0-9]", "layer.3"));
  EXPECT_TRUE(Covers("layer.[!x]", "layer.[!x]"));
}

TEST(PatternCoversTest, NarrowerOrDifferentPatternDoesNotCover) {
  EXPECT_FALSE(Covers("*mlp.up_proj", "*mlp*"));
  EXPECT_FALSE(Covers("?", "*"));
  EXPECT_FALSE(Covers("layer.3", "layer.[0-9]"));
  EXPECT_FALSE(Covers("layer.[0-3]", "layer.[2-5]"));
  EXPECT_FALSE(Covers("a*b", "a*"));
}

TEST(PatternCoversTest, StarInASetIsALiteral) {
  EXPECT_FALSE(Covers("[*]", "*"));
  EXPECT_TRUE(Covers("*", "[*]"));
}

TEST(PatternCoversTest, CountsItsSteps) {
  size_t steps = 0;
  Pattern("aaaa").Covers(Pattern("baaa"), steps);
  EXPECT_EQ(steps, 4u);
  steps = 0;
  Pattern("*aaaa*").Covers(Pattern("aaab*"), steps);
  EXPECT_EQ(steps, 11u) << "the run before grows until it takes everything";
  steps = 0;
  Pattern("[abc]").Covers(Pattern("[de]"), steps);
  EXPECT_EQ(steps, 6u) << "a set takes one step for each range";
}

TEST(PatternTest, MayOverlapComparesBeginningsAndEnds) {
  const auto may_overlap = [](const char* one, const char* two) {
    size_t steps = 0;
    const bool result = Pattern(one).MayOverlap(Pattern(two), steps);
    EXPECT_EQ(Pattern(two).MayOverlap(Pattern(one), steps), result) << one << " " << two;
    EXPECT_GT(steps, 0u);
    return result;
  };
  EXPECT_TRUE(may_overlap("*q_proj", "*self_attn*"));
  EXPECT_TRUE(may_overlap("*q_proj", "*.0.self_attn.[qk]_proj"));
  EXPECT_TRUE(may_overlap("*q_proj", "model.layers.0.self_attn.q_proj"));
  EXPECT_TRUE(may_overlap("*?_proj", "*[!a]_proj"));
  EXPECT_FALSE(may_overlap("*q_proj", "*k_proj"));
  EXPECT_FALSE(may_overlap("*q_proj", "*[kv]_proj"));
  EXPECT_FALSE(may_overlap("model.*", "mtp.*"));
  EXPECT_FALSE(may_overlap("lm_head", "*q_proj"));
}

}  // namespace
}  // namespace qconfig
