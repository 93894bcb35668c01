// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_STATUS_MACROS_H_
#define QCONFIG_CORE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the status of `expr`, an absl::Status, from the enclosing function unless it is OK.
#define QCONFIG_RETURN_IF_ERROR(expr)                                                        \
  do {                                                                                       \
    if (::absl::Status qconfig_status = (expr); !qconfig_status.ok()) return qconfig_status; \
  } while (false)

// Evaluates `expr`, an absl::StatusOr. Moves its value into `lhs`, which may be a declaration, or returns its status
// from the enclosing function. Expands to several statements, so it cannot be the body of an unbraced `if`.
#define QCONFIG_ASSIGN_OR_RETURN(lhs, expr) \
  QCONFIG_ASSIGN_OR_RETURN_IMPL_(QCONFIG_CONCATENATE_(qconfig_status_or_, __LINE__), lhs, expr)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot be in parentheses.
#define QCONFIG_ASSIGN_OR_RETURN_IMPL_(status_or, lhs, expr) \
  auto status_or = (expr);                                   \
  if (!status_or.ok()) return std::move(status_or).status(); \
  lhs = *std::move(status_or)
// NOLINTEND(bugprone-macro-parentheses)

#define QCONFIG_CONCATENATE_(left, right) QCONFIG_CONCATENATE_IMPL_(left, right)
#define QCONFIG_CONCATENATE_IMPL_(left, right) left##right

#endif  // QCONFIG_CORE_STATUS_MACROS_H_
