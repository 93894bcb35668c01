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

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

TenantId Tenant(absl::string_view name) { return TenantId::Parse(name, "tenant").value(); }

v1::ErrorReason ReasonOf(const absl::Status& status) { return ItemErrorOf(status).reason(); }

TEST(WriteLocksTest, OneWriterForEachTenant) {
  WriteLocks locks(10, Clock());
  std::optional<Counted> a = locks.Acquire(Tenant("a"), "caller", absl::InfiniteDuration()).value();
  const auto b = locks.Acquire(Tenant("b"), "caller", absl::InfiniteDuration());
  EXPECT_TRUE(b.ok());
  std::atomic<bool> released = false;
  std::thread writer([&] {
    const auto again = locks.Acquire(Tenant("a"), "caller", absl::InfiniteDuration());
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
  std::optional<Counted> first = locks.Acquire(Tenant("a"), "caller", absl::InfiniteDuration()).value();
  const absl::Status expired = locks.Acquire(Tenant("a"), "caller", now + absl::Milliseconds(15)).status();
  EXPECT_EQ(expired.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(expired.message(), "the deadline expired while waiting for other writes to the same registry");
  first.reset();
  EXPECT_TRUE(locks.Acquire(Tenant("a"), "caller", now - absl::Seconds(1)).ok()) << "a free lock needs no time";
}

TEST(WriteLocksTest, WritersGetTheLockInOrderOfArrival) {
  WriteLocks locks(20, Clock());
  std::optional<Counted> first = locks.Acquire(Tenant("a"), "caller", absl::InfiniteDuration()).value();
  std::vector<size_t> order;  // written under the lock
  std::vector<std::thread> writers;
  for (size_t i = 0; i < 5; ++i) {
    writers.emplace_back([&, i] {
      const auto lock = locks.Acquire(Tenant("a"), "caller", absl::InfiniteDuration());
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

// Callers that hold a lock or wait for one until they are told to end.
class Writers {
 public:
  explicit Writers(WriteLocks& locks) : locks_(locks) {}
  ~Writers() {
    held_.clear();
    for (std::thread& thread : waiting_) thread.join();
  }

  void Hold(const std::string& tenant, const std::string& caller) {
    held_.push_back(locks_.Acquire(Tenant(tenant), caller, absl::InfiniteDuration()).value());
  }
  // Of a tenant whose lock is held.
  void Wait(const std::string& tenant, const std::string& caller) {
    const size_t waiting = locks_.waiting();
    waiting_.emplace_back(
        [this, tenant, caller] { EXPECT_TRUE(locks_.Acquire(Tenant(tenant), caller, absl::InfiniteDuration()).ok()); });
    while (locks_.waiting() == waiting) std::this_thread::yield();
  }

 private:
  WriteLocks& locks_;
  std::vector<Counted> held_;
  std::vector<std::thread> waiting_;
};

TEST(WriteLocksTest, OneTenantCannotKeepOthersOut) {
  WriteLocks locks(32, Clock());
  Writers writers(locks);
  writers.Hold("greedy", "c0");
  for (int i = 1; i < 30; ++i) writers.Wait("greedy", absl::StrCat("c", i));
  const absl::Status rejected = locks.Acquire(Tenant("greedy"), "another", absl::InfiniteDuration()).status();
  EXPECT_EQ(ReasonOf(rejected), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(rejected.message(), "the tenant has 30 of the server's 30 writes in flight; retry later");
  EXPECT_EQ(locks.rejections(), 1);
  writers.Hold("other", "other");
  EXPECT_TRUE(locks.Acquire(Tenant("third"), "third", absl::InfiniteDuration()).ok());
}

TEST(WriteLocksTest, OneCallerCannotKeepTheOthersOfItsTenantOut) {
  WriteLocks locks(32, Clock());
  Writers writers(locks);
  writers.Hold("shared", "greedy");
  for (int i = 1; i < 28; ++i) writers.Wait("shared", "greedy");  // seven eighths of the places
  const absl::Status rejected = locks.Acquire(Tenant("shared"), "greedy", absl::InfiniteDuration()).status();
  EXPECT_EQ(ReasonOf(rejected), v1::ERROR_REASON_OVERLOADED);
  writers.Wait("shared", "another");
  EXPECT_EQ(locks.rejections(), 1);
}

TEST(WriteLocksTest, OneCallerForManyTenantsCannotKeepOthersOut) {
  WriteLocks locks(32, Clock());
  Writers writers(locks);
  for (int i = 0; i < 28; ++i) writers.Hold(absl::StrCat("t", i), "greedy");
  const absl::Status rejected = locks.Acquire(Tenant("more"), "greedy", absl::InfiniteDuration()).status();
  EXPECT_EQ(ReasonOf(rejected), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(rejected.message(), "the caller has 28 of the server's 28 writes in flight; retry later");
  EXPECT_TRUE(locks.Acquire(Tenant("more"), "other", absl::InfiniteDuration()).ok());
}

TEST(WriteLocksTest, APlaceIsFreeAgainAfterTheWriteAndAfterTheDeadline) {
  WriteLocks locks(8, Clock());
  for (int i = 0; i < 100; ++i) {
    const auto lock = locks.Acquire(Tenant("a"), "caller", absl::InfiniteDuration());
    ASSERT_TRUE(lock.ok()) << i;
    EXPECT_TRUE(absl::IsDeadlineExceeded(locks.Acquire(Tenant("a"), "caller", -absl::InfiniteDuration()).status()));
  }
  EXPECT_EQ(locks.waiting(), 0u);
  EXPECT_EQ(locks.rejections(), 0);
}

TEST(WriteLocksTest, CallsAreLimited) {
  WriteLocks locks(2, Clock());
  const auto a = locks.Acquire(Tenant("a"), "caller", absl::InfiniteDuration());
  EXPECT_EQ(locks.Acquire(Tenant("a"), "caller", -absl::InfiniteDuration()).status().code(),
            absl::StatusCode::kDeadlineExceeded)
      << "and is not counted any more";
  std::optional<Counted> b = locks.Acquire(Tenant("b"), "caller", absl::InfiniteDuration()).value();
  const absl::Status refused = locks.Acquire(Tenant("c"), "caller", absl::InfiniteDuration()).status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("concurrency limit (2 writes in flight)"));
  b.reset();
  EXPECT_TRUE(locks.Acquire(Tenant("c"), "caller", absl::InfiniteDuration()).ok());
}

}  // namespace
}  // namespace qconfig
