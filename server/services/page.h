// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVICES_PAGE_H_
#define QCONFIG_SERVER_SERVICES_PAGE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// Where a page of a listing begins. All pages are of one list, tenant, catalogue and revision.
struct PageStart {
  std::string list;  // the name of the method
  std::string tenant;
  std::string catalog;
  int64_t revision = 0;
  size_t offset = 0;
};

// Opaque to clients.
std::string EncodePageToken(const PageStart& start);

// INVALID_REQUEST, for the field `page_token`, when `token` is not one that EncodePageToken() made.
absl::StatusOr<PageStart> DecodePageToken(absl::string_view token);

// INVALID_REQUEST for a token that was made for another tenant, list, catalogue or revision.
absl::Status AnotherListing(absl::string_view token);

// How many entries a page has for a request that asks for `page_size`.
// INVALID_REQUEST, for the field `page_size`, when that is negative.
absl::StatusOr<size_t> PageLength(int page_size);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVICES_PAGE_H_
