// SPDX-License-Identifier: Apache-2.0
//
// Changes of the policy's file while clients call, over a real connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/auth/policy_file.h"
#include "tests/core/test_support.h"
#include "tests/server/auth/policy_test_support.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

class PolicyReloadTest : public testing::Test {
 protected:
  PolicyReloadTest() {
    Replace(PrincipalForEachRole());
    TestSettings settings;
    settings.authenticator = authenticator_;
    server_ = std::make_unique<TestServer>(std::move(settings));
  }

  // Follows the file. With an infinite interval, only if ReloadIfChanged() is called.
  std::unique_ptr<PolicyFile> Open(absl::Duration interval) {
    return PolicyFile::Open(
               path_, Clock(), EventLog(logger_, LogForm::kText),
               [this](std::shared_ptr<const Policy> policy) { authenticator_->SetPolicy(std::move(policy)); }, interval)
        .value();
  }

  // Replaces the file in one step.
  void Replace(const std::string& principals) {
    const std::string other = path_ + ".new";
    WriteFile(other, "version: 1\nprincipals:\n" + principals);
    std::filesystem::rename(other, path_);
  }

  // The reason of the error; empty for OK.
  std::string GetConfig(const std::string& token) {
    const auto request = Proto<v1::GetConfigRequest>("tenant: 'acme' spec { model_type: 'llama' scheme: 'int8' }");
    return ReasonOf(CallWith(server_->channel(), "Bearer " + token, "/qconfig.v1.ConfigService/GetConfig",
                             request.SerializeAsString()));
  }
  std::string Register(const std::string& token, int number) {
    auto request = Proto<v1::RegisterSchemeRequest>("tenant: 'acme' replace: true scheme { name: 'mine' config {} }");
    request.mutable_scheme()->set_description(absl::StrCat(number));
    return ReasonOf(CallWith(server_->channel(), "Bearer " + token, "/qconfig.v1.RegistryService/RegisterScheme",
                             request.SerializeAsString()));
  }

  TempDirectory directory_;
  const std::string path_ = directory_.Path("policy.yaml");
  std::ostringstream log_;
  spdlog::logger logger_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)};
  const std::shared_ptr<Authenticator> authenticator_ = std::make_shared<Authenticator>(Clock());
  std::unique_ptr<TestServer> server_;

 private:
  static std::string ReasonOf(const Answer& answer) {
    if (answer.error.code() == 0) return "";
    return absl::StrCat(v1::ErrorReason_Name(answer.error.reason()), ": ", answer.error.message());
  }
};

// A client that calls until it is destroyed.
class RepeatedCall {
 public:
  explicit RepeatedCall(std::function<std::string(int)> call)
      : thread_([this, call = std::move(call)] {
          while (!is_ending_) {
            const std::string error = call(calls_);
            if (!error.empty() && errors_++ == 0) ADD_FAILURE() << error;
            ++calls_;
          }
        }) {}
  ~RepeatedCall() {
    is_ending_ = true;
    thread_.join();
  }

  // Waits until a call that began later has ended.
  void AwaitCall() const {
    const int before = calls_;
    const absl::Time deadline = absl::Now() + kPatience;
    while (calls_ < before + 2 && absl::Now() < deadline) std::this_thread::yield();
    EXPECT_GE(calls_, before + 2);
  }

 private:
  std::atomic<int> calls_ = 0;
  std::atomic<int> errors_ = 0;
  std::atomic<bool> is_ending_ = false;
  std::thread thread_;  // last, because it uses the others
};

TEST_F(PolicyReloadTest, NoValidCallFailsWhileThePolicyChanges) {
  constexpr int kChanges = 50;
  constexpr int kInvalidEvery = 5;
  const auto file = Open(absl::InfiniteDuration());
  {
    std::deque<RepeatedCall> clients;
    clients.emplace_back([this](int) { return GetConfig("reader"); });
    clients.emplace_back([this](int) { return GetConfig("operator"); });
    clients.emplace_back([this](int number) { return Register("editor", number); });
    for (int i = 1; i <= kChanges; ++i) {
      const bool is_valid = i % kInvalidEvery != 0;
      const std::string more = PrincipalWith(absl::StrCat("number-", i), "role: operator");
      Replace(PrincipalForEachRole() + (is_valid ? more : "  not a principal\n"));
      file->ReloadIfChanged();
      file->ReloadIfChanged();  // an invalid file counts at the second check
      for (const RepeatedCall& client : clients) client.AwaitCall();
      EXPECT_EQ(GetConfig(absl::StrCat("number-", i)).empty(), is_valid) << i;
    }
  }
  EXPECT_EQ(file->reloads_ok(), kChanges - kChanges / kInvalidEvery);
  EXPECT_EQ(file->reloads_failed(), kChanges / kInvalidEvery);
}

TEST_F(PolicyReloadTest, ARevokedTokenIsRefusedSoon) {
  const auto file = Open(absl::Seconds(1));
  ASSERT_EQ(GetConfig("reader"), "");
  Replace(PrincipalWith("operator", "role: operator"));
  const absl::Time revoked = absl::Now();
  std::string reason;
  while ((reason = GetConfig("reader")).empty() && absl::Now() - revoked < absl::Seconds(30)) {
    std::this_thread::yield();
  }
  RecordProperty("milliseconds", std::to_string(absl::ToInt64Milliseconds(absl::Now() - revoked)));
  EXPECT_THAT(reason, testing::HasSubstr("CREDENTIALS_INVALID"));
  EXPECT_EQ(GetConfig("operator"), "");
}

}  // namespace
}  // namespace qconfig
