// SPDX-License-Identifier: Apache-2.0
#include "server/unary_service.h"

#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/method_handler.h>

#include <memory>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "server/wire_status.h"

namespace qconfig {
namespace {

// An answer that gRPC sends: it deletes it when the bytes are out, or nobody wants them any more.
struct SentAnswer {
  std::string bytes;
  std::shared_ptr<void> sending;  // counts until then
};

// Hands `bytes` over without copying them.
grpc::ByteBuffer ToByteBuffer(std::string bytes, std::shared_ptr<void> sending) {
  auto* const answer = new SentAnswer{std::move(bytes), std::move(sending)};
  grpc::Slice slice(
      answer->bytes.data(), answer->bytes.size(), [](void* sent) { delete static_cast<SentAnswer*>(sent); }, answer);
  return grpc::ByteBuffer(&slice, 1);
}

// Why the call is not worth working on. OK as a rule.
absl::Status CheckWaitedFor(const CallContext& call, absl::Time now) {
  if (now >= call.deadline) return absl::DeadlineExceededError("the deadline passed before the call was begun");
  if (call.is_cancelled()) return absl::CancelledError("the caller went away before the call was begun");
  return absl::OkStatus();
}

// Tells a client with a retry policy when to try again what was refused for now. At random, so that those who were
// refused together do not come back together.
void PushBack(v1::ErrorReason reason, grpc::ServerContext& context) {
  if (reason != v1::ERROR_REASON_OVERLOADED && reason != v1::ERROR_REASON_SHUTTING_DOWN) return;
  // An overload takes a while to pass, but at the end of a server its clients are to look for another one.
  int64_t from_ms = 100;
  int64_t to_ms = 1000;
  if (reason == v1::ERROR_REASON_SHUTTING_DOWN) from_ms = 50, to_ms = 250;
  thread_local absl::InsecureBitGen generator;
  context.AddTrailingMetadata("grpc-retry-pushback-ms",
                              absl::StrCat(absl::Uniform(absl::IntervalClosed, generator, from_ms, to_ms)));
}

}  // namespace

UnaryService::UnaryService(const google::protobuf::ServiceDescriptor* descriptor, size_t max_request_bytes,
                           CallObserver& observer, Clock clock, std::shared_ptr<RunningCalls> running_calls)
    : descriptor_(descriptor),
      max_request_bytes_(max_request_bytes),
      observer_(observer),
      clock_(std::move(clock)),
      running_calls_(std::move(running_calls)) {}

void UnaryService::Add(const std::string& name, BytesMethod method) {
  const std::string path = absl::StrCat(descriptor_->full_name(), "/", name);
  const MethodMetrics& metrics = observer_.Method(path);
  auto serve = [path, &metrics, method = std::move(method)](UnaryService* self, grpc::ServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
    return self->Serve(path, metrics, method, *context, *request, *response);
  };
  using Handler = grpc::internal::RpcMethodHandler<UnaryService, grpc::ByteBuffer, grpc::ByteBuffer>;
  // gRPC keeps the pointer to the path and owns the rest.
  const std::string& kept = paths_.emplace_back("/" + path);
  AddMethod(new grpc::internal::RpcServiceMethod(kept.c_str(), grpc::internal::RpcMethod::NORMAL_RPC,
                                                 new Handler(std::move(serve), this)));
}

absl::StatusOr<std::string> UnaryService::Answer(const CallContext& call, const BytesMethod& method,
                                                 const grpc::ByteBuffer& request) const {
  if (request.Length() > max_request_bytes_) {
    return Error(v1::ERROR_REASON_MESSAGE_TOO_LARGE)
        .Because(absl::StrCat("the request has ", request.Length(), " bytes, more than the ", max_request_bytes_,
                              " allowed"));
  }
  grpc::Slice slice;
  if (!request.DumpToSingleSlice(&slice).ok()) {
    if (call.is_cancelled()) return absl::CancelledError("the caller went away before its message was complete");
    return Error(v1::ERROR_REASON_INVALID_REQUEST).Because("the call came without a message");
  }
  return method(call, absl::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size()));
}

grpc::Status UnaryService::Serve(const std::string& path, const MethodMetrics& metrics, const BytesMethod& method,
                                 grpc::ServerContext& context, const grpc::ByteBuffer& request,
                                 grpc::ByteBuffer& response) {
  const absl::Time start = clock_();
  metrics.Started(request.Valid());
  const CallContext call = MakeCallContext(context, path);
  const auto running = running_calls_->Enter();
  const absl::Status refused = running.ok() ? CheckWaitedFor(call, start) : running.status();
  absl::StatusOr<std::string> answer = refused.ok() ? Answer(call, method, request) : refused;
  observer_.Finished(metrics, call, answer.status(), clock_() - start);
  if (!answer.ok()) {
    PushBack(ItemErrorOf(answer.status()).reason(), context);
    return ToGrpcStatus(answer.status());
  }
  const size_t bytes = answer->size();
  response = ToByteBuffer(*std::move(answer), running_calls_->Send(bytes));
  return grpc::Status::OK;
}

}  // namespace qconfig
