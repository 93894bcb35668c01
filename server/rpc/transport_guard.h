// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_TRANSPORT_GUARD_H_
#define QCONFIG_SERVER_RPC_TRANSPORT_GUARD_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/base/clock.h"
#include "server/rpc/host_budgets.h"
#include "server/rpc/http2_guard.h"

namespace qconfig {

// Ends the connections of a gRPC server that abuse HTTP/2: see Http2Guard. gRPC 1.51 does not limit these itself. The
// guard looks at the bytes between gRPC's TLS layer and its HTTP/2 parser. Thread-safe.
//
// All unfinished messages of a server share one limit. At the limit, the guard ends the connection with the largest
// product of unfinished bytes and the time for which there have been some, so that a client that sends a large message
// without a pause is not the first.
//
// All connections of a host share a limit on calls that their clients cancel, or leave open when they disconnect:
// connecting again does not refill it. Above the limit, the guard ends connections that cancel calls, and, while a host
// is in debt for calls that it abandoned, those that have more than a few calls open. Each answered call makes up for
// one that its connection cancels or abandons. Clients of Unix sockets have no such limit.
//
// Create it with std::make_shared: connections keep it alive.
class TransportGuard : public std::enable_shared_from_this<TransportGuard> {
 public:
  struct Settings {
    Http2Limits http2;
    size_t max_unfinished_bytes = 128u << 20;
    // The calls that the clients of a host may cancel or abandon at once, and each second.
    double cancelled_calls = 500;
    double cancelled_calls_per_second = 1'000;
    Clock clock;
    // Called once for each connection that the guard ends, with its peer, such as "ipv4:127.0.0.1:40312", and a reason
    // of Reasons(). Must not block.
    std::function<void(absl::string_view peer, absl::string_view reason)> on_end;
    // Called once for each connection when the headers of its first call have arrived, with its file descriptor. The
    // descriptor stays open during the call. Must not block.
    std::function<void(int descriptor)> on_first_call;
    // Called once for each connection before its first bytes of HTTP/2 are read, that is, after the handshake of TLS.
    // As above.
    std::function<void(int descriptor)> on_established;
  };

  explicit TransportGuard(Settings settings)
      : settings_(std::move(settings)),
        cancelled_calls_(settings_.cancelled_calls, settings_.cancelled_calls_per_second, settings_.clock) {}

  // Guards the connections of the server that `builder` builds.
  void AddTo(grpc::ServerBuilder& builder);

  // Opens a connection to `server` inside this process, and returns whether the guard sees it. It does not if this
  // program was built for another version of gRPC.
  bool IsInPath(grpc::Server& server) const;

  // Whether on_first_call and on_established are set.
  bool reports_progress() const { return settings_.on_first_call != nullptr && settings_.on_established != nullptr; }

  // The names of the reasons for ending a connection.
  static std::array<absl::string_view, 4> Reasons() {
    return {"header_block", "too_many_frames", "unfinished_messages", "cancelled_calls"};
  }

  // The connections that the guard has ended for `reason`.
  int64_t ended(absl::string_view reason) const;

  // The size of all unfinished messages, as far as they have been received.
  size_t unfinished_bytes() const { return unfinished_bytes_.load(std::memory_order_relaxed); }

  // A connection of the server, for gRPC's thread that reads it.
  class Connection;

 private:
  friend class Connection;

  void CountEnd(Http2Abuse abuse, absl::string_view peer);
  // Ends connections until the unfinished messages of the others are within the limit.
  void LimitUnfinished() ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns the peers of the connections that it has ended.
  std::vector<std::string> EndHolders() ABSL_LOCKS_EXCLUDED(mutex_);

  const Settings settings_;
  HostBudgets cancelled_calls_;
  std::array<std::atomic<int64_t>, 4> ended_ = {};
  std::atomic<int64_t> bytes_seen_ = 0;
  std::atomic<size_t> unfinished_bytes_ = 0;
  absl::Mutex mutex_;
  absl::flat_hash_set<Connection*> connections_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_TRANSPORT_GUARD_H_
