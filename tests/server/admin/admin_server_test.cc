// SPDX-License-Identifier: Apache-2.0
#include "server/admin/admin_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/admin/health_check.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A connection to a port on the loopback interface.
class Connection {
 public:
  explicit Connection(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  Connection(Connection&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ~Connection() {
    if (socket_ >= 0) close(socket_);
  }

  // Returns false when the server has closed the connection.
  bool Send(const std::string& text) const {
    return send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  // Returns true also when the connection has ended.
  bool IsReadableWithin(absl::Duration time) const {
    pollfd waiting = {socket_, POLLIN, 0};
    return poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(time))) > 0;
  }

  // Returns all bytes up to the end of the connection.
  std::string Receive() const {
    std::string all;
    char block[4096];
    for (ssize_t got = 1; got > 0;) {
      got = recv(socket_, block, sizeof(block), 0);
      all.append(block, static_cast<size_t>(std::max<ssize_t>(got, 0)));
    }
    return all;
  }

 private:
  int socket_;
};

std::string Ask(int port, const std::string& method, const std::string& path) {
  const Connection connection(port);
  connection.Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  return connection.Receive();
}

// How many file descriptors the process has.
ptrdiff_t OpenFiles() { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); }

AdminHandlers Handlers() {
  AdminHandlers handlers;
  handlers.ready = [](absl::string_view) { return absl::OkStatus(); };
  handlers.metrics = [] { return "up 1\n"; };
  handlers.version = R"({"version":"1"})";
  return handlers;
}

// Without a sink, nothing is logged.
EventLog NoLog() {
  spdlog::logger log("none");
  return EventLog(log, LogForm::kText);
}

EventLog LogTo(std::ostringstream& text) {
  spdlog::logger log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  return EventLog(log, LogForm::kText);
}

// A test that waits for this time limit times out.
std::unique_ptr<AdminServer> Serve(AdminHandlers handlers = Handlers(), absl::Duration time = absl::Hours(1)) {
  return AdminServer::Start("127.0.0.1:0", std::move(handlers), NoLog(), time).value();
}

