// SPDX-License-Identifier: Apache-2.0
//
// Rates of principals: the buckets, and calls over a real connection.
#include "server/auth/rate_limiter.h"

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "server/auth/authenticator.h"
#include "tests/core/test_support.h"
#include "tests/server/auth/policy_test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

constexpr char kHost[] = "ipv4:192.0.2.1";

Principal Farm(const RateLimits& limits) {
  Principal principal;
  principal.name = "farm";
  principal.limits = limits;
  return principal;
}

class RateLimiterTest : public testing::Test {
 protected:
  // How many of `calls` are allowed.
  int Allowed(const Principal& principal, int calls, bool is_write = false, const std::string& address = kHost) {
    int allowed = 0;
    for (int i = 0; i < calls; ++i) allowed += limiter_.Take(principal, address, is_write).ok() ? 1 : 0;
    return allowed;
  }

  absl::Duration now_ = absl::Hours(1);
  RateLimiter limiter_{Clock(absl::Now, [this] { return now_; })};
};

TEST_F(RateLimiterTest, AllowsABurstAndThenTheRate) {
  const Principal farm = Farm({10, 30});
  EXPECT_EQ(Allowed(farm, 100), 30);
  EXPECT_EQ(limiter_.rejected(), 70);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Allowed(farm, 100), 10);
  now_ += absl::Hours(1);
  EXPECT_EQ(Allowed(farm, 100), 30) << "no more than a burst is saved up";
}

TEST_F(RateLimiterTest, SaysWhenTheCallIsAllowed) {
  const Principal farm = Farm({10, 1});
  EXPECT_TRUE(limiter_.Take(farm, kHost, false).ok());
  now_ += absl::Milliseconds(60);
  const absl::Status rejected = limiter_.Take(farm, kHost, false);
  EXPECT_EQ(rejected.code(), absl::StatusCode::kResourceExhausted);
  const v1::ItemError error = ItemErrorOf(rejected);
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(error.detail().retry_after_ms(), 40);
  EXPECT_THAT(error.message(), testing::HasSubstr("farm may make 10 calls a second, and 1 at once; retry in 40 ms"));
  now_ += absl::Milliseconds(40);
  EXPECT_TRUE(limiter_.Take(farm, kHost, false).ok());
}

TEST_F(RateLimiterTest, WritesHaveALimitOfTheirOwn) {
  const Principal farm = Farm({0, 0, 60});
  EXPECT_EQ(Allowed(farm, 1000), 1000);
  EXPECT_EQ(Allowed(farm, 100, /*is_write=*/true), 60);
  EXPECT_EQ(ItemErrorOf(limiter_.Take(farm, kHost, true)).detail().retry_after_ms(), 1000);
  const Principal both = Farm({10, 10, 60});
  EXPECT_EQ(Allowed(both, 1, /*is_write=*/true), 0);
  EXPECT_EQ(Allowed(both, 100), 10) << "a rejected write is no call";
}

TEST_F(RateLimiterTest, PermissiveLimitsOnlyCount) {
  const Principal farm = Farm({10, 10, 0, true});
  EXPECT_EQ(Allowed(farm, 100), 100);
  EXPECT_EQ(limiter_.tolerated(), 90);
  EXPECT_EQ(limiter_.rejected(), 0);
  EXPECT_TRUE(limiter_.TakeIfAllowed(farm, kHost, false));
  EXPECT_EQ(limiter_.tolerated(), 91);
}

TEST_F(RateLimiterTest, TakeIfAllowedLeavesRejectionsToTake) {
  const Principal farm = Farm({10, 1});
  EXPECT_TRUE(limiter_.TakeIfAllowed(farm, kHost, false));
  EXPECT_FALSE(limiter_.TakeIfAllowed(farm, kHost, false));
  EXPECT_EQ(limiter_.rejected(), 0);
}

TEST_F(RateLimiterTest, APolicyThatReplacesAnotherGivesNoNewBurst) {
  EXPECT_EQ(Allowed(Farm({10, 30}), 100), 30);
  EXPECT_EQ(Allowed(Farm({10, 30}), 100), 0) << "the same principal of a new policy";
  EXPECT_EQ(Allowed(Farm({10, 40}), 100), 10);
  EXPECT_EQ(Allowed(Farm({}), 100), 100);
}

