// SPDX-License-Identifier: Apache-2.0
#include "server/registry/write_locks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"

namespace qconfig {
namespace {

TenantId Tenant(absl::string_view name) { return TenantId::Parse(name, "tenant").value(); }

v1::ErrorReason ReasonOf(const absl::Status& status) { return ItemErrorOf(status).reason(); }

TEST(WriteLocksTest, OneWriterForEachTenant) {
  WriteLocks locks(10, Clock());
  std::optional<Counted> a = locks.Acquire(Tenant("a"), absl::InfiniteDuration()).value();
  const auto b = locks.Acquire(Tenant("b"), absl::InfiniteDuration());
  EXPECT_TRUE(b.ok());
  std::atomic<bool> released = false;
  std::thread writer([&] {
    const auto again = locks.Acquire(Tenant("a"), absl::InfiniteDuration());
    EXPECT_TRUE(again.ok());
    EXPECT_TRUE(released);
  });
  released = true;
  a.reset();
  writer.join();
}

TEST(WriteLocksTest, WaitEndsAtTheDeadline) {
  absl::Duration now = absl::Hours(1);
  WriteLocks locks(2, Clock(absl::Now, [&now] { return now += absl::Milliseconds(10); }));
  std::optional<Counted> first = locks.Acquire(Tenant("a"), absl::InfiniteDuration()).value();
  const absl::Status expired = locks.Acquire(Tenant("a"), now + absl::Milliseconds(15)).status();
  EXPECT_EQ(expired.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(expired.message(), "the deadline expired while waiting for other writes to the same registry");
  first.reset();
  EXPECT_TRUE(locks.Acquire(Tenant("a"), now - absl::Seconds(1)).ok()) << "a free lock needs no time";
}

TEST(WriteLocksTest, WritersGetTheLockInOrderOfArrival) {
  WriteLocks locks(10, Clock());
  std::optional<Counted> first = locks.Acquire(Tenant("a"), absl::InfiniteDuration()).value();
  std::vector<size_t> order;  // written under the lock
  std::vector<std::thread> writers;
  for (size_t i = 0; i < 5; ++i) {
    writers.emplace_back([&, i] {
      const auto lock = locks.Acquire(Tenant("a"), absl::InfiniteDuration());
      EXPECT_TRUE(lock.ok());
      order.push_back(i);
    });
    while (locks.waiting() <= i) std::this_thread::yield();
  }
  first.reset();
  for (std::thread& writer : writers) writer.join();
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(locks.waiting(), 0u);
}

TEST(WriteLocksTest, OneTenantCannotKeepOthersOut) {
  WriteLocks locks(128, Clock());
  std::optional<Counted> first = locks.Acquire(Tenant("greedy"), absl::InfiniteDuration()).value();
  std::vector<std::thread> writers;
  for (size_t i = 0; i < 8; ++i) {
    writers.emplace_back([&] { EXPECT_TRUE(locks.Acquire(Tenant("greedy"), absl::InfiniteDuration()).ok()); });
    while (locks.waiting() <= i) std::this_thread::yield();
  }
  const absl::Status rejected = locks.Acquire(Tenant("greedy"), absl::InfiniteDuration()).status();
  EXPECT_EQ(ReasonOf(rejected), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(rejected.message(), "the tenant has 8 writes that wait for another one; retry later");
  EXPECT_EQ(locks.rejections(), 1);
  EXPECT_TRUE(locks.Acquire(Tenant("other"), absl::InfiniteDuration()).ok());
  first.reset();
  for (std::thread& writer : writers) writer.join();
  EXPECT_TRUE(locks.Acquire(Tenant("greedy"), absl::InfiniteDuration()).ok());
}

TEST(WriteLocksTest, CallsAreLimited) {
  WriteLocks locks(2, Clock());
  const auto a = locks.Acquire(Tenant("a"), absl::InfiniteDuration());
  EXPECT_EQ(locks.Acquire(Tenant("a"), -absl::InfiniteDuration()).status().code(), absl::StatusCode::kDeadlineExceeded)
      << "and is not counted any more";
  std::optional<Counted> b = locks.Acquire(Tenant("b"), absl::InfiniteDuration()).value();
  const absl::Status refused = locks.Acquire(Tenant("c"), absl::InfiniteDuration()).status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("concurrency limit (2 writes in flight)"));
  b.reset();
  EXPECT_TRUE(locks.Acquire(Tenant("c"), absl::InfiniteDuration()).ok());
}

}  // namespace
}  // namespace qconfig