TEST(AdminServerTest, ServesItsFourPaths) {
  const auto server = Serve();
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"),
              testing::AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\r\n\r\nok\n")));
  EXPECT_THAT(Ask(server->port(), "GET", "/readyz"), HasSubstr("\r\n\r\nok\n"));
  const std::string metrics = Ask(server->port(), "GET", "/metrics");
  EXPECT_THAT(metrics, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(metrics, HasSubstr("\r\n\r\nup 1\n"));
  const std::string version = Ask(server->port(), "GET", "/version");
  EXPECT_THAT(version, HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(version, HasSubstr("\r\n\r\n{\"version\":\"1\"}\n"));
}

TEST(AdminServerTest, HeadHasNoBody) {
  const auto server = Serve();
  const std::string answer = Ask(server->port(), "HEAD", "/livez");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(absl::EndsWith(answer, "\r\n\r\n")) << answer;
}

TEST(AdminServerTest, RangesAreIgnored) {
  AdminHandlers handlers = Handlers();
  handlers.metrics = [] { return std::string(100'000, 'x'); };
  const auto server = Serve(std::move(handlers));
  std::string ranges = "bytes=0-";
  for (int i = 1; i < 2000; ++i) ranges += ",0-";
  for (const std::string& header : {absl::StrCat("Range: ", ranges), absl::StrCat("rAnGe:", ranges),
                                    std::string("Range: bytes=5-1"), std::string("Range: lines=a")}) {
    for (const char* path : {"/metrics", "/livez"}) {
      const Connection connection(server->port());
      connection.Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\n", header, "\r\nX: y\r\n\r\n"));
      const std::string answer = connection.Receive();
      const int length = path == absl::string_view("/metrics") ? 100'000 : 3;
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 200")) << header;
      EXPECT_THAT(answer, HasSubstr(absl::StrCat("Content-Length: ", length, "\r\n"))) << header;
      EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, length) << header;
    }
  }
}

TEST(AdminServerTest, QueriesAreIgnored) {
  const auto server = Serve();
  EXPECT_THAT(Ask(server->port(), "GET", "/livez?verbose=/readyz"), StartsWith("HTTP/1.1 200"));
}

TEST(AdminServerTest, OtherPathsAndMethodsAreRejected) {
  const auto server = Serve();
  for (const char* path : {"/", "/livez/", "/metrics/x", "/../livez/..", "/LIVEZ"}) {
    EXPECT_THAT(Ask(server->port(), "GET", path), StartsWith("HTTP/1.1 404")) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const std::string answer = Ask(server->port(), method, "/readyz");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405")) << method;
    EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD")) << method;
  }
}

TEST(AdminServerTest, RequestBodiesAreIgnored) {
  const auto server = Serve();
  const Connection connection(server->port());
  connection.Send("GET /livez HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\n");
  EXPECT_THAT(connection.Receive(), StartsWith("HTTP/1.1 200"));
}

// An HTTP/2 client sends more than the preface before it reads. It must see the response, not a broken pipe.
TEST(AdminServerTest, ConnectionsWithUnreadBytesAreNotReset) {
  const auto server = Serve();
  for (const char* request : {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /livez HTTP/1.1\r\n\r\n"}) {
    const Connection connection(server->port());
    connection.Send(request + std::string(32 << 10, 'x'));
    EXPECT_THAT(connection.Receive(), StartsWith("HTTP/1.1 ")) << request;
    EXPECT_TRUE(connection.Send("x")) << request;
  }
}

TEST(AdminServerTest, ChecksHavePathsOfTheirOwn) {
  AdminHandlers handlers = Handlers();
  handlers.ready = [](absl::string_view check) -> absl::Status {
    if (check == "reads") return absl::OkStatus();
    return check.empty() || check == "writes" ? absl::UnavailableError("writes: gone") : absl::NotFoundError("");
  };
  const auto server = Serve(std::move(handlers));
  EXPECT_THAT(Ask(server->port(), "GET", "/readyz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Ask(server->port(), "GET", "/readyz/reads"), HasSubstr("\r\n\r\nok\n"));
  EXPECT_THAT(Ask(server->port(), "GET", "/readyz/writes"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Ask(server->port(), "GET", "/readyz/writes"), HasSubstr("\r\n\r\nwrites: gone\n"));
  for (const char* path : {"/readyz/", "/readyz/x", "/readyz/reads/"}) {
    EXPECT_THAT(Ask(server->port(), "GET", path), StartsWith("HTTP/1.1 404")) << path;
  }
  EXPECT_TRUE(CheckHealth(absl::StrCat("127.0.0.1:", server->port())).ok()) << "reads suffice";
}

TEST(AdminServerTest, NotReadyIs503WithOneLine) {
  AdminHandlers handlers = Handlers();
  handlers.ready = [](absl::string_view) { return absl::UnavailableError("storage: gone"); };
  const auto server = Serve(std::move(handlers));
  const std::string answer = Ask(server->port(), "GET", "/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nstorage: gone\n"));
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(CheckHealth(absl::StrCat("127.0.0.1:", server->port())).message(), "not ready: storage: gone");
}

TEST(AdminServerTest, SilentConnectionsKeepNobodyOut) {
  const auto server = Serve();
  std::vector<Connection> silent;
  for (int i = 0; i < 200; ++i) {
    silent.emplace_back(server->port());
    if (i % 2 == 0) silent.back().Send("GET /livez HTTP/1.1\r\nX: ");
    if (i % 10 == 0) {
      EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
    }
  }
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
}

TEST(AdminServerTest, EndlessRequestsAreCutOff) {
  const auto server = Serve();
  const Connection headers(server->port());
  headers.Send("GET /livez HTTP/1.1\r\n");
  const std::string header = absl::StrCat("X: ", std::string(1000, 'x'), "\r\n");
  int sent = 0;
  while (headers.Send(header)) ASSERT_LT(++sent, 1'000'000);
  const Connection header_first(server->port());
  header_first.Send(absl::StrCat("GET /livez HTTP/1.1\r\nX: ", std::string(16 << 10, 'x')));
  EXPECT_THAT(header_first.Receive(), StartsWith("HTTP/1.1 431"));
  const Connection path(server->port());
  path.Send(absl::StrCat("GET /", std::string(10'000, 'x'), " HTTP/1.1\r\n\r\n"));
  EXPECT_THAT(path.Receive(), StartsWith("HTTP/1.1 414"));
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
}

TEST(AdminServerTest, ConnectionsHaveATimeLimit) {
  const auto server = Serve(Handlers(), absl::Milliseconds(20));
  const Connection silent(server->port());
  EXPECT_EQ(silent.Receive(), "");
}

TEST(AdminServerTest, SlowRequestsAreCutOff) {
  const auto server = Serve(Handlers(), absl::Milliseconds(100));
  const Connection slow(server->port());
  slow.Send("GET /livez HTTP/1.1\r\nX: ");
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (!slow.IsReadableWithin(absl::Milliseconds(5))) {
    ASSERT_LT(absl::Now(), deadline);
    slow.Send("x");
  }
  EXPECT_EQ(slow.Receive(), "");
}

TEST(AdminServerTest, ClientsThatReadNothingAreCutOff) {
  AdminHandlers handlers = Handlers();
  handlers.metrics = [] { return std::string(32 << 20, 'x'); };
  const auto server = Serve(std::move(handlers), absl::Milliseconds(100));
  const Connection unread(server->port());
  unread.Send("GET /metrics HTTP/1.1\r\n\r\n");
  while (unread.Send("x")) continue;  // until the server closes the connection
}

TEST(AdminServerTest, MalformedRequestsAreRejected) {
  const auto server = Serve();
  for (const char* noise : {"\r\n\r\n", "\x16\x03\x01\x02", "GET\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    const Connection connection(server->port());
    connection.Send(noise);
    connection.Send("\r\n\r\n");
    EXPECT_THAT(connection.Receive(), StartsWith("HTTP/1.1 400")) << noise;
  }
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
}

TEST(AdminServerTest, AnswersWhenTheProcessHasThousandsOfFilesOpen) {
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2000) {
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 2000);
    setrlimit(RLIMIT_NOFILE, &files);
  }
  ASSERT_GE(files.rlim_cur, 2000) << "the limit on open files is too low";
  const auto server = Serve();
  std::vector<int> open_files;
  while (open_files.size() < 1100) open_files.push_back(dup(STDERR_FILENO));
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
  for (const int file : open_files) close(file);
}

TEST(AdminServerTest, AnswersOnceTheProcessHasFileDescriptorsAgain) {
  std::ostringstream text;
  const auto server = AdminServer::Start("127.0.0.1:0", Handlers(), LogTo(text)).value();
  const ptrdiff_t files = OpenFiles();
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (OpenFiles() > files) {
    ASSERT_LT(absl::Now(), end) << "the server has not closed its side";
    absl::SleepFor(absl::Milliseconds(1));
  }
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(before.rlim_cur, 256);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<int> open_files;
  for (int file = dup(STDERR_FILENO); file >= 0; file = dup(STDERR_FILENO)) open_files.push_back(file);
  EXPECT_EQ(errno, EMFILE);
  ASSERT_FALSE(open_files.empty());
  close(open_files.back());  // for the client's socket
  open_files.pop_back();
  const Connection connection(server->port());
  connection.Send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_FALSE(connection.IsReadableWithin(absl::Milliseconds(50)));
  for (const int file : open_files) close(file);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_THAT(connection.Receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(text.str(), "") << "the port was not reopened";
}

TEST(AdminServerTest, HandlerThatThrowsFailsOnlyItsRequest) {
  AdminHandlers handlers = Handlers();
  handlers.metrics = []() -> std::string { throw std::bad_alloc(); };
  const auto server = Serve(std::move(handlers));
  EXPECT_THAT(Ask(server->port(), "GET", "/metrics"), StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
}

TEST(AdminServerTest, LivezAnswersWhileOtherHandlersHang) {
  absl::Notification asked, go_on;
  AdminHandlers handlers = Handlers();
  handlers.ready = [&](absl::string_view) {
    asked.Notify();
    go_on.WaitForNotification();
    return absl::OkStatus();
  };
  const auto server = Serve(std::move(handlers));
  std::thread probe([&] { EXPECT_THAT(Ask(server->port(), "GET", "/readyz"), StartsWith("HTTP/1.1 200")); });
  asked.WaitForNotification();
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200"));
  go_on.Notify();
  probe.join();
}

TEST(AdminServerTest, EndsWithOpenConnections) {
  for (int i = 0; i < 20; ++i) {
    auto server = Serve();
    const Connection silent(server->port());
    if (i % 2 == 0) Ask(server->port(), "GET", "/livez");
    server.reset();
    silent.Receive();  // returns
  }
}

// Makes the next accept() fail on the socket of this process that listens on `port`.
void BreakListening(int port) {
  for (int file = 0; file < 1024; ++file) {
    sockaddr_in address = {};
    socklen_t size = sizeof(address);
    int listens = 0;
    socklen_t listens_size = sizeof(listens);
    if (getsockopt(file, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0 || listens == 0) continue;
    if (getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) != 0 || ntohs(address.sin_port) != port)
      continue;
    shutdown(file, SHUT_RDWR);
    return;
  }
  FAIL() << "nothing listens on " << port;
}

TEST(AdminServerTest, ReopensItsPort) {
  std::ostringstream text;
  auto server = AdminServer::Start("127.0.0.1:0", Handlers(), LogTo(text)).value();
  const int port = server->port();
  EXPECT_THAT(Ask(port, "GET", "/livez"), StartsWith("HTTP/1.1 200"));
  BreakListening(port);
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  const auto wait_until_open = [&](bool open) {
    while (CheckHealth(absl::StrCat("127.0.0.1:", port)).ok() != open) {
      ASSERT_LT(absl::Now(), deadline);
      std::this_thread::yield();
    }
  };
  wait_until_open(true);
  BreakListening(port);
  wait_until_open(false);
  server.reset();  // while it waits to reopen the port
  EXPECT_THAT(text.str(), HasSubstr(absl::StrCat("HTTP port failed; reopening it port=", port, " error=")));
  EXPECT_THAT(text.str(), HasSubstr(absl::StrCat("HTTP port reopened port=", port)));
}

TEST(AdminServerTest, MalformedAddressesAreRejected) {
  for (const char* listen : {"", "9464", ":9464", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "::1:9464", "[]:1"}) {
    const auto server = AdminServer::Start(listen, Handlers(), NoLog());
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument) << listen;
    EXPECT_THAT(std::string(server.status().message()), HasSubstr("--admin-listen")) << listen;
  }
}

TEST(AdminServerTest, AddressInUseIsRejected) {
  const auto server = Serve();
  const auto second = AdminServer::Start(absl::StrCat("127.0.0.1:", server->port()), Handlers(), NoLog());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--admin-listen"));
}

TEST(AdminServerTest, ListensOnIpv6) {
  const int probe = socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 loopback = {};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  const bool has_ipv6 = probe >= 0 && bind(probe, reinterpret_cast<const sockaddr*>(&loopback), sizeof(loopback)) == 0;
  close(probe);
  if (!has_ipv6) GTEST_SKIP() << "this machine has no IPv6";
  const auto server = AdminServer::Start("[::1]:0", Handlers(), NoLog());
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(CheckHealth(absl::StrCat("[::1]:", (*server)->port())).ok());
  EXPECT_TRUE(CheckHealth(absl::StrCat("[::]:", (*server)->port())).ok());
}

}  // namespace
}  // namespace qconfig