TEST_F(RateLimiterTest, LowerLimitsApplyAtOnceAndDoNotLockOut) {
  EXPECT_EQ(Allowed(Farm({1000, 1000}), 1000), 1000);
  EXPECT_EQ(ItemErrorOf(limiter_.Take(Farm({1, 1}), kHost, false)).detail().retry_after_ms(), 1000);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Allowed(Farm({1, 1}), 10), 1);

  EXPECT_EQ(Allowed(Farm({0, 0, 600}), 600, /*is_write=*/true), 600);
  EXPECT_EQ(ItemErrorOf(limiter_.Take(Farm({0, 0, 6}), kHost, true)).detail().retry_after_ms(), 10'000);
}

TEST_F(RateLimiterTest, BucketsAreRememberedAsLongAsALowerRateNeedsThem) {
  EXPECT_EQ(Allowed(Farm({1000, 1000}), 1000), 1000);
  EXPECT_EQ(Allowed(Farm({1, 10}), 1), 0);
  now_ += absl::Seconds(2);
  Principal anonymous = Farm({1, 1});
  anonymous.is_anonymous = true;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Allowed(anonymous, 1, false, absl::StrCat("a", i)), 1);
  EXPECT_EQ(Allowed(Farm({1, 10}), 100), 2);
}

TEST_F(RateLimiterTest, AnonymousCallersAreCountedByHost) {
  Principal anonymous = Farm({10, 10});
  anonymous.is_anonymous = true;
  EXPECT_EQ(Allowed(anonymous, 100, false, "ipv4:192.0.2.1"), 10);
  EXPECT_EQ(Allowed(anonymous, 100, false, "ipv4:192.0.2.2"), 10);
  EXPECT_EQ(Allowed(anonymous, 100, false, "ipv4:192.0.2.2:40312"), 0);
  EXPECT_EQ(Allowed(anonymous, 100, false, "ipv6:%5B2001:db8::1%5D:1"), 10);
  EXPECT_EQ(Allowed(anonymous, 100, false, "ipv6:%5B2001:db8::2%5D:1"), 0) << "a host can use all addresses of a /64";
  EXPECT_EQ(Allowed(Farm({10, 10}), 100, false, "ipv4:192.0.2.1"), 10);
  EXPECT_EQ(Allowed(Farm({10, 10}), 100, false, "ipv4:192.0.2.2"), 0) << "a named principal has one bucket";
}

TEST_F(RateLimiterTest, ManyAddressesShareWhatIsLeft) {
  Principal anonymous = Farm({1, 1});
  anonymous.is_anonymous = true;
  constexpr int kMost = 10'000;
  for (int i = 0; i < kMost; ++i) ASSERT_EQ(Allowed(anonymous, 1, false, absl::StrCat("a", i)), 1);
  EXPECT_EQ(Allowed(anonymous, 1, false, "b"), 1);
  EXPECT_EQ(Allowed(anonymous, 1, false, "c"), 0);
  now_ += absl::Seconds(2);
  EXPECT_EQ(Allowed(anonymous, 1, false, "d"), 1) << "buckets that are empty are forgotten";
  EXPECT_EQ(Allowed(anonymous, 1, false, "e"), 1);
}

TEST_F(RateLimiterTest, FewEmptyBucketsAmongManyAreForgotten) {
  Principal anonymous = Farm({1, 4});
  anonymous.is_anonymous = true;
  constexpr int kBusy = 9'990;
  constexpr int kOthers = 10;
  for (int i = 0; i < kBusy; ++i) ASSERT_EQ(Allowed(anonymous, 3, false, absl::StrCat("busy", i)), 3);
  anonymous.limits.burst = 1;
  for (int i = 0; i < kOthers; ++i) ASSERT_EQ(Allowed(anonymous, 1, false, absl::StrCat("a", i)), 1);
  now_ += absl::Seconds(2);
  for (int i = 0; i < kOthers; ++i) EXPECT_EQ(Allowed(anonymous, 1, false, absl::StrCat("b", i)), 1);
}

// A server whose time stands still.
class RateLimitedCallsTest : public testing::Test {
 protected:
  RateLimitedCallsTest() {
    authenticator_->SetPolicy(
        PolicyOf(PrincipalWith("farm",
                               "grants: [{role: editor, tenants: [acme]}], limits: {calls_per_second: 20, "
                               "burst: 5, writes_per_minute: 2}") +
                 PrincipalWith("other", "grants: [{role: editor, tenants: [acme]}]")));
    TestSettings settings;
    settings.authenticator = authenticator_;
    settings.resources.rates = rates_;
    server_ = std::make_unique<TestServer>(std::move(settings));
  }

