// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_ADMIN_SERVER_H_
#define QCONFIG_SERVER_ADMIN_ADMIN_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/admin/http.h"
#include "server/base/event_log.h"

namespace qconfig {

// The content of the admin port. The functions are called concurrently and must return quickly.
struct AdminHandlers {
  // Whether the server is ready, or one of its checks succeeds; empty: all of them. If not, the message says why not.
  // kNotFound: there is no such check.
  std::function<absl::Status(absl::string_view check)> ready;
  std::function<std::string()> metrics;  // in Prometheus's text format 0.0.4
  // Whether a request with this header Authorization may read the metrics.
  std::function<bool(absl::string_view authorization)> may_read_metrics = [](absl::string_view) { return true; };
  std::string version;  // JSON
};

// The HTTP port for probes and metrics: GET and HEAD of /livez, /readyz, /readyz/CHECK, /metrics and /version. /livez
// depends on nothing. Silent or slow clients cannot block others. Thread-safe.
class AdminServer {
 public:
  // `listen` is host:port or [IPv6 address]:port. `max_connection_time` limits request and response together.
  // kInvalidArgument: `listen` is malformed. kUnavailable: the server cannot listen on it. The messages name the option
  // --admin-listen.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(
      absl::string_view listen, AdminHandlers handlers, EventLog log,
      absl::Duration max_connection_time = HttpLimits().max_connection_time);

  // The port that the server listens on.
  int port() const { return http_->port(); }

 private:
  explicit AdminServer(std::unique_ptr<HttpServer> http) : http_(std::move(http)) {}

  const std::unique_ptr<HttpServer> http_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_ADMIN_SERVER_H_
