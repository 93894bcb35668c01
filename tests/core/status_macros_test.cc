// SPDX-License-Identifier: Apache-2.0
#include "core/status_macros.h"

#include <gtest/gtest.h>

#include <memory>

namespace qconfig {
namespace {

absl::Status ReturnIfError(const absl::Status& status, int& evaluated) {
  QCONFIG_RETURN_IF_ERROR((++evaluated, status));
  return absl::AbortedError("not returned");
}

TEST(StatusMacrosTest, ReturnIfErrorReturnsOnlyErrors) {
  int evaluated = 0;
  EXPECT_EQ(ReturnIfError(absl::InternalError("a"), evaluated), absl::InternalError("a"));
  EXPECT_EQ(ReturnIfError(absl::OkStatus(), evaluated), absl::AbortedError("not returned"));
  EXPECT_EQ(evaluated, 2);
}

absl::StatusOr<int> AssignOrReturn(absl::StatusOr<std::unique_ptr<int>> first, absl::StatusOr<int> second) {
  QCONFIG_ASSIGN_OR_RETURN(const std::unique_ptr<int> pointer, std::move(first));
  int value = 0;
  QCONFIG_ASSIGN_OR_RETURN(value, second);
  return *pointer + value;
}

TEST(StatusMacrosTest, AssignOrReturnMovesTheValueOrReturnsTheError) {
  EXPECT_EQ(AssignOrReturn(std::make_unique<int>(1), 2).value(), 3);
  EXPECT_EQ(AssignOrReturn(absl::InternalError("a"), 2).status(), absl::InternalError("a"));
  EXPECT_EQ(AssignOrReturn(std::make_unique<int>(1), absl::InternalError("b")).status(), absl::InternalError("b"));
}

}  // namespace
}  // namespace qconfig
