// SPDX-License-Identifier: Apache-2.0
#include "server/admin/health_check.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"

namespace qconfig {
namespace {

constexpr char kSlowName[] = "slow.test";

absl::Mutex slow_name_mutex(absl::kConstInit);
bool slow_name_hangs ABSL_GUARDED_BY(slow_name_mutex) = false;

void SetSlowNameHangs(bool hangs) {
  absl::MutexLock lock(&slow_name_mutex);
  slow_name_hangs = hangs;
}

void WaitForSlowName() {
  absl::MutexLock lock(&slow_name_mutex);
  const auto is_over = []() ABSL_SHARED_LOCKS_REQUIRED(slow_name_mutex) { return !slow_name_hangs; };
  slow_name_mutex.Await(absl::Condition(&is_over));
}

// Listens on the IPv6 loopback address, which also needs brackets in the header Host.
class OneRequestServer {
 public:
  OneRequestServer() : listener_(socket(AF_INET6, SOCK_STREAM, 0)) {
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) != 0 || listen(listener_, 1) != 0) return;
    getsockname(listener_, generic, &size);
    port_ = ntohs(address.sin6_port);
  }
  ~OneRequestServer() { close(listener_); }

  // 0: this machine has no IPv6.
  int port() const { return port_; }

  // Answers one request, and returns it.
  std::string Serve() const {
    const int connection = accept(listener_, nullptr, nullptr);
    std::string request;
    char block[4096];
    while (!absl::StrContains(request, "\r\n\r\n")) {
      const ssize_t got = recv(connection, block, sizeof(block), 0);
      if (got <= 0) break;
      request.append(block, static_cast<size_t>(got));
    }
    const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    EXPECT_EQ(send(connection, response.data(), response.size(), MSG_NOSIGNAL), response.size());
    close(connection);
    return request;
  }

 private:
  const int listener_;
  int port_ = 0;
};

TEST(HealthCheckTest, HostHeaderHasBracketsAroundAnIpv6Address) {
  const OneRequestServer server;
  if (server.port() == 0) GTEST_SKIP() << "this machine has no IPv6";
  std::string request;
  std::thread serving([&] { request = server.Serve(); });
  EXPECT_TRUE(CheckHealth(absl::StrCat("[::1]:", server.port())).ok());
  serving.join();
  EXPECT_THAT(request, testing::HasSubstr(absl::StrCat("\r\nHost: [::1]:", server.port(), "\r\n")));
}

TEST(HealthCheckTest, EndsInTimeIfTheNameIsNotResolved) {
  SetSlowNameHangs(true);
  const Clock clock;
  const absl::Duration start = clock.Steady();
  const absl::Status status = CheckHealth(absl::StrCat(kSlowName, ":9464"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "no answer from slow.test:9464 within 2s");
  EXPECT_LT(clock.Steady() - start, absl::Seconds(30));
  SetSlowNameHangs(false);
}

}  // namespace
}  // namespace qconfig

// Replaces the function of the C library in this program. One name takes long; all others resolve as usual.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
  if (node != nullptr && std::strcmp(node, qconfig::kSlowName) == 0) {
    qconfig::WaitForSlowName();
    return EAI_AGAIN;
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto original = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return original(node, service, hints, result);
}
