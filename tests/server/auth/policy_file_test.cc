// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <filesystem>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string PolicyFor(const std::string& token) {
  return absl::StrCat("version: 1\nprincipals: {", token, ": {tokens: [{sha256: ", Sha256Hex(token),
                      "}], role: operator}}\n");
}

// Looks by hand, so that each test knows when.
class PolicyFileTest : public testing::Test {
 protected:
  PolicyFileTest() { WriteFile(path_, PolicyFor("first")); }

  absl::StatusOr<std::unique_ptr<PolicyFile>> Open(absl::Duration interval = absl::InfiniteDuration()) {
    spdlog::logger log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
    SetLogForm(log, LogForm::kText);
    return PolicyFile::Open(
        path_, Clock(), EventLog(log, LogForm::kText),
        [this](std::shared_ptr<const Policy> policy) {
          absl::MutexLock lock(&mutex_);
          policy_ = std::move(policy);
        },
        interval, audit_log_);
  }

  bool Knows(const std::string& token) {
    absl::MutexLock lock(&mutex_);
    return policy_->FindToken(token, absl::Now()).ok();
  }

  TempDirectory directory_;
  const std::string path_ = directory_.Path("policy.yaml");
  std::ostringstream log_;
  std::shared_ptr<AuditLog> audit_log_;
  absl::Mutex mutex_;
  std::shared_ptr<const Policy> policy_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(PolicyFileTest, TakesOverAChangeAsAWhole) {
  const auto file = Open().value();
  EXPECT_TRUE(Knows("first"));
  file->ReloadIfChanged();
  EXPECT_EQ(file->reloads_ok(), 0);
  WriteFile(path_, PolicyFor("second"));
  file->ReloadIfChanged();
  EXPECT_TRUE(Knows("second"));
  EXPECT_FALSE(Knows("first"));
  EXPECT_EQ(file->reloads_ok(), 1);
}

TEST_F(PolicyFileTest, KeepsThePolicyAndReportsABadChangeOnce) {
  const auto file = Open().value();
  WriteFile(path_, PolicyFor("second") + "oops: 1\n");
  file->ReloadIfChanged();
  EXPECT_THAT(log_.str(), Not(HasSubstr("oops")));  // it could be half of a change
  for (int i = 0; i < 3; ++i) file->ReloadIfChanged();
  EXPECT_EQ(file->reloads_failed(), 1);
  EXPECT_THAT(log_.str(), HasSubstr("policy cannot be used; keeping the previous one"));
  EXPECT_THAT(log_.str(), HasSubstr("oops, line 3: unknown key"));
  EXPECT_TRUE(Knows("first"));
  EXPECT_FALSE(Knows("second"));
  std::filesystem::remove(path_);
  for (int i = 0; i < 3; ++i) file->ReloadIfChanged();
  EXPECT_EQ(file->reloads_failed(), 2);
  EXPECT_TRUE(Knows("first"));
  WriteFile(path_, PolicyFor("second"));
  file->ReloadIfChanged();
  EXPECT_TRUE(Knows("second"));
}

// The manual promises two seconds.
TEST_F(PolicyFileTest, OneCheckIsEnoughForARevocation) {
  EXPECT_LE(PolicyFile::kInterval, absl::Seconds(1));
  const auto file = Open().value();
  WriteFile(path_, PolicyFor("second"));
  file->ReloadIfChanged();
  EXPECT_FALSE(Knows("first"));
}

TEST_F(PolicyFileTest, APolicyWhoseCredentialsHaveExpiredIsUsed) {
  const std::string hash = Sha256Hex("first");
  const std::string expired = absl::StrCat(
      "version: 1\nprincipals: {first: {tokens: [{expires: 2020-01-01, sha256: ", hash, "}], role: operator}}\n");
  WriteFile(path_, expired);
  const auto file = Open();
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(log_.str(), HasSubstr("[warn] all credentials of the policy have expired, so every call is rejected"));
  WriteFile(path_, PolicyFor("first"));
  (*file)->ReloadIfChanged();
  EXPECT_TRUE(Knows("first"));
  WriteFile(path_, expired);
  (*file)->ReloadIfChanged();
  EXPECT_FALSE(Knows("first"));
}

TEST_F(PolicyFileTest, TheAuditLogHasLoadedAndRejectedPolicies) {
  const std::string audit = directory_.Path("audit.jsonl");
  spdlog::logger log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
  audit_log_ = AuditLog::Open(audit, EventLog(log, LogForm::kText)).value();
  {
    const auto file = Open().value();
    WriteFile(path_, "oops: 1\n");
    for (int i = 0; i < 3; ++i) file->ReloadIfChanged();
  }
  audit_log_.reset();
  const std::string text = FileBytes(audit);
  EXPECT_THAT(text, HasSubstr(absl::StrCat("\"event\":\"policy_loaded\",\"policy\":\"",
                                           Sha256Hex(PolicyFor("first")).substr(0, 8), "\"}\n")));
  EXPECT_THAT(text, ContainsRegex("\"event\":\"policy_rejected\",\"reason\":\"[^\n]*oops, line 1: unknown key"));
}

TEST_F(PolicyFileTest, TheLogHasTheErrorsOfAFileOnOneLine) {
  const auto file = Open().value();
  WriteFile(path_, PolicyFor("second") + "oops: 1\nalas: 2\n");
  for (int i = 0; i < 2; ++i) file->ReloadIfChanged();
  EXPECT_THAT(log_.str(), ContainsRegex("oops, line 3: unknown key[^\n]*; alas, line 4: unknown key"));
  EXPECT_THAT(log_.str(), Not(HasSubstr("u000a")));
}

TEST_F(PolicyFileTest, SaysWhetherTheFilesAreThoseOfThePolicyInUse) {
  const auto file = Open().value();
  const auto usable = [&] {
    file->ReloadIfChanged();
    return file->usable();
  };
  EXPECT_TRUE(file->usable());
  WriteFile(path_, "oops: 1\n");
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(usable()) << "not only when it is reported";
  WriteFile(path_, PolicyFor("first"));
  EXPECT_TRUE(usable()) << "the previous policy again";
  std::filesystem::remove(path_);
  EXPECT_FALSE(usable());
  WriteFile(path_, PolicyFor("second"));
  EXPECT_TRUE(usable());
}

TEST_F(PolicyFileTest, LooksByItself) {
  const auto file = Open(absl::Milliseconds(1)).value();
  WriteFile(path_, PolicyFor("second"));
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (!Knows("second") && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE(Knows("second"));
}

TEST_F(PolicyFileTest, BadFilesAtTheStartAreRefused) {
  WriteFile(path_, "version: 1\n");
  EXPECT_THAT(std::string(Open().status().message()),
              HasSubstr(absl::StrCat(path_, ": line 1: this policy locks everybody out")));
  std::filesystem::remove(path_);
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr(absl::StrCat("the policy ", path_, " ")));
}

TEST_F(PolicyFileTest, KeyFilesAreRelativeToThePolicy) {
  WriteFile(path_,
            PolicyFor("first") + "issuers: {ci: {issuer: i, audience: a, algorithms: [RS256], jwks: keys.json}}\n");
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("issuers.ci.jwks, line 3: the file"));
  WriteFile(directory_.Path("keys.json"), "[]");
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("issuers.ci.jwks, line 3: "));
}

}  // namespace
}  // namespace qconfig
