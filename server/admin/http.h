// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_HTTP_H_
#define QCONFIG_SERVER_ADMIN_HTTP_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/event_log.h"
#include "server/base/host_and_port.h"

namespace qconfig {

struct HttpRequest {
  std::string method;         // as received, such as "GET"
  std::string path;           // as received, without the query
  std::string authorization;  // the header; empty: none
};

struct HttpResponse {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string body;
};

struct HttpLimits {
  size_t max_connections = 16;
  size_t max_header_bytes = 16u << 10;  // request line included
  absl::Duration max_connection_time = absl::Seconds(5);
};

// Serves HTTP/1.1: one response per connection, and request bodies are ignored. One thread reads and writes all
// connections, so a slow or silent client occupies no thread; when there are too many connections, the oldest, or one
// that has its response, is closed. Thread-safe.
class HttpServer {
 public:
  // Called on up to `max_connections` threads at once. The response is 500 if it throws.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Listens on `address`; port 0 means any free port. If the port fails later, the server logs the failure and reopens
  // it. kUnavailable: the server cannot listen on `address`; the message is the system's reason.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HostAndPort& address, Handler handler, EventLog log,
                                                           const HttpLimits& limits);

  // Closes the port and all connections, and waits for running handlers.
  ~HttpServer();

  // The port that the server listens on.
  int port() const;

 private:
  class Connection;
  class Listener;

  explicit HttpServer(std::unique_ptr<Listener> listener);

  const std::unique_ptr<Listener> listener_;
};

// Gets `path` from `address`. Returns the status and the body, without headers.
// kDeadlineExceeded: no response within `timeout`, name resolution included. kUnavailable: any other failure; the
// message is the reason.
absl::StatusOr<HttpResponse> HttpGet(const HostAndPort& address, absl::string_view path, absl::Duration timeout);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_HTTP_H_
