// SPDX-License-Identifier: Apache-2.0
#include "server/base/fair_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

constexpr absl::Duration kTurn = absl::Milliseconds(10);
constexpr absl::Duration kSmall = absl::Milliseconds(2);

// Calls of a caller for a tenant. Each of them is made again when it has ended, after a pause.
struct Load {
  std::string tenant;
  std::string caller;
  int calls;
  absl::Duration least_cost;
  absl::Duration most_cost;
  absl::Duration pause = absl::ZeroDuration();
  bool has_new_names = false;  // whether each call is for a new tenant
};

// A server without threads: processors that work on the calls of a FairQueue, and a clock that jumps from one end of a
// turn to the next.
class Simulation {
 public:
  Simulation(const FairQueue::Limits& limits, unsigned seed) : queue_(limits), random_(seed) {}

  void Add(const Load& load) {
    for (int i = 0; i < load.calls; ++i) {
      calls_.emplace_back();
      calls_.back().load = load;
      Schedule(calls_.back(), absl::ZeroDuration());
    }
  }

  void RunUntil(absl::Duration end) {
    while (now_ < end) {
      while (auto* const next = static_cast<Call*>(queue_.Next())) Begin(*next);
      ASSERT_FALSE(events_.empty());
      Call& call = *events_.begin()->second;
      now_ = events_.begin()->first.first;
      events_.erase(events_.begin());
      call.is_outside ? Arrive(call) : End(call);
    }
  }

  absl::Duration used(const std::string& tenant) { return used_[tenant]; }
  absl::Duration longest_wait(const std::string& tenant) { return longest_wait_[tenant]; }
  int64_t ended(const std::string& tenant) { return ended_[tenant]; }
  size_t remembered() const { return queue_.remembered(); }

 private:
  struct Call : FairQueue::Call {
    Load load;
    absl::Duration left;
    absl::Duration slice;
    absl::Duration turn;  // used so far
    absl::Duration arrived;
    bool is_outside = true;
    bool has_begun = false;
    bool is_large = false;
  };

  // Arrive() or End() of the call follows.
  void Schedule(Call& call, absl::Duration time) { events_.emplace(std::pair(now_ + time, next_event_++), &call); }

  void Arrive(Call& call) {
    std::uniform_real_distribution<double> share(0, 1);
    call.left = call.load.least_cost + (call.load.most_cost - call.load.least_cost) * share(random_);
    call.is_large = call.has_begun = call.is_outside = false;
    call.arrived = now_;
    const std::string tenant = call.load.has_new_names ? absl::StrCat(call.load.tenant, next_event_) : call.load.tenant;
    ASSERT_TRUE(queue_.Add(call, tenant, call.load.caller));
  }

  void Begin(Call& call) {
    if (!std::exchange(call.has_begun, true)) {
      absl::Duration& longest = longest_wait_[call.load.tenant];
      longest = std::max(longest, now_ - call.arrived);
    }
    call.turn = absl::ZeroDuration();
    Compute(call, call.is_large ? kTurn : kSmall);
  }

  void Compute(Call& call, absl::Duration time) {
    call.slice = std::min(call.left, time);
    Schedule(call, call.slice);
  }

  // As FairTurns does at the calls of Continue().
  void End(Call& call) {
    call.left -= call.slice;
    call.turn += call.slice;
    used_[call.load.tenant] += call.slice;
    if (call.left <= absl::ZeroDuration()) {
      queue_.Remove(call, call.turn);
      ++ended_[call.load.tenant];
      call.is_outside = true;
      return Schedule(call, call.load.pause);
    }
    const bool becomes_large = !std::exchange(call.is_large, true) && !queue_.MakeLarge(call);
    if (becomes_large || call.turn >= kTurn) return queue_.Requeue(call, call.turn, becomes_large);
    Compute(call, kTurn - call.turn);
  }

  FairQueue queue_;
  std::mt19937 random_;
  absl::Duration now_;
  int64_t next_event_ = 0;
  std::deque<Call> calls_;
  std::map<std::pair<absl::Duration, int64_t>, Call*> events_;
  std::map<std::string, absl::Duration> used_;
  std::map<std::string, absl::Duration> longest_wait_;
  std::map<std::string, int64_t> ended_;
};

// A tenant that is always busy is behind another one by at most this.
const absl::Duration kMaxUnfairness = 4 * kTurn;

