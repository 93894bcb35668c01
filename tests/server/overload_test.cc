// SPDX-License-Identifier: Apache-2.0
//
// Calls above the server's limits, and calls whose clients no longer wait.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "qconfig/v1/registry_service.grpc.pb.h"
#include "server/registry/storage/memory_store.h"
#include "tests/core/test_support.h"
#include "tests/server/observe/metrics_text.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

constexpr int kMaxCalls = 2;

// A server with a concurrency limit of two calls. The test can block its store to keep calls in flight.
class OverloadTest : public testing::Test {
 protected:
  OverloadTest() {
    auto store = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
    store_ = store.get();
    TestSettings settings;
    settings.store = std::move(store);
    settings.in_flight_calls = in_flight_calls_;
    settings.max_waiting_calls = 1;
    settings.max_writing_calls = 1;
    settings.clock = Clock(absl::Now, [this] {
      ++looks_at_clock_;
      absl::SleepFor(absl::Milliseconds(next_look_takes_ms_.exchange(0)));
      return Clock().Steady();
    });
    server_ = std::make_unique<TestServer>(std::move(settings));
  }

  ~OverloadTest() override {
    store_->ReleaseReads();
    store_->ReleaseCommits();
    for (std::thread& caller : callers_) caller.join();
  }

  // Starts as many calls as the limit allows. Returns when all of them are in flight.
  void Fill() {
    store_->HoldReads();
    for (int i = 0; i < kMaxCalls; ++i) {
      callers_.emplace_back([this, i] {
        v1::ListCatalogsRequest request;
        request.set_tenant(absl::StrCat("tenant", i));  // calls of one tenant would share a read
        const absl::Status status = server_->client().ListCatalogs(request).status();
        EXPECT_TRUE(status.ok()) << status;
      });
    }
    store_->WaitForHeldReads(kMaxCalls);
  }

  void EndCalls() {
    store_->ReleaseReads();
    for (std::thread& caller : callers_) caller.join();
    callers_.clear();
  }

  // Makes a call that is rejected, and returns its retry delay, or 0 if it has none.
  int Pushback() {
    const auto stub = v1::ConfigService::NewStub(server_->channel());
    grpc::ClientContext context;
    v1::ListCatalogsResponse response;
    EXPECT_EQ(stub->ListCatalogs(&context, {}, &response).error_code(), grpc::StatusCode::UNAVAILABLE);
    return ReadPushback(context);
  }

  static int ReadPushback(const grpc::ClientContext& context) {
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto it = trailers.find("grpc-retry-pushback-ms");
    int milliseconds = 0;
    if (trailers.count("grpc-retry-pushback-ms") != 1) return 0;
    return absl::SimpleAtoi(absl::string_view(it->second.data(), it->second.size()), &milliseconds) ? milliseconds : 0;
  }

  const std::shared_ptr<InFlightCalls> in_flight_calls_ = std::make_shared<InFlightCalls>(kMaxCalls);
  std::atomic<int> looks_at_clock_ = 0;  // at its steady time
  std::atomic<int> next_look_takes_ms_ = 0;
  FaultInjectingStore* store_ = nullptr;
  std::unique_ptr<TestServer> server_;
  std::vector<std::thread> callers_;
};

TEST_F(OverloadTest, RejectsCallsAboveTheLimitUntilOneEnds) {
  for (int round = 0; round < 3; ++round) {
    Fill();
    EXPECT_EQ(in_flight_calls_->working(), kMaxCalls);
    for (int i = 0; i < 20; ++i) {
      const absl::Status status = server_->client().ListCatalogs({}).status();
      EXPECT_EQ(ReceivedReasonAndField(status), "OVERLOADED");
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    }
    EndCalls();
    EXPECT_EQ(in_flight_calls_->working(), 0);
    EXPECT_EQ(ReceivedReasonAndField(server_->client().ListCatalogs({}).status()), "OK");
  }
}

