// SPDX-License-Identifier: Apache-2.0
#include "server/registry/write_locks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "core/error.h"

namespace qconfig {
namespace {

TenantId Tenant(absl::string_view name) { return TenantId::Parse(name, "tenant").value(); }

v1::ErrorReason ReasonOf(const absl::Status& status) { return ItemErrorOf(status).reason(); }

TEST(WriteLocksTest, OneWriterForEachTenant) {
  WriteLocks locks(10, Clock());
  std::optional<Counted> a = locks.Acquire(Tenant("a"), absl::InfiniteFuture()).value();
  const auto b = locks.Acquire(Tenant("b"), absl::InfiniteFuture());
  EXPECT_TRUE(b.ok());
  std::atomic<bool> released = false;
  std::thread writer([&] {
    const auto again = locks.Acquire(Tenant("a"), absl::InfiniteFuture());
    EXPECT_TRUE(again.ok());
    EXPECT_TRUE(released);
  });
  released = true;
  a.reset();
  writer.join();
}

TEST(WriteLocksTest, WaitEndsAtTheDeadlineOfTheClock) {
  absl::Time now = absl::UnixEpoch();
  WriteLocks locks(2, Clock([&now] { return now; }));
  std::optional<Counted> first = locks.Acquire(Tenant("a"), absl::InfiniteFuture()).value();
  const absl::Status expired = locks.Acquire(Tenant("a"), now - absl::Seconds(1)).status();
  EXPECT_EQ(expired.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(expired.message(), "the deadline expired while waiting for other writes to the same registry");
  first.reset();
  EXPECT_TRUE(locks.Acquire(Tenant("a"), now - absl::Seconds(1)).ok()) << "a free lock needs no time";
}

TEST(WriteLocksTest, WaitEndsInTimeIfTheWallClockIsSetBack) {
  // Steady time passes with each look; the wall clock is set back after the first one.
  const absl::Time start = absl::FromUnixSeconds(1'000'000);
  absl::Time now = start;
  absl::Duration steady = absl::ZeroDuration();
  WriteLocks locks(2, Clock([&now] { return std::exchange(now, absl::UnixEpoch()); },
                            [&steady] { return steady += absl::Milliseconds(10); }));
  const Counted first = locks.Acquire(Tenant("a"), absl::InfiniteFuture()).value();
  now = start;
  EXPECT_EQ(locks.Acquire(Tenant("a"), start + absl::Milliseconds(10)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(WriteLocksTest, CallsAreLimited) {
  WriteLocks locks(2, Clock());
  const auto a = locks.Acquire(Tenant("a"), absl::InfiniteFuture());
  EXPECT_EQ(locks.Acquire(Tenant("a"), absl::InfinitePast()).status().code(), absl::StatusCode::kDeadlineExceeded)
      << "and is not counted any more";
  std::optional<Counted> b = locks.Acquire(Tenant("b"), absl::InfiniteFuture()).value();
  const absl::Status refused = locks.Acquire(Tenant("c"), absl::InfiniteFuture()).status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("concurrency limit (2 writes in flight)"));
  b.reset();
  EXPECT_TRUE(locks.Acquire(Tenant("c"), absl::InfiniteFuture()).ok());
}

}  // namespace
}  // namespace qconfig
