// SPDX-License-Identifier: Apache-2.0
#include "server/unary_service.h"

#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/method_handler.h>

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "server/wire_status.h"

namespace qconfig {
namespace {

// Hands `bytes` over without copying them.
grpc::ByteBuffer ToByteBuffer(std::string bytes) {
  auto* const owned = new std::string(std::move(bytes));  // deleted with the slice
  grpc::Slice slice(
      owned->data(), owned->size(), [](void* text) { delete static_cast<std::string*>(text); }, owned);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

UnaryService::UnaryService(const google::protobuf::ServiceDescriptor* descriptor, size_t max_request_bytes,
                           CallObserver& observer, Clock clock)
    : descriptor_(descriptor), max_request_bytes_(max_request_bytes), observer_(observer), clock_(std::move(clock)) {}

void UnaryService::Add(const std::string& name, BytesMethod method) {
  const std::string path = absl::StrCat(descriptor_->full_name(), "/", name);
  auto serve = [path, method = std::move(method)](UnaryService* self, grpc::ServerContext* context,
                                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
    return self->Serve(path, method, *context, *request, *response);
  };
  using Handler = grpc::internal::RpcMethodHandler<UnaryService, grpc::ByteBuffer, grpc::ByteBuffer>;
  // gRPC keeps the pointer to the path and owns the rest.
  const std::string& kept = paths_.emplace_back("/" + path);
  AddMethod(new grpc::internal::RpcServiceMethod(kept.c_str(), grpc::internal::RpcMethod::NORMAL_RPC,
                                                 new Handler(std::move(serve), this)));
}

bool UnaryService::Enter() {
  absl::MutexLock lock(&mutex_);
  if (!draining_) ++running_;
  return !draining_;
}

void UnaryService::Leave() {
  absl::MutexLock lock(&mutex_);
  --running_;
}

void UnaryService::Drain(absl::Duration grace) {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return running_ == 0; };
  mutex_.AwaitWithTimeout(absl::Condition(&idle), grace);
}

absl::StatusOr<std::string> UnaryService::Answer(const CallContext& call, const BytesMethod& method,
                                                 const grpc::ByteBuffer& request) {
  if (!Enter()) {
    return Error(v1::ERROR_REASON_SHUTTING_DOWN)
        .Because("the server is ending; ask another one, or this one again soon");
  }
  const absl::Cleanup leave = [this] { Leave(); };
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

grpc::Status UnaryService::Serve(const std::string& path, const BytesMethod& method, const grpc::ServerContext& context,
                                 const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
  const absl::Time start = clock_();
  const CallContext call = MakeCallContext(context, path);
  absl::StatusOr<std::string> answer = Answer(call, method, request);
  observer_.Finished(call, answer.status(), clock_() - start);
  if (!answer.ok()) return ToGrpcStatus(answer.status());
  response = ToByteBuffer(*std::move(answer));
  return grpc::Status::OK;
}

}  // namespace qconfig
