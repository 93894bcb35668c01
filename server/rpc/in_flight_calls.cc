// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/in_flight_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/base/call_context.h"

namespace qconfig {
namespace {

// gRPC may send this many answers before it reports the first as sent.
constexpr size_t kBatch = 256;
constexpr size_t kJustSent = 64;  // gRPC reports an answer as sent a little after the client has it

// What each connection may have in transmission even if little is left.
constexpr size_t kMinAnswers = 16;
constexpr size_t kMinBytes = 256u << 10;

// Answers of this size need no room, because only `max_calls_` handlers can have one at a time.
constexpr size_t kSmallBytes = 64u << 10;

}  // namespace

// One connection gets more than half of the room, and that must suffice for a client that reads.
InFlightCalls::InFlightCalls(size_t max_calls, size_t max_answer_bytes, Clock clock)
    : max_calls_(max_calls),
      max_{2 * (std::max(max_calls, kBatch) + kJustSent), max_answer_bytes},
      clock_(std::move(clock)) {}

InFlightCalls::Connection* InFlightCalls::FindConnection(PeerOf peer, size_t bytes) {
  if (sending_.With(bytes).FitsIn({max_.answers / 4, max_.bytes / 4})) return nullptr;
  if (connections_.size() >= cleanup_size_) {
    absl::erase_if(connections_, [](const auto& entry) { return entry.second.answers == 0; });
    absl::erase_if(hosts_, [](const auto& entry) { return entry.second.answers == 0; });
    cleanup_size_ = std::max(kMinCleanupSize, 2 * connections_.size());
  }
  const std::string name = peer();
  Unsent* const host = &hosts_[WithoutPort(name)];
  return &connections_.try_emplace(name, absl::StartsWith(name, "unix"), host).first->second;
}

bool InFlightCalls::HasRoom(const Connection& connection, size_t bytes) const {
  if (sending_.answers == 0) return true;
  const Unsent all = sending_.With(bytes);
  const Unsent own = connection.With(bytes);
  if (all.FitsIn(max_)) {
    const Unsent left{max_.answers - all.answers, max_.bytes - all.bytes};
    if (connection.has_many_clients) return true;
    if (own.FitsIn(left) && connection.host->With(bytes).FitsIn({2 * left.answers, 2 * left.bytes})) return true;
  }
  return own.FitsIn({kMinAnswers, kMinBytes}) &&
         all.FitsIn({max_.answers + max_.answers / 4, max_.bytes + max_.bytes / 4});
}

absl::Status InFlightCalls::RejectForUnread(const Connection& connection) {
  ++rejected_for_unread_;
  const bool is_cause = connection.answers >= kMinAnswers || connection.bytes >= kMinBytes;
  return Error(v1::ERROR_REASON_OVERLOADED)
      .ToStatus(is_cause ? absl::StrCat("the client has not read ", connection.answers, " answers with ",
                                        connection.bytes, " bytes on this connection; read them, then retry")
                         : "other clients have left too many answers unread; retry later");
}

InFlightCalls::Answers::iterator InFlightCalls::Add(Connection* connection, size_t bytes, const void* call,
                                                    CancelOf cancel) {
  constexpr absl::Duration kLongest = absl::Seconds(30);
  constexpr absl::Duration kPerMebibyte = absl::Seconds(1);
  constexpr double kMebibyte = 1u << 20;
  for (Unsent* const unsent : {static_cast<Unsent*>(connection), connection->host, &sending_})
    *unsent = unsent->With(bytes);
  const absl::Duration time = kLongest + kPerMebibyte * (static_cast<double>(bytes) / kMebibyte);
  return answers_.insert(answers_.end(), {connection, bytes, call, clock_.Steady() + time, cancel()});
}

void InFlightCalls::Sent(Answers::iterator answer) {
  Answers sent;  // destroyed without the lock: `cancel` may be the last reference to the call
  absl::MutexLock lock(&mutex_);
  Connection* const connection = answer->connection;
  for (Unsent* const unsent : {static_cast<Unsent*>(connection), connection->host, &sending_}) {
    --unsent->answers;
    unsent->bytes -= answer->bytes;
  }
  sent.splice(sent.end(), answers_, answer);
  SignalDrain();
}

void InFlightCalls::Add(size_t bytes) { sending_ = sending_.With(bytes); }

void InFlightCalls::Sent(size_t bytes) {
  absl::MutexLock lock(&mutex_);
  --sending_.answers;
  sending_.bytes -= bytes;
  SignalDrain();
}

void InFlightCalls::Ended(const void* call) {
  std::function<void()> dropped;  // destroyed without the lock
  absl::MutexLock lock(&mutex_);
  const auto is_same = [call](const Answer& answer) { return answer.call == call; };
  const auto answer = std::find_if(answers_.begin(), answers_.end(), is_same);
  if (answer == answers_.end()) return;
  answer->call = nullptr;
  dropped = std::exchange(answer->cancel, nullptr);
}

void InFlightCalls::CancelUnread() {
  std::vector<std::function<void()>> calls;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = clock_.Steady();
    for (Answer& answer : answers_) {
      if (answer.expiry > now || answer.cancel == nullptr) continue;
      calls.push_back(std::exchange(answer.cancel, nullptr));
    }
    cancelled_for_unread_ += static_cast<int64_t>(calls.size());
  }
  for (const auto& cancel : calls) cancel();
}

