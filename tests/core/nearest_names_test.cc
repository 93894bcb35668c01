// SPDX-License-Identifier: Apache-2.0
#include "core/nearest_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NearestNamesTest, NearestComesFirst) {
  EXPECT_THAT(NearestNames("qwen3_moo", {"qwen2_moe", "qwen3_moe", "phi"}, 3), ElementsAre("qwen3_moe", "qwen2_moe"));
}

TEST(NearestNamesTest, IgnoresCaseAndSeparators) {
  EXPECT_THAT(NearestNames("Grok_1", {"llama", "grok-1"}, 3), ElementsAre("grok-1"));
}

TEST(NearestNamesTest, CommonPrefixBreaksTies) {
  EXPECT_THAT(NearestNames("int4_wo_12", {"int4_wo_32", "int4_wo_128"}, 3), ElementsAre("int4_wo_128", "int4_wo_32"));
}

TEST(NearestNamesTest, SwappedLettersCountAsOneEdit) {
  EXPECT_THAT(NearestNames("pf8", {"fp8"}, 3), ElementsAre("fp8"));
}

TEST(NearestNamesTest, DistantNamesAreNotSuggested) {
  EXPECT_THAT(NearestNames("zzzz", {"llama", "fp8"}, 3), IsEmpty());
  EXPECT_THAT(NearestNames("", {"a"}, 3), IsEmpty());
}

TEST(NearestNamesTest, LongNamesAreNotCompared) {
  const std::string text(65, 'a');
  EXPECT_THAT(NearestNames(text, {text}, 3), IsEmpty());
}

}  // namespace
}  // namespace qconfig
