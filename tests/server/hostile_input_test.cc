// SPDX-License-Identifier: Apache-2.0
//
// Input of broken or hostile clients. The server must keep working after each test.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

const char* const kMethods[] = {"GetConfig",   "BatchGetConfig", "PlanLayers", "ListTemplates",
                                "GetTemplate", "ListSchemes",    "GetScheme",  "ListCatalogs"};

class HostileInputTest : public testing::Test {
 protected:
  ~HostileInputTest() override {
    const auto response =
        server_.client().GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }"));
    EXPECT_TRUE(response.ok()) << "the server no longer answers: " << response.status();
  }

  TestServer server_;
};

TEST_F(HostileInputTest, EveryMethodRejectsMalformedMessages) {
  for (const char* method : kMethods) {
    const grpc::Status status = server_.CallWithBytes(method, "\xFF\xFF\xFF");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
    EXPECT_FALSE(status.error_details().empty()) << method;
  }
}

TEST_F(HostileInputTest, EveryMethodRejectsInvalidUtf8) {
  const std::string catalog = "\x12\x02\xC3\x28";  // field 2, which is invalid only as UTF-8
  for (const char* method : kMethods) {
    std::string request = catalog;
    if (method == std::string("BatchGetConfig")) request = "\x0a\x04" + catalog;
    if (method == std::string("ListCatalogs")) request[0] = '\x0a';  // its only field is the tenant
    const grpc::Status status = server_.CallWithBytes(method, request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
    EXPECT_THAT(status.error_message(), testing::HasSubstr("not UTF-8")) << method;
  }
}

TEST_F(HostileInputTest, EmptyMessagesSucceedOrLackARequiredField) {
  for (const char* method : kMethods) {
    const grpc::Status status = server_.CallWithBytes(method, "");
    const bool lacks_a_field = status.error_code() == grpc::StatusCode::INVALID_ARGUMENT &&
                               status.error_message().find(" is required") != std::string::npos;
    EXPECT_TRUE(status.ok() || lacks_a_field) << method << " " << status.error_message();
  }
}

TEST_F(HostileInputTest, RejectsDeepNesting) {
  // Nested groups with an unknown field number.
  EXPECT_EQ(server_.CallWithBytes("GetConfig", std::string(100'000, '\xA3')).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "\xA3\x06";
  EXPECT_EQ(server_.CallWithBytes("GetConfig", deep).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(HostileInputTest, IgnoresUnknownFields) {
  auto request = Proto<v1::GetConfigRequest>(
      "spec { model_type: 'llama' scheme: 'fp8' algorithm: 'gptq' algo_configs { algorithm: 'gptq' config { gptq {} } "
      "} }");
  const auto known = server_.client().GetConfig(request);
  v1::GptqConfig& gptq = *request.mutable_spec()->mutable_algo_configs(0)->mutable_config()->mutable_gptq();
  request.GetReflection()->MutableUnknownFields(&request)->AddVarint(1001, 1);
  gptq.GetReflection()->MutableUnknownFields(&gptq)->AddVarint(1001, 1);
  const auto newer = server_.client().GetConfig(request);
  ASSERT_TRUE(known.ok() && newer.ok()) << newer.status();
  EXPECT_EQ(newer->SerializeAsString(), known->SerializeAsString()) << "unknown fields are copied";
}

TEST_F(HostileInputTest, GrpcRejectsMessagesFarOverTheLimit) {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type(std::string(9 << 20, 'x'));
  EXPECT_EQ(server_.client().GetConfig(request).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(HostileInputTest, RejectsCompressedMessagesBeforeDecompression) {
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    auto stub = v1::ConfigService::NewStub(server_.channel());
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    v1::GetConfigRequest request;
    request.mutable_spec()->set_model_type(std::string(100'000, '\0'));
    v1::GetConfigResponse response;
    EXPECT_EQ(stub->GetConfig(&context, request, &response).error_code(), grpc::StatusCode::UNIMPLEMENTED);
  }
}

// gRPC clients send a message uncompressed if compression does not make it smaller, but still name the algorithm.
TEST_F(HostileInputTest, RejectsCallsThatNameACompressionAlgorithm) {
  auto stub = v1::RegistryService::NewStub(server_.channel());
  auto reader = v1::ConfigService::NewStub(server_.channel());
  auto request = Proto<v1::RegisterTemplateRequest>("tenant: 't' llm_template { model_type: 'm' }");
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    request.mutable_llm_template()->set_model_type(absl::StrCat("m", i));
    v1::RegisterTemplateResponse response;
    EXPECT_EQ(stub->RegisterTemplate(&context, request, &response).error_code(), grpc::StatusCode::UNIMPLEMENTED);
    grpc::ClientContext reading;
    reading.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    v1::GetConfigResponse config;
    EXPECT_EQ(
        reader->GetConfig(&reading, Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }"), &config)
            .error_code(),
        grpc::StatusCode::UNIMPLEMENTED);
  }
  EXPECT_EQ(server_.answer_cache().counts().misses, 0) << "GetConfig was processed";
  const auto known = server_.client().RegisterTemplate(request);
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_EQ(known->revision(), 2) << "the tenant's first write";
}

TEST_F(HostileInputTest, UnknownMethodIsUnimplemented) {
  EXPECT_EQ(server_.CallWithBytes("Frobnicate", "").error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(HostileInputTest, RandomBytesNeverCrashTheServer) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const std::string valid =
      Proto<v1::GetConfigRequest>(
          "spec { model_type: 'llama' scheme: 'fp8' algorithm: 'awq' kv_cache_scheme: 'fp8' exclude_layers { patterns: "
          "'*' }layer_config { pattern: '*[a-' scheme: 'int8' } layer_type_config { layer_type: 'Linear' scheme: "
          "'int8' }algo_configs { algorithm: 'rotation' config { rotation { scaling_layers { position: 'p' } } } } "
          "}include_quark_json: true include_canonical_json: true")
          .SerializeAsString();
  for (int i = 0; i < 2000; ++i) {
    std::string request = valid;
    for (unsigned n = random() % 8 + 1; n > 0; --n) request[random() % request.size()] = static_cast<char>(random());
    const grpc::StatusCode code = server_.CallWithBytes(kMethods[random() % 2], request).error_code();
    ASSERT_TRUE(code == grpc::StatusCode::OK || code == grpc::StatusCode::INVALID_ARGUMENT ||
                code == grpc::StatusCode::NOT_FOUND || code == grpc::StatusCode::OUT_OF_RANGE ||
                code == grpc::StatusCode::FAILED_PRECONDITION)
        << code;
  }
}

TEST_F(HostileInputTest, AnswersTheLargestRequestWithHostilePatterns) {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->set_scheme("nvfp4");
  request.mutable_spec()->set_kv_cache_scheme("fp8");
  request.mutable_spec()->set_attention_scheme("fp8");
  request.set_include_quark_json(true);
  std::string stars;
  for (int i = 0; i < 180; ++i) stars += "*k";
  for (int i = 0; i < 10'000; ++i) {
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(absl::StrCat(stars, i, "x"));
    entry.set_scheme("nvfp4");
  }
  ASSERT_LT(request.ByteSizeLong(), 4u << 20);
  const auto response = server_.client().GetConfig(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->config().layer_quant_config_size(), 10'003);
}

TEST_F(HostileInputTest, ErrorsEscapeUnprintableNames) {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type(std::string("a\0b\n\x1b[31m", 9));
  request.mutable_spec()->set_scheme("fp8");
  const auto response = server_.client().GetConfig(request);
  EXPECT_EQ(ReceivedReasonAndField(response.status()), "TEMPLATE_NOT_FOUND at spec.model_type");
  EXPECT_EQ(client::ErrorOf(response.status()).metadata().at("value"), "a\\u0000b\\u000a\\u001b[31m");
}

}  // namespace
}  // namespace qconfig
