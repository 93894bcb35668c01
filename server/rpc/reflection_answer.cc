// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/reflection_answer.h"

#include <grpcpp/support/status.h>

namespace qconfig {
namespace {

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

}  // namespace

ServerReflectionResponse AnswerReflection(const ServerReflectionRequest& request, const std::set<std::string>& services,
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

}  // namespace qconfig