  v1::ItemError GetConfig(const std::string& token, const std::string& scheme = "fp8") {
    auto request = Proto<v1::GetConfigRequest>("tenant: 'acme' spec { model_type: 'llama' }");
    request.mutable_spec()->set_scheme(scheme);
    return CallWith(server_->channel(), "Bearer " + token, "/qconfig.v1.ConfigService/GetConfig",
                    request.SerializeAsString())
        .error;
  }
  v1::ItemError Register(const std::string& token, const std::string& name) {
    auto request = Proto<v1::RegisterSchemeRequest>("tenant: 'acme' scheme { config {} }");
    request.mutable_scheme()->set_name(name);
    return CallWith(server_->channel(), "Bearer " + token, "/qconfig.v1.RegistryService/RegisterScheme",
                    request.SerializeAsString())
        .error;
  }

  const std::shared_ptr<Authenticator> authenticator_ = std::make_shared<Authenticator>(Clock());
  const std::shared_ptr<RateLimiter> rates_ =
      std::make_shared<RateLimiter>(Clock(absl::Now, [] { return absl::Hours(1); }));
  std::unique_ptr<TestServer> server_;
};

TEST_F(RateLimitedCallsTest, CachedAnswersCountAsWell) {
  for (int i = 0; i < 5; ++i) ASSERT_EQ(GetConfig("farm").reason(), v1::ERROR_REASON_UNSPECIFIED) << i;
  for (int i = 0; i < 3; ++i) {
    const v1::ItemError error = GetConfig("farm");
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_RATE_LIMITED);
    EXPECT_EQ(error.code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
    EXPECT_EQ(error.detail().retry_after_ms(), 50);
  }
  EXPECT_EQ(rates_->rejected(), 3);
  EXPECT_EQ(GetConfig("other").reason(), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(RateLimitedCallsTest, WritesAboveTheirRateAreRejectedAndReadsAreNot) {
  EXPECT_EQ(Register("farm", "a").reason(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Register("farm", "b").reason(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Register("farm", "c").reason(), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(GetConfig("farm").reason(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Register("other", "c").reason(), v1::ERROR_REASON_UNSPECIFIED) << "the rejected write was not stored";
}

TEST_F(RateLimitedCallsTest, RejectionsSayWhenToRetryAndAreNotRetried) {
  for (int i = 0; i < 5; ++i) GetConfig("farm");
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer farm");
  v1::GetConfigResponse response;
  const auto request = Proto<v1::GetConfigRequest>("tenant: 'acme' spec { model_type: 'llama' scheme: 'fp8' }");
  const grpc::Status status = v1::ConfigService::NewStub(server_->channel())->GetConfig(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  const auto& trailers = context.GetServerTrailingMetadata();
  EXPECT_EQ(trailers.count("grpc-retry-pushback-ms"), 0u) << "some clients would retry";
  EXPECT_EQ(rates_->rejected(), 1);
}

TEST_F(RateLimitedCallsTest, AReloadOfThePolicyGivesNoNewBurst) {
  for (int i = 0; i < 5; ++i) ASSERT_EQ(GetConfig("farm").reason(), v1::ERROR_REASON_UNSPECIFIED);
  const auto reload = [&](const std::string& limits) {
    authenticator_->SetPolicy(PolicyOf(PrincipalWith("farm", "grants: [{role: editor, tenants: [acme]}]" + limits)));
  };
  reload(", limits: {calls_per_second: 20, burst: 5}");
  EXPECT_EQ(GetConfig("farm").reason(), v1::ERROR_REASON_RATE_LIMITED);
  reload(", limits: {calls_per_second: 20, burst: 5, mode: permissive}");
  EXPECT_EQ(GetConfig("farm").reason(), v1::ERROR_REASON_UNSPECIFIED);
  reload(", limits: {calls_per_second: 20, burst: 5, mode: enforce}");
  EXPECT_EQ(GetConfig("farm").reason(), v1::ERROR_REASON_RATE_LIMITED);
  reload("");
  EXPECT_EQ(GetConfig("farm").reason(), v1::ERROR_REASON_UNSPECIFIED);
}

}  // namespace
}  // namespace qconfig
