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
  request.Request(ShutdownCause::kPortLost);
  EXPECT_EQ(request.Wait(), ShutdownCause::kSigint);
}

TEST(ShutdownRequestTest, SecondSignalAsksToExitAtOnce) {
  ShutdownRequest request;
  request.Request(ShutdownCause::kSigterm);
  EXPECT_FALSE(request.WaitForExitAtOnce(absl::ZeroDuration()));
  request.Request(ShutdownCause::kSigterm);
  EXPECT_TRUE(request.WaitForExitAtOnce(absl::InfiniteDuration()));
}

TEST(ShutdownRequestTest, PortLostDuringShutdownDoesNotAskToExitAtOnce) {
  ShutdownRequest request;
  request.Request(ShutdownCause::kSigterm);
  EXPECT_FALSE(request.port_lost());
  request.Request(ShutdownCause::kPortLost);
  EXPECT_TRUE(request.port_lost());
  EXPECT_FALSE(request.WaitForExitAtOnce(absl::ZeroDuration()));
}

TEST(ShutdownRequestTest, SignalAfterPortLostAsksToExitAtOnce) {
  ShutdownRequest request;
  request.Request(ShutdownCause::kPortLost);
  EXPECT_EQ(request.Wait(), ShutdownCause::kPortLost);
  EXPECT_FALSE(request.WaitForExitAtOnce(absl::ZeroDuration()));
  request.Request(ShutdownCause::kSigterm);
  EXPECT_TRUE(request.WaitForExitAtOnce(absl::InfiniteDuration()));
}

TEST(ExitCodesTest, LostPortIsAFailureWhateverHappensToCalls) {
  EXPECT_EQ(ExitCodeOf(/*port_lost=*/false, 0), 0);
  EXPECT_EQ(ExitCodeOf(/*port_lost=*/false, 2), 3);
  EXPECT_EQ(ExitCodeOf(/*port_lost=*/true, 0), 1);
  EXPECT_EQ(ExitCodeOf(/*port_lost=*/true, 2), 1);
}

}  // namespace
}  // namespace qconfig
