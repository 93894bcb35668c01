// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/worker_threads.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace qconfig {
namespace {

TEST(WorkerThreadsTest, BlockedWorkDoesNotDelayOtherWork) {
  absl::Notification go_on;
  WorkerThreads workers(20);
  absl::BlockingCounter running(20);
  for (int i = 0; i < 20; ++i) {
    workers.Run([&] {
      running.DecrementCount();
      go_on.WaitForNotification();
    });
  }
  running.Wait();
  go_on.Notify();
}

TEST(WorkerThreadsTest, DestructorWaitsForAllWork) {
  std::atomic<int> done = 0;
  {
    WorkerThreads workers(2);
    for (int i = 0; i < 1000; ++i) workers.Run([&] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

TEST(WorkerThreadsTest, WithoutThreadsNoWorkIsAccepted) {
  WorkerThreads workers(0);
  EXPECT_FALSE(workers.Run([] { FAIL(); }));
}

}  // namespace
}  // namespace qconfig
