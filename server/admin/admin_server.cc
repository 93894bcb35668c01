// SPDX-License-Identifier: Apache-2.0
#include "server/admin/admin_server.h"

#include <httplib.h>
#include <sys/socket.h>

#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/admin/admin_connections.h"
#include "server/options/host_and_port.h"

namespace qconfig {
namespace {

constexpr size_t kMaxConnections = 16;  // each has a thread
constexpr size_t kMaxRequestBytes = 16u << 10;

// A connection as httplib reads and writes it. Its own would give each read a time of its own, take headers without
// end, and use select(), for which the files of many connections are too many.
class BoundedStream : public httplib::Stream {
 public:
  BoundedStream(int socket, absl::Duration max_time) : connection_(socket, max_time, kMaxRequestBytes) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* bytes, size_t size) override {
    const ssize_t got = connection_.Read(bytes, size);
    for (ssize_t i = 0; i < got; ++i) HideRange(bytes[i]);
    return got;
  }
  ssize_t write(const char* bytes, size_t size) override { return connection_.Write(bytes, size); }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
  void get_local_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  // httplib would send every range that is asked for, thousands of them, in one answer. "Range" without its colon is no
  // header, so that it gives the whole.
  void HideRange(char& byte) {
    constexpr absl::string_view kName = "Range";
    if (byte == ':' && absl::EqualsIgnoreCase(line_, kName)) byte = ' ';
    if (byte == '\n') {
      line_.clear();
    } else if (line_.size() <= kName.size()) {
      line_ += byte;
    }
  }

  BoundedConnection connection_;
  std::string line_;  // its beginning
};

// httplib's threads, which make room for who comes.
class EvictingThreads : public httplib::TaskQueue {
 public:
  explicit EvictingThreads(ConnectionTable& connections) : connections_(connections), threads_(kMaxConnections) {}

  void enqueue(std::function<void()> serve) override {
    connections_.Expect();
    threads_.enqueue(std::move(serve));
  }
  void shutdown() override { threads_.shutdown(); }

 private:
  ConnectionTable& connections_;
  httplib::ThreadPool threads_;
};

void Answer(const AdminHandlers& handlers, const httplib::Request& request, httplib::Response& response) {
  constexpr char kText[] = "text/plain; charset=utf-8";
  const std::string& path = request.path;
  if (path != "/livez" && path != "/readyz" && path != "/metrics" && path != "/version") {
    response.status = 404;
    return response.set_content("there are /livez, /readyz, /metrics and /version\n", kText);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    return response.set_content("only GET and HEAD\n", kText);
  }
  response.status = 200;
  response.set_header("Cache-Control", "no-store");
  if (path == "/livez") return response.set_content("ok\n", kText);
  if (path == "/metrics") return response.set_content(handlers.metrics(), "text/plain; version=0.0.4; charset=utf-8");
  if (path == "/version") return response.set_content(handlers.version() + "\n", "application/json");
  const absl::Status ready = handlers.ready();
  if (!ready.ok()) response.status = 503;
  response.set_content(ready.ok() ? "ok\n" : absl::StrCat(ready.message(), "\n"), kText);
}

}  // namespace

class AdminServer::Http : public httplib::Server {
 public:
  Http(AdminHandlers handlers, absl::Duration max_connection_time)
      : handlers_(std::move(handlers)), max_connection_time_(max_connection_time), connections_(kMaxConnections) {
    new_task_queue = [this] { return new EvictingThreads(connections_); };
    // httplib would share a port that another process listens on.
    set_socket_options([this](socket_t socket) {
      listening_ = socket;
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    // Before httplib reads a body, which is then never read.
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      Answer(handlers_, request, response);
      return HandlerResponse::Handled;
    });
  }

  ~Http() override {
    if (!thread_.joinable()) return;
    while (!is_running() && !ended_) std::this_thread::yield();  // stop() does nothing before
    stop();
    connections_.CloseAll();
    thread_.join();
  }

  // REQUIRES: it is bound.
  void Accept() {
    // httplib lets five wait, and who comes then is not heard before a second is over.
    constexpr int kMaxWaiting = 128;
    ::listen(listening_, kMaxWaiting);
    thread_ = std::thread([this] {
      listen_after_bind();
      ended_ = true;
    });
  }

 private:
  bool process_and_close_socket(socket_t socket) override {
    connections_.Begin(socket);
    BoundedStream stream(socket, max_connection_time_);
    bool closed = false;
    const bool answered = process_request(stream, /*close_connection=*/true, closed, nullptr);
    connections_.End(socket);
    return answered;
  }

  const AdminHandlers handlers_;
  const absl::Duration max_connection_time_;
  ConnectionTable connections_;
  int listening_ = -1;
  std::thread thread_;
  std::atomic<bool> ended_ = false;
};

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(absl::string_view listen, AdminHandlers handlers,
                                                                absl::Duration max_connection_time) {
  const auto address = ParseHostAndPort("--admin-listen", listen);
  if (!address.ok()) return address.status();
  auto http = std::make_unique<Http>(std::move(handlers), max_connection_time);
  int port = address->port;
  if (port == 0) {
    port = http->bind_to_any_port(address->host);
  } else if (!http->bind_to_port(address->host, port)) {
    port = -1;
  }
  if (port < 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on --admin-listen ", listen,
                                               ": the address is in use or not one of this machine's"));
  }
  http->Accept();
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(http), port));
}

AdminServer::AdminServer(std::unique_ptr<Http> http, int port) : http_(std::move(http)), port_(port) {}

AdminServer::~AdminServer() = default;

}  // namespace qconfig
