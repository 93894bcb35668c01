// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/in_flight_calls.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/base/clock.h"

namespace qconfig {
namespace {

// gRPC may send this many answers before it reports the first as sent.
constexpr size_t kBatch = 256;
constexpr size_t kJustSent = 64;  // gRPC reports an answer as sent a little after the client has it
constexpr size_t kSmallBytes = 64u << 10;

absl::Status DoesNotRead(size_t answers, size_t bytes) {
  return Error(v1::ERROR_REASON_OVERLOADED)
      .ToStatus(absl::StrCat("the client has not read ", answers, answers == 1 ? " answer with " : " answers with ",
                             bytes, " bytes on this connection; read them, then retry"));
}

}  // namespace

// One connection gets half of the room, and that must suffice for a client that reads.
InFlightCalls::InFlightCalls(size_t max_calls, size_t max_answer_bytes)
    : max_calls_(max_calls), max_{2 * (std::max(max_calls, kBatch) + kJustSent), max_answer_bytes} {}

InFlightCalls::Connection& InFlightCalls::FindConnection(absl::string_view peer) {
  if (connections_.size() >= cleanup_size_) {
    constexpr size_t kMinSize = 4096;
    absl::erase_if(connections_, [](const auto& entry) { return entry.second.answers == 0; });
    cleanup_size_ = std::max(kMinSize, 2 * connections_.size());
  }
  return connections_.try_emplace(peer, this).first->second;
}

InFlightCalls::Unsent InFlightCalls::Room() const {
  return {max_.answers - std::min(max_.answers, sending_.answers), max_.bytes - std::min(max_.bytes, sending_.bytes)};
}

bool InFlightCalls::HasRoom(const Connection& connection, size_t bytes) const {
  const Unsent room = Room();
  if (connection.answers == 0) return bytes <= std::max(room.bytes, kSmallBytes) || sending_.answers == 0;
  return connection.answers < room.answers && connection.bytes + bytes <= room.bytes;
}

void InFlightCalls::Add(Connection& connection, size_t bytes) {
  for (Unsent* const unsent : {static_cast<Unsent*>(&connection), &sending_}) {
    ++unsent->answers;
    unsent->bytes += bytes;
  }
}

void InFlightCalls::Sent(Connection& connection, size_t bytes) {
  absl::MutexLock lock(&mutex_);
  for (Unsent* const unsent : {static_cast<Unsent*>(&connection), &sending_}) {
    --unsent->answers;
    unsent->bytes -= bytes;
  }
}

absl::StatusOr<Counted> InFlightCalls::Enter(absl::string_view peer) {
  absl::MutexLock lock(&mutex_);
  if (draining_) {
    ++rejected_while_draining_;
    return Error(v1::ERROR_REASON_SHUTTING_DOWN).ToStatus("the server is shutting down; retry on another server");
  }
  const Connection& connection = FindConnection(peer);
  if (!HasRoom(connection, 0)) return DoesNotRead(connection.answers, connection.bytes);
  if (working_ >= max_calls_) {
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus(
            absl::StrCat("the server is at its concurrency limit (", max_calls_, " calls in flight); retry later"));
  }
  ++working_;
  return Counted([self = shared_from_this()] {
    absl::MutexLock lock_again(&self->mutex_);
    --self->working_;
  });
}

Counted InFlightCalls::EnterToSend(absl::string_view peer, size_t bytes) {
  absl::MutexLock lock(&mutex_);
  if (draining_) return {};
  Connection& connection = FindConnection(peer);
  if (!HasRoom(connection, bytes)) return {};
  Add(connection, bytes);
  // Captures two words, which Counted stores without an allocation: every cache hit runs this code.
  return Counted([&connection, bytes] { connection.owner->Sent(connection, bytes); });
}

absl::StatusOr<Counted> InFlightCalls::Send(absl::string_view peer, size_t bytes) {
  absl::MutexLock lock(&mutex_);
  Connection& connection = FindConnection(peer);
  if (!HasRoom(connection, bytes)) return DoesNotRead(connection.answers, connection.bytes);
  Add(connection, bytes);
  return Counted([self = shared_from_this(), &connection, bytes] { self->Sent(connection, bytes); });
}

size_t InFlightCalls::Drain(absl::Duration grace) {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return working_ + sending_.answers == 0; };
  mutex_.AwaitWithTimeout(absl::Condition(&idle), grace);
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
  } while (mutex_.AwaitWithTimeout(absl::Condition(&call_came), std::min(end - clock.Steady(), kQuiet)) &&
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

}  // namespace qconfig
