// SPDX-License-Identifier: Apache-2.0
#include "server/base/files/pem_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_certificates.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

class PemFilesTest : public testing::Test {
 protected:
  // The error of these contents, or "OK".
  std::string Check(const std::string& cert, const std::string& key, const std::string& ca = "") {
    const PemPaths paths = {"/x/tls.crt", "/x/tls.key", ca.empty() ? "" : "/x/ca.crt"};
    const auto end = CheckPem(paths, {cert, key, ca}, now_);
    return end.ok() ? "OK" : std::string(end.status().message());
  }

  absl::Time now_ = absl::Now();
  const TestAuthority authority_{"authority"};
  const TestPair pair_ = authority_.Issue("server");
};

TEST_F(PemFilesTest, AcceptsUsablePairs) {
  EXPECT_EQ(Check(pair_.cert, pair_.key), "OK");
  EXPECT_EQ(Check(pair_.cert, pair_.key, authority_.pem()), "OK");
  EXPECT_EQ(Check("words before\n" + pair_.cert + "words after\n", pair_.key), "OK");
  EXPECT_EQ(Check(pair_.key + pair_.cert, pair_.cert + pair_.key), "OK") << "both in one file";
  const TestPair below = TestAuthority("intermediate", authority_).Issue("server");
  EXPECT_EQ(Check(below.cert, below.key, authority_.pem() + authority_.pem()), "OK");
}

TEST_F(PemFilesTest, RejectsUnusablePairsWithAReason) {
  const TestPair other = authority_.Issue("other");
  const std::string cut = pair_.cert.substr(0, pair_.cert.size() / 2);
  EXPECT_EQ(Check("", pair_.key), "/x/tls.crt: contains no PEM certificate");
  EXPECT_EQ(Check("garbage", pair_.key), "/x/tls.crt: contains no PEM certificate");
  EXPECT_THAT(Check(cut, pair_.key), HasSubstr("/x/tls.crt: certificate 1 cannot be parsed: "));
  EXPECT_THAT(Check(pair_.cert + cut, pair_.key), HasSubstr("/x/tls.crt: certificate 2 cannot be parsed: "));
  EXPECT_THAT(Check(pair_.cert, ""), HasSubstr("/x/tls.key: contains no PEM private key: "));
  EXPECT_THAT(Check(pair_.cert, pair_.cert), HasSubstr("/x/tls.key: contains no PEM private key: "));
  EXPECT_THAT(Check(pair_.cert, Encrypted(pair_.key)), HasSubstr("/x/tls.key: encrypted keys are not supported"));
  EXPECT_EQ(Check(pair_.cert, other.key), "/x/tls.key: does not match the first certificate in /x/tls.crt");
  EXPECT_EQ(Check(authority_.pem() + pair_.cert, pair_.key),
            "/x/tls.key: does not match the first certificate in /x/tls.crt");
  EXPECT_EQ(Check(pair_.cert, pair_.key, "garbage"), "/x/ca.crt: contains no PEM certificate");
  EXPECT_THAT(Check(pair_.cert, pair_.key, authority_.pem() + cut), HasSubstr("/x/ca.crt: certificate 2 cannot"));
  const TestPair weak = WeakPair();
  EXPECT_EQ(Check(weak.cert, weak.key), "/x/tls.crt: the certificate cannot be used: ee key too small");
}

TEST_F(PemFilesTest, RejectsCertificatesOutsideTheirValidityPeriod) {
  const absl::Time begin = absl::FromUnixSeconds(1'800'000'000);
  const TestPair pair = authority_.Issue("server", begin, begin + absl::Hours(1));
  now_ = begin;
  EXPECT_EQ(Check(pair.cert, pair.key), "OK");
  EXPECT_EQ(*CheckPem({"c", "k", ""}, {pair.cert, pair.key, ""}, now_), begin + absl::Hours(1));
  now_ = begin - absl::Seconds(1);
  EXPECT_EQ(Check(pair.cert, pair.key), "/x/tls.crt: the certificate is not valid before 2027-01-15T08:00:00+00:00");
  now_ = begin + absl::Hours(1);
  EXPECT_EQ(Check(pair.cert, pair.key), "/x/tls.crt: the certificate expired at 2027-01-15T09:00:00+00:00");
}

TEST_F(PemFilesTest, ReadsOnlyRegularFiles) {
  TempDirectory directory;
  const std::string cert = directory.Path("tls.crt");
  WriteFile(cert, "text");
  EXPECT_EQ(ReadPemFiles({cert, "", ""})->cert, "text");
  const auto problem = [](const std::string& path) {
    return std::string(ReadPemFiles({"", "", path}).status().message());
  };
  const std::string missing = directory.Path("missing");
  EXPECT_EQ(problem(missing), missing + ": cannot be opened: No such file or directory");
  EXPECT_EQ(problem("/"), "/: is not a regular file");
  const std::string pipe = directory.Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(problem(pipe), pipe + ": is not a regular file") << "and does not wait for a writer";
  WriteFile(cert, std::string((1u << 20) + 1, 'x'));
  EXPECT_EQ(problem(cert), cert + ": has more than 1048576 bytes");
  WriteFile(cert, pair_.cert + std::string(1, '\0') + pair_.cert);
  EXPECT_EQ(problem(cert), cert + ": is not a text file: it has a NUL byte");
}

}  // namespace
}  // namespace qconfig