TEST(FairQueueTest, BusyTenantsUseTheSameTimeAtEveryMoment) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    Simulation simulation({}, seed);
    const std::vector<Load> loads = {
        {"one connection", "a", 5, absl::Milliseconds(1), absl::Milliseconds(5)},
        {"small calls", "b", 60, absl::Microseconds(50), absl::Microseconds(100)},
        {"long calls", "c", 60, absl::Milliseconds(200), absl::Seconds(4)},
        {"all kinds", "d", 30, absl::Microseconds(10), absl::Milliseconds(200)},
    };
    for (const Load& load : loads) simulation.Add(load);
    for (int step = 1; step <= 100; ++step) {
      simulation.RunUntil(step * absl::Milliseconds(50));
      for (const Load& load : loads) {
        EXPECT_LE(simulation.used("long calls") - simulation.used(load.tenant), kMaxUnfairness) << load.tenant;
        EXPECT_LE(simulation.used(load.tenant) - simulation.used("long calls"), kMaxUnfairness) << load.tenant;
      }
    }
  }
}

TEST(FairQueueTest, EachOfAHundredTenantsHasItsShare) {
  Simulation simulation({}, 1);
  for (int i = 0; i < 100; ++i) {
    const auto cost = absl::Milliseconds(1 + i % 50);
    simulation.Add({absl::StrCat("t", i), absl::StrCat("p", i), 3, cost, 2 * cost});
  }
  constexpr absl::Duration kTime = absl::Seconds(100);
  simulation.RunUntil(kTime);
  for (int i = 0; i < 100; ++i) {
    EXPECT_GE(simulation.used(absl::StrCat("t", i)), 0.8 * 2 * kTime / 100) << i;
  }
}

TEST(FairQueueTest, TenantsBehindAProxyHaveFullShares) {
  Simulation simulation({}, 2);
  for (int i = 0; i < 9; ++i) {
    simulation.Add({absl::StrCat("t", i), "proxy", 5, absl::Milliseconds(1), absl::Milliseconds(20)});
  }
  simulation.Add({"direct", "direct", 5, absl::Milliseconds(1), absl::Milliseconds(20)});
  constexpr absl::Duration kTime = absl::Seconds(20);
  simulation.RunUntil(kTime);
  for (int i = 0; i < 9; ++i) EXPECT_GE(simulation.used(absl::StrCat("t", i)), 0.8 * 2 * kTime / 10) << i;
  EXPECT_GE(simulation.used("direct"), 0.8 * 2 * kTime / 10);
}

TEST(FairQueueTest, ATenantOfManyCallersHasOneShare) {
  Simulation simulation({}, 3);
  for (int i = 0; i < 60; ++i) {
    simulation.Add({"farm", absl::StrCat("worker", i), 1, absl::Milliseconds(5), absl::Milliseconds(50)});
  }
  simulation.Add({"other", "other", 3, absl::Milliseconds(5), absl::Milliseconds(50)});
  constexpr absl::Duration kTime = absl::Seconds(20);
  simulation.RunUntil(kTime);
  EXPECT_GE(simulation.used("other"), 0.8 * 2 * kTime / 2);
}

// The promise: a tenant's only call waits for at most one turn.
TEST(FairQueueTest, TheOnlyCallOfATenantWaitsForOneTurnAtMost) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(seed);
    Simulation simulation({}, seed);
    simulation.Add({"long", "a", 60, absl::Milliseconds(200), absl::Seconds(4)});
    simulation.Add({"small", "b", 60, absl::Microseconds(50), absl::Milliseconds(1)});
    for (int i = 0; i < 190; ++i) {
      simulation.Add({absl::StrCat("t", i), "c", 1, absl::Milliseconds(1), absl::Milliseconds(100)});
    }
    simulation.Add({"light", "light", 1, absl::Microseconds(50), absl::Milliseconds(2), absl::Milliseconds(10)});
    simulation.RunUntil(absl::Seconds(10));
    EXPECT_LE(simulation.longest_wait("light"), kTurn);
    EXPECT_GT(simulation.ended("light"), 50);
  }
}

TEST(FairQueueTest, TheFirstCallOfAnotherCallerIsNextWhateverOneHasQueued) {
  FairQueue queue({});
  std::vector<FairQueue::Call> calls(200);
  for (size_t i = 0; i < calls.size(); ++i) ASSERT_TRUE(queue.Add(calls[i], absl::StrCat("t", i), "caller"));
  for (int turn = 0; turn < 10; ++turn) {
    for (FairQueue::Call* const running : {queue.Next(), queue.Next()}) {
      ASSERT_NE(running, nullptr);
      queue.Requeue(*running, kTurn, false);
    }
  }
  ASSERT_NE(queue.Next(), nullptr);
  ASSERT_NE(queue.Next(), nullptr);
  EXPECT_EQ(queue.Next(), nullptr) << "the extra turn is not for a caller with so many calls";
  FairQueue::Call first;
  ASSERT_TRUE(queue.Add(first, "light", "other"));
  EXPECT_EQ(queue.Next(), &first);
}

