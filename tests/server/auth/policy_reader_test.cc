// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "core/error.h"

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const absl::Time kNow = absl::FromCivil(absl::CivilDay(2026, 12, 1), absl::UTCTimeZone());

absl::StatusOr<std::string> NoFiles(const std::string&) { return absl::FailedPreconditionError("does not exist"); }

absl::StatusOr<std::shared_ptr<const Policy>> Read(const std::string& yaml) { return ReadPolicy(yaml, NoFiles); }

std::string Hash(absl::string_view token) { return Sha256Hex(token); }

// The principal `farm` with `fields`, one per line.
std::string Farm(const std::string& fields) {
  return absl::StrCat("version: 1\nprincipals:\n  farm:\n    tokens: [{sha256: ", Hash("farm"),
                      "}]\n    grants: [{role: reader, tenants: [acme]}]\n", fields);
}

std::string MistakesIn(const std::string& yaml) { return std::string(Read(yaml).status().message()); }

TEST(PolicyReaderTest, EscapesWhatItQuotes) {
  EXPECT_THAT(MistakesIn("version: 1\nissuers:\n  \"c\\u0003i\": {}\nprincipals:\n  farm:\n    jwt: [{issuer: ci}]\n"),
              HasSubstr(R"(is not one of the issuers of this file; did you mean c\u0003i?)"));
}

TEST(PolicyReaderTest, ReadsLimits) {
  const auto limits_of = [](const std::string& limits) {
    const auto policy = Read(Farm("    limits: " + limits));
    EXPECT_TRUE(policy.ok()) << policy.status();
    return (*policy)->parts().principals.front()->limits;
  };
  const RateLimits all = limits_of("{calls_per_second: 20, burst: 50, writes_per_minute: 6, mode: permissive}");
  EXPECT_EQ(all.calls_per_second, 20);
  EXPECT_EQ(all.burst, 50);
  EXPECT_EQ(all.writes_per_minute, 6);
  EXPECT_TRUE(all.is_permissive);
  const RateLimits calls = limits_of("{calls_per_second: 20, mode: enforce}");
  EXPECT_EQ(calls.burst, 20) << "the calls of a second";
  EXPECT_EQ(calls.writes_per_minute, 0);
  EXPECT_FALSE(calls.is_permissive);
  EXPECT_FALSE((*Read(Farm("")))->parts().principals.front()->limits.any());
}

TEST(PolicyReaderTest, ExplainsMistakesInLimits) {
  const auto mistakes_in = [](const std::string& limits) { return MistakesIn(Farm("    limits: " + limits)); };
  EXPECT_THAT(mistakes_in("{calls_per_second: 0}"), HasSubstr("must be a whole number from 1 to 1000000"));
  EXPECT_THAT(mistakes_in("{calls_per_minute: 5}"), HasSubstr("unknown key"));
  EXPECT_THAT(mistakes_in("{writes_per_minute: 5, burst: 7}"), HasSubstr("has no effect without calls_per_second"));
  EXPECT_THAT(mistakes_in("{mode: permissive}"), HasSubstr("must have calls_per_second, writes_per_minute or both"));
  EXPECT_THAT(mistakes_in("{calls_per_second: 5, mode: off}"), HasSubstr("principals.farm.limits.mode"));
  EXPECT_THAT(mistakes_in("{calls_per_second: 5, mode: log}"),
              HasSubstr("must be enforce, which is the default, or permissive"));
}

