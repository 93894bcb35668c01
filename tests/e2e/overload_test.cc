// SPDX-License-Identifier: Apache-2.0
//
// Overloads the real qconfigd. It must stay up, use little memory, pass its probes, and reject excess calls as
// OVERLOADED.
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "server/admin/http.h"
#include "tests/e2e/process.h"

namespace qconfig {
namespace {

// The limit for the server's memory: about five times the measured value, and no limit with AddressSanitizer.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QCONFIG_ADDRESS_SANITIZER
#endif
#endif
#ifdef QCONFIG_ADDRESS_SANITIZER
constexpr int64_t kMaxMiB = 1 << 20;
#else
constexpr int64_t kMaxMiB = 512;
#endif

// Returns a stub with its own connection.
std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// The server needs about 10 ms for each 100 items.
v1::BatchGetConfigRequest Batch(int items) {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->set_scheme("fp8");
  for (int i = 0; i < 20; ++i) {
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(absl::StrFormat("model.layers.%d.*", i));
    entry.set_scheme("int4_wo_128");
  }
  v1::BatchGetConfigRequest batch;
  for (int i = 0; i < items; ++i) *batch.add_requests() = request;
  return batch;
}

// Returns "OK", the reason, or the code if there is no reason.
std::string Outcome(const grpc::Status& status) {
  if (status.ok()) return "OK";
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (details.ParseFromString(status.error_details()) && details.details_size() > 0 &&
      details.details(0).UnpackTo(&info)) {
    return info.reason();
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) return "DEADLINE_EXCEEDED";
  return absl::StrCat("code ", status.error_code(), ": ", status.error_message());
}

// Returns a number of /proc/PID/status, in the unit of that file.
int64_t ProcessStatus(pid_t pid, const std::string& field) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::stoll(line.substr(field.size() + 1));
  }
  return -1;
}

class OverloadTest : public testing::Test {
 protected:
  OverloadTest() {
    while (!IsReady()) absl::SleepFor(absl::Milliseconds(10));
  }

  bool IsReady() const {
    const auto answer = HttpGet({"127.0.0.1", server_.admin_port()}, "/readyz", absl::Seconds(5));
    return answer.ok() && answer->status == 200;
  }

