// SPDX-License-Identifier: Apache-2.0
#include "core/error_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

using testing::EndsWith;
using testing::StartsWith;

// At least the bytes of the error in HTTP/2 fields: the percent-encoded text, and the base64 form of the details.
size_t BytesOnWire(const v1::ItemError& error) {
  size_t text_bytes = 0;
  for (const char c : error.message()) text_bytes += c >= 0x20 && c < 0x7F && c != '%' ? 1 : 3;
  return text_bytes + error.ByteSizeLong() * 4 / 3;
}

absl::Status ErrorAt(absl::string_view field) {
  return Error(v1::ERROR_REASON_INVALID_TENSOR_CONFIG).Field(field).Rule("x").Value("v").ToStatus("bad");
}

TEST(ErrorListTest, OneErrorIsUnchanged) {
  ErrorList errors;
  EXPECT_TRUE(errors.ToStatus().ok());
  errors.Add(absl::OkStatus());
  EXPECT_TRUE(errors.ToStatus().ok());
  const absl::Status error = ErrorAt("a");
  errors.Add(error);
  EXPECT_EQ(errors.ToStatus(), error);
}

TEST(ErrorListTest, SeveralErrorsBecomeTheFirstWithAllViolations) {
  ErrorList errors;
  errors.Add(ErrorAt("a"));
  errors.Add(ErrorAt("b"));
  errors.Add(ErrorAt("a"));  // follows from the first
  EXPECT_TRUE(errors.Has("b"));
  EXPECT_FALSE(errors.Has("c"));
  const v1::ItemError error = ItemErrorOf(errors.ToStatus());
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_INVALID_TENSOR_CONFIG);
  EXPECT_EQ(error.message(), "a: bad: \"v\". 1 more: b: bad: \"v\"");
  EXPECT_EQ(error.detail().field(), "a");
  ASSERT_EQ(error.field_violations_size(), 2);
  EXPECT_EQ(error.field_violations(0).field(), "a");
  EXPECT_EQ(error.field_violations(1).field(), "b");
  EXPECT_EQ(error.field_violations(1).description(), "bad: \"v\"");
}

TEST(ErrorListTest, ManyErrorsFitIntoAStatus) {
  ErrorList errors;
  for (int i = 0; i < 200; ++i) errors.Add(ErrorAt(absl::StrCat("weight[0].field_", i)));
  EXPECT_TRUE(errors.is_full());
  EXPECT_EQ(errors.size(), ErrorList::kMaxErrors + 1);
  const v1::ItemError error = ItemErrorOf(errors.ToStatus());
  EXPECT_EQ(error.field_violations_size(), 20);
  EXPECT_THAT(error.message(), StartsWith("weight[0].field_0: bad: \"v\". At least 20 more: weight[0].field_1: "));
  EXPECT_EQ(error.field_violations(18).description(), "bad: \"v\"");
  EXPECT_EQ(error.field_violations(19).description(), "bad: \"v\" (and more errors)");
  EXPECT_LE(BytesOnWire(error), 4096u);
}

TEST(ErrorListTest, TwentyErrorsAreNotFull) {
  ErrorList errors;
  for (int i = 0; i < 20; ++i) errors.Add(ErrorAt(absl::StrCat("field_", i)));
  EXPECT_FALSE(errors.is_full());
  const v1::ItemError error = ItemErrorOf(errors.ToStatus());
  EXPECT_THAT(error.message(), StartsWith("field_0: bad: \"v\". 19 more: "));
  EXPECT_EQ(error.field_violations(19).description(), "bad: \"v\"");
}

TEST(ErrorListTest, LongTextsFitIntoAStatus) {
  ErrorList errors;
  for (int i = 0; i < 3; ++i) errors.Add(ErrorAt(std::string(600, static_cast<char>('a' + i))));
  const v1::ItemError error = ItemErrorOf(errors.ToStatus());
  EXPECT_EQ(error.field_violations_size(), 1);
  EXPECT_EQ(error.field_violations(0).description(), "bad: \"v\" (and 2 more errors)");
  EXPECT_LE(BytesOnWire(error), 4096u);
}

TEST(ErrorListTest, LongDescriptionsFitIntoAStatus) {
  for (const std::string character : {"x", "%", "\u4e16", "\U0001F600"}) {
    std::string problem;
    for (int i = 0; i < 3000; ++i) problem += character;
    ErrorList errors;
    for (const char* field : {"a", "b"}) {
      errors.Add(Error(v1::ERROR_REASON_INVALID_TENSOR_CONFIG).Field(field).ToStatus(problem));
    }
    const v1::ItemError error = ItemErrorOf(errors.ToStatus());
    ASSERT_EQ(error.field_violations_size(), 2);
    EXPECT_THAT(error.field_violations(1).description(), EndsWith(character + "..."));
    EXPECT_THAT(error.message(), EndsWith(character + "..."));
    EXPECT_LE(BytesOnWire(error), 4096u) << character;
  }
}

TEST(ErrorListTest, LongValuesAreShortInTheViolations) {
  for (const std::string character : {"x", "%", "\u4e16", "\U0001F600"}) {
    std::string value;
    for (int i = 0; i < 128; ++i) value += character;
    ErrorList errors;
    for (const char* field : {"a", "b", "c"}) {
      errors.Add(Error(v1::ERROR_REASON_INVALID_TENSOR_CONFIG).Field(field).Value(value).ToStatus("bad"));
    }
    const v1::ItemError error = ItemErrorOf(errors.ToStatus());
    EXPECT_EQ(error.detail().value(), value);
    ASSERT_EQ(error.field_violations_size(), 3);
    EXPECT_THAT(error.field_violations(2).description(), StartsWith("bad: \"" + character));
    EXPECT_THAT(error.field_violations(2).description(), EndsWith(character + "...\""));
    EXPECT_LE(BytesOnWire(error), 4096u) << character;
  }
}

}  // namespace
}  // namespace qconfig