TEST(PolicyReaderTest, ReadsPrincipalsAndTheirGrants) {
  const auto policy = Read(absl::StrCat(R"(
version: 1
principals:
  farm:
    tokens:
      - {sha256: )",
                                        Hash("farm"), R"(, expires: 2027-01-31}
    default_tenant: acme
    grants:
      - {role: reader, tenants: [acme, "acme-*"]}
      - {role: editor, tenants: ["lab-*"], create: true}
  release-bot:
    certificates: [{uri: "spiffe://corp/sa/release"}, {dns: "*.ci.corp"}, {cn: bot}]
    grants: [{role: admin, tenants: [acme]}]
  ops:
    tokens: [{sha256: )",
                                        Hash("ops"), R"(}]
    role: operator
anonymous:
  grants: [{role: reader, tenants: [public]}]
)"));
  ASSERT_TRUE(policy.ok()) << policy.status();
  const Policy::Parts& parts = (*policy)->parts();
  ASSERT_THAT(parts.principals, SizeIs(3));
  EXPECT_THAT(parts.certificates, SizeIs(3));
  ASSERT_NE(parts.anonymous, nullptr);
  EXPECT_EQ(parts.anonymous->RoleFor("public"), v1::ROLE_READER);
  EXPECT_EQ(parts.anonymous->RoleFor("acme"), v1::ROLE_UNSPECIFIED);

  const auto farm = (*policy)->FindToken("farm", kNow);
  ASSERT_TRUE(farm.ok()) << farm.status();
  EXPECT_EQ(farm->principal->name, "farm");
  EXPECT_EQ(farm->principal->default_tenant.name(), "acme");
  EXPECT_EQ(farm->credential, "token " + Hash("farm").substr(0, 8));
  EXPECT_EQ(farm->principal->RoleFor("acme"), v1::ROLE_READER);
  EXPECT_EQ(farm->principal->RoleFor("acme-1"), v1::ROLE_READER);
  EXPECT_EQ(farm->principal->RoleFor("acme1"), v1::ROLE_UNSPECIFIED);
  EXPECT_EQ(farm->principal->RoleFor("lab-1"), v1::ROLE_EDITOR);
  EXPECT_TRUE(farm->principal->MayCreate("lab-1"));
  EXPECT_FALSE(farm->principal->MayCreate("acme"));
  const auto ops = (*policy)->FindToken("ops", kNow);
  ASSERT_TRUE(ops.ok());
  EXPECT_EQ(ops->principal->RoleFor("anything"), v1::ROLE_OPERATOR);
  EXPECT_TRUE(ops->principal->MayCreate("anything"));
}

TEST(PolicyReaderTest, EditorsCreateTheTenantsThatTheirGrantNames) {
  const auto policy = Read(absl::StrCat("version: 1\nprincipals: {a: {tokens: [{sha256: ", Hash("a"),
                                        "}], grants: [{role: editor, tenants: [acme, 'lab-*']}]}}"));
  ASSERT_TRUE(policy.ok()) << policy.status();
  const auto caller = (*policy)->FindToken("a", kNow);
  EXPECT_TRUE(caller->principal->MayCreate("acme"));
  EXPECT_FALSE(caller->principal->MayCreate("lab-1"));
}

TEST(PolicyReaderTest, TokensExpire) {
  const auto policy = Read(absl::StrCat("version: 1\nprincipals: {a: {tokens: [{sha256: ", Hash("a"),
                                        ", expires: 2026-12-02T12:00:00Z}], role: operator}}"));
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_TRUE((*policy)->FindToken("a", kNow + absl::Hours(35)).ok());
  const v1::ItemError error = ItemErrorOf((*policy)->FindToken("a", kNow + absl::Hours(36)).status());
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_CREDENTIALS_INVALID);
  EXPECT_EQ(error.detail().rule(), "expired");
  EXPECT_EQ(ItemErrorOf((*policy)->FindToken("b", kNow).status()).detail().rule(), "unknown");
}

TEST(PolicyReaderTest, CertificatesAreFoundByTheirNames) {
  const auto policy = Read(R"(
version: 1
principals:
  uri: {certificates: [{uri: "spiffe://corp/sa/*"}], role: operator}
  dns: {certificates: [{dns: "*.ci.corp"}], role: operator}
  cn: {certificates: [{cn: "bot"}], role: operator}
)");
  ASSERT_TRUE(policy.ok()) << policy.status();
  const auto name = [&](const PeerCertificate& certificate) {
    const auto caller = (*policy)->FindCertificate(certificate);
    return caller.ok() ? caller->principal->name : ItemErrorOf(caller.status()).detail().rule();
  };
  EXPECT_EQ(name({{"spiffe://corp/sa/release"}, {}, ""}), "uri");
  EXPECT_EQ(name({{"spiffe://corp/other"}, {}, ""}), "unknown");
  EXPECT_EQ(name({{}, {"a.ci.corp"}, ""}), "dns");
  EXPECT_EQ(name({{}, {"a.b.ci.corp"}, ""}), "unknown");
  EXPECT_EQ(name({{}, {".ci.corp"}, ""}), "unknown");
  EXPECT_EQ(name({{}, {"ci.corp"}, ""}), "unknown");
  EXPECT_EQ(name({{}, {}, "bot"}), "cn");
  EXPECT_EQ(name({{}, {"other"}, "bot"}), "unknown");  // the common name counts only if there is no other name
  EXPECT_EQ(name({{"spiffe://corp/sa/release"}, {"a.ci.corp"}, ""}), "unknown");  // of two principals
}

TEST(PolicyReaderTest, ReportsAllMistakesWithTheirLines) {
  const std::string mistakes = MistakesIn(R"(version: 2
owner: me
principals:
  farm:
    tokens: [{sha256: "qct_abc"}, {sha256: abc, expires: tomorrow}, {}]
    certificates: [{dns: "a.*.corp"}, {uri: "*"}, {uri: a, dns: b}]
    jwt: [{issuer: ci, values: ["a*b"]}]
    default_tenant: Acme
    role: admin
    grants:
      - {role: writer, tenants: ["ac*me"]}
      - {role: operator, tenants: ["*"]}
      - {role: reader}
  anonymous: {}
)");
  EXPECT_THAT(mistakes, HasSubstr("version, line 1: must be a whole number from 1 to 1"));
  EXPECT_THAT(mistakes, HasSubstr("owner, line 2: unknown key"));
  EXPECT_THAT(mistakes, HasSubstr("principals.farm.tokens[0].sha256, line 5: is a token; put only its hash here"));
  EXPECT_THAT(mistakes, HasSubstr("principals.farm.tokens[1].expires, line 5: must be a date such as"));
  EXPECT_THAT(mistakes, HasSubstr("principals.farm.tokens[1].sha256, line 5: must be the 64 hexadecimal digits"));
  EXPECT_THAT(mistakes, HasSubstr("principals.farm.tokens[2], line 5: sha256 is required"));
  EXPECT_THAT(mistakes, HasSubstr("certificates[0].dns, line 6: may have a * only as its first label"));
  EXPECT_THAT(mistakes, HasSubstr("certificates[1].uri, line 6: may have a * only at its end"));
  EXPECT_THAT(mistakes, HasSubstr("certificates[2], line 6: must have one of uri, dns and cn"));
  EXPECT_THAT(mistakes, HasSubstr("jwt[0].issuer, line 7: is not one of the issuers of this file"));
  EXPECT_THAT(mistakes, HasSubstr("jwt[0].values[0], line 7: may have a * only at its end"));
  EXPECT_THAT(mistakes, HasSubstr("default_tenant, line 8: is not a valid tenant name"));
  EXPECT_THAT(mistakes, HasSubstr("role, line 9: can only be operator"));
  EXPECT_THAT(mistakes, HasSubstr("grants[0].role, line 11: \"writer\" is not a role"));
  EXPECT_THAT(mistakes, HasSubstr("grants[0].tenants[0], line 11: must be a tenant name"));
  EXPECT_THAT(mistakes, HasSubstr("grants[1].role, line 12: an operator is one for all tenants"));
  EXPECT_THAT(mistakes, HasSubstr("grants[2], line 13: tenants is required"));
  EXPECT_THAT(mistakes, HasSubstr("principals.anonymous, line 14: the name of a principal"));
}

TEST(PolicyReaderTest, ACredentialHasOnePrincipal) {
  EXPECT_THAT(MistakesIn(Farm(absl::StrCat("  twin: {tokens: [{sha256: ", Hash("farm"), "}]}\n"))),
              HasSubstr("principals.twin.tokens[0].sha256, line 6: is a token of farm already"));
  EXPECT_THAT(MistakesIn(Farm("  a: {certificates: [{uri: 'spiffe://corp/*'}]}\n"
                              "  b: {certificates: [{uri: 'spiffe://corp/b'}]}\n")),
              HasSubstr("can be a name of the same certificate as \"spiffe://corp/*\" of a"));
  EXPECT_THAT(MistakesIn(Farm("  a: {certificates: [{dns: '*.corp'}]}\n  b: {certificates: [{dns: 'b.corp'}]}\n")),
              HasSubstr("can be a name of the same certificate"));
  EXPECT_EQ(MistakesIn(Farm("  a: {certificates: [{dns: '*.corp'}]}\n  b: {certificates: [{dns: 'b.c.corp'}]}\n")), "");
}

TEST(PolicyReaderTest, APolicyThatLocksEverybodyOutIsRejected) {
  const auto locked = HasSubstr("line 1: this policy locks everybody out");
  EXPECT_THAT(MistakesIn("version: 1\n"), locked);
  EXPECT_THAT(MistakesIn("version: 1\nprincipals: {a: {role: operator}}\n"), locked);
  EXPECT_THAT(MistakesIn(absl::StrCat("version: 1\nprincipals: {a: {tokens: [{sha256: ", Hash("a"), "}]}}\n")), locked);
  EXPECT_THAT(MistakesIn(absl::StrCat("version: 1\nprincipals: {a: {role: operator, tokens: [{sha256: ", Hash("a"),
                                      ", expires: 2026-11-30}]}}\n")),
              "")
      << "a server must start with it, and stop accepting removed credentials";
  EXPECT_THAT(MistakesIn("version: 1\n"), HasSubstr("keeps the policy before, with the credentials that this file no "
                                                    "longer has; to remove all callers, stop the server"));
  EXPECT_EQ(MistakesIn("version: 1\nanonymous: {grants: [{role: reader, tenants: ['*']}]}\n"), "");
}

// Each credential is compared with the others, so their number is limited.
TEST(PolicyReaderTest, APolicyHasAtMost10000Credentials) {
  const auto policy = [](int count) {
    std::string text = "version: 1\nprincipals:\n";
    for (int i = 0; i < count; ++i)
      absl::StrAppend(&text, " p", i, ": {certificates: [{cn: bot-", i, "}], role: operator}\n");
    return text;
  };
  EXPECT_EQ(MistakesIn(policy(10'000)), "");
  EXPECT_THAT(MistakesIn(policy(10'001)),
              HasSubstr("principals.p10000.certificates[0].cn, line 10003: is one more than the 10000 credentials"));
}

// As a template of Helm writes it if a value is not set.
TEST(PolicyReaderTest, ValuesMustNotBeEmpty) {
  const auto token = [](absl::string_view rest) {
    return MistakesIn(
        absl::StrCat("version: 1\nprincipals:\n  a: {role: operator, tokens: [{sha256: ", Hash("a"), rest, "}]}\n"));
  };
  EXPECT_THAT(token(", expires: "), HasSubstr("principals.a.tokens[0].expires, line 3: has no value"));
  for (const char* time : {"infinite-future", "infinite-past"}) {
    EXPECT_THAT(token(absl::StrCat(", expires: ", time)), HasSubstr("must be a date")) << time;
  }
  EXPECT_THAT(MistakesIn(Farm("anonymous: {grants: [{role: reader, tenants: []}]}\n")),
              HasSubstr("anonymous.grants[0].tenants, line 6: must name a tenant"));
  EXPECT_THAT(MistakesIn(Farm("anonymous: {grants: [{role: reader, tenants: ['x-*'], create: true}]}\n")),
              HasSubstr("anonymous.grants[0].create, line 6: has no effect for readers"));
}

TEST(PolicyReaderTest, KeyFilesMustBeUsable) {
  EXPECT_THAT(MistakesIn(Farm("issuers: {ci: {issuer: i, audience: a, algorithms: [HS256], jwks: keys.json}}\n")),
              testing::AllOf(HasSubstr("issuers.ci.algorithms[0], line 6: is not a supported algorithm"),
                             HasSubstr("issuers.ci.jwks, line 6: the file does not exist")));
}

TEST(PolicyReaderTest, FilesThatAreNotYamlAreRejected) {
  for (const char* text :
       {"", "[", "a: &x [*x]", "version: 1\nversion: 1", "\xff", "- 1", "version: 1\n---\nversion: 1"}) {
    EXPECT_EQ(Read(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace qconfig