TEST_F(OverloadTest, AcceptsSequentialCalls) {
  const auto held = in_flight_calls_->Enter([] { return "peer"; });
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(ReceivedReasonAndField(server_->client().ListCatalogs({}).status()), "OK")
        << "the answer releases the slot";
    auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
    request.set_tenant(absl::StrCat("t", i));  // makes the request different, so that its answer is not cached
    ASSERT_EQ(ReceivedReasonAndField(server_->client().GetConfig(request).status()), "OK");
  }
}

TEST_F(OverloadTest, RejectedCallsHaveARetryDelay) {
  Fill();
  std::vector<int> times;
  for (int i = 0; i < 50; ++i) {
    times.push_back(Pushback());
    EXPECT_GE(times.back(), 100);
    EXPECT_LE(times.back(), 1000);
  }
  EXPECT_NE(times, std::vector<int>(times.size(), times.front())) << "otherwise all clients retry at the same time";
}

TEST_F(OverloadTest, RejectsCallsImmediatelyDuringShutdown) {
  in_flight_calls_->Drain(absl::ZeroDuration());
  const int milliseconds = Pushback();
  EXPECT_GE(milliseconds, 50);
  EXPECT_LE(milliseconds, 250);
}

TEST_F(OverloadTest, DoesNotParseRejectedCalls) {
  Fill();
  EXPECT_EQ(server_->CallWithBytes("GetConfig", "\xff").error_code(), grpc::StatusCode::UNAVAILABLE);
  EndCalls();
  EXPECT_EQ(server_->CallWithBytes("GetConfig", "\xff").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(OverloadTest, ClientWithARetryPolicySucceeds) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(R"({"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 5,
      "initialBackoff": "3600s", "maxBackoff": "3600s", "backoffMultiplier": 1,
      "retryableStatusCodes": ["UNAVAILABLE"]}}]})");
  const auto channel = grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), arguments);
  const auto stub = v1::ConfigService::NewStub(channel);
  Fill();
  const int before = looks_at_clock_;
  callers_.emplace_back([&] {
    grpc::ClientContext context;
    v1::ListCatalogsResponse response;
    const grpc::Status status = stub->ListCatalogs(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  });
  // The transport reads steady time three times for each call, so the call has been rejected.
  while (looks_at_clock_ < before + 3) std::this_thread::yield();
  EndCalls();
}

TEST_F(OverloadTest, LimitsCallsThatWaitForARevision) {
  const auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' } min_revision: 2");
  callers_.emplace_back([&] {
    // May not be the first to wait.
    while (ReceivedReasonAndField(server_->client().GetConfig(request).status()) != "SHUTTING_DOWN") {
    }
  });
  std::string message;
  while (!absl::StrContains(message, "calls waiting for a revision")) {
    message = std::string(server_->NewClient("", absl::Milliseconds(50)).GetConfig(request).status().message());
  }
  EXPECT_EQ(ReceivedReasonAndField(server_->client().ListCatalogs({}).status()), "OK");
  server_->registry().StopWaiting();
}

