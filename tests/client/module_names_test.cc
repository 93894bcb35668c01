// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/module_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace qconfig::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Expand(absl::string_view name) {
  std::vector<std::string> names;
  const RangedName ranged = ParseRanges(name);
  ForEachName(ranged.ranges,
              [&](absl::Span<const uint32_t> numbers) { names.push_back(FormatName(ranged.form, numbers)); });
  return names;
}

TEST(ModuleNamesTest, LastRangeChangesFastest) {
  EXPECT_THAT(Expand("a.{0..1}.b.{8..10}.c"),
              ElementsAre("a.0.b.8.c", "a.0.b.9.c", "a.0.b.10.c", "a.1.b.8.c", "a.1.b.9.c", "a.1.b.10.c"));
}

TEST(ModuleNamesTest, NameWithoutRangeStandsForItself) {
  for (const char* name : {"lm_head", "a.3.b", "a.{x}.b", "a.{1..}.b", "3", "", ".", "a..b", "{", "{0..", "fc{1}"}) {
    EXPECT_THAT(Expand(name), ElementsAre(name));
    EXPECT_FALSE(HasRange(name)) << name;
  }
}

TEST(ModuleNamesTest, BracesWithNumbersAreARange) {
  for (const char* name :
       {"a.{0..3}.b", "a{0..3}", "{{0..3}}", "{3..0}", "{00..3}", "{0..99999999999999999999}", "{}{0..1}"}) {
    EXPECT_TRUE(HasRange(name)) << name;
  }
}

TEST(ModuleNamesTest, OnlyPartsThatAreNumbersBecomeSlots) {
  const NumberedName name = TakeNumbers("h.12.fc1.007.0.x2y.1234567890");
  EXPECT_EQ(name.form, "h.\1.fc1.007.\1.x2y.1234567890");
  EXPECT_THAT(name.numbers, ElementsAre(12, 0));
  EXPECT_EQ(FormatName(name.form, name.numbers), "h.12.fc1.007.0.x2y.1234567890");
}

TEST(ModuleNamesTest, NamesWithManyNumbersHaveFewSlots) {
  const std::string many = "1.2.3.4.5.6.7.8.9.10";
  const NumberedName numbered = TakeNumbers(many);
  EXPECT_EQ(numbered.form, "\1.\1.\1.\1.\1.\1.\1.\1.9.10");
  EXPECT_EQ(FormatName(numbered.form, numbered.numbers), many);
  const RangedName ranged = ParseRanges(many);
  EXPECT_EQ(ranged.form, numbered.form);
  EXPECT_EQ(FormatName(ranged.form, ranged.ranges), many);
  EXPECT_THAT(Expand(absl::StrCat(many, ".{1..2}")), ElementsAre(absl::StrCat(many, ".1"), absl::StrCat(many, ".2")));
}

TEST(ModuleNamesTest, BracesNextToNumbersDoNotBecomeARange) {
  for (const char* name : {"{1..5", "x{.0..1}", "{.3.}", "{1..2.}", "{1.2..3}"}) {
    const NumberedName numbered = TakeNumbers(name);
    EXPECT_FALSE(HasRange(name)) << name;
    EXPECT_EQ(FormatName(numbered.form, numbered.numbers), name);
  }
  EXPECT_THAT(Expand("{1..{4..5}"), ElementsAre("{1..4", "{1..5"));
}

TEST(ModuleNamesTest, FormHasSlotsForNumbersAndRanges) {
  const RangedName name = ParseRanges("a.{0..2}.b.7.c");
  EXPECT_EQ(name.form, "a.\1.b.\1.c");
  EXPECT_THAT(name.ranges, ElementsAre(NumberRange{0, 2}, NumberRange{7, 7}));
  EXPECT_EQ(FormatName(name.form, name.ranges), "a.{0..2}.b.7.c");
}

TEST(ModuleNamesTest, FullProductIsOneRange) {
  std::vector<uint32_t> numbers;
  for (uint32_t layer = 61; layer > 3; --layer) {  // not in ascending order
    for (uint32_t expert = 0; expert < 256; ++expert) numbers.insert(numbers.end(), {layer, expert});
  }
  EXPECT_THAT(CoverWithRanges(numbers, 2), ElementsAre(ElementsAre(NumberRange{4, 61}, NumberRange{0, 255})));
}

TEST(ModuleNamesTest, NoNumbersAreNoRanges) { EXPECT_THAT(CoverWithRanges({}, 2), IsEmpty()); }

TEST(ModuleNamesTest, GapsSplitRanges) {
  EXPECT_THAT(
      CoverWithRanges({0, 1, 2, 5, 6, 9}, 1),
      ElementsAre(ElementsAre(NumberRange{0, 2}), ElementsAre(NumberRange{5, 6}), ElementsAre(NumberRange{9, 9})));
}

// Any set of combinations is covered exactly, and expanding a name gives back what it was made of.
TEST(ModuleNamesTest, RangesCoverExactlyTheGivenNumbers) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    const size_t width = 1 + random() % 3;
    std::set<std::string> expected;
    std::vector<uint32_t> numbers;
    const std::string form = std::string("m.\1.x.\1.\1").substr(0, width == 1 ? 3 : width == 2 ? 7 : 9);
    for (size_t i = 0, count = random() % 60; i < count; ++i) {
      std::vector<uint32_t> combination;
      for (size_t slot = 0; slot < width; ++slot) combination.push_back(static_cast<uint32_t>(random() % 5));
      if (!expected.insert(FormatName(form, combination)).second) continue;
      numbers.insert(numbers.end(), combination.begin(), combination.end());
    }
    std::vector<std::string> names;
    for (const NumberRanges& ranges : CoverWithRanges(numbers, width)) {
      const std::vector<std::string> some = Expand(FormatName(form, ranges));
      EXPECT_EQ(some.size(), CountNames(ranges));
      names.insert(names.end(), some.begin(), some.end());
    }
    std::sort(names.begin(), names.end());
    ASSERT_EQ(names, std::vector<std::string>(expected.begin(), expected.end()));
  }
}

}  // namespace
}  // namespace qconfig::client
