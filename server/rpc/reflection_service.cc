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
#include "server/rpc/streaming_call.h"
#include "server/rpc/wire_status.h"

namespace qconfig {
namespace {

using google::protobuf::DescriptorPool;
// v1alpha has the same messages, so their bytes are the same.
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

void SetError(grpc::StatusCode code, const std::string& message, ServerReflectionResponse& response) {
  response.mutable_error_response()->set_error_code(code);
  response.mutable_error_response()->set_error_message(message);
}

// Adds the file `name` and all files that it imports, each once and before its imports.
void AddFiles(const std::string& name, const DescriptorFiles& files, std::set<std::string>& added,
              ServerReflectionResponse& response) {
  const DescriptorFiles::File* const file = files.Find(name);
  if (file == nullptr || !added.insert(name).second) return;
  response.mutable_file_descriptor_response()->add_file_descriptor_proto(file->bytes);
  for (const std::string& import : file->imports) AddFiles(import, files, added, response);
}

void DescribeFile(const std::string& name, const DescriptorFiles& files, ServerReflectionResponse& response) {
  std::set<std::string> added;
  AddFiles(name, files, added, response);
  if (added.empty()) SetError(grpc::StatusCode::NOT_FOUND, "not found", response);
}

void ListExtensions(const std::string& message_type, DescriptorFiles& files, ServerReflectionResponse& response) {
  if (files.FileOfSymbol(message_type).empty()) return SetError(grpc::StatusCode::NOT_FOUND, "not found", response);
  auto& extensions = *response.mutable_all_extension_numbers_response();
  extensions.set_base_type_name(message_type);
  for (const int number : files.FindExtensionNumbers(message_type)) extensions.add_extension_number(number);
}

ServerReflectionResponse Answer(const ServerReflectionRequest& request, const std::set<std::string>& services,
                                DescriptorFiles& files) {
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      DescribeFile(request.file_by_filename(), files, response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      DescribeFile(files.FileOfSymbol(request.file_containing_symbol()), files, response);
      break;
    case ServerReflectionRequest::kFileContainingExtension: {
      const auto& extension = request.file_containing_extension();
      DescribeFile(files.FileOfExtension(extension.containing_type(), extension.extension_number()), files, response);
      break;
    }
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      ListExtensions(request.all_extension_numbers_of_type(), files, response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : services) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    default:
      SetError(grpc::StatusCode::UNIMPLEMENTED, "unsupported request type", response);
  }
  return response;
}

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
    call_.Write(Answer(*request, reflection_.services_, reflection_.files_).SerializeAsString());
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
