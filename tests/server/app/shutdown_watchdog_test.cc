// SPDX-License-Identifier: Apache-2.0
#include "server/app/shutdown_watchdog.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "server/app/exit_codes.h"
#include "server/base/counted.h"
#include "server/rpc/in_flight_calls.h"

namespace qconfig {
namespace {

// Each test ends a process of its own, whose log it reads.
class ShutdownWatchdogTest : public testing::Test {
 protected:
  ShutdownWatchdogTest() { testing::FLAGS_gtest_death_test_style = "threadsafe"; }

  static EventLog Log() {
    spdlog::logger log("test", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    SetLogForm(log, LogForm::kText);
    return EventLog(log, LogForm::kText);
  }

  // Requests a shutdown that never ends, while as many calls as `calls` are in flight. Does not return.
  static void NeverEnd(int calls, absl::Duration max_shutdown, int signals) {
    const auto request = std::make_shared<ShutdownRequest>();
    const auto in_flight_calls = std::make_shared<InFlightCalls>();
    ShutdownWatchdog watchdog(request, Log(), max_shutdown);
    watchdog.Watch(in_flight_calls);
    std::vector<absl::StatusOr<Counted>> entered;
    while (entered.size() < static_cast<size_t>(calls))
      entered.push_back(in_flight_calls->Enter([] { return "peer"; }));
    for (int i = 0; i < signals; ++i) request->Request(ShutdownCause::kSigterm);
    absl::SleepFor(absl::InfiniteDuration());
  }
};

TEST_F(ShutdownWatchdogTest, ExitsAfterTheMaximumTime) {
  EXPECT_EXIT(NeverEnd(/*calls=*/1, absl::Milliseconds(1), /*signals=*/1), testing::ExitedWithCode(ExitCodeOf(1)),
              "\\[warn\\] exiting at once reason=\"cancelled calls did not end\" in_flight=1");
  EXPECT_EXIT(NeverEnd(/*calls=*/0, absl::Milliseconds(1), /*signals=*/1), testing::ExitedWithCode(kSuccess),
              "\\[warn\\] exiting at once reason=\"storage did not close\" in_flight=0");
}

TEST_F(ShutdownWatchdogTest, ExitsAtTheSecondSignal) {
  EXPECT_EXIT(NeverEnd(/*calls=*/1, absl::Hours(1), /*signals=*/2), testing::ExitedWithCode(ExitCodeOf(1)),
              "\\[warn\\] exiting at once reason=\"second signal\" in_flight=1");
}

TEST_F(ShutdownWatchdogTest, ExitsAtOnceBeforeCallsAreServed) {
  const auto request_at_start = [] {
    const auto request = std::make_shared<ShutdownRequest>();
    ShutdownWatchdog watchdog(request, Log(), absl::Hours(1));
    request->Request(ShutdownCause::kSigint);
    absl::SleepFor(absl::InfiniteDuration());
  };
  EXPECT_EXIT(request_at_start(), testing::ExitedWithCode(kSuccess), "shut down before serving cause=SIGINT");
}

}  // namespace
}  // namespace qconfig
