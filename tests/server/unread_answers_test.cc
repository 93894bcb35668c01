// SPDX-License-Identifier: Apache-2.0
//
// Clients that ask for large answers and do not read them.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "tests/core/test_support.h"
#include "tests/server/observe/metrics_text.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

// The answer has more than a megabyte.
v1::GetConfigRequest LargeRequest() {
  auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' } include_quark_json: true");
  for (int i = 0; i < 1000; ++i) {
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(absl::StrCat("*.layers.", i, ".*"));
    entry.set_scheme("mxfp4");
  }
  return request;
}

// A separate connection. Most of each answer stays in the server until Read().
class UnreadAnswers {
 public:
  explicit UnreadAnswers(const TestServer& server) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // would widen the window
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel(server.address(), grpc::InsecureChannelCredentials(), arguments);
  }

  ~UnreadAnswers() { Read(); }

  void Ask(const v1::GetConfigRequest& request) {
    Call& call = *calls_.emplace_back(std::make_unique<Call>());
    call.stream =
        grpc::GenericStub(channel_).PrepareCall(&call.context, "/qconfig.v1.ConfigService/GetConfig", &queue_);
    call.stream->StartCall(this);
    Await();
    const std::string bytes = request.SerializeAsString();
    const grpc::Slice slice(bytes);
    call.stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), this);
    Await();
  }

  // Reads the answers, and returns the statuses.
  std::vector<grpc::Status> Read() {
    std::vector<grpc::Status> statuses;
    for (const auto& call : calls_) {
      grpc::ByteBuffer answer;
      call->stream->Read(&answer, this);
      Await();
      call->stream->Finish(&statuses.emplace_back(), this);
      Await();
    }
    calls_.clear();
    return statuses;
  }

  grpc::Status GetConfig(const v1::GetConfigRequest& request) {
    grpc::ClientContext context;
    v1::GetConfigResponse response;
    return v1::ConfigService::NewStub(channel_)->GetConfig(&context, request, &response);
  }

 private:
  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
  };

  void Await() {
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
  }

  grpc::CompletionQueue queue_;
  std::shared_ptr<grpc::Channel> channel_;
  std::vector<std::unique_ptr<Call>> calls_;
};

TEST(UnreadAnswersTest, OnlyTheConnectionThatDoesNotReadIsRejected) {
  constexpr size_t kMaxBytes = 8u << 20;
  constexpr int kAnswers = 16;
  TestSettings settings;
  settings.in_flight_calls = std::make_shared<InFlightCalls>(256, kMaxBytes);
  TestServer server(std::move(settings));
  UnreadAnswers greedy(server);
  for (int i = 0; i < kAnswers; ++i) greedy.Ask(LargeRequest());
  const auto handled = [&server] {
    return MetricsText(server.metrics()).Sum("grpc_server_handled_total", "GetConfig");
  };
  const absl::Time end = absl::Now() + absl::Seconds(60);
  while (handled() < kAnswers && absl::Now() < end) std::this_thread::yield();
  ASSERT_EQ(handled(), kAnswers);
  EXPECT_GT(server.in_flight_calls().sending_bytes(), 1u << 20);
  EXPECT_LE(server.in_flight_calls().sending_bytes(), kMaxBytes / 8 * 5);

  const auto small = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(ReceivedReasonAndField(server.client().GetConfig(small).status()), "OK");
    ASSERT_EQ(ReceivedReasonAndField(server.client().GetConfig(LargeRequest()).status()), "OK");
  }
  int rejected = 0;
  for (const grpc::Status& status : greedy.Read()) {
    if (status.ok()) continue;
    ++rejected;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(status.error_message(), HasSubstr("has not read"));
  }
  EXPECT_GT(rejected, 0);
  EXPECT_LT(rejected, kAnswers);
  EXPECT_TRUE(greedy.GetConfig(LargeRequest()).ok()) << "after it has read";
}

TEST(UnreadAnswersTest, CallsAreCancelledIfTheirAnswersStayUnread) {
  constexpr size_t kMaxBytes = 16u << 20;
  constexpr size_t kAnswers = 6;
  std::atomic<int64_t> seconds = 0;
  const Clock clock(absl::Now, [&seconds] { return absl::Seconds(seconds.load()); });
  const auto calls = std::make_shared<InFlightCalls>(256, kMaxBytes, clock);
  TestSettings settings;
  settings.in_flight_calls = calls;
  TestServer server(std::move(settings));
  UnreadAnswers silent(server);
  for (size_t i = 0; i < kAnswers; ++i) silent.Ask(LargeRequest());
  const absl::Time end = absl::Now() + absl::Seconds(60);
  while (calls->sending() < kAnswers && absl::Now() < end) std::this_thread::yield();
  ASSERT_GT(calls->sending_bytes(), kMaxBytes / 4);
  seconds = 29;
  calls->CancelUnread();
  EXPECT_EQ(calls->cancelled_for_unread(), 0);
  seconds = 40;
  calls->CancelUnread();
  while (calls->sending_bytes() > kMaxBytes / 4 && absl::Now() < end) std::this_thread::yield();
  EXPECT_LE(calls->sending_bytes(), kMaxBytes / 4) << "the first quarter is for everybody";
  int cancelled = 0;
  for (const grpc::Status& status : silent.Read()) cancelled += status.error_code() == grpc::StatusCode::CANCELLED;
  EXPECT_GE(cancelled, 1);
  EXPECT_EQ(calls->cancelled_for_unread(), cancelled);
}

}  // namespace
}  // namespace qconfig
