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

// Hands `bytes` over without copying them.
grpc::ByteBuffer ToByteBuffer(std::string bytes) {
  auto owned = std::make_unique<std::string>(std::move(bytes));
  std::string* const raw = owned.release();
  grpc::Slice slice(
      raw->data(), raw->size(), [](void* text) { delete static_cast<std::string*>(text); }, raw);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

UnaryService::UnaryService(const google::protobuf::ServiceDescriptor* descriptor, CallObserver& observer, Clock clock)
    : descriptor_(descriptor), observer_(observer), clock_(std::move(clock)) {}

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

grpc::Status UnaryService::Serve(const std::string& path, const BytesMethod& method, const grpc::ServerContext& context,
                                 const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
  const absl::Time start = clock_();
  const CallContext call = MakeCallContext(context, path, start);
  absl::StatusOr<std::string> answer;
  grpc::Slice slice;
  if (const grpc::Status dumped = request.DumpToSingleSlice(&slice); dumped.ok()) {
    answer = method(call, absl::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size()));
  } else {
    // Such as a message whose compression is broken.
    answer = Error(v1::ERROR_REASON_INVALID_REQUEST).Because("the request's bytes cannot be read");
  }
  observer_.Finished(call, answer.status(), clock_() - start);
  if (!answer.ok()) return ToGrpcStatus(answer.status());
  response = ToByteBuffer(*std::move(answer));
  return grpc::Status::OK;
}

}  // namespace qconfig
