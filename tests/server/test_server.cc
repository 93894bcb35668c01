// SPDX-License-Identifier: Apache-2.0
#include "tests/server/test_server.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <spdlog/sinks/ostream_sink.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"

namespace qconfig {

TestServer::TestServer(std::unique_ptr<const SnapshotSource> source, const Limits& limits, Clock clock)
    : source_(std::move(source)),
      server_(Start(limits, std::move(clock))),
      client_({address(), "", "", absl::Seconds(60)}),
      channel_(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials())) {}

std::unique_ptr<const SnapshotSource> TestServer::BuiltinSource() {
  return std::make_unique<CatalogSnapshotSource>(LoadBuiltinCatalogs().value(), std::string(kDefaultCatalog));
}

std::unique_ptr<Server> TestServer::Start(const Limits& limits, Clock clock) {
  ServerSettings settings;
  settings.listen = "127.0.0.1:0";
  settings.limits = limits;
  settings.clock = std::move(clock);
  settings.log = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
  return Server::Start(settings, *source_).value();
}

std::string TestServer::address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

grpc::Status TestServer::CallWithBytes(const std::string& method, absl::string_view request) {
  const grpc::Slice slice(request.data(), request.size());
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  grpc::ClientContext context;
  const std::string path = "/qconfig.v1.ConfigService/" + method;
  const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC, channel_);
  return grpc::internal::BlockingUnaryCall(channel_.get(), rpc, &context, sent, &received);
}

std::string ToldToClient(const absl::Status& status) {
  if (status.ok()) return "OK";
  const v1::ItemError error = client::ErrorOf(status);
  const auto field = error.metadata().find("field");
  return absl::StrCat(client::ReasonName(error.reason()),
                      field == error.metadata().end() ? "" : " at " + field->second);
}

}  // namespace qconfig