TEST(FairQueueTest, TimeUsedAloneIsNoDebt) {
  FairQueue queue({1, 0});
  FairQueue::Call alone;
  ASSERT_TRUE(queue.Add(alone, "alone", "a"));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(queue.Next(), &alone);
    queue.Requeue(alone, kTurn, false);
  }
  FairQueue::Call other;
  ASSERT_TRUE(queue.Add(other, "other", "b"));
  int turns_of_other = 0;
  for (int i = 0; i < 20; ++i) {
    FairQueue::Call* const next = queue.Next();
    turns_of_other += next == &other ? 1 : 0;
    queue.Requeue(*next, kTurn, false);
  }
  EXPECT_NEAR(turns_of_other, 10, 1);
}

TEST(FairQueueTest, LargeCallsAreLimitedInTotalAndOfEachTenant) {
  FairQueue::Limits limits;
  limits.turns = 10;
  limits.large = 4;
  limits.first_large = 1;
  limits.large_of_tenant = 2;
  FairQueue queue(limits);
  std::vector<FairQueue::Call> calls(6);
  const std::string names = "aaabbc";
  for (size_t i = 0; i < calls.size(); ++i) {
    ASSERT_TRUE(queue.Add(calls[i], names.substr(i, 1), names.substr(i, 1)));
    ASSERT_EQ(queue.Next(), &calls[i]);
  }
  EXPECT_TRUE(queue.MakeLarge(calls[0]));
  EXPECT_TRUE(queue.MakeLarge(calls[1]));
  EXPECT_FALSE(queue.MakeLarge(calls[2])) << "the tenant has two";
  EXPECT_TRUE(queue.MakeLarge(calls[3]));
  EXPECT_FALSE(queue.MakeLarge(calls[4])) << "the last place is for tenants that have none";
  EXPECT_TRUE(queue.MakeLarge(calls[5]));
  queue.Requeue(calls[2], kSmall, true);
  queue.Requeue(calls[4], kSmall, true);
  EXPECT_EQ(queue.Next(), nullptr);
  queue.Requeue(calls[0], kTurn, false);
  EXPECT_EQ(queue.Next(), &calls[0]) << "it is large and waits for nothing but a turn";
  queue.MakeSmall(calls[3]);
  EXPECT_EQ(queue.Next(), &calls[4]);
  queue.Remove(calls[0], kTurn);
  EXPECT_EQ(queue.Next(), nullptr);
  queue.Remove(calls[5], kTurn);
  EXPECT_EQ(queue.Next(), &calls[2]);
  EXPECT_EQ(queue.Next(), nullptr);
}

TEST(FairQueueTest, ACallerWithManyTenantsLeavesLargeCallsToOthers) {
  FairQueue queue({});
  std::vector<FairQueue::Call> calls(5);
  for (size_t i = 0; i < calls.size(); ++i) {
    ASSERT_TRUE(queue.Add(calls[i], absl::StrCat("t", i), i < 4 ? "greedy" : "other"));
  }
  size_t large = 0;
  while (auto* const next = queue.Next()) {
    large += queue.MakeLarge(*next) ? 1 : 0;
    queue.Requeue(*next, kSmall, /*becomes_large=*/true);
    if (large == 4) break;
  }
  EXPECT_EQ(large, 4u) << "three of the caller, and one of the other one";
}

TEST(FairQueueTest, ExtraTurnsAreForSmallCallsOfCallersWhoUseLittle) {
  FairQueue queue({1, 1});
  FairQueue::Call running, greedy, light, large, lighter;
  ASSERT_TRUE(queue.Add(running, "a", "a"));
  ASSERT_EQ(queue.Next(), &running);
  ASSERT_TRUE(queue.MakeLarge(running));
  for (int turn = 0; turn < 10; ++turn) {
    queue.Requeue(running, kTurn, false);
    ASSERT_EQ(queue.Next(), &running);
  }
  ASSERT_TRUE(queue.Add(greedy, "a", "a"));
  EXPECT_EQ(queue.Next(), nullptr) << "the caller uses more than others";
  ASSERT_TRUE(queue.Add(large, "b", "b"));
  ASSERT_EQ(queue.Next(), &large);
  EXPECT_FALSE(queue.MakeLarge(large)) << "the extra turn is not for large calls";
  queue.Requeue(large, kSmall, true);
  EXPECT_EQ(queue.Next(), nullptr);
  ASSERT_TRUE(queue.Add(light, "a", "c"));
  EXPECT_EQ(queue.Next(), nullptr) << "the tenant uses more than others";
  ASSERT_TRUE(queue.Add(lighter, "d", "d"));
  EXPECT_EQ(queue.Next(), &lighter);
}

