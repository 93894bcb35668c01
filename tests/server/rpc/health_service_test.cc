// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/health_service.h"

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr char kService[] = "qconfig.v1.ConfigService";

// A Watch() call for a service.
struct Watch {
  Watch(TestServer& server, const std::string& service) : Watch(server.channel(), service) {}
  Watch(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) : stub(Health::NewStub(channel)) {
    request.set_service(service);
    reader = stub->Watch(&context, request);
  }

  // Waits for the next status. UNKNOWN if the call has ended.
  HealthCheckResponse::ServingStatus Next() {
    HealthCheckResponse response;
    return reader->Read(&response) ? response.status() : HealthCheckResponse::UNKNOWN;
  }

  const std::unique_ptr<Health::Stub> stub;
  grpc::ClientContext context;
  HealthCheckRequest request;
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader;
};

TEST(HealthServiceTest, WatchersGetTheCurrentStatusAndEveryChange) {
  TestServer server;
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 50; ++i) watches.push_back(std::make_unique<Watch>(server, i % 2 == 0 ? "" : kService));
  for (const auto& watch : watches) EXPECT_EQ(watch->Next(), HealthCheckResponse::SERVING);
  server.server().ReportNotServing();
  for (const auto& watch : watches) EXPECT_EQ(watch->Next(), HealthCheckResponse::NOT_SERVING);
}

TEST(HealthServiceTest, ReadsAndWritesAreReportedSeparately) {
  TestServer server;
  Watch all(server, ""), config(server, kService), registry(server, "qconfig.v1.RegistryService");
  for (Watch* watch : {&all, &config, &registry}) EXPECT_EQ(watch->Next(), HealthCheckResponse::SERVING);
  server.server().ReportWrites(false);
  EXPECT_EQ(registry.Next(), HealthCheckResponse::NOT_SERVING);
  server.server().ReportReads(false);
  for (Watch* watch : {&all, &config}) EXPECT_EQ(watch->Next(), HealthCheckResponse::NOT_SERVING);
  server.server().ReportWrites(true);
  EXPECT_EQ(registry.Next(), HealthCheckResponse::SERVING);
  server.server().ReportReads(true);
  for (Watch* watch : {&all, &config}) EXPECT_EQ(watch->Next(), HealthCheckResponse::SERVING);
  server.server().ReportNotServing();
  for (Watch* watch : {&all, &config, &registry}) EXPECT_EQ(watch->Next(), HealthCheckResponse::NOT_SERVING);
  server.server().ReportReads(false);
  server.server().ReportReads(true);
  Watch late(server, "");
  EXPECT_EQ(late.Next(), HealthCheckResponse::NOT_SERVING) << "a server that drains does not come back";
}

TEST(HealthServiceTest, CancelledWatchesAreReleased) {
  TestServer server;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        Watch watch(server, kService);
        if (i % 2 == 0) {
          EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
        }
        watch.context.TryCancel();
        while (watch.Next() != HealthCheckResponse::UNKNOWN) {
        }
        EXPECT_EQ(watch.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Watch last(server, kService);
  EXPECT_EQ(last.Next(), HealthCheckResponse::SERVING);
  server.server().ReportNotServing();
  EXPECT_EQ(last.Next(), HealthCheckResponse::NOT_SERVING);
}

TEST(HealthServiceTest, UnknownServicesAreReportedAsUnknown) {
  TestServer server;
  Watch watch(server, "other.Service");
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  grpc::ClientContext context;
  HealthCheckResponse response;
  EXPECT_EQ(watch.stub->Check(&context, watch.request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(HealthServiceTest, CheckIsAnsweredWhileTheServerRejectsCalls) {
  TestSettings settings;
  settings.in_flight_calls = std::make_shared<InFlightCalls>(0);
  TestServer server(std::move(settings));
  EXPECT_EQ(ReceivedReasonAndField(server.client().ListCatalogs({}).status()), "OVERLOADED");
  const auto stub = Health::NewStub(server.channel());
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    HealthCheckResponse response;
    EXPECT_TRUE(stub->Check(&context, {}, &response).ok());
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  }
}

TEST(HealthServiceTest, LargeRequestsAreRejected) {
  TestServer server;
  Watch watch(server, std::string(5000, 'x'));
  EXPECT_EQ(watch.Next(), HealthCheckResponse::UNKNOWN);
  EXPECT_THAT(watch.reader->Finish().error_message(), testing::HasSubstr("more than the 4096 allowed"));
}

size_t ThreadCount() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

// Also covers reflection, because both kinds of calls may stay open for hours.
TEST(HealthServiceTest, IdleStreamsUseNoThreads) {
  using grpc::reflection::v1::ServerReflection;
  using grpc::reflection::v1::ServerReflectionRequest;
  using grpc::reflection::v1::ServerReflectionResponse;
  struct Describe {
    explicit Describe(const std::shared_ptr<grpc::Channel>& channel)
        : stub(ServerReflection::NewStub(channel)), stream(stub->ServerReflectionInfo(&context)) {
      ServerReflectionRequest request;
      ServerReflectionResponse response;
      request.set_list_services("");
      EXPECT_TRUE(stream->Write(request) && stream->Read(&response));
    }
    grpc::ClientContext context;
    const std::unique_ptr<ServerReflection::Stub> stub;
    const std::unique_ptr<grpc::ClientReaderWriter<ServerReflectionRequest, ServerReflectionResponse>> stream;
  };
  TestServer server;
  std::vector<std::unique_ptr<Watch>> watches;
  std::vector<std::unique_ptr<Describe>> describes;
  size_t threads_before = 0;
  for (int connection = 0; connection < 5; ++connection) {  // a connection has at most a hundred calls
    grpc::ChannelArguments own_connection;
    own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel(server.address(), grpc::InsecureChannelCredentials(), own_connection);
    for (int i = 0; i < 40; ++i) {
      watches.push_back(std::make_unique<Watch>(channel, kService));
      EXPECT_EQ(watches.back()->Next(), HealthCheckResponse::SERVING);
      describes.push_back(std::make_unique<Describe>(channel));
      if (threads_before == 0) threads_before = ThreadCount();
    }
  }
  EXPECT_LE(ThreadCount(), threads_before + 10) << "for 400 open calls";
  server.server().ReportNotServing();
  for (const auto& watch : watches) EXPECT_EQ(watch->Next(), HealthCheckResponse::NOT_SERVING);
  server.server().Shutdown(absl::Hours(1));
  for (const auto& watch : watches) EXPECT_EQ(watch->Next(), HealthCheckResponse::UNKNOWN);
}

}  // namespace
}  // namespace qconfig
