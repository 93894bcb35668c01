// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_TEST_SERVER_H_
#define QCONFIG_TESTS_SERVER_TEST_SERVER_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/string_view.h"
#include "core/limits.h"
#include "qconfig/client.h"
#include "server/catalog_snapshot_source.h"
#include "server/server.h"

namespace qconfig {

// A real server on a free port of the loopback interface, and a client that calls it. Ends with the object.
class TestServer {
 public:
  // Serves the built-in catalogues.
  TestServer() : TestServer(BuiltinSource(), Limits{}, absl::Now) {}
  TestServer(std::unique_ptr<const SnapshotSource> source, const Limits& limits, Clock clock);

  static std::unique_ptr<const SnapshotSource> BuiltinSource();

  client::Client& client() { return client_; }
  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }
  Server& server() { return *server_; }
  std::string address() const;

  // Calls a method of ConfigService with any bytes.
  grpc::Status CallWithBytes(const std::string& method, absl::string_view request);

  // What was logged so far.
  std::string log() const { return log_.str(); }

 private:
  std::unique_ptr<Server> Start(const Limits& limits, Clock clock);

  std::ostringstream log_;
  std::unique_ptr<const SnapshotSource> source_;
  std::unique_ptr<Server> server_;
  client::Client client_;
  std::shared_ptr<grpc::Channel> channel_;
};

// "SCHEME_NOT_FOUND at scheme", or "OK", of what the client got.
std::string ToldToClient(const absl::Status& status);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_TEST_SERVER_H_
