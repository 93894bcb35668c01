// SPDX-License-Identifier: Apache-2.0
//
// Floods the real qconfigd with requests that need much memory. It must stay below its memory limit, serve small calls,
// and return the memory afterwards.
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "tests/e2e/process.h"

namespace qconfig {
namespace {

// The processes of sanitizers need several times as much memory.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define QCONFIG_SANITIZED
#endif
#endif
#ifdef QCONFIG_SANITIZED
constexpr int64_t kLimitMiB = 3000;
#else
constexpr int64_t kLimitMiB = 320;
#endif

// Returns a number of /proc/PID/status in MiB.
int64_t ProcessMiB(pid_t pid, const std::string& field) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::stoll(line.substr(field.size() + 1)) / 1024;
  }
  return -1;
}

v1::GetConfigRequest SmallRequest() {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->set_scheme("fp8");
  return request;
}

// About 4 MB of patterns.
v1::GetConfigRequest LargeRequest() {
  v1::GetConfigRequest request = SmallRequest();
  for (int i = 0; i < 3900; ++i) {
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(absl::StrCat("*", i, std::string(1000, 'x')));
    entry.set_scheme("nvfp4");
  }
  return request;
}

// About 0.2 MB, with answers of 26 MB.
v1::BatchGetConfigRequest Batch() {
  v1::BatchGetConfigRequest batch;
  for (int item = 0; item < 400; ++item) {
    v1::GetConfigRequest& request = *batch.add_requests() = SmallRequest();
    request.set_include_quark_json(true);
    request.set_include_canonical_json(true);
    for (int i = 0; i < 25; ++i) {
      v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
      entry.set_pattern(absl::StrCat("*q", item, "_", i));
      entry.set_scheme("nvfp4");
    }
  }
  return batch;
}

class MemoryTest : public testing::Test {
 protected:
  // A stub with its own connection.
  std::unique_ptr<v1::ConfigService::Stub> NewStub() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    return v1::ConfigService::NewStub(
        grpc::CreateCustomChannel(server_.address(), grpc::InsecureChannelCredentials(), arguments));
  }

  static grpc::Status GetConfig(v1::ConfigService::Stub& stub, const v1::GetConfigRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    v1::GetConfigResponse response;
    return stub.GetConfig(&context, request, &response);
  }

  const TemporaryDirectory directory_;
  const Process server_{directory_.path() / "log",
                        {"--storage", "memory", "--max-memory-bytes", absl::StrCat(kLimitMiB << 20),
                         "--request-memory-bytes", absl::StrCat(256 << 20)}};
};

TEST_F(MemoryTest, StaysBelowItsLimitUnderLargeRequests) {
  const v1::GetConfigRequest large = LargeRequest();
  const v1::BatchGetConfigRequest batch = Batch();
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 24; ++i) {
    callers.emplace_back([&, i] {
      const auto stub = NewStub();
      while (!stop) {
        if (i % 2 == 0) {
          answered += GetConfig(*stub, large).ok() ? 1 : 0;
        } else {
          grpc::ClientContext context;
          v1::BatchGetConfigResponse response;
          answered += stub->BatchGetConfig(&context, batch, &response).ok() ? 1 : 0;
        }
      }
    });
  }
  const auto honest = NewStub();
  int failed = 0;
  const absl::Time end = absl::Now() + absl::Seconds(4);
  for (int i = 0; absl::Now() < end || answered < 10; ++i) {
    v1::GetConfigRequest request = SmallRequest();
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(absl::StrCat("*", i));  // not cached
    entry.set_scheme("int8");
    failed += GetConfig(*honest, request).ok() ? 0 : 1;
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, 0);
  EXPECT_LE(ProcessMiB(server_.pid(), "VmHWM"), kLimitMiB) << answered << " large calls were answered";
#ifndef QCONFIG_SANITIZED
  // Free memory is returned every few seconds.
  const absl::Time last = absl::Now() + absl::Seconds(60);
  while (ProcessMiB(server_.pid(), "VmRSS") > kLimitMiB / 2 && absl::Now() < last) absl::SleepFor(absl::Seconds(0.1));
  EXPECT_LE(ProcessMiB(server_.pid(), "VmRSS"), kLimitMiB / 2);
#endif
}

}  // namespace
}  // namespace qconfig
