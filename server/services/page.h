// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVICES_PAGE_H_
#define QCONFIG_SERVER_SERVICES_PAGE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// The start of a page. All pages of a listing have the same list, tenant, catalogue and revision.
struct PageStart {
  std::string list;  // the name of the method
  std::string tenant;
  std::string catalog;
  int64_t revision = 0;
  size_t offset = 0;
};

// Opaque to clients.
std::string EncodePageToken(const PageStart& start);

// INVALID_REQUEST, for the field `page_token`: EncodePageToken() did not make `token`.
absl::StatusOr<PageStart> DecodePageToken(absl::string_view token);

// INVALID_REQUEST: the token belongs to another tenant, list, catalogue or revision.
absl::Status PageTokenMismatch(absl::string_view token);

// The number of entries on a page for a request with `page_size`.
// INVALID_REQUEST, for the field `page_size`: it is negative.
absl::StatusOr<size_t> PageLength(int page_size);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVICES_PAGE_H_
