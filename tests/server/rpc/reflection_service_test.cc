// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/reflection_service.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "tests/core/test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::Contains;
using testing::HasSubstr;

namespace reflection = grpc::reflection::v1;

// An open call to one version of the service.
template <typename Service, typename Request, typename Response>
struct Call {
  explicit Call(const std::shared_ptr<grpc::Channel>& channel)
      : stub(Service::NewStub(channel)), stream(stub->ServerReflectionInfo(&context)) {}

  Response Ask(const std::string& request) {
    Response response;
    if (!stream->Write(Proto<Request>(request)) || !stream->Read(&response)) response.mutable_error_response();
    return response;
  }

  grpc::ClientContext context;
  const std::unique_ptr<typename Service::Stub> stub;
  const std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream;
};
using CallV1 =
    Call<reflection::ServerReflection, reflection::ServerReflectionRequest, reflection::ServerReflectionResponse>;
using CallV1Alpha =
    Call<grpc::reflection::v1alpha::ServerReflection, grpc::reflection::v1alpha::ServerReflectionRequest,
         grpc::reflection::v1alpha::ServerReflectionResponse>;

template <typename Response>
std::vector<std::string> ServiceNames(const Response& response) {
  std::vector<std::string> services;
  for (const auto& service : response.list_services_response().service()) services.push_back(service.name());
  return services;
}

template <typename Response>
std::vector<std::string> FileNames(const Response& response) {
  std::vector<std::string> files;
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    EXPECT_TRUE(file.ParseFromString(bytes));
    files.push_back(file.name());
  }
  return files;
}

constexpr const char* kServices[] = {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                     "grpc.reflection.v1alpha.ServerReflection", "qconfig.v1.ConfigService",
                                     "qconfig.v1.RegistryService"};

TEST(ReflectionServiceTest, BothVersionsListAllServices) {
  TestServer server;
  EXPECT_THAT(ServiceNames(CallV1(server.channel()).Ask("list_services: ''")), testing::ElementsAreArray(kServices));
  EXPECT_THAT(ServiceNames(CallV1Alpha(server.channel()).Ask("list_services: ''")),
              testing::ElementsAreArray(kServices));
}

TEST(ReflectionServiceTest, DescribesServicesAndErrorDetailsWithTheirImports) {
  TestServer server;
  CallV1 call(server.channel());
  const auto config = FileNames(call.Ask("file_containing_symbol: 'qconfig.v1.ConfigService'"));
  EXPECT_EQ(config.front(), "qconfig/v1/config_service.proto");
  EXPECT_THAT(config, Contains("qconfig/v1/error.proto"));
  EXPECT_THAT(config, Contains("google/protobuf/descriptor.proto"));
  EXPECT_EQ(std::set<std::string>(config.begin(), config.end()).size(), config.size()) << "a file is sent twice";
  for (const char* symbol :
       {"google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.Status", "qconfig.v1.ErrorDetail",
        "qconfig.v1.ConfigService.GetConfig", "grpc.reflection.v1alpha.ServerReflection"}) {
    EXPECT_THAT(FileNames(call.Ask(std::string("file_containing_symbol: '") + symbol + "'")),
                testing::Not(testing::IsEmpty()))
        << symbol;
  }
}

TEST(ReflectionServiceTest, DescribesFilesAndExtensions) {
  TestServer server;
  CallV1Alpha call(server.channel());
  EXPECT_EQ(FileNames(call.Ask("file_by_filename: 'qconfig/v1/error.proto'")).front(), "qconfig/v1/error.proto");
  const auto extensions = call.Ask("all_extension_numbers_of_type: 'google.protobuf.FieldOptions'");
  const auto& numbers = extensions.all_extension_numbers_response();
  EXPECT_EQ(numbers.base_type_name(), "google.protobuf.FieldOptions");
  ASSERT_FALSE(numbers.extension_number().empty());
  grpc::reflection::v1alpha::ServerReflectionRequest request;
  request.mutable_file_containing_extension()->set_containing_type("google.protobuf.FieldOptions");
  request.mutable_file_containing_extension()->set_extension_number(numbers.extension_number(0));
  EXPECT_EQ(FileNames(call.Ask(request.DebugString())).front(), "qconfig/v1/annotations.proto");
}

