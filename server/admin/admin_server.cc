// SPDX-License-Identifier: Apache-2.0
#include "server/admin/admin_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/host_and_port.h"

namespace qconfig {
namespace {

HttpResponse Respond(const AdminHandlers& handlers, const HttpRequest& request) {
  HttpResponse response;
  std::string& content_type = response.headers["Content-Type"];
  content_type = "text/plain; charset=utf-8";
  const std::string& path = request.path;
  absl::string_view check = path;
  const bool is_check = absl::ConsumePrefix(&check, "/readyz/");
  const absl::Status checked = is_check ? handlers.ready(check) : absl::OkStatus();
  const bool is_path = is_check ? !check.empty() && !absl::IsNotFound(checked)
                                : path == "/livez" || path == "/readyz" || path == "/metrics" || path == "/version";
  if (!is_path) {
    response.status = 404;
    response.body = "not found; this port serves /livez, /readyz, /readyz/CHECK, /metrics and /version\n";
    return response;
  }
  if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.headers["Allow"] = "GET, HEAD";
    response.body = "method not allowed; use GET or HEAD\n";
    return response;
  }
  response.headers["Cache-Control"] = "no-store";
  response.body = "ok\n";
  if (path == "/metrics" && !handlers.may_read_metrics(request.authorization)) {
    response.status = 401;
    response.headers["WWW-Authenticate"] = "Bearer";
    response.body = "the metrics require `Authorization: Bearer TOKEN` with the token of --admin-token-file\n";
  } else if (path == "/metrics") {
    content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = handlers.metrics();
  } else if (path == "/version") {
    content_type = "application/json";
    response.body = absl::StrCat(handlers.version, "\n");
  } else if (path != "/livez") {
    if (const absl::Status ready = is_check ? checked : handlers.ready(""); !ready.ok()) {
      response.status = 503;
      response.body = absl::StrCat(ready.message(), "\n");
    }
  }
  return response;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(absl::string_view listen, AdminHandlers handlers,
                                                                EventLog log, absl::Duration max_connection_time) {
  const auto address = ParseHostAndPort("--admin-listen", listen);
  if (!address.ok()) return address.status();
  HttpLimits limits;
  limits.max_connection_time = max_connection_time;
  auto handler = [handlers = std::move(handlers)](const HttpRequest& request) { return Respond(handlers, request); };
  auto http = HttpServer::Start(*address, std::move(handler), std::move(log), limits);
  if (!http.ok()) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on --admin-listen ", listen, ": ", http.status().message()));
  }
  return std::unique_ptr<AdminServer>(new AdminServer(*std::move(http)));
}

}  // namespace qconfig