TEST(FairQueueTest, OneTenantCannotFillTheQueue) {
  FairQueue::Limits limits;
  limits.waiting_of_tenant = 10;
  FairQueue queue(limits);
  std::vector<FairQueue::Call> calls(30);
  for (size_t i = 0; i < 10; ++i) ASSERT_TRUE(queue.Add(calls[i], "a", "a"));
  EXPECT_FALSE(queue.Add(calls[10], "a", "a"));
  EXPECT_TRUE(queue.Add(calls[10], "a", "b")) << "another caller for the same tenant";
  EXPECT_TRUE(queue.Add(calls[11], "b", "b"));
  EXPECT_TRUE(queue.Add(calls[12], "a", "a", {absl::ZeroDuration(), /*is_admitted=*/true}));
  for (size_t i = 13; i < 21; ++i) ASSERT_TRUE(queue.Add(calls[i], "a", absl::StrCat("c", i)));
  EXPECT_FALSE(queue.Add(calls[21], "a", "d")) << "twice as many calls wait";
  ASSERT_NE(queue.Next(), nullptr);
  EXPECT_TRUE(queue.Add(calls[21], "a", "d"));
}

TEST(FairQueueTest, NewNamesTakeNoMoreThanTheirShares) {
  Simulation simulation({}, 1);
  simulation.Add({"new", "greedy", 10, absl::Milliseconds(1), absl::Milliseconds(5), absl::ZeroDuration(), true});
  simulation.Add({"honest", "honest", 3, absl::Milliseconds(5), absl::Milliseconds(50)});
  for (int second = 1; second <= 20; ++second) {
    simulation.RunUntil(absl::Seconds(second));
    ASSERT_LT(simulation.remembered(), 1000u);
  }
  const absl::Duration all = simulation.used("new") + simulation.used("honest");
  EXPECT_GE(simulation.used("honest"), 0.8 * all / 11);
}

TEST(FairQueueTest, TimeOfEarlierTurnsIsCharged) {
  FairQueue queue({1, 0});
  FairQueue::Call running, used, unused;
  ASSERT_TRUE(queue.Add(running, "c", "c"));
  ASSERT_EQ(queue.Next(), &running);
  ASSERT_TRUE(queue.Add(used, "a", "a", {kTurn, false}));
  ASSERT_TRUE(queue.Add(unused, "b", "b"));
  queue.Remove(running, kSmall);
  EXPECT_EQ(queue.Next(), &unused);
}

TEST(FairQueueTest, ChargedTimeCounts) {
  FairQueue queue({1, 0});
  FairQueue::Call running, charged, other;
  queue.Charge("a", kTurn);
  EXPECT_EQ(queue.remembered(), 0u) << "there are no calls";
  ASSERT_TRUE(queue.Add(running, "c", "c"));
  ASSERT_EQ(queue.Next(), &running);
  queue.Charge("a", kTurn);
  ASSERT_TRUE(queue.Add(charged, "a", "a"));
  ASSERT_TRUE(queue.Add(other, "b", "b"));
  queue.Remove(running, kSmall);
  EXPECT_EQ(queue.Next(), &other);
}

TEST(FairQueueTest, MemoryDoesNotGrowWithNames) {
  FairQueue queue({});
  FairQueue::Call busy;
  ASSERT_TRUE(queue.Add(busy, "busy", "busy"));
  for (int i = 0; i < 100'000; ++i) {
    FairQueue::Call call;
    ASSERT_TRUE(queue.Add(call, absl::StrCat("t", i), absl::StrCat("p", i)));
    for (int turns = 0; turns < 2; ++turns) {
      if (FairQueue::Call* const next = queue.Next(); next == &busy) queue.Requeue(busy, kTurn, false);
    }
    queue.Remove(call, kSmall);
    ASSERT_LT(queue.remembered(), 1000u);
  }
  queue.Remove(busy, kTurn);
  EXPECT_EQ(queue.remembered(), 0u);
}

}  // namespace
}  // namespace qconfig
