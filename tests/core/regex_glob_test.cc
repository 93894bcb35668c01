// SPDX-License-Identifier: Apache-2.0
#include "core/regex_glob.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace qconfig {
namespace {

// The globs of `regex`, separated by blanks, after "~" if they are not exact. "-" if there are none.
std::string Globs(absl::string_view regex) {
  const RegexGlobs found = GlobsOfRegex(regex);
  if (found.globs.empty()) return "-";
  return absl::StrCat(found.exact ? "" : "~", absl::StrJoin(found.globs, " "));
}

TEST(LooksLikeRegexTest, RecognizesSyntaxThatGlobsDoNotHave) {
  for (const char* regex :
       {"re:.*lm_head", "re:lm_head", ".*lm_head", ".*", R"(model\.layers)", "^lm_head", "lm_head$", "(gate|up)_proj",
        "gate_proj|up_proj", "layers.[0-9]+.mlp", "[^0]*", R"(layers\.\d)", "layers.{0..3}.mlp", ".+lm_head"}) {
    EXPECT_TRUE(LooksLikeRegex(regex)) << regex;
  }
}

TEST(LooksLikeRegexTest, AcceptsGlobs) {
  for (const char* glob : {"", "*", "*.mlp.*", "model.layers.*", "model.layers.*.mlp", "*lm_head.*",
                           "layers.[0-9]*.mlp", "[!0]*", "**", "model.layers.?.mlp.*", "lm_head",
                           "transformer.h.0.attn.c-attn", "*.*", "*[qkv]_proj", "re*", "model/layers*"}) {
    EXPECT_FALSE(LooksLikeRegex(glob)) << glob;
  }
}

TEST(GlobsOfRegexTest, ConvertsWhatGlobsCanExpress) {
  EXPECT_EQ(Globs("re:.*lm_head"), "*lm_head");
  EXPECT_EQ(Globs(".*"), "*");
  EXPECT_EQ(Globs("re:^lm_head$"), "lm_head");
  EXPECT_EQ(Globs("re:.*visual.*"), "*visual*");
  EXPECT_EQ(Globs("re:.*mlp.gate$"), "*mlp.gate");
  EXPECT_EQ(Globs(R"(^model\.layers\.0\..*?$)"), "model.layers.0.*");
  EXPECT_EQ(Globs(R"(*\.mlp\.gate)"), "*.mlp.gate");
  EXPECT_EQ(Globs("re:.*[qk]_proj"), "*[qk]_proj");
  EXPECT_EQ(Globs("re:layers.[^0].*"), "layers.[!0]*");
  EXPECT_EQ(Globs(R"(layers\.\d\.mlp)"), "layers.[0-9].mlp");
  EXPECT_EQ(Globs("re:.*.*head"), "*head");
}

TEST(GlobsOfRegexTest, AlternativesBecomeSeveralGlobs) {
  EXPECT_EQ(Globs("re:.*(gate|up)_proj"), "*gate_proj *up_proj");
  EXPECT_EQ(Globs("lm_head|re_head"), "lm_head re_head");
  EXPECT_EQ(Globs("(?:a|b)(c|(d|e))"), "ac ad ae bc bd be");
  EXPECT_EQ(Globs("(a|b)(a|b)(a|b)(a|b)"), "-");  // too many
}

TEST(GlobsOfRegexTest, RepeatedClassesBecomeStars) {
  EXPECT_EQ(Globs(R"(re:.*layers\.\d+\.mlp)"), "~*layers.*.mlp");
  EXPECT_EQ(Globs("layers.[0-9]+.mlp"), "~layers.*.mlp");
  EXPECT_EQ(Globs(".+lm_head"), "~*lm_head");
  EXPECT_EQ(Globs(R"(layers\.\w\.mlp)"), "~layers.?.mlp");
}

TEST(GlobsOfRegexTest, OtherSyntaxHasNoGlobs) {
  for (const char* regex : {"a+",         "(ab)*",  "a?",     "a{2}",     "(a",
                            "a)",         "[a",     "[]",     R"([\d])",  R"(a\b)",
                            "a\\",        R"(a\$)", "a^b",    "a$b",      "((((((a))))))",
                            "re:a, re:b", "{a,b}",  "(?!a)b", "(?P<x>a)", "*+",
                            "[!a]+x[",    "",       "re:"}) {
    const std::string globs = Globs(regex);
    EXPECT_TRUE(globs == "-" || globs.empty()) << regex << " " << globs;
  }
}

}  // namespace
}  // namespace qconfig
