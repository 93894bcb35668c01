// SPDX-License-Identifier: Apache-2.0
#include "server/registry/shared_loads.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "core/error.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using View = SharedLoads::View;

View EmptyView() { return std::make_shared<const RegistryView>(RegistryState(), /*catalogs=*/1); }

absl::StatusOr<View> NoLoad() { return absl::InternalError("loaded twice"); }

// Calls from a thread of its own.
class Caller {
 public:
  template <typename Call>
  explicit Caller(Call call) : thread_([this, call] { result_ = call(); }) {}

  absl::StatusOr<View> Join() {
    thread_.join();
    return result_;
  }

 private:
  absl::StatusOr<View> result_;
  std::thread thread_;
};

// Loads whose first one is held until `release_`.
class SharedLoadsTest : public testing::Test {
 protected:
  auto HeldLoad(absl::StatusOr<View> result) {
    return [this, result]() -> absl::StatusOr<View> {
      begun_.Notify();
      release_.WaitForNotification();
      return result;
    };
  }

  // Returns when the greatest number of calls waits for revision 2: then further ones are rejected.
  void WaitForCalls(SharedLoads& loads) {
    while (absl::IsDeadlineExceeded(loads.Get(tenant_, 2, -absl::InfiniteDuration(), NoLoad).status())) {
      std::this_thread::yield();
    }
  }

  const TenantId tenant_ = Tenant("a");
  absl::Notification begun_;
  absl::Notification release_;
};

TEST_F(SharedLoadsTest, CallsShareALoad) {
  SharedLoads loads(/*max_waiting_calls=*/8, Clock());
  const View view = EmptyView();
  Caller first([&] { return loads.Get(tenant_, 2, absl::InfiniteDuration(), HeldLoad(view)); });
  begun_.WaitForNotification();
  std::vector<std::unique_ptr<Caller>> others;
  for (int i = 0; i < 8; ++i) {
    others.push_back(std::make_unique<Caller>([&] { return loads.Get(tenant_, 2, absl::InfiniteDuration(), NoLoad); }));
  }
  WaitForCalls(loads);
  EXPECT_EQ(ItemErrorOf(loads.Get(tenant_, 2, -absl::InfiniteDuration(), NoLoad).status()).reason(),
            v1::ERROR_REASON_OVERLOADED);
  release_.Notify();
  EXPECT_EQ(first.Join().value(), view);
  for (const auto& other : others) EXPECT_EQ(other->Join().value(), view);
}

TEST_F(SharedLoadsTest, OtherTenantsAndRevisionsAreOtherLoads) {
  SharedLoads loads(8, Clock());
  Caller first([&] { return loads.Get(tenant_, 2, absl::InfiniteDuration(), HeldLoad(EmptyView())); });
  begun_.WaitForNotification();
  const View view = EmptyView();
  EXPECT_EQ(loads.Get(Tenant("b"), 2, absl::InfiniteDuration(), [&] { return view; }).value(), view);
  EXPECT_EQ(loads.Get(tenant_, 3, absl::InfiniteDuration(), [&] { return view; }).value(), view);
  release_.Notify();
  EXPECT_TRUE(first.Join().ok());
}

TEST_F(SharedLoadsTest, CallsStopWaitingAtTheirDeadline) {
  SharedLoads loads(8, Clock());
  Caller first([&] { return loads.Get(tenant_, 2, absl::InfiniteDuration(), HeldLoad(EmptyView())); });
  begun_.WaitForNotification();
  const auto late = loads.Get(tenant_, 2, Clock().Steady() + absl::Milliseconds(10), NoLoad);
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
  release_.Notify();
  EXPECT_TRUE(first.Join().ok());
}

TEST_F(SharedLoadsTest, AFailedLoadFailsItsWaitersButNotLaterCalls) {
  SharedLoads loads(1, Clock());
  Caller first([&] { return loads.Get(tenant_, 2, absl::InfiniteDuration(), HeldLoad(absl::DataLossError("gone"))); });
  begun_.WaitForNotification();
  Caller second([&] { return loads.Get(tenant_, 2, absl::InfiniteDuration(), NoLoad); });
  WaitForCalls(loads);
  release_.Notify();
  EXPECT_TRUE(absl::IsDataLoss(first.Join().status()));
  EXPECT_TRUE(absl::IsDataLoss(second.Join().status()));
  EXPECT_TRUE(loads.Get(tenant_, 2, absl::InfiniteDuration(), EmptyView).ok());
}

TEST_F(SharedLoadsTest, ADeadlineOfAnotherCallIsNotShared) {
  SharedLoads loads(1, Clock());
  Caller first(
      [&] { return loads.Get(tenant_, 2, absl::InfiniteDuration(), HeldLoad(absl::DeadlineExceededError("late"))); });
  begun_.WaitForNotification();
  const View view = EmptyView();
  Caller second([&] { return loads.Get(tenant_, 2, absl::InfiniteDuration(), [&] { return view; }); });
  WaitForCalls(loads);
  release_.Notify();
  EXPECT_TRUE(absl::IsDeadlineExceeded(first.Join().status()));
  EXPECT_EQ(second.Join().value(), view) << "loads again";
}

TEST_F(SharedLoadsTest, CallsAfterAChangeDoNotGetAnEarlierLoad) {
  SharedLoads loads(8, Clock());
  const View old = EmptyView();
  Caller first([&] { return loads.Get(tenant_, 0, absl::InfiniteDuration(), HeldLoad(old)); });
  begun_.WaitForNotification();
  loads.Outdate(tenant_);
  const View changed = EmptyView();
  EXPECT_EQ(loads.Get(tenant_, 0, absl::InfiniteDuration(), [&] { return changed; }).value(), changed);
  release_.Notify();
  EXPECT_EQ(first.Join().value(), old);
}

TEST_F(SharedLoadsTest, ReadsOneRegistryOfATenantAndTwoInTotal) {
  SharedLoads loads(8, Clock());
  Counted a = loads.EnterRead(tenant_, -absl::InfiniteDuration()).value();
  EXPECT_TRUE(absl::IsDeadlineExceeded(loads.EnterRead(tenant_, -absl::InfiniteDuration()).status()));
  const Counted b = loads.EnterRead(Tenant("b"), -absl::InfiniteDuration()).value();
  EXPECT_TRUE(absl::IsDeadlineExceeded(loads.EnterRead(Tenant("c"), -absl::InfiniteDuration()).status()));
  Counted c;
  std::thread waiter([&] { c = loads.EnterRead(Tenant("c"), absl::InfiniteDuration()).value(); });
  a.Reset();
  waiter.join();
  EXPECT_TRUE(c);
}

}  // namespace
}  // namespace qconfig
