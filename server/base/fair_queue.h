// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_FAIR_QUEUE_H_
#define QCONFIG_SERVER_BASE_FAIR_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "absl/container/node_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace qconfig {

// What is known of a call when it begins to wait for a turn.
struct EarlierTurns {
  absl::Duration used;       // by turns before the tenant was known; charged to the tenant
  bool is_admitted = false;  // the call is not rejected, however many wait
};

// Decides which of the calls that wait for a processor gets the next turn: start-time fair queueing (Goyal, Vin and
// Cheng, 1996). Tenants share the processors equally by the time that they use, however many calls each of them makes.
// Each tenant has a finish time: the virtual time until which it has used its share. The call whose tenant has the
// earliest one runs next; of several, that of the caller who used least. While n tenants have calls, virtual time
// passes at an n-th of the rate at which they use the processors, and it is never before the earliest finish time of
// those that wait and may begin. A tenant that begins to call starts at the present virtual time, so it gets no more
// for having been idle.
//
// Extra turns are for small calls of callers who use less than callers would if all of them had equal shares. So such a
// call neither waits for large ones, nor for the calls of one caller for a thousand tenants.
//
// A call is large from when MakeLarge() succeeds until it ends: it keeps memory between its turns. Not thread-safe.
class FairQueue {
  struct Flow;

 public:
  struct Limits {
    size_t turns = 2;  // at once
    size_t extra_turns = 1;
    size_t large = 9;            // large calls that have begun
    size_t first_large = 3;      // of these, only for tenants and callers without other large calls
    size_t large_of_tenant = 3;  // of one tenant, and of one caller
    // Calls of one tenant that wait. There may be twice as many, of callers who have fewer than an equal share.
    size_t waiting_of_tenant = 64;
  };

  // One call. Its address must not change while it is in the queue.
  class Call {
   public:
    Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    friend class FairQueue;
    enum class State { kOutside, kWaiting, kRunning };

    State state_ = State::kOutside;
    bool is_large_ = false;
    bool becomes_large_ = false;  // with its next turn
    Flow* flow_ = nullptr;
    uint64_t number_ = 0;     // in the order in which calls began to wait
    absl::Duration charged_;  // for its turn, before its cost is known
  };

  explicit FairQueue(const Limits& limits);

  // `call` of `caller` waits for a turn. False, and nothing changes, if as many calls of the tenant wait as are
  // allowed. REQUIRES: it is not in the queue.
  bool Add(Call& call, absl::string_view tenant, absl::string_view caller,
           const EarlierTurns& earlier = EarlierTurns());

  // Charges a tenant for time that it used without a turn of this queue, if that matters to calls in the queue.
  void Charge(absl::string_view tenant, absl::Duration used);

  // Starts the next turn, and returns its call. Null: no call waits that may begin, or all turns are taken.
  Call* Next();

  // Makes a call that has a turn a large one. False: there are too many, and nothing changes.
  bool MakeLarge(Call& call);

  // The turn of `call` used `cost` and is over; the call waits for another one, as a large call if `becomes_large`.
  void Requeue(Call& call, absl::Duration cost, bool becomes_large);

  // The call that has a turn, which used `cost`, is no longer large.
  void MakeSmall(Call& call);

  // `call` leaves the queue. Its turn, if it has one, used `cost`.
  void Remove(Call& call, absl::Duration cost);

  size_t waiting() const { return waiting_; }
  size_t running() const { return running_; }
  // The number of tenants and callers that are remembered.
  size_t remembered() const { return tenants_.size() + callers_.size(); }

 private:
  // What a tenant or a caller has used. Remembered until virtual time has passed it.
  struct Share {
    absl::Duration finish;                              // of tenants, in tenant_time_
    absl::Duration caller_finish;                       // in caller_time_
    absl::Duration usual_cost = absl::Milliseconds(1);  // of a turn: a moving average
    size_t flows = 0;
    size_t waiting = 0;  // calls
    size_t large = 0;    // calls
  };
  // The calls of a caller for a tenant.
  struct Flow {
    Share& tenant;
    Share& caller;
    size_t calls = 0;         // in the queue
    std::deque<Call*> small;  // wait
    std::deque<Call*> large;  // wait, or become large with their next turn
  };
  using Shares = absl::node_hash_map<std::string, Share>;

  Flow& FlowOf(absl::string_view tenant, absl::string_view caller);
  bool MayWait(absl::string_view tenant, absl::string_view caller);
  bool MayBecomeLarge(const Flow& flow) const;
  // The finish time of a tenant that has calls, by which they are ordered.
  absl::Duration FinishOf(const Share& tenant) const;
  // The call of `flow` that has the next turn; null if none may begin.
  Call* NextOf(const Flow& flow) const;
  Call* NextForExtraTurn(const Flow& flow) const;
  static std::deque<Call*>& WaitingWith(const Call& call);
  void Wait(Call& call);
  void StopWaiting(Call& call);
  void Begin(Call& call);
  void EndTurn(Call& call, absl::Duration cost);
  // Forgets what no call needs, so that memory does not grow with the names of tenants and callers.
  void Forget();

  const Limits limits_;
  absl::Duration tenant_time_;  // virtual time
  absl::Duration caller_time_;  // the same if callers instead of tenants had equal shares
  size_t busy_tenants_ = 0;     // that have calls
  size_t busy_callers_ = 0;
  uint64_t next_number_ = 0;
  size_t waiting_ = 0;
  size_t running_ = 0;
  size_t large_running_ = 0;
  size_t large_ = 0;
  size_t cleanup_size_;  // of what is remembered
  Shares tenants_;
  Shares callers_;
  std::map<std::pair<Share*, Share*>, Flow> flows_;  // those with calls
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_FAIR_QUEUE_H_