  // Calls all probes until `stop`.
  void Probe(const std::atomic<bool>& stop) {
    const auto health = grpc::health::v1::Health::NewStub(Connect(server_.address()));
    for (int i = 0; !stop || i < 3; ++i) {
      for (const char* path : {"/livez", "/readyz/reads", "/readyz/writes", "/metrics"}) {
        const auto answer = HttpGet({"127.0.0.1", server_.admin_port()}, path, absl::Seconds(5));
        ASSERT_TRUE(answer.ok()) << path << ": " << answer.status();
        ASSERT_EQ(answer->status, 200) << path << ": " << answer->body;
      }
      const auto ready = HttpGet({"127.0.0.1", server_.admin_port()}, "/readyz", absl::Seconds(5));
      ASSERT_TRUE(ready.ok()) << ready.status();
      if (ready->status != 200) {
        ASSERT_EQ(ready->body.rfind("calls: ", 0), 0) << ready->body;
        ++not_ready_;
      }
      grpc::ClientContext context;
      grpc::health::v1::HealthCheckResponse response;
      const grpc::Status status = health->Check(&context, {}, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      ASSERT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
      ++probes_;
      most_threads_ = std::max(most_threads_, ProcessStatus(server_.pid(), "Threads"));
    }
  }

  void Count(const std::string& outcome) {
    if (outcome == "OK") {
      ++answered_;
    } else if (outcome == "OVERLOADED") {
      ++rejected_;
    } else if (outcome == "DEADLINE_EXCEEDED") {
      ++late_;
    } else {
      ADD_FAILURE() << outcome;
    }
  }

  // The peak of resident memory.
  int64_t PeakMiB() const { return ProcessStatus(server_.pid(), "VmHWM") / 1024; }

  void Report(const char* what) const {
    std::printf("%s: %d answered, %d rejected, %d late, %d probes; peak %d MiB, now %d MiB; at most %d threads\n", what,
                answered_.load(), rejected_.load(), late_.load(), probes_.load(), static_cast<int>(PeakMiB()),
                static_cast<int>(ProcessStatus(server_.pid(), "VmRSS") / 1024), static_cast<int>(most_threads_));
  }

  const TemporaryDirectory directory_;
  const Process server_{directory_.path() / "log", {"--storage", "memory", "--max-in-flight", "4"}};
  std::atomic<int> answered_ = 0, rejected_ = 0, late_ = 0, probes_ = 0, not_ready_ = 0;
  int64_t most_threads_ = 0;  // seen by the prober
};

TEST_F(OverloadTest, SurvivesTenTimesTheAcceptedLoad) {
  Report("before");
  const v1::BatchGetConfigRequest batch = Batch(200);
  std::atomic<bool> stop = false;
  std::vector<std::thread> callers;
  for (int i = 0; i < 48; ++i) {
    callers.emplace_back([&] {
      const auto stub = v1::ConfigService::NewStub(Connect(server_.address()));
      while (!stop) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
        v1::BatchGetConfigResponse response;
        Count(Outcome(stub->BatchGetConfig(&context, batch, &response)));
      }
    });
  }
  std::thread prober([&] { Probe(stop); });
  while (!HasFailure() && (answered_ < 100 || rejected_ < 1000 || probes_ < 20 || not_ready_ == 0)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  prober.join();
  Report("after");
  EXPECT_LT(PeakMiB(), kMaxMiB);
}

// Calls that clients start at the same time, as after a network failure.
TEST_F(OverloadTest, RejectsThousandsOfSimultaneousCallsInBoundedMemory) {
  constexpr int kConnections = 50;
  constexpr int kCallsPerConnection = 100;
  struct Call {
    grpc::ClientContext context;
    v1::BatchGetConfigResponse response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::BatchGetConfigResponse>> reader;
  };
  const v1::BatchGetConfigRequest batch = Batch(100);
  std::atomic<bool> stop = false;
  std::thread prober([&] { Probe(stop); });
  grpc::CompletionQueue queue;
  for (int i = 0; i < kConnections; ++i) {
    const auto stub = v1::ConfigService::NewStub(Connect(server_.address()));
    for (int n = 0; n < kCallsPerConnection; ++n) {
      auto* const call = new Call;
      call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(5));
      call->reader = stub->AsyncBatchGetConfig(&call->context, batch, &queue);
      call->reader->Finish(&call->response, &call->status, call);
    }
  }
  for (int i = 0; i < kConnections * kCallsPerConnection; ++i) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    Count(Outcome(call->status));
  }
  stop = true;
  prober.join();
  Report("after");
  EXPECT_GT(answered_, 0);
  EXPECT_GT(rejected_, 0);
  EXPECT_LT(PeakMiB(), kMaxMiB);
}

// Requests of the maximum size, 4 GB in total. The server keeps only a few of them while they arrive and wait, and ends
// the connections that send most.
TEST_F(OverloadTest, LargeSimultaneousRequestsUseBoundedMemory) {
  constexpr int kConnections = 10;
  constexpr int kCallsPerConnection = 100;
  const std::string bytes(4'000'000, '\xff');
  const grpc::Slice slice(bytes.data(), bytes.size(), grpc::Slice::STATIC_SLICE);
  const grpc::ByteBuffer request(&slice, 1);
  struct Call {
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    grpc::Status status;
  };
  std::atomic<bool> stop = false;
  std::thread prober([&] { Probe(stop); });
  std::atomic<int> done = 0;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  for (int i = 0; i < kConnections; ++i) {
    stubs.push_back(std::make_unique<grpc::GenericStub>(Connect(server_.address())));
    for (int n = 0; n < kCallsPerConnection; ++n) {
      auto* const call = new Call;
      call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(5));
      stubs.back()->UnaryCall(&call->context, "/qconfig.v1.ConfigService/GetConfig", {}, &request, &call->response,
                              [&, call](const grpc::Status& status) {
                                const std::string outcome = Outcome(status);
                                const bool is_ended = absl::StartsWith(outcome, "code 14: ");  // the connection
                                Count(outcome == "INVALID_REQUEST" ? "OK" : is_ended ? "OVERLOADED" : outcome);
                                delete call;
                                ++done;
                              });
    }
  }
  while (done < kConnections * kCallsPerConnection) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  stop = true;
  prober.join();
  Report("after");
  EXPECT_GT(answered_, 0);
  EXPECT_LT(PeakMiB(), kMaxMiB * 4);
}

}  // namespace
}  // namespace qconfig