TEST(ReflectionServiceTest, UnknownNamesFailTheRequestButNotTheCall) {
  TestServer server;
  CallV1 call(server.channel());
  for (const char* request : {"file_by_filename: 'none.proto'", "file_containing_symbol: 'none.None'",
                              "all_extension_numbers_of_type: 'none.None'",
                              "file_containing_extension { containing_type: 'none.None' extension_number: 1 }"}) {
    const auto response = call.Ask(request);
    EXPECT_EQ(response.error_response().error_code(), grpc::StatusCode::NOT_FOUND) << request;
    EXPECT_EQ(response.original_request().DebugString(),
              Proto<reflection::ServerReflectionRequest>(request).DebugString());
  }
  EXPECT_EQ(call.Ask("host: 'h'").error_response().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(call.Ask("host: 'h' list_services: ''").valid_host(), "h");
  call.stream->WritesDone();
  EXPECT_TRUE(call.stream->Finish().ok());
}

TEST(ReflectionServiceTest, LargeRequestsEndTheCall) {
  TestServer server;
  CallV1 call(server.channel());
  call.Ask("file_containing_symbol: '" + std::string(ReflectionService::kMaxRequestBytes, 'x') + "'");
  EXPECT_THAT(call.stream->Finish().error_message(), HasSubstr("more than the 4096 allowed"));
}

// Opens calls on connections of their own, because each has at most a hundred.
class ManyCalls {
 public:
  explicit ManyCalls(TestServer& server) : server_(server) {}

  CallV1& Open() {
    if (calls_.size() % 64 == 0) {
      grpc::ChannelArguments own_connection;
      own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      channel_ = grpc::CreateCustomChannel(server_.address(), grpc::InsecureChannelCredentials(), own_connection);
    }
    calls_.push_back(std::make_unique<CallV1>(channel_));
    EXPECT_TRUE(calls_.back()->Ask("list_services: ''").has_list_services_response());
    return *calls_.back();
  }
  CallV1& operator[](size_t i) { return *calls_[i]; }
  size_t size() const { return calls_.size(); }

 private:
  TestServer& server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::vector<std::unique_ptr<CallV1>> calls_;
};

TEST(ReflectionServiceTest, CallsThatAreSilentLongestMakeRoom) {
  TestServer server;
  ManyCalls calls(server);
  while (calls.size() < ReflectionService::kMaxOpenCalls) calls.Open();
  EXPECT_TRUE(calls[0].Ask("list_services: ''").has_list_services_response()) << "now [1] is silent longest";
  for (int i = 0; i < 10; ++i) calls.Open();
  for (size_t i = 1; i <= 10; ++i) {
    EXPECT_EQ(calls[i].stream->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << i;
  }
  EXPECT_TRUE(calls[0].Ask("list_services: ''").has_list_services_response());
  EXPECT_TRUE(calls[11].Ask("list_services: ''").has_list_services_response());
}

TEST(ReflectionServiceTest, CallsThatDoNotReadMakeRoomToo) {
  TestServer server;
  ManyCalls calls(server);
  reflection::ServerReflectionRequest request;
  request.set_file_containing_symbol("qconfig.v1.ConfigService");
  // The answers do not fit into the window of the stream. On a connection of its own, because they fill that window
  // too.
  CallV1 unread(server.channel());
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(unread.stream->Write(request));
  // Some of these may be older than the last answer that was sent to it.
  while (calls.size() < 2 * ReflectionService::kMaxOpenCalls) calls.Open();
  reflection::ServerReflectionResponse response;
  while (unread.stream->Read(&response)) {
  }
  // The second if gRPC's buffers have taken all answers so far.
  EXPECT_THAT(unread.stream->Finish().error_code(),
              testing::AnyOf(grpc::StatusCode::CANCELLED, grpc::StatusCode::RESOURCE_EXHAUSTED));
}

TEST(ReflectionServiceTest, CanBeSwitchedOff) {
  TestSettings settings;
  settings.reflection = false;
  TestServer server(std::move(settings));
  CallV1 call(server.channel());
  EXPECT_EQ(call.stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(server.client().ListCatalogs({}).ok());
}

}  // namespace
}  // namespace qconfig
