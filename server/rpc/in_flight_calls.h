// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_IN_FLIGHT_CALLS_H_
#define QCONFIG_SERVER_RPC_IN_FLIGHT_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/node_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/counted.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Counts the calls that handlers work on and the answers that are being sent, and limits both. Thread-safe.
// Create it with std::make_shared: the results of Enter() and Send() keep it alive.
//
// Three quarters of the places are for everybody. Above that, a caller gets another one only if it has less than an
// equal share of all places, at least four. So a caller with many calls leaves some for others. A caller is a
// principal, or a connection without one.
//
// Answers are being sent until the socket has taken them, so they pile up if a client does not read. The first quarter
// of the room is for everybody. Above that, a connection may have as many answers and bytes in transmission as are then
// left for all: one that does not read gets half of what was left, the next half of the rest, and so on; and all
// connections of one host together twice as much. When little is left, each connection may still have a few small
// answers. Calls above the first quarter whose client does not read at all are cancelled after a while.
class InFlightCalls : public std::enable_shared_from_this<InFlightCalls> {
 public:
  // Handlers work on up to `max_calls` calls at once. Answers of up to `max_answer_bytes` together can be in
  // transmission, and a quarter more in small answers.
  explicit InFlightCalls(size_t max_calls = 256, size_t max_answer_bytes = 256u << 20, Clock clock = Clock());

  size_t max_calls() const { return max_calls_; }

  // Returns the connection of a call, such as "ipv4:127.0.0.1:40312". Called only if answers pile up.
  using PeerOf = absl::FunctionRef<std::string()>;

  // Returns a function that cancels a call, and that may be called after the call has ended. Called only if answers
  // pile up.
  using CancelOf = absl::FunctionRef<std::function<void()>()>;
  static std::function<void()> CannotCancel() { return nullptr; }

  // Counts a call that a handler works on, as long as the result lives. `principal` makes it; empty: that is not known.
  // OVERLOADED: handlers work on `max_calls` calls, or on as many of the caller as it may have, or the connection does
  // not read. SHUTTING_DOWN: Drain() was called.
  absl::StatusOr<Counted> Enter(PeerOf peer, absl::string_view principal = "") ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts a cached answer of `bytes` as being sent, as long as the result lives; the result must not outlive this
  // object. Counts nothing after Drain(), or if there is no room for it. The number of calls that handlers work on does
  // not matter.
  Counted EnterToSend(PeerOf peer, size_t bytes, CancelOf cancel = CannotCancel) ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts the answer of a handler as being sent, as long as the result lives. OVERLOADED: there is no room for it, and
  // it has more than 64 KiB and is not `required`. If `cancel` keeps the call alive, Ended(call) must follow, because
  // gRPC may free an answer only when nothing needs the call.
  absl::StatusOr<Counted> Send(PeerOf peer, size_t bytes, bool required, const void* call = nullptr,
                               CancelOf cancel = CannotCancel) ABSL_LOCKS_EXCLUDED(mutex_);

  // The call is over, whether its answer was read or not, and will not be cancelled.
  void Ended(const void* call) ABSL_LOCKS_EXCLUDED(mutex_);

  // Cancels the calls whose answers are above the first quarter and have been in transmission for 30 s and another
  // second for each MiB. To be called from time to time.
  void CancelUnread() ABSL_LOCKS_EXCLUDED(mutex_);

  // Rejects new calls from now on, and waits up to `grace` until all answers are sent. Then waits until no call has
  // arrived for a moment, at most half a second or `grace`. Returns the number of calls that were left after `grace`.
  size_t Drain(absl::Duration grace) ABSL_LOCKS_EXCLUDED(mutex_);

  // The calls that handlers work on; the answers that are being sent, and their bytes; all calls and answers together.
  size_t working() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t sending() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t sending_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t running() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The calls that were rejected because handlers work on `max_calls` calls, and those because the caller has too many.
  int64_t rejected_at_limit() const ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t rejected_above_share() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The calls that were rejected because answers pile up, and those that CancelUnread() has cancelled.
  int64_t rejected_for_unread() const ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t cancelled_for_unread() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Answers in transmission.
  struct Unsent {
    bool FitsIn(const Unsent& limit) const { return answers <= limit.answers && bytes <= limit.bytes; }
    Unsent With(size_t more_bytes) const { return {answers + 1, bytes + more_bytes}; }

    size_t answers = 0;
    size_t bytes = 0;
  };
  // The answers of one connection. Stays for a while after they are sent, because the next answer often follows soon.
  struct Connection : Unsent {
    Connection(bool is_shared, Unsent* all) : host(all), has_many_clients(is_shared) {}

    Unsent* host;                 // the answers of all connections of the host
    const bool has_many_clients;  // all clients of a Unix socket have the same peer
    size_t rejected_bytes = 0;    // of the last answer without room; calls are rejected until there is room for it
  };

  // An answer above the first quarter.
  struct Answer {
    Connection* connection;
    size_t bytes;
    const void* call;
    absl::Duration expiry;         // steady time
    std::function<void()> cancel;  // null: it cannot be, or already is, cancelled
  };
  using Answers = std::list<Answer>;

  // How many calls of each caller handlers work on; not 0. Iterators stay valid.
  using Callers = std::map<std::string, size_t>;

  // Counts another call of the caller, or returns OVERLOADED.
  absl::StatusOr<Callers::iterator> TakePlace(std::string caller) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeavePlace(Callers::iterator caller) ABSL_LOCKS_EXCLUDED(mutex_);
  // Null if an answer of `bytes` is in the first quarter, so that it does not matter whose it is.
  Connection* FindConnection(PeerOf peer, size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether `connection` may send another answer of `bytes`.
  bool HasRoom(const Connection& connection, size_t bytes) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::Status RejectForUnread(const Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Answers::iterator Add(Connection* connection, size_t bytes, const void* call, CancelOf cancel)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Sent(Answers::iterator answer) ABSL_LOCKS_EXCLUDED(mutex_);
  // The same for an answer in the first quarter.
  void Add(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Sent(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // Wakes Drain(), if it waits. Call this when a call has ended or was rejected.
  void SignalDrain() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    if (draining_) changed_.SignalAll();
  }

  static constexpr size_t kMinCleanupSize = 4096;

  const size_t max_calls_;
  const Unsent max_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  SteadyCondVar changed_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t rejected_while_draining_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t rejected_for_unread_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t cancelled_for_unread_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t rejected_at_limit_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t rejected_above_share_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t working_ ABSL_GUARDED_BY(mutex_) = 0;
  Callers callers_ ABSL_GUARDED_BY(mutex_);
  Unsent sending_ ABSL_GUARDED_BY(mutex_);
  Answers answers_ ABSL_GUARDED_BY(mutex_);                                 // above the first quarter
  absl::node_hash_map<std::string, Unsent> hosts_ ABSL_GUARDED_BY(mutex_);  // without those in the first quarter
  absl::node_hash_map<std::string, Connection> connections_ ABSL_GUARDED_BY(mutex_);  // by peer
  // The size of `connections_` at which those without answers are removed.
  size_t cleanup_size_ ABSL_GUARDED_BY(mutex_) = kMinCleanupSize;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_IN_FLIGHT_CALLS_H_
