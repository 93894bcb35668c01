// SPDX-License-Identifier: Apache-2.0
#include "server/app/shutdown_request.h"

#include <gtest/gtest.h>

#include <thread>

#include "server/app/exit_codes.h"

namespace qconfig {
namespace {

TEST(ShutdownRequestTest, WaitReturnsTheFirstCause) {
  ShutdownRequest request;
  std::thread waiter([&request] { EXPECT_EQ(request.Wait(), ShutdownCause::kSigint); });
  request.Request(ShutdownCause::kSigint);
  waiter.join();
  request.Request(ShutdownCause::kSigterm);
  EXPECT_EQ(request.Wait(), ShutdownCause::kSigint);
}

TEST(ShutdownRequestTest, SecondSignalAsksToExitAtOnce) {
  ShutdownRequest request;
  request.Request(ShutdownCause::kSigterm);
  EXPECT_FALSE(request.WaitForExitAtOnce(absl::ZeroDuration()));
  request.Request(ShutdownCause::kSigterm);
  EXPECT_TRUE(request.WaitForExitAtOnce(absl::InfiniteDuration()));
}

TEST(ExitCodesTest, CancelledCallsChangeTheExitCode) {
  EXPECT_EQ(ExitCodeOf(0), 0);
  EXPECT_EQ(ExitCodeOf(2), 3);
}

}  // namespace
}  // namespace qconfig
