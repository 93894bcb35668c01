// SPDX-License-Identifier: Apache-2.0
#include "server/services/page.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/error.h"

namespace qconfig {
namespace {

constexpr char kSeparator[] = "\n";  // which no part contains
constexpr int kDefaultLength = 100;
constexpr int kMaxLength = 1000;

}  // namespace

std::string EncodePageToken(const PageStart& start) {
  return absl::WebSafeBase64Escape(absl::StrJoin(
      std::make_tuple(start.list, start.tenant, start.catalog, start.revision, start.offset), kSeparator));
}

absl::StatusOr<PageStart> DecodePageToken(absl::string_view token) {
  constexpr size_t kMaxTokenSize = 1024;  // larger than any valid token
  std::string text;
  PageStart start;
  uint64_t offset = 0;
  bool valid = token.size() <= kMaxTokenSize && absl::WebSafeBase64Unescape(token, &text);
  const std::vector<std::string> parts = absl::StrSplit(text, kSeparator);
  valid = valid && parts.size() == 5 && absl::SimpleAtoi(parts[3], &start.revision) && start.revision > 0 &&
          absl::SimpleAtoi(parts[4], &offset);
  if (valid) {
    start.list = parts[0];
    start.tenant = parts[1];
    start.catalog = parts[2];
    start.offset = offset;
  }
  // Base64 can encode the same bytes in several ways. Only the form of EncodePageToken() is valid.
  if (!valid || EncodePageToken(start) != token) {
    return Error(v1::ERROR_REASON_INVALID_REQUEST)
        .Field("page_token")
        .Value(token)
        .ToStatus("must be the next_page_token of an earlier response");
  }
  return start;
}

absl::Status PageTokenMismatch(absl::string_view token) {
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field("page_token")
      .Value(token)
      .ToStatus("belongs to a request with different arguments. Repeat the request without page_token");
}

absl::StatusOr<size_t> PageLength(int page_size) {
  if (page_size < 0) {
    return Error(v1::ERROR_REASON_INVALID_REQUEST)
        .Field("page_size")
        .Value(absl::StrCat(page_size))
        .ToStatus("must not be negative");
  }
  return static_cast<size_t>(page_size == 0 ? kDefaultLength : std::min(page_size, kMaxLength));
}

}  // namespace qconfig
