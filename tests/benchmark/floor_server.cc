// SPDX-License-Identifier: Apache-2.0
//
// Does the least work that a gRPC server can do for a GetConfig: it answers each call with the same stored bytes. The
// modes use different APIs of gRPC. Prints its port, and serves on 127.0.0.1 until it is killed.
#include <grpcpp/server_builder.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "absl/synchronization/mutex.h"
#include "qconfig/v1/config_service.grpc.pb.h"

namespace qconfig {
namespace {

using QueueService = v1::ConfigService::WithRawMethod_GetConfig<v1::ConfigService::AsyncService>;

// Waits for a call on the queue, answers it, and waits for the next.
class QueueCall {
 public:
  QueueCall(QueueService& service, grpc::ServerCompletionQueue& queue, const grpc::ByteBuffer& answer)
      : service_(service), queue_(queue), answer_(answer) {
    WaitForRequest();
  }

  // The queue's event for this call: a request or the end of the answer. `ok` is false if it failed.
  void Continue(bool ok) {
    if (waits_for_request_ && ok) {
      waits_for_request_ = false;
      writer_->Finish(answer_, grpc::Status::OK, this);
    } else {
      WaitForRequest();
    }
  }

 private:
  void WaitForRequest() {
    waits_for_request_ = true;
    request_.Clear();
    context_.emplace();
    writer_.emplace(&*context_);
    service_.RequestGetConfig(&*context_, &request_, &*writer_, &queue_, &queue_, this);
  }

  QueueService& service_;
  grpc::ServerCompletionQueue& queue_;
  const grpc::ByteBuffer& answer_;
  bool waits_for_request_ = true;
  grpc::ByteBuffer request_;
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>> writer_;
};

class RawCallbackService final
    : public v1::ConfigService::WithRawCallbackMethod_GetConfig<v1::ConfigService::CallbackService> {
 public:
  explicit RawCallbackService(const grpc::ByteBuffer& answer) : answer_(answer) {}

  grpc::ServerUnaryReactor* GetConfig(grpc::CallbackServerContext* context, const grpc::ByteBuffer*,
                                      grpc::ByteBuffer* answer) override {
    *answer = answer_;
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const grpc::ByteBuffer& answer_;
};

class TypedCallbackService final : public v1::ConfigService::CallbackService {
 public:
  explicit TypedCallbackService(const std::string& answer) {
    if (!answer_.ParseFromString(answer)) throw std::invalid_argument("not a GetConfigResponse");
  }

  grpc::ServerUnaryReactor* GetConfig(grpc::CallbackServerContext* context, const v1::GetConfigRequest*,
                                      v1::GetConfigResponse* answer) override {
    *answer = answer_;
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  v1::GetConfigResponse answer_;
};

// Applies those of qconfigd's settings that affect the cost of a call.
void SetAsQconfigd(grpc::ServerBuilder& builder) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 1'800'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 100);
  builder.SetMaxReceiveMessageSize(8 << 20);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
}

// Serves until killed.
std::unique_ptr<grpc::Server> Start(grpc::ServerBuilder& builder) {
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  auto server = builder.BuildAndStart();
  if (server == nullptr) throw std::runtime_error("cannot listen");
  std::printf("%d\n", port);
  std::fflush(stdout);
  return server;
}

void ServeOnQueue(const grpc::ByteBuffer& answer, bool as_qconfigd) {
  constexpr int kWaitingCalls = 128;
  QueueService service;
  grpc::ServerBuilder builder;
  if (as_qconfigd) SetAsQconfigd(builder);
  builder.RegisterService(&service);
  const auto queue = builder.AddCompletionQueue();
  const auto server = Start(builder);
  std::deque<QueueCall> calls;
  for (int i = 0; i < kWaitingCalls; ++i) calls.emplace_back(service, *queue, answer);
  void* call = nullptr;
  for (bool ok = false; queue->Next(&call, &ok);) static_cast<QueueCall*>(call)->Continue(ok);
}

void ServeByCallbacks(grpc::Service& service) {
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  Start(builder)->Wait();
}

void Serve(const std::string& mode, const std::string& stored) {
  const grpc::Slice slice(stored.data(), stored.size(), grpc::Slice::STATIC_SLICE);
  const grpc::ByteBuffer answer(&slice, 1);
  if (mode == "raw-queue" || mode == "raw-queue-as-qconfigd") {
    ServeOnQueue(answer, mode != "raw-queue");
  } else if (mode == "raw-callback") {
    RawCallbackService service(answer);
    ServeByCallbacks(service);
  } else {
    TypedCallbackService service(stored);
    ServeByCallbacks(service);
  }
}

}  // namespace
}  // namespace qconfig

int main(int argc, char** argv) {
  CLI::App app("Answers every GetConfig with the same bytes");
  std::string mode = "raw-queue";
  std::string answer;
  app.add_option("--mode", mode, "Which API of gRPC to use")
      ->check(CLI::IsMember({"raw-queue", "raw-queue-as-qconfigd", "raw-callback", "typed-callback"}));
  app.add_option("--answer", answer, "File with a serialized GetConfigResponse")->required()->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  std::ifstream file(answer, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  try {
    qconfig::Serve(mode, bytes);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
