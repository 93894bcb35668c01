// SPDX-License-Identifier: Apache-2.0
#include "tests/server/rpc/test_transport.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>
#include <spdlog/sinks/ostream_sink.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace qconfig {

TestTransport::TestTransport(HandlerTable handlers, std::shared_ptr<InFlightCalls> in_flight_calls, Clock clock)
    : observer_(metrics_,
                std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)),
                CallLogSettings()),
      transport_(std::move(handlers), kMaxRequestBytes, observer_, std::move(clock), std::move(in_flight_calls)) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&transport_.service());
  queue_ = std::make_unique<CallQueue>(builder.AddCompletionQueue());
  server_ = builder.BuildAndStart();
  transport_.Serve(*queue_, workers_);
  queue_->Start();
  address_ = absl::StrCat("127.0.0.1:", port);
  channel_ = NewChannel();
}

TestTransport::~TestTransport() { Shutdown(); }

void TestTransport::Shutdown() {
  server_->Shutdown(absl::ToChronoTime(absl::Now()));
  server_->Wait();
  queue_->Stop();
}

std::shared_ptr<grpc::Channel> TestTransport::NewChannel() const {
  grpc::ChannelArguments own_connection;
  own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), own_connection);
}

absl::StatusOr<std::string> TestTransport::Call(const std::string& path, absl::string_view request) const {
  const grpc::Slice slice(request.data(), request.size());
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  grpc::ClientContext context;
  const std::string full_path = "/" + path;
  const grpc::internal::RpcMethod method(full_path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC, channel_);
  const grpc::Status status = grpc::internal::BlockingUnaryCall(channel_.get(), method, &context, sent, &received);
  if (!status.ok()) return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  grpc::Slice bytes;
  if (!received.DumpToSingleSlice(&bytes).ok()) return absl::InternalError("no response");
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace qconfig
