// SPDX-License-Identifier: Apache-2.0
//
// Requests to the reflection and the health service. Input: the bytes of a request.
#include <google/protobuf/stubs/logging.h>

#include <set>
#include <string>

#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.pb.h"
#include "server/rpc/handler_table.h"
#include "server/rpc/reflection_answer.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  using grpc::reflection::v1::ServerReflectionRequest;
  static const auto kSilent = google::protobuf::SetLogHandler(nullptr);
  (void)kSilent;
  const absl::string_view bytes = fuzz::AsText(data, size);
  (void)ParseRequest<grpc::health::v1::HealthCheckRequest>(bytes);
  const auto request = ParseRequest<ServerReflectionRequest>(bytes);
  if (!request.ok()) return 0;
  const std::string service = "grpc.reflection.v1.ServerReflection";
  DescriptorFiles files;
  files.Add(*google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service)->file());
  const auto answer = AnswerReflection(*request, {service}, files);
  const bool answers = answer.message_response_case() != 0;
  FUZZ_CHECK(answers, request->DebugString());
  FUZZ_CHECK(answer.original_request().SerializeAsString() == request->SerializeAsString(), request->DebugString());
  FUZZ_CHECK(answer.ByteSizeLong() < (1u << 20) + 4 * size, request->DebugString());
  return 0;
}
