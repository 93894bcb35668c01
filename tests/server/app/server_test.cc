// SPDX-License-Identifier: Apache-2.0
//
// What the server is beside its methods: health, reflection, logs, start and end.
#include "server/app/server.h"

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "tests/core/test_support.h"
#include "tests/server/observe/metrics_text.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

// What the health service says of the server and of each service.
std::set<grpc::health::v1::HealthCheckResponse::ServingStatus> HealthOf(TestServer& server) {
  const auto stub = grpc::health::v1::Health::NewStub(server.channel());
  std::set<grpc::health::v1::HealthCheckResponse::ServingStatus> all;
  for (const char* service : {"", "qconfig.v1.ConfigService", "qconfig.v1.RegistryService"}) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    grpc::health::v1::HealthCheckResponse response;
    request.set_service(service);
    EXPECT_TRUE(stub->Check(&context, request, &response).ok()) << service;
    all.insert(response.status());
  }
  return all;
}

TEST(ServerTest, HealthIsServingForTheServerAndItsServices) {
  TestServer server;
  EXPECT_THAT(HealthOf(server), testing::ElementsAre(grpc::health::v1::HealthCheckResponse::SERVING));
}

TEST(ServerTest, NotServingIsReportedWhileCallsAreStillAnswered) {
  TestServer server;
  server.server().ReportNotServing();
  EXPECT_THAT(HealthOf(server), testing::ElementsAre(grpc::health::v1::HealthCheckResponse::NOT_SERVING));
  EXPECT_TRUE(server.client().ListCatalogs({}).ok());
  EXPECT_EQ(server.server().Shutdown(absl::Hours(1)), 0);
}

TEST(ServerTest, ServesEveryMethodOfTheContract) {
  TestServer server;
  for (const auto* service : {v1::GetConfigRequest::descriptor()->file()->FindServiceByName("ConfigService"),
                              v1::RegisterSchemeRequest::descriptor()->file()->FindServiceByName("RegistryService")}) {
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string& method = service->method(i)->name();
      EXPECT_NE(server.CallWithBytes(method, "", service->name()).error_code(), grpc::StatusCode::UNIMPLEMENTED)
          << method;
    }
  }
}

TEST(ServerTest, SecondServerOnTheSamePortIsRefused) {
  TestServer server;
  ServerSettings settings;
  settings.listen = server.address();
  settings.log = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>());
  const auto second = Server::Start(settings, server.registry());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(server.address()));
}

