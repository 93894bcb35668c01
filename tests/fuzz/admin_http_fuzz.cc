// SPDX-License-Identifier: Apache-2.0
//
// HTTP of the admin port, over a loopback connection. Input: what a client sends before it closes its side.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <spdlog/logger.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "server/admin/http.h"
#include "server/base/event_log.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig {
namespace {

constexpr char kBody[] = "hello\n";

int Port() {
  static const auto* const kServer = [] {
    std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c)
    static spdlog::logger* const kLog = new spdlog::logger("fuzz");
    auto server = HttpServer::Start(
        {"127.0.0.1", 0},
        [](const HttpRequest& request) {
          FUZZ_CHECK(!request.method.empty() && !absl::StrContains(request.path, "?"), request.path);
          return HttpResponse{200, {{"Content-Type", "text/plain"}}, kBody};
        },
        EventLog(*kLog, LogForm::kText), HttpLimits());
    if (!server.ok()) std::abort();
    return server->release();
  }();
  return kServer->port();
}

// Tries again for ten seconds, because other programs can use up the ports of the machine.
int Connect() {
  constexpr int kAttempts = 100;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(Port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int attempt = 1; connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0; ++attempt) {
    FUZZ_CHECK(attempt < kAttempts, std::strerror(errno));
    absl::SleepFor(absl::Milliseconds(100));
  }
  // Closing sends a reset, so that the ports of past inputs can be used again at once.
  const linger reset{1, 0};
  if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0) std::abort();
  return fd;
}

// Sends `request` and returns everything that the server sends.
std::string Exchange(absl::string_view request) {
  const int fd = Connect();
  while (!request.empty()) {
    const ssize_t sent = send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;  // the server has answered and closed the connection
    request.remove_prefix(static_cast<size_t>(sent));
  }
  shutdown(fd, SHUT_WR);
  std::string response;
  char part[4096];
  while (true) {
    const ssize_t received = recv(fd, part, sizeof(part), 0);
    if (received <= 0) break;
    response.append(part, static_cast<size_t>(received));
  }
  close(fd);
  return response;
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  const std::string response = Exchange(fuzz::AsText(data, size));
  // No response: the request is not complete, or the system dropped the response together with unread bytes.
  if (response.empty()) return 0;
  absl::string_view rest = response;
  const absl::string_view status_line = fuzz::TakeUntil("\r\n", rest);
  int status = 0;
  FUZZ_CHECK(absl::StartsWith(status_line, "HTTP/1.1 ") && absl::SimpleAtoi(status_line.substr(9, 3), &status),
             response);
  FUZZ_CHECK(status == 200 || status == 400 || status == 414 || status == 431, response);
  FUZZ_CHECK(absl::StrContains(response, "\r\n\r\n"), response);
  FUZZ_CHECK(status != 200 || absl::EndsWith(response, "\r\n\r\nhello\n") || absl::EndsWith(response, "\r\n\r\n"),
             response);
  return 0;
}
