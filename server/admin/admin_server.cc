// SPDX-License-Identifier: Apache-2.0
#include "server/admin/admin_server.h"

#include <httplib.h>
#include <sys/socket.h>

#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/admin/admin_connections.h"
#include "server/base/host_and_port.h"

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
  if (path == "/version") return response.set_content(handlers.version + "\n", "application/json");
  const absl::Status ready = handlers.ready();
  if (!ready.ok()) response.status = 503;
  response.set_content(ready.ok() ? "ok\n" : absl::StrCat(ready.message(), "\n"), kText);
}

}  // namespace

class AdminServer::Http : public httplib::Server {
 public:
  Http(AdminHandlers handlers, std::shared_ptr<spdlog::logger> log, absl::Duration max_connection_time)
      : handlers_(std::move(handlers)),
        log_(std::move(log)),
        max_connection_time_(max_connection_time),
        connections_(kMaxConnections) {
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
    {
      const absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    while (!is_running() && !ended_) std::this_thread::yield();  // stop() does nothing before
    stop();
    connections_.CloseAll();
    thread_.join();
  }

  // The port that is listened on, which is free if `address` has none. -1: it cannot be listened on.
  int Bind(const HostAndPort& address) {
    address_ = address;
    if (address.port == 0) {
      address_.port = bind_to_any_port(address.host);
    } else if (!bind_to_port(address.host, address.port)) {
      address_.port = -1;
    }
    return address_.port;
  }

  // REQUIRES: it is bound.
  void Serve() {
    LetManyWait();
    thread_ = std::thread([this] {
      do {
        listen_after_bind();
      } while (OpenAgain());
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

  // httplib lets five wait, and who comes then is not heard before a second is over.
  void LetManyWait() const {
    constexpr int kMaxWaiting = 128;
    ::listen(listening_, kMaxWaiting);
  }

  // After httplib gave up, as it does when a connection cannot be accepted for want of memory. False: it is to stop.
  bool OpenAgain() {
    constexpr absl::Duration kPause = absl::Seconds(1);
    if (WaitForStop(absl::ZeroDuration())) return false;
    log_->error("the admin port failed, and is opened again");
    do {
      if (WaitForStop(kPause)) return false;
    } while (!bind_to_port(address_.host, address_.port));
    LetManyWait();
    log_->info("the admin port is open again");
    return true;
  }

  // Whether it is to stop, for which it waits for `time` at the most.
  bool WaitForStop(absl::Duration time) ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), time);
    return stopping_;
  }

  const AdminHandlers handlers_;
  const std::shared_ptr<spdlog::logger> log_;
  const absl::Duration max_connection_time_;
  ConnectionTable connections_;
  HostAndPort address_;
  int listening_ = -1;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
  std::atomic<bool> ended_ = false;
};

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(absl::string_view listen, AdminHandlers handlers,
                                                                std::shared_ptr<spdlog::logger> log,
                                                                absl::Duration max_connection_time) {
  const auto address = ParseHostAndPort("--admin-listen", listen);
  if (!address.ok()) return address.status();
  auto http = std::make_unique<Http>(std::move(handlers), std::move(log), max_connection_time);
  const int port = http->Bind(*address);
  if (port < 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on --admin-listen ", listen,
                                               ": the address is in use or not one of this machine's"));
  }
  http->Serve();
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(http), port));
}

AdminServer::AdminServer(std::unique_ptr<Http> http, int port) : http_(std::move(http)), port_(port) {}

AdminServer::~AdminServer() = default;

}  // namespace qconfig
