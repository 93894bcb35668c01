// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/reflection_service.h"

#include <google/protobuf/descriptor.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "server/rpc/reflection_answer.h"
#include "server/rpc/streaming_call.h"
#include "server/rpc/wire_status.h"

namespace qconfig {
namespace {

using google::protobuf::DescriptorPool;
// v1alpha has the same messages, so their bytes are the same.
using grpc::reflection::v1::ServerReflectionRequest;

}  // namespace

// Answers requests one after the other. Reads the next request only when the last answer has been sent, so that a call
// holds at most one answer.
class ReflectionService::Call final : public StreamHandler {
 public:
  Call(ReflectionService& reflection, StreamingCall& call) : reflection_(reflection), call_(call) {
    if (reflection_.calls_.size() >= kMaxOpenCalls) reflection_.calls_.back()->MakeRoom();
    reflection_.calls_.push_front(this);
    place_ = reflection_.calls_.begin();
    call_.Read();
  }
  ~Call() override { Leave(); }

  void OnMessage(absl::string_view bytes) override {
    const auto request = ParseRequest<ServerReflectionRequest>(bytes);
    if (!request.ok()) return End(ToGrpcStatus(request.status()));
    if (is_open_) reflection_.calls_.splice(reflection_.calls_.begin(), reflection_.calls_, place_);
    call_.Write(AnswerReflection(*request, reflection_.services_, reflection_.files_).SerializeAsString());
  }

  void OnHalfClose() override { End(grpc::Status::OK); }

  void OnWritten() override { call_.Read(); }

 private:
  void Leave() {
    if (std::exchange(is_open_, false)) reflection_.calls_.erase(place_);
  }

  void End(const grpc::Status& status) {
    Leave();
    call_.Finish(status);
  }

  void MakeRoom() {
    if (call_.writing()) {
      Leave();
      call_.Cancel();
    } else {
      End({grpc::StatusCode::RESOURCE_EXHAUSTED, absl::StrCat("the call was idle, and the server has its maximum of ",
                                                              kMaxOpenCalls, " open reflection calls; call again")});
    }
  }

  ReflectionService& reflection_;
  StreamingCall& call_;
  std::list<Call*>::iterator place_;  // in calls_, if the call is open
  bool is_open_ = true;
};

void ReflectionService::AddTo(HandlerTable& handlers) {
  for (const auto* service : {ServerReflectionRequest::descriptor()->file()->service(0),
                              grpc::reflection::v1alpha::ServerReflectionRequest::descriptor()->file()->service(0)}) {
    handlers.streaming.push_back({service->full_name() + "/ServerReflectionInfo", kMaxRequestBytes,
                                  [this](StreamingCall& call) { return std::make_unique<Call>(*this, call); }});
  }
  services_ = ServiceNames(handlers);
  for (const std::string& service : services_) {
    files_.Add(*DescriptorPool::generated_pool()->FindServiceByName(service)->file());
  }
  files_.Add(*google::rpc::Status::descriptor()->file());
  files_.Add(*google::rpc::ErrorInfo::descriptor()->file());
}

}  // namespace qconfig