TEST(ServerTest, LogsRefusedCallsWithRequestIdAndTrace) {
  TestServer server;
  auto stub = v1::ConfigService::NewStub(server.channel());
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "job-17");
  context.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  v1::GetConfigResponse response;
  stub->GetConfig(&context, Proto<v1::GetConfigRequest>("spec { model_type: 'secret-model' scheme: 'fp8' }"),
                  &response);
  EXPECT_THAT(server.log(), HasSubstr("method=qconfig.v1.ConfigService/GetConfig"));
  EXPECT_THAT(server.log(), HasSubstr("reason=TEMPLATE_NOT_FOUND"));
  EXPECT_THAT(server.log(), HasSubstr("request_id=job-17"));
  EXPECT_THAT(server.log(), HasSubstr("trace_id=4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_THAT(server.log(), Not(HasSubstr("secret-model"))) << "payloads are not logged";
}

TEST(ServerTest, RequestIdCannotForgeALogLine) {
  TestServer server;
  auto stub = v1::ConfigService::NewStub(server.channel());
  for (const std::string& id : {std::string(129, 'x'), std::string("x peer=ipv4:6.6.6.6:1")}) {
    grpc::ClientContext context;
    context.AddMetadata("x-request-id", id);
    v1::GetConfigResponse response;
    stub->GetConfig(&context, {}, &response);
    EXPECT_THAT(server.log(), Not(HasSubstr(id)));
  }
}

TEST(ServerTest, ManyCallersGetTheSameAnswer) {
  TestServer server;
  const auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8' }");
  const std::string expected = server.client().GetConfig(request)->SerializeAsString();
  std::atomic<int> different = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        const auto response = server.client().GetConfig(request);
        if (!response.ok() || response->SerializeAsString() != expected) ++different;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(different, 0);
}

// A clock that stops the call that looks at it.
class StoppingClock {
 public:
  Clock clock() {
    return Clock(absl::Now, [this] {
      if (stop_next_.exchange(false)) {
        stopped_.Notify();
        resume_.WaitForNotification();
      }
      return Clock().Steady();
    });
  }

  void StopNextCall() { stop_next_ = true; }
  void WaitUntilStopped() { stopped_.WaitForNotification(); }
  void Resume() { resume_.Notify(); }

 private:
  std::atomic<bool> stop_next_ = false;
  absl::Notification stopped_;
  absl::Notification resume_;
};

TEST(ServerTest, ShutdownWaitsForRunningCallsAndRefusesNewOnes) {
  StoppingClock clock;
  // The transport reads steady time when a call arrives and when it begins; the handler of a batch reads it next.
  std::atomic<int> looks = 0;
  TestSettings settings;
  settings.clock =
      Clock(absl::Now, [&, inner = clock.clock()] { return ++looks <= 2 ? Clock().Steady() : inner.Steady(); });
  TestServer server(std::move(settings));
  clock.StopNextCall();
  absl::StatusCode running = absl::StatusCode::kUnknown;
  std::thread caller([&] {
    running =
        server.client()
            .BatchGetConfig(Proto<v1::BatchGetConfigRequest>("requests { spec { model_type: 'llama' scheme: 'fp8' } }"))
            .status()
            .code();
  });
  clock.WaitUntilStopped();
  std::thread ender([&] { server.server().Shutdown(absl::Seconds(60)); });
  std::string reason_and_field;
  while (reason_and_field != "SHUTTING_DOWN")
    reason_and_field = ReceivedReasonAndField(server.client().ListCatalogs({}).status());
  clock.Resume();
  caller.join();
  ender.join();
  EXPECT_EQ(running, absl::StatusCode::kOk);
  EXPECT_THAT(server.log(),
              HasSubstr("[info] call method=qconfig.v1.ConfigService/ListCatalogs tenant= code=UNAVAILABLE"))
      << "a refusal on purpose is no error";
  EXPECT_GT(MetricsText(server.metrics()).Sum("qconfig_rejected_total", "reason=\"SHUTTING_DOWN\""), 0);
  EXPECT_EQ(server.client().ListCatalogs({}).status().code(), absl::StatusCode::kUnavailable);
}

TEST(ServerTest, SecondShutdownDoesNothing) {
  const auto in_flight_calls = std::make_shared<InFlightCalls>();
  TestSettings settings;
  settings.in_flight_calls = in_flight_calls;
  TestServer server(std::move(settings));
  const auto call = in_flight_calls->Enter([] { return "peer"; });
  EXPECT_EQ(server.server().Shutdown(absl::ZeroDuration()), 1);
  EXPECT_EQ(server.server().Shutdown(absl::Hours(1)), 0) << "it would count the call in flight again";
}

TEST(ServerTest, ShutdownDoesNotWaitForHealthWatchers) {
  TestServer server;
  const auto stub = grpc::health::v1::Health::NewStub(server.channel());
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("qconfig.v1.ConfigService");
  const auto watch = stub->Watch(&context, request);
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  // An hour, which would end this test by its time limit.
  server.server().Shutdown(absl::Hours(1));
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
}

// Calls that are answered from the cache, calls that are not, and watchers, in the middle of which the server ends.
void EndUnderGetConfigs(absl::Duration grace) {
  TestServer server;
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&, i] {
      v1::GetConfigRequest request;
      request.mutable_spec()->set_model_type("llama");
      request.mutable_spec()->set_scheme("fp8");
      for (int call = 0; !stop; ++call) {
        if (i % 2 == 1) request.set_tenant(absl::StrCat("tenant", i, "-", call));
        const auto response = server.client().GetConfig(request);
        if (!response.ok()) continue;
        EXPECT_EQ(response->revision(), 1);
        ++answered;
      }
    });
  }
  callers.emplace_back([&] {
    const auto stub = grpc::health::v1::Health::NewStub(server.channel());
    while (!stop) {
      grpc::ClientContext context;
      const auto watch = stub->Watch(&context, {});
      grpc::health::v1::HealthCheckResponse response;
      watch->Read(&response);
      context.TryCancel();
      watch->Finish();
    }
  });
  while (answered < 20) std::this_thread::yield();
  server.server().Shutdown(grace);
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(server.in_flight_calls().running(), 0u) << "a call is counted for ever";
}

