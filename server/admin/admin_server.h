// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_ADMIN_SERVER_H_
#define QCONFIG_SERVER_ADMIN_ADMIN_SERVER_H_

#include <spdlog/logger.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace qconfig {

// What the admin port answers with. Functions are called on several threads at once, and must return soon.
struct AdminHandlers {
  std::function<absl::Status()> ready;   // why not is what its message says
  std::function<std::string()> metrics;  // in Prometheus's text format 0.0.4
  std::string version;                   // JSON
};

// The HTTP port for probes and metrics: GET and HEAD of /livez, /readyz, /metrics and /version. /livez depends on
// nothing. Each connection gets one answer; when there are too many, the oldest is closed, so that callers who say
// nothing keep nobody out. Thread-safe.
class AdminServer {
 public:
  // kInvalidArgument: `listen` is not host:port, or [IPv6 address]:port. kUnavailable: it cannot be listened on. The
  // messages name the option --admin-listen.
  // `max_connection_time` is for asking and the answer together. The port is opened again, and `log` tells, when the
  // system fails it.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(absl::string_view listen, AdminHandlers handlers,
                                                            std::shared_ptr<spdlog::logger> log,
                                                            absl::Duration max_connection_time = absl::Seconds(5));

  // Closes the port and all connections. Waits for handlers that run.
  ~AdminServer();

  // The port that is listened on.
  int port() const { return port_; }

 private:
  class Http;

  AdminServer(std::unique_ptr<Http> http, int port);

  const std::unique_ptr<Http> http_;
  const int port_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_ADMIN_SERVER_H_
