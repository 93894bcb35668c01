// SPDX-License-Identifier: Apache-2.0
#include "server/admin/health_check.h"

#include <httplib.h>

#include <chrono>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "server/base/host_and_port.h"

namespace qconfig {
namespace {

constexpr std::chrono::seconds kTimeout(2);

// The end of the sentence "no answer from 127.0.0.1:9464".
std::string Why(httplib::Error error) {
  if (error == httplib::Error::Connection) return ": the connection was refused";
  if (error == httplib::Error::Read || error == httplib::Error::ConnectionTimeout) {
    return absl::StrCat(" within ", kTimeout.count(), " s");
  }
  return absl::StrCat(": ", httplib::to_string(error));
}

bool IsUnspecified(const std::string& host) {
  return host == "::" || host == "0" || (!host.empty() && host.find_first_not_of("0.") == std::string::npos);
}

}  // namespace

absl::Status CheckHealth(absl::string_view admin_listen) {
  if (admin_listen.empty()) {
    return absl::InvalidArgumentError("--admin-listen is empty, so there is no port to ask");
  }
  const auto address = ParseHostAndPort("--admin-listen", admin_listen);
  if (!address.ok()) return address.status();
  if (address->port == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--admin-listen ", admin_listen, " takes a free port, so it is not known which one to ask"));
  }
  std::string host = address->host;
  if (IsUnspecified(host)) host = host == "::" ? "::1" : "127.0.0.1";
  httplib::Client client(host, address->port);
  client.set_connection_timeout(kTimeout);
  client.set_read_timeout(kTimeout);
  client.set_write_timeout(kTimeout);
  const httplib::Result result = client.Get("/readyz");
  if (!result) return absl::UnavailableError(absl::StrCat("no answer from ", admin_listen, Why(result.error())));
  if (result->status == 200) return absl::OkStatus();
  constexpr size_t kMaxChars = 512;
  return absl::UnavailableError(
      absl::StrCat("not ready: ", Printable(absl::StripAsciiWhitespace(result->body), kMaxChars)));
}

}  // namespace qconfig
