// SPDX-License-Identifier: Apache-2.0
#include "core/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace qconfig {
namespace {

TEST(Utf8Test, DecodesSequencesOfEveryLength) { EXPECT_EQ(DecodeUtf8("aé€😀"), U"aé€😀"); }

TEST(Utf8Test, MalformedBytesCountAsOneCharacterEach) {
  EXPECT_EQ(CountCodePoints("\xFF\xFE"), 2u);
  EXPECT_EQ(CountCodePoints("\xE2\x82"), 2u);
  EXPECT_EQ(CountCodePoints("\xC3("), 2u);
  EXPECT_EQ(CountCodePoints("\xC0\x80"), 2u) << "overlong encoding";
  EXPECT_EQ(CountCodePoints("\xED\xA0\x80"), 3u) << "unpaired surrogate";
}

TEST(PrintableTest, KeepsPrintableCharacters) { EXPECT_EQ(Printable("é😀 \"x\"", 128), "é😀 \"x\""); }

TEST(PrintableTest, EscapesOtherCharacters) {
  EXPECT_EQ(Printable("a\nb\x7F", 128), "a\\u000ab\\u007f");
  EXPECT_EQ(Printable("\u202Etxt", 128), "\\u202etxt");
  EXPECT_EQ(Printable("\u0085\u061C\u2066", 128), "\\u0085\\u061c\\u2066");
  EXPECT_EQ(Printable("\xFF", 128), "\\u00ff");
  EXPECT_EQ(Printable("a\u00A0\u2001b", 128), "a\\u00a0\\u2001b");
  EXPECT_EQ(Printable("\u3164\U000E0041", 128), "\\u3164\\U000e0041");
}

TEST(PrintableTest, IsPrintableRejectsInvisibleCharacters) {
  for (const char* text : {"", "a b", "größe 4/bit 😀"}) EXPECT_TRUE(IsPrintable(text)) << text;
  for (const char* text : {"a\nb", "\u202Etxt", "a\u00A0b", "a\u3000b", "a\u200Bb", "\xFF", "\u3164", "a\U000E0041",
                           "a\u00ADb", "\u115F", "a\uFE0F", "a\U000E0FFF", "\uFFFE"}) {
    EXPECT_FALSE(IsPrintable(text)) << text;
  }
}

TEST(PrintableTest, TruncatesWithAnEllipsis) {
  EXPECT_EQ(Printable("12345", 5), "12345");
  EXPECT_EQ(Printable("123456", 5), "12...");
  EXPECT_EQ(Printable("ééééééé", 6), "ééé...");
  EXPECT_EQ(Printable("\n\n\n", 8), "...");
}

}  // namespace
}  // namespace qconfig
