// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/auth/policy_reader.h"

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kHash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr char kOther[] = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);  // 2027-01-15T08:00:00Z

std::shared_ptr<const Policy> Read(const std::string& rest) {
  const auto no_files = [](const std::string&) -> absl::StatusOr<std::string> {
    return absl::NotFoundError("does not exist");
  };
  auto policy = ReadPolicy("version: 1\n" + rest, no_files);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.value();
}

std::string Principals() {
  return absl::StrCat(R"(principals:
  farm:
    tokens: [{sha256: ")",
                      kHash, R"(", expires: 2028-01-01}]
    default_tenant: acme
    grants: [{role: reader, tenants: [acme, "acme-*"]}]
  release-bot:
    certificates: [{uri: "spiffe://corp/sa/release"}, {dns: "*.ci.corp"}]
    grants: [{role: editor, tenants: [acme]}, {role: editor, tenants: ["lab-*"], create: true}]
  ops: {tokens: [{sha256: ")",
                      kOther, R"("}], role: operator}
)");
}

TEST(PolicyTextTest, DescribesEachPrincipal) {
  EXPECT_EQ(DescribePolicy(*Read(Principals())), R"(farm
  token 01234567, until 2028-01-01T00:00:00+00:00
  reader of acme, acme-*
  default tenant acme
release-bot
  certificate with the URI spiffe://corp/sa/release
  certificate with the DNS name *.ci.corp
  editor of acme
  editor of lab-*, and may create them
  default tenant default
ops
  token fedcba98, does not expire
  operator of all tenants
  default tenant default
callers without credentials
  rejected
)");
}

TEST(PolicyTextTest, DescribesCallersWithoutCredentials) {
  EXPECT_EQ(DescribePolicy(*Read("anonymous: {grants: [{role: reader, tenants: [public]}]}\n")),
            "callers without credentials\n  reader of public\n  default tenant default\n");
}

TEST(PolicyTextTest, DescribesLimits) {
  const auto describe = [](const std::string& limits) {
    return DescribePolicy(
        *Read("anonymous: {grants: [{role: reader, tenants: [public]}], limits: {" + limits + "}}\n"));
  };
  EXPECT_THAT(describe("calls_per_second: 20, burst: 50, writes_per_minute: 6"),
              HasSubstr("\n  at most 20 calls a second, 50 at once, and 6 writes a minute\n"));
  EXPECT_THAT(describe("writes_per_minute: 6, mode: permissive"),
              HasSubstr("\n  at most 6 writes a minute (only counted)\n"));
}

TEST(PolicyTextTest, SaysWhoMayDoWhatWithATenant) {
  const auto policy = Read(Principals() + "anonymous: {grants: [{role: reader, tenants: [lab-1]}]}\n");
  const auto access = [&](const std::string& tenant) {
    return DescribeAccess(*policy, TenantId::Parse(tenant, "").value(), kNow);
  };
  EXPECT_EQ(access("acme"), R"(can read acme: farm, release-bot, ops
can write acme: release-bot, ops
can administer acme: ops
can create acme: release-bot, ops
)");
  EXPECT_EQ(access("acme-1"), R"(can read acme-1: farm, ops
can write acme-1: ops
can administer acme-1: ops
can create acme-1: ops
)");
  EXPECT_EQ(access("lab-1"), R"(can read lab-1: release-bot, ops, callers without credentials
can write lab-1: release-bot, ops
can administer lab-1: ops
can create lab-1: release-bot, ops
)");
  EXPECT_EQ(DescribeAccess(*Read("anonymous: {grants: [{role: reader, tenants: [public]}]}\n"),
                           TenantId::Parse("acme", "").value(), kNow),
            "can read acme: nobody\ncan write acme: nobody\ncan administer acme: nobody\ncan create acme: nobody\n");
}

TEST(PolicyTextTest, MarksPrincipalsWithoutAValidCredential) {
  const auto policy = Read(absl::StrCat(R"(principals:
  a: {grants: [{role: reader, tenants: [acme]}]}
  b: {tokens: [{sha256: ")",
                                        kHash, R"(", expires: 2020-01-01}], role: operator}
anonymous: {grants: [{role: editor, tenants: ["*"]}]}
)"));
  EXPECT_EQ(DescribeAccess(*policy, TenantId::Parse("acme", "").value(), kNow),
            R"(can read acme: a (no valid credential), b (no valid credential), callers without credentials
can write acme: b (no valid credential), callers without credentials
can administer acme: b (no valid credential)
can create acme: b (no valid credential)
)");
  EXPECT_THAT(PolicyWarnings(*policy, kNow),
              testing::Contains("everybody who can connect, even without credentials, is editor of all tenants"));
}

TEST(PolicyTextTest, WarnsAboutWhatIsProbablyAMistake) {
  EXPECT_THAT(PolicyWarnings(*Read(Principals()), kNow), IsEmpty());
  const auto policy = Read(absl::StrCat(R"(principals:
  a: {grants: [{role: reader, tenants: [acme]}]}
  b: {tokens: [{sha256: ")",
                                        kHash, R"(", expires: 2027-02-14}]}
  c: {tokens: [{sha256: ")",
                                        kOther, R"(", expires: 2027-01-15T08:00:00Z}], role: operator}
anonymous: {grants: [{role: reader, tenants: [public]}]}
)"));
  EXPECT_THAT(
      PolicyWarnings(*policy, kNow),
      ElementsAre("a has no credentials, so nobody can call as a",
                  "b has no role, so its calls for a tenant are rejected",
                  "the token 01234567 of b expires at 2027-02-14T00:00:00+00:00; create another one with `qconfigctl "
                  "new-token`",
                  "the token fedcba98 of c expired at 2027-01-15T08:00:00+00:00; create another one with `qconfigctl "
                  "new-token`"));
  EXPECT_THAT(PolicyWarnings(*policy, kNow - absl::Hours(24)), testing::SizeIs(3)) << "more than 30 days are left";
}

}  // namespace
}  // namespace qconfig
