// SPDX-License-Identifier: Apache-2.0
#include "server/unary_service.h"

#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/method_handler.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/wire_status.h"

namespace qconfig {
namespace {

// An answer that gRPC sends: it deletes it when the bytes are out, or nobody wants them any more.
struct SentAnswer {
  std::string bytes;
  std::shared_ptr<void> running;  // the call counts until then
};

// Hands `bytes` over without copying them.
grpc::ByteBuffer ToByteBuffer(std::string bytes, std::shared_ptr<void> running) {
  auto* const answer = new SentAnswer{std::move(bytes), std::move(running)};
  grpc::Slice slice(
      answer->bytes.data(), answer->bytes.size(), [](void* sent) { delete static_cast<SentAnswer*>(sent); }, answer);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

std::shared_ptr<void> RunningCalls::Enter() {
  absl::MutexLock lock(&mutex_);
  if (draining_) return nullptr;
  ++count_;
  return {this, [self = shared_from_this()](void*) { self->Leave(); }};
}

void RunningCalls::Leave() {
  absl::MutexLock lock(&mutex_);
  --count_;
}

void RunningCalls::Drain(absl::Duration grace) {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return count_ == 0; };
  mutex_.AwaitWithTimeout(absl::Condition(&idle), grace);
}

bool RunningCalls::is_draining() const {
  absl::MutexLock lock(&mutex_);
  return draining_;
}

int RunningCalls::count() const {
  absl::MutexLock lock(&mutex_);
  return count_;
}

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
    return Error(v1::ERROR_REASON_INVALID_REQUEST).Because("the call came without a message");
  }
  return method(call, absl::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size()));
}

grpc::Status UnaryService::Serve(const std::string& path, const MethodMetrics& metrics, const BytesMethod& method,
                                 const grpc::ServerContext& context, const grpc::ByteBuffer& request,
                                 grpc::ByteBuffer& response) {
  const absl::Time start = clock_();
  metrics.Started(request.Valid());
  const CallContext call = MakeCallContext(context, path);
  const std::shared_ptr<void> running = running_calls_->Enter();
  absl::StatusOr<std::string> answer =
      running != nullptr ? Answer(call, method, request)
                         : Error(v1::ERROR_REASON_SHUTTING_DOWN)
                               .Because("the server is ending; ask another one, or this one again soon");
  observer_.Finished(metrics, call, answer.status(), clock_() - start);
  if (!answer.ok()) return ToGrpcStatus(answer.status());
  response = ToByteBuffer(*std::move(answer), running);
  return grpc::Status::OK;
}

}  // namespace qconfig
