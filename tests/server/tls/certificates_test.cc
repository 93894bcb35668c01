// SPDX-License-Identifier: Apache-2.0
#include "server/tls/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <filesystem>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_certificates.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

// Looks by hand, so that each test knows when.
class TlsCertificatesTest : public testing::Test {
 protected:
  TlsCertificatesTest() { Write(first_); }

  void Write(const TestPair& pair) {
    WriteFile(paths_.cert, pair.cert);
    WriteFile(paths_.key, pair.key);
  }

  absl::StatusOr<std::shared_ptr<TlsCertificates>> Open() {
    return TlsCertificates::Open(paths_, Clock([this] { return now_; }), Log(), absl::InfiniteDuration());
  }

  EventLog Log() {
    spdlog::logger log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
    SetLogForm(log, LogForm::kText);
    return EventLog(log, LogForm::kText);
  }

  // "ok 1, failed 0" and whose certificate it is.
  std::string State(const TlsCertificates& certificates) const {
    const std::string& cert = certificates.current()->cert;
    return absl::StrCat("ok ", certificates.reloads_ok(), ", failed ", certificates.reloads_failed(), ", ",
                        cert == first_.cert ? "first" : (cert == second_.cert ? "second" : "another"));
  }

  absl::Time now_ = absl::Now();
  TempDirectory directory_;
  PemPaths paths_ = {directory_.Path("tls.crt"), directory_.Path("tls.key"), ""};
  std::ostringstream log_;
  const TestAuthority authority_{"authority"};
  const TestPair first_ = authority_.Issue("first");
  const TestPair second_ =
      authority_.Issue("second", absl::Now() - absl::Hours(1), absl::FromUnixSeconds(1'900'000'000));
};

TEST_F(TlsCertificatesTest, TakesOverAChange) {
  const auto certificates = Open().value();
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 0, failed 0, first");
  Write(second_);
  certificates->ReloadIfChanged();
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 1, failed 0, second");
  EXPECT_EQ(certificates->expiry(), absl::FromUnixSeconds(1'900'000'000));
  EXPECT_THAT(log_.str(), HasSubstr(absl::StrCat("[info] TLS enabled cert=", paths_.cert, " expires=")));
  EXPECT_THAT(log_.str(), HasSubstr(absl::StrCat("[info] TLS files reloaded cert=", paths_.cert,
                                                 " expires=2030-03-17T17:46:40+00:00\n")));
}

TEST_F(TlsCertificatesTest, LooksByItself) {
  const auto certificates = TlsCertificates::Open(paths_, Clock(), Log(), absl::Milliseconds(1)).value();
  Write(second_);
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (certificates->reloads_ok() == 0 && absl::Now() < deadline) std::this_thread::yield();
  EXPECT_EQ(certificates->current()->key, second_.key);
}

TEST_F(TlsCertificatesTest, WaitsForTheOtherHalf) {
  const auto certificates = Open().value();
  WriteFile(paths_.key, second_.key);
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 0, failed 0, first");
  WriteFile(paths_.cert, second_.cert);
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 1, failed 0, second");
  EXPECT_THAT(log_.str(), Not(HasSubstr("[warn]")));
}

TEST_F(TlsCertificatesTest, KeepsTheOldOnesAndReportsABadChangeOnce) {
  const auto certificates = Open().value();
  WriteFile(paths_.cert, second_.cert);
  certificates->ReloadIfChanged();
  EXPECT_THAT(log_.str(), Not(HasSubstr("cannot be used")));
  for (int i = 0; i < 3; ++i) certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 0, failed 1, first");
  const std::string sentence = absl::StrCat("[warn] TLS files cannot be used; keeping the previous ones error=\"",
                                            paths_.key, ": does not match the first certificate in ");
  EXPECT_THAT(log_.str(), HasSubstr(sentence));
  EXPECT_EQ(log_.str().find(sentence), log_.str().rfind(sentence));
  std::filesystem::remove(paths_.key);
  for (int i = 0; i < 3; ++i) certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 0, failed 2, first");
  EXPECT_THAT(log_.str(), HasSubstr(paths_.key + ": cannot be opened"));
  Write(first_);
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 0, failed 2, first") << "what was there before is no change";
  WriteFile(paths_.cert, second_.cert);
  for (int i = 0; i < 3; ++i) certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 0, failed 3, first") << "the same mistake, made again";
}

TEST_F(TlsCertificatesTest, EveryKindOfBadChangeIsRefused) {
  const auto certificates = Open().value();
  const TestPair expired = authority_.Issue("expired", now_ - absl::Hours(2), now_ - absl::Hours(1));
  int bad = 0;
  for (const TestPair& pair : {TestPair{"garbage", first_.key}, TestPair{first_.cert, "garbage"}, TestPair{"", ""},
                               TestPair{second_.cert, Encrypted(second_.key)}, expired, WeakPair()}) {
    Write(pair);
    certificates->ReloadIfChanged();
    certificates->ReloadIfChanged();
    EXPECT_EQ(State(*certificates), absl::StrCat("ok 0, failed ", ++bad, ", first")) << log_.str();
  }
}

TEST_F(TlsCertificatesTest, TakesACertificateOnceItIsValid) {
  const auto certificates = Open().value();
  Write(authority_.Issue("early", now_ + absl::Hours(1), now_ + absl::Hours(3)));
  certificates->ReloadIfChanged();
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 0, failed 1, first");
  now_ += absl::Hours(2);
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 1, failed 1, another");
}

TEST_F(TlsCertificatesTest, FollowsLinksAsKubernetesSwapsThem) {
  namespace fs = std::filesystem;
  const fs::path mount = directory_.Path("mount");
  const auto put = [&](const std::string& version, const TestPair& pair) {
    fs::create_directories(mount / version);
    WriteFile(mount / version / "tls.crt", pair.cert);
    WriteFile(mount / version / "tls.key", pair.key);
    fs::create_symlink(version, mount / "..data_tmp");
    fs::rename(mount / "..data_tmp", mount / "..data");
  };
  put("..1", first_);
  fs::create_symlink("..data/tls.crt", mount / "tls.crt");
  fs::create_symlink("..data/tls.key", mount / "tls.key");
  paths_ = {mount / "tls.crt", mount / "tls.key", ""};
  const auto certificates = Open().value();
  put("..2", second_);
  fs::remove_all(mount / "..1");
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 1, failed 0, second");
}

TEST_F(TlsCertificatesTest, AuthoritiesOfCallersAreWatchedToo) {
  paths_.ca = directory_.Path("ca.crt");
  WriteFile(paths_.ca, authority_.pem());
  const auto certificates = Open().value();
  EXPECT_TRUE(certificates->has_client_ca());
  const TestAuthority other("other");
  WriteFile(paths_.ca, other.pem());
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 1, failed 0, first");
  EXPECT_EQ(certificates->current()->ca, other.pem());
  WriteFile(paths_.ca, "");
  certificates->ReloadIfChanged();
  certificates->ReloadIfChanged();
  EXPECT_EQ(State(*certificates), "ok 1, failed 1, first");
}

TEST_F(TlsCertificatesTest, BadFilesAtTheStartAreRefused) {
  Write({second_.cert, first_.key});
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("does not match the first certificate"));
  std::filesystem::remove(paths_.cert);
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("tls.crt: cannot be opened"));
}

}  // namespace
}  // namespace qconfig