TEST(ServerTest, ShutdownUnderGetConfigsEnds) {
  for (int i = 0; i < 5; ++i) {
    EndUnderGetConfigs(absl::ZeroDuration());
    EndUnderGetConfigs(absl::Hours(1));
  }
}

TEST(ServerTest, CallsThatWaitDoNotKeepOthersOut) {
  TestSettings settings;
  settings.max_waiting_calls = 200;
  TestServer server(std::move(settings));
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->set_scheme("fp8");
  v1::GetConfigRequest waits = request;
  waits.set_min_revision(99);
  std::vector<std::thread> waiting;
  for (int connection = 0; connection < 2; ++connection) {  // each takes a hundred calls at once
    grpc::ChannelArguments own;
    own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(server.address(), grpc::InsecureChannelCredentials(), own);
    for (int i = 0; i < 90; ++i) {
      waiting.emplace_back([&, channel] {
        grpc::ClientContext context;
        v1::GetConfigResponse response;
        EXPECT_EQ(v1::ConfigService::NewStub(channel)->GetConfig(&context, waits, &response).error_code(),
                  grpc::StatusCode::UNAVAILABLE);
      });
    }
  }
  while (server.registry().waiting_calls() < waiting.size()) std::this_thread::yield();
  auto client = server.NewClient("other");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client.GetConfig(request).ok());
  EXPECT_EQ(server.answer_cache().counts().hits, 2);
  server.server().Shutdown(absl::Hours(1));
  for (std::thread& thread : waiting) thread.join();
}

TEST(ServerTest, ShutdownUnderLoadEnds) {
  TestServer server;
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!stop) answered += server.client().ListTemplates({}).ok() ? 1 : 0;
    });
  }
  while (answered < 20) std::this_thread::yield();
  server.server().Shutdown(absl::Hours(1));
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(server.client().ListCatalogs({}).status().code(), absl::StatusCode::kUnavailable);
}

TEST(ServerTest, ShutdownClosesNoConnectionsOfAnotherServer) {
  TestServer server, other;
  EXPECT_TRUE(server.client().ListCatalogs({}).ok());
  const auto stub = grpc::health::v1::Health::NewStub(other.channel());
  grpc::ClientContext context;
  const auto watch = stub->Watch(&context, {});
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  server.server().Shutdown(absl::Hours(1));
  other.server().ReportNotServing();
  ASSERT_TRUE(watch->Read(&response)) << "the same stream is still open";
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
}

// CANCELLED would tell clients not to retry on another server.
TEST(ServerTest, CallsDuringShutdownAreUnavailableAndNeverCancelled) {
  for (int round = 0; round < 5; ++round) {
    TestServer server;
    const auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
    std::atomic<bool> stop = false;
    std::atomic<int> answered = 0;
    std::vector<std::thread> callers;
    for (int i = 0; i < 16; ++i) {
      callers.emplace_back([&, i] {
        auto client = server.NewClient("");
        while (!stop) {
          const absl::Status status =
              i % 2 == 0 ? client.GetConfig(request).status() : client.ListTemplates({}).status();
          EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kUnavailable) << status;
          answered += status.ok() ? 1 : 0;
        }
      });
    }
    while (answered < 200) std::this_thread::yield();
    server.server().Shutdown(absl::Hours(1));
    stop = true;
    for (std::thread& caller : callers) caller.join();
  }
}

}  // namespace
}  // namespace qconfig
