// SPDX-License-Identifier: Apache-2.0
#include "core/error_list.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

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
  for (int i = 0; i < 200; ++i) errors.Add(ErrorAt(absl::StrCat("scheme.config.weight[0].field_", i)));
  const v1::ItemError error = ItemErrorOf(errors.ToStatus());
  EXPECT_EQ(error.field_violations_size(), 20);
  EXPECT_TRUE(absl::EndsWith(error.field_violations(19).description(), " (and 180 more errors)"));
  EXPECT_LT(error.ByteSizeLong(), 3000u);
}

TEST(ErrorListTest, LongTextsFitIntoAStatus) {
  ErrorList errors;
  for (int i = 0; i < 3; ++i) errors.Add(ErrorAt(std::string(1000, static_cast<char>('a' + i))));
  const v1::ItemError error = ItemErrorOf(errors.ToStatus());
  EXPECT_EQ(error.field_violations_size(), 1);
  EXPECT_TRUE(absl::EndsWith(error.field_violations(0).description(), " (and 2 more errors)"));
}

}  // namespace
}  // namespace qconfig
