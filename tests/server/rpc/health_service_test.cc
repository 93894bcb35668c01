// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/health_service.h"

#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr char kService[] = "qconfig.v1.ConfigService";

// A watcher of a service.
struct Watch {
  Watch(TestServer& server, const std::string& service) : stub(Health::NewStub(server.channel())) {
    request.set_service(service);
    reader = stub->Watch(&context, request);
  }

  // What it is told next. UNKNOWN: nothing any more.
  HealthCheckResponse::ServingStatus Next() {
    HealthCheckResponse response;
    return reader->Read(&response) ? response.status() : HealthCheckResponse::UNKNOWN;
  }

  const std::unique_ptr<Health::Stub> stub;
  grpc::ClientContext context;
  HealthCheckRequest request;
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader;
};

TEST(HealthServiceTest, AllWatchersAreToldAtOnceAndOnChanges) {
  TestServer server;
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 50; ++i) watches.push_back(std::make_unique<Watch>(server, i % 2 == 0 ? "" : kService));
  for (const auto& watch : watches) EXPECT_EQ(watch->Next(), HealthCheckResponse::SERVING);
  server.server().ReportNotServing();
  for (const auto& watch : watches) EXPECT_EQ(watch->Next(), HealthCheckResponse::NOT_SERVING);
}

TEST(HealthServiceTest, WatchersThatGoAwayAreForgotten) {
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

TEST(HealthServiceTest, AnUnknownServiceIsSaidToBeUnknown) {
  TestServer server;
  Watch watch(server, "other.Service");
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  grpc::ClientContext context;
  HealthCheckResponse response;
  EXPECT_EQ(watch.stub->Check(&context, watch.request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace qconfig