TEST_F(OverloadTest, BlockedWritesLeaveRoomForReads) {
  const auto request = Proto<v1::RegisterSchemeRequest>("scheme { name: 'mine' config {} }");
  const auto stub = v1::RegistryService::NewStub(server_->channel());
  store_->HoldCommits();
  callers_.emplace_back([&] {
    grpc::ClientContext context;
    v1::RegisterSchemeResponse response;
    const grpc::Status status = stub->RegisterScheme(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  });
  store_->WaitForHeldCommits(1);
  grpc::ClientContext refused;
  v1::RegisterSchemeResponse response;
  const grpc::Status status = stub->RegisterScheme(&refused, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("(1 writes in flight)"));
  EXPECT_GE(ReadPushback(refused), 100);
  EXPECT_EQ(ReceivedReasonAndField(server_->client().ListCatalogs({}).status()), "OK");
  store_->ReleaseCommits();
  EndCalls();
  grpc::ClientContext later;
  const auto other = Proto<v1::RegisterSchemeRequest>("scheme { name: 'other' config {} }");
  EXPECT_TRUE(stub->RegisterScheme(&later, other, &response).ok()) << "the slot is released";
}

// With a slow disk, the writes of one tenant pile up.
TEST(SlowDiskTest, WritesOfOneTenantLeaveRoomForThoseOfOthers) {
  constexpr int kPlaces = 16;
  constexpr int kHeldOrWaiting = kPlaces - kPlaces / 8;
  auto faults = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
  FaultInjectingStore* const store = faults.get();
  TestSettings settings;
  settings.store = std::move(faults);
  settings.max_writing_calls = kPlaces;
  TestServer server(std::move(settings));
  grpc::ChannelArguments own_connection;
  own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto other = grpc::CreateCustomChannel(server.address(), grpc::InsecureChannelCredentials(), own_connection);
  const auto write = [](const std::shared_ptr<grpc::Channel>& channel, const std::string& tenant,
                        const std::string& name) {
    auto request = Proto<v1::RegisterSchemeRequest>("scheme { config {} }");
    request.set_tenant(tenant);
    request.mutable_scheme()->set_name(name);
    grpc::ClientContext context;
    v1::RegisterSchemeResponse response;
    return v1::RegistryService::NewStub(channel)->RegisterScheme(&context, request, &response);
  };
  store->HoldCommits();
  std::vector<std::thread> callers;
  for (int i = 0; i < kHeldOrWaiting; ++i) {
    callers.emplace_back([&, i] { EXPECT_TRUE(write(server.channel(), "greedy", absl::StrCat("s", i)).ok()); });
  }
  while (server.registry().waiting_writes() < kHeldOrWaiting - 1) std::this_thread::yield();
  EXPECT_THAT(write(server.channel(), "greedy", "more").error_message(),
              HasSubstr("the tenant has 14 of the server's 14 writes"));
  EXPECT_THAT(write(server.channel(), "more", "s").error_message(), HasSubstr("the caller has 14 of"));
  callers.emplace_back([&] { EXPECT_TRUE(write(other, "other", "s").ok()); });
  store->WaitForHeldCommits(2);
  store->ReleaseCommits();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(OverloadTest, SkipsCancelledCalls) {
  absl::Notification begun, cancelled;
  std::atomic<bool> first = false;
  TestSettings settings;
  settings.clock = Clock(absl::Now, [&] {  // the transport reads it before it checks for cancellation
    if (first.exchange(false)) {
      begun.Notify();
      cancelled.WaitForNotification();
    }
    return Clock().Steady();
  });
  TestServer server(std::move(settings));
  first = true;
  const auto stub = v1::ConfigService::NewStub(server.channel());
  grpc::ClientContext context;
  std::thread caller([&] {
    v1::ListCatalogsResponse response;
    EXPECT_EQ(stub->ListCatalogs(&context, {}, &response).error_code(), grpc::StatusCode::CANCELLED);
  });
  begun.WaitForNotification();
  context.TryCancel();
  caller.join();
  // A later call on the same connection: the server has read that the first one was cancelled.
  EXPECT_EQ(ReceivedReasonAndField(server.client().ListCatalogs({}).status()), "OK");
  grpc::ClientContext later;
  v1::ListCatalogsResponse response;
  EXPECT_TRUE(stub->ListCatalogs(&later, {}, &response).ok());
  cancelled.Notify();
  const auto handled_as = [&](const std::string& code) {
    return MetricsText(server.metrics()).Sum("grpc_server_handled_total", "grpc_code=\"" + code + "\"");
  };
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (handled_as("Canceled") + handled_as("OK") < 3 && absl::Now() < end) std::this_thread::yield();
  EXPECT_EQ(handled_as("Canceled"), 1);
}

TEST_F(OverloadTest, SkipsCallsAfterTheirDeadline) {
  store_->FailReads(StorageUnavailable("the call was not skipped"));
  next_look_takes_ms_ = 60;  // after the call has arrived, and before the server begins it
  const absl::Status status = server_->NewClient("", absl::Milliseconds(50)).ListCatalogs({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  const auto handled_as = [&](const std::string& label) {
    return MetricsText(server_->metrics()).Sum("grpc_server_handled_total", label);
  };
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (handled_as("") < 1 && absl::Now() < end) std::this_thread::yield();
  EXPECT_EQ(handled_as("grpc_code=\"DeadlineExceeded\""), 1);
}

}  // namespace
}  // namespace qconfig
