// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_RPC_TEST_TRANSPORT_H_
#define QCONFIG_TESTS_SERVER_RPC_TEST_TRANSPORT_H_

#include <grpcpp/channel.h>
#include <grpcpp/server.h>

#include <memory>
#include <sstream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/clock.h"
#include "server/observe/metrics.h"
#include "server/rpc/transport.h"

namespace qconfig {

// Serves a handler table on a free loopback port. The paths of unary methods must be in the contract.
class TestTransport {
 public:
  static constexpr size_t kMaxRequestBytes = 1 << 20;

  explicit TestTransport(HandlerTable handlers,
                         std::shared_ptr<InFlightCalls> in_flight_calls = std::make_shared<InFlightCalls>(),
                         Clock clock = Clock());
  // Shuts the server down.
  ~TestTransport();

  // Cancels all open calls.
  void Shutdown();

  CallQueue& queue() { return *queue_; }
  const std::string& address() const { return address_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  // A channel with its own connection.
  std::shared_ptr<grpc::Channel> NewChannel() const;

  // Calls a unary method. Returns the response's bytes.
  absl::StatusOr<std::string> Call(const std::string& path, absl::string_view request) const;

  std::string log() const { return log_.str(); }

 private:
  std::ostringstream log_;
  const std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>(100);
  CallObserver observer_;
  Transport transport_;
  std::unique_ptr<CallQueue> queue_;
  WorkerThreads workers_{100};
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_RPC_TEST_TRANSPORT_H_
