// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/queued_unary_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/error.h"
#include "tests/server/rpc/test_transport.h"

namespace qconfig {
namespace {

constexpr char kCached[] = "qconfig.v1.ConfigService/GetConfig";
constexpr char kUncached[] = "qconfig.v1.ConfigService/ListSchemes";
constexpr char kOtherCached[] = "qconfig.v1.ConfigService/ListTemplates";

TenantId Tenant(const std::string& name) { return TenantId::Parse(name, "tenant").value(); }

// Answers with the method's path and the number of the call, for the tenant that the request names.
BytesMethod Counting(std::atomic<int>& calls) {
  return [&calls](const CallContext& call, absl::string_view request) -> absl::StatusOr<std::string> {
    call.notes->tenants.emplace_back(request);
    return absl::StrCat(call.method, " ", ++calls);
  };
}

TEST(QueuedUnaryCallTest, ServesMethodsWithAndWithoutCache) {
  std::atomic<int> cached_calls = 0, other_calls = 0, uncached_calls = 0;
  const auto cache = std::make_shared<AnswerCache>(1 << 20);
  const auto other_cache = std::make_shared<AnswerCache>(1 << 20);
  HandlerTable handlers;
  handlers.queued = {{kCached, Counting(cached_calls), cache},
                     {kOtherCached, Counting(other_calls), other_cache},
                     {kUncached, Counting(uncached_calls), nullptr}};
  const TestTransport transport(std::move(handlers));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(transport.Call(kCached, "a").value(), absl::StrCat(kCached, " 1"));
    EXPECT_EQ(transport.Call(kOtherCached, "a").value(), absl::StrCat(kOtherCached, " 1"));
    EXPECT_EQ(transport.Call(kUncached, "a").value(), absl::StrCat(kUncached, " ", i + 1));
  }
  EXPECT_EQ(cache->counts().hits, 2);
  EXPECT_EQ(other_cache->counts().hits, 2);
  cache->Forget(Tenant("a"));
  EXPECT_EQ(transport.Call(kCached, "a").value(), absl::StrCat(kCached, " 2"));
}

TEST(QueuedUnaryCallTest, ErrorsAreNotCached) {
  std::atomic<int> calls = 0;
  const auto cache = std::make_shared<AnswerCache>(1 << 20);
  HandlerTable handlers;
  handlers.queued = {{kCached,
                      [&](const CallContext&, absl::string_view) -> absl::StatusOr<std::string> {
                        return Error(v1::ERROR_REASON_SCHEME_NOT_FOUND).ToStatus(absl::StrCat("call ", ++calls));
                      },
                      cache}};
  const TestTransport transport(std::move(handlers));
  for (int i = 1; i <= 2; ++i) {
    EXPECT_THAT(std::string(transport.Call(kCached, "a").status().message()),
                testing::HasSubstr(absl::StrCat("call ", i)));
  }
}

TEST(QueuedUnaryCallTest, BlockedCallsDoNotDelayOthers) {
  absl::Notification go_on;
  absl::BlockingCounter blocked(90);
  HandlerTable handlers;
  handlers.queued = {{kCached,
                      [&](const CallContext&, absl::string_view request) -> absl::StatusOr<std::string> {
                        if (request == "block") {
                          blocked.DecrementCount();
                          go_on.WaitForNotification();
                        }
                        return std::string(request);
                      },
                      nullptr}};
  const TestTransport transport(std::move(handlers));
  std::vector<std::thread> callers;
  for (int i = 0; i < 90; ++i) {
    callers.emplace_back([&] { EXPECT_EQ(transport.Call(kCached, "block").value(), "block"); });
  }
  blocked.Wait();
  EXPECT_EQ(transport.Call(kCached, "go").value(), "go");
  go_on.Notify();
  for (std::thread& caller : callers) caller.join();
}

TEST(QueuedUnaryCallTest, CacheHitsTakeNoSlots) {
  std::atomic<int> handled = 0;
  const auto calls = std::make_shared<InFlightCalls>(1);
  HandlerTable handlers;
  handlers.queued = {{kCached, Counting(handled), std::make_shared<AnswerCache>(1 << 20)}};
  const TestTransport transport(std::move(handlers), calls);
  const std::string answer = transport.Call(kCached, "a").value();
  const auto only_place = calls->Enter([] { return "peer"; });
  EXPECT_EQ(transport.Call(kCached, "a").value(), answer);
  EXPECT_EQ(transport.Call(kCached, "b").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(handled, 1);
}

TEST(QueuedUnaryCallTest, DrainedServerSendsNoCachedAnswer) {
  std::atomic<int> handled = 0;
  const auto calls = std::make_shared<InFlightCalls>();
  HandlerTable handlers;
  handlers.queued = {{kCached, Counting(handled), std::make_shared<AnswerCache>(1 << 20)}};
  const TestTransport transport(std::move(handlers), calls);
  EXPECT_TRUE(transport.Call(kCached, "a").ok());
  calls->Drain(absl::ZeroDuration());
  EXPECT_EQ(transport.Call(kCached, "a").status().code(), absl::StatusCode::kUnavailable);
}

// Of calls that are handled, and of cached answers.
TEST(QueuedUnaryCallTest, LatencyIsSteadyTime) {
  std::atomic<int> handled = 0;
  std::atomic<int> looks = 0;
  HandlerTable handlers;
  handlers.queued = {{kCached, Counting(handled), std::make_shared<AnswerCache>(1 << 20)}};
  const TestTransport transport(
      std::move(handlers), std::make_shared<InFlightCalls>(),
      Clock([&] { return absl::Now() - absl::Hours(++looks); }, [&] { return absl::Seconds(++looks); }));
  for (int i = 0; i < 2; ++i) {
    const int before = looks;
    ASSERT_TRUE(transport.Call(kCached, "a").ok());
    const int seconds = looks - before - 1;
    EXPECT_THAT(transport.log(), testing::HasSubstr(absl::StrCat("latency_us=", seconds, "000000 ")));
  }
  EXPECT_EQ(handled, 1);
}

}  // namespace
}  // namespace qconfig
