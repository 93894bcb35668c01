// SPDX-License-Identifier: Apache-2.0
#include "server/admin/health_check.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "server/admin/http.h"
#include "server/base/host_and_port.h"

namespace qconfig {
namespace {

bool IsUnspecified(const std::string& host) {
  return host == "::" || host == "0" || (!host.empty() && host.find_first_not_of("0.") == std::string::npos);
}

}  // namespace

absl::Status CheckHealth(absl::string_view admin_listen) {
  if (admin_listen.empty()) {
    return absl::InvalidArgumentError("--admin-listen is empty, so the server has no admin port to check");
  }
  auto address = ParseHostAndPort("--admin-listen", admin_listen);
  if (!address.ok()) return address.status();
  if (address->port == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--admin-listen ", admin_listen, " selects a free port, so the port to check is unknown"));
  }
  if (IsUnspecified(address->host)) address->host = address->host == "::" ? "::1" : "127.0.0.1";
  constexpr absl::Duration kTimeout = absl::Seconds(2);
  const auto response = HttpGet(*address, "/readyz/reads", kTimeout);
  if (absl::IsDeadlineExceeded(response.status())) {
    return absl::UnavailableError(
        absl::StrCat("no answer from ", admin_listen, " within ", absl::FormatDuration(kTimeout)));
  }
  if (!response.ok()) {
    return absl::UnavailableError(absl::StrCat("no answer from ", admin_listen, ": ", response.status().message()));
  }
  if (response->status == 200) return absl::OkStatus();
  constexpr size_t kMaxChars = 512;
  return absl::UnavailableError(
      absl::StrCat("not ready: ", Printable(absl::StripAsciiWhitespace(response->body), kMaxChars)));
}

}  // namespace qconfig