absl::StatusOr<InFlightCalls::Callers::iterator> InFlightCalls::TakePlace(std::string caller) {
  constexpr size_t kLeastShare = 4;
  if (working_ >= max_calls_) {
    ++rejected_at_limit_;
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus(
            absl::StrCat("the server is at its concurrency limit (", max_calls_, " calls in flight); retry later"));
  }
  const auto place = callers_.try_emplace(std::move(caller), 0).first;
  const size_t share = std::max(kLeastShare, max_calls_ / (callers_.size() + 1));
  if (working_ >= max_calls_ - max_calls_ / 4 && place->second >= share) {
    ++rejected_above_share_;
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus(absl::StrCat("the server is near its concurrency limit (", max_calls_, " calls in flight), and ",
                               place->second, " of the calls are from this caller; retry later"));
  }
  ++working_;
  ++place->second;
  return place;
}

void InFlightCalls::LeavePlace(Callers::iterator caller) {
  absl::MutexLock lock(&mutex_);
  --working_;
  if (--caller->second == 0) callers_.erase(caller);
  SignalDrain();
}

absl::StatusOr<Counted> InFlightCalls::Enter(PeerOf peer, absl::string_view principal) {
  absl::MutexLock lock(&mutex_);
  if (draining_) {
    ++rejected_while_draining_;
    SignalDrain();
    return Error(v1::ERROR_REASON_SHUTTING_DOWN).ToStatus("the server is shutting down; retry on another server");
  }
  if (Connection* const connection = FindConnection(peer, 0); connection != nullptr) {
    if (!HasRoom(*connection, connection->rejected_bytes)) return RejectForUnread(*connection);
    connection->rejected_bytes = 0;
  }
  const absl::StatusOr<Callers::iterator> place = TakePlace(principal.empty() ? peer() : std::string(principal));
  if (!place.ok()) return place.status();
  return Counted([self = shared_from_this(), caller = *place] { self->LeavePlace(caller); });
}

Counted InFlightCalls::EnterToSend(PeerOf peer, size_t bytes, CancelOf cancel) {
  absl::MutexLock lock(&mutex_);
  if (draining_) return {};
  Connection* const connection = FindConnection(peer, bytes);
  if (connection != nullptr && !HasRoom(*connection, bytes)) return {};
  if (connection != nullptr) return Counted([this, answer = Add(connection, bytes, nullptr, cancel)] { Sent(answer); });
  Add(bytes);
  // Captures two words, which Counted stores without an allocation: every cache hit runs this code.
  return Counted([this, bytes] { Sent(bytes); });
}

absl::StatusOr<Counted> InFlightCalls::Send(PeerOf peer, size_t bytes, bool required, const void* call,
                                            CancelOf cancel) {
  absl::MutexLock lock(&mutex_);
  Connection* const connection = FindConnection(peer, bytes);
  if (connection != nullptr && !required && bytes > kSmallBytes && !HasRoom(*connection, bytes)) {
    connection->rejected_bytes = bytes;
    return RejectForUnread(*connection);
  }
  if (connection != nullptr) {
    return Counted([self = shared_from_this(), answer = Add(connection, bytes, call, cancel)] { self->Sent(answer); });
  }
  Add(bytes);
  return Counted([self = shared_from_this(), bytes] { self->Sent(bytes); });
}

size_t InFlightCalls::Drain(absl::Duration grace) {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return working_ + sending_.answers == 0; };
  changed_.AwaitWithTimeout(&mutex_, idle, grace);
  const size_t left = working_ + sending_.answers;
  // Some clients have not noticed the shutdown yet and still send calls. gRPC would cancel those calls, and clients do
  // not retry cancelled calls.
  constexpr absl::Duration kQuiet = absl::Milliseconds(50);
  const Clock clock;
  const absl::Duration end = clock.Steady() + std::min(grace, 10 * kQuiet);
  int64_t seen = 0;
  const auto call_came = [this, &seen]()
                             ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return rejected_while_draining_ != seen; };
  do {
    seen = rejected_while_draining_;
  } while (changed_.AwaitWithTimeout(&mutex_, call_came, std::min(end - clock.Steady(), kQuiet)) &&
           clock.Steady() < end);
  return left;
}

size_t InFlightCalls::working() const {
  absl::MutexLock lock(&mutex_);
  return working_;
}

size_t InFlightCalls::sending() const {
  absl::MutexLock lock(&mutex_);
  return sending_.answers;
}

size_t InFlightCalls::sending_bytes() const {
  absl::MutexLock lock(&mutex_);
  return sending_.bytes;
}

size_t InFlightCalls::running() const {
  absl::MutexLock lock(&mutex_);
  return working_ + sending_.answers;
}

int64_t InFlightCalls::rejected_at_limit() const {
  absl::MutexLock lock(&mutex_);
  return rejected_at_limit_;
}

int64_t InFlightCalls::rejected_above_share() const {
  absl::MutexLock lock(&mutex_);
  return rejected_above_share_;
}

int64_t InFlightCalls::cancelled_for_unread() const {
  absl::MutexLock lock(&mutex_);
  return cancelled_for_unread_;
}

int64_t InFlightCalls::rejected_for_unread() const {
  absl::MutexLock lock(&mutex_);
  return rejected_for_unread_;
}

}  // namespace qconfig
