// SPDX-License-Identifier: Apache-2.0
#include "core/pattern_list.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "core/utf8.h"

namespace qconfig {
namespace {

PatternList MakeList(std::initializer_list<const char*> patterns) {
  PatternList list;
  for (const char* pattern : patterns) list.Add(pattern);
  return list;
}

std::optional<size_t> Winner(const PatternList& list, const char* name) {
  CancellationToken token;
  return list.Winner(DecodeUtf8(name), token).value();
}

TEST(PatternListTest, FirstMatchWins) {
  const PatternList list = MakeList({"*.mlp.*", "model.*", "*"});
  EXPECT_EQ(Winner(list, "model.layers.0.mlp.up_proj"), 0u);
  EXPECT_EQ(Winner(list, "model.embed_tokens"), 1u);
  EXPECT_EQ(Winner(list, "lm_head"), 2u);
}

TEST(PatternListTest, ExactNameHasNoPrecedence) {
  EXPECT_EQ(Winner(MakeList({"*_proj", "q_proj"}), "q_proj"), 0u);
  EXPECT_EQ(Winner(MakeList({"q_proj", "*_proj"}), "q_proj"), 0u);
}

TEST(PatternListTest, NoMatchHasNoWinner) {
  EXPECT_EQ(Winner(MakeList({}), "a"), std::nullopt);
  EXPECT_EQ(Winner(MakeList({"b", "a.*", "?a"}), "a"), std::nullopt);
}

TEST(PatternListTest, MatchesPatternsAsNames) {
  EXPECT_EQ(Winner(MakeList({"*[kv]_proj", "*k_proj"}), "*k_proj"), 0u);
  EXPECT_EQ(Winner(MakeList({"[*]k_proj"}), "*k_proj"), 0u);
}

TEST(PatternListTest, AddedPatternComesLast) {
  PatternList list = MakeList({"a*"});
  list.Add("*");
  EXPECT_EQ(Winner(list, "ab"), 0u);
  EXPECT_EQ(Winner(list, "b"), 1u);
}

TEST(PatternListTest, ReturnsTheErrorOfTheToken) {
  const PatternList list = MakeList({"a", "b"});
  const std::u32string name(CancellationToken::kStepsPerCheck, U'a');
  const auto check = [] { return absl::CancelledError("test"); };
  CancellationToken token(check);
  EXPECT_EQ(list.Winner(name, token).status(), absl::CancelledError("test"));
}

}  // namespace
}  // namespace qconfig
