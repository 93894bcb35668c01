// SPDX-License-Identifier: Apache-2.0
//
// The only file that knows functions inside gRPC. It replaces four of them with functions that call the guard and then
// the original. They take pointers to types of gRPC that this file does not look into.
//
// With shared libraries, the program's definition of a symbol replaces that of libgrpc.so. With static libraries,
// server/CMakeLists.txt tells the linker to wrap the symbols. It defines QCONFIG_GRPC_HOOKS for the versions of gRPC
// for which this is known to work.
#include "server/rpc/transport_guard.h"

#include <dlfcn.h>
#include <grpc/slice.h>
#include <grpc/slice_buffer.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/server_posix.h>
#include <grpcpp/support/channel_arguments.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "server/rpc/peer_address.h"

struct grpc_endpoint;
struct grpc_closure;
struct grpc_transport;
struct grpc_chttp2_transport;

namespace qconfig {
namespace {

// The channel argument that gives the guard to the server's transports. Its value is a
// std::shared_ptr<TransportGuard>*.
constexpr char kGuardArgument[] = "qconfig.transport_guard";

using GuardPointer = std::shared_ptr<TransportGuard>;

const grpc_arg_pointer_vtable kGuardPointerVtable = {
    [](void* guard) -> void* { return new GuardPointer(*static_cast<GuardPointer*>(guard)); },
    [](void* guard) { delete static_cast<GuardPointer*>(guard); },
    [](void* a, void* b) {
      const auto* const guard_a = static_cast<GuardPointer*>(a)->get();
      const auto* const guard_b = static_cast<GuardPointer*>(b)->get();
      return guard_a == guard_b ? 0 : std::less<>()(guard_a, guard_b) ? -1 : 1;
    }};

class GuardOption : public grpc::ServerBuilderOption {
 public:
  explicit GuardOption(GuardPointer guard) : guard_(std::move(guard)) {}

  void UpdateArguments(grpc::ChannelArguments* arguments) override {
    arguments->SetPointerWithVtable(kGuardArgument, &guard_, &kGuardPointerVtable);
  }
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* /*plugins*/) override {}

 private:
  GuardPointer guard_;
};

// The calls that a connection may have open without having been answered, while its host has abandoned too many.
constexpr int64_t kOpenCallsInDebt = 4;

size_t IndexOf(Http2Abuse abuse) { return static_cast<size_t>(abuse) - 1; }

Http2FrameReader::Bytes BytesOf(const grpc_slice& slice) {
  return {GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice)};
}

// Empty for a Unix socket.
std::string HostOfSocket(int descriptor) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  return getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? PeerHost(address) : "";
}

// Whether the peer has closed the connection, or sends nothing more, which is the same for gRPC.
bool HasPeerLeft(int descriptor) {
  pollfd peer = {descriptor, POLLRDHUP, 0};
  return poll(&peer, 1, 0) > 0;
}

}  // namespace

// gRPC uses a connection on one thread at a time. The mutex makes this independent of gRPC's inner order, and visible
// to ThreadSanitizer, for which gRPC is not built.
class TransportGuard::Connection {
 public:
  Connection(GuardPointer guard, absl::string_view peer, int descriptor)
      : guard_(std::move(guard)),
        peer_(peer),
        host_(HostOfSocket(descriptor)),
        descriptor_(descriptor),
        http2_(guard_->settings_.http2, guard_->settings_.clock) {
    {
      absl::MutexLock lock(&guard_->mutex_);
      guard_->connections_.insert(this);
    }
    if (guard_->settings_.on_established) guard_->settings_.on_established(descriptor_);
  }

  ~Connection() {
    {
      absl::MutexLock lock(&mutex_);
      CountLeft();
    }
    absl::MutexLock lock(&guard_->mutex_);
    guard_->connections_.erase(this);
    guard_->unfinished_bytes_ -= unfinished_bytes_.load(std::memory_order_relaxed);
  }

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Looks at received bytes. gRPC must close the connection if this fails.
  absl::Status Read(Http2FrameReader::Bytes bytes) {
    guard_->bytes_seen_.fetch_add(static_cast<int64_t>(bytes.size()), std::memory_order_relaxed);
    Http2Abuse abuse;
    size_t unfinished;
    bool is_first_call;
    {
      absl::MutexLock lock(&mutex_);
      if (is_left_) return absl::CancelledError("the client has closed the connection");
      const bool was_active = http2_.has_seen_call();
      const int64_t open_before = http2_.open_calls();
      abuse = http2_.Read(bytes);
      if (abuse == Http2Abuse::kNone && !(CountCancelled() && MayOpen(open_before)))
        abuse = Http2Abuse::kCancelledCalls;
      if (abuse == Http2Abuse::kNone) parsed_calls_ = http2_.open_calls();
      unfinished = http2_.unfinished_bytes();
      is_first_call = !was_active && http2_.has_seen_call();
    }
    if (abuse != Http2Abuse::kNone && !is_ended_.exchange(true)) guard_->CountEnd(abuse, peer_);
    CountUnfinished(unfinished);
    if (is_first_call && guard_->settings_.on_first_call) guard_->settings_.on_first_call(descriptor_);
    if (is_ended_.load(std::memory_order_relaxed)) return absl::ResourceExhaustedError("ended by the transport guard");
    return absl::OkStatus();
  }

  // The client has sent something that makes gRPC close the connection.
  void Failed() {
    absl::MutexLock lock(&mutex_);
    CountLeft();
  }

  // Looks at bytes that gRPC sends. When the client has left, gRPC ends the open calls as if it answered them.
  void Sent(const grpc_slice_buffer& slices) {
    absl::MutexLock lock(&mutex_);
    if (http2_.open_calls() > 0 && HasPeerLeft(descriptor_)) CountLeft();
    for (size_t i = 0; i < slices.count; ++i) http2_.Sent(BytesOf(slices.slices[i]));
  }

  // How much this connection holds, and for how long, in byte seconds.
  double HeldFor(absl::Duration now) const {
    const auto bytes = static_cast<double>(unfinished_bytes_.load(std::memory_order_relaxed));
    const absl::Duration since = absl::Nanoseconds(unfinished_since_ns_.load(std::memory_order_relaxed));
    return bytes * absl::ToDoubleSeconds(now - since + absl::Milliseconds(1));
  }
  size_t unfinished_bytes() const { return unfinished_bytes_.load(std::memory_order_relaxed); }
  bool is_ended() const { return is_ended_.load(std::memory_order_relaxed); }

  const std::string& peer() const { return peer_; }

  // Makes gRPC close the connection. Returns false if it has ended already. The caller holds the guard's mutex, so that
  // the descriptor is still open.
  bool End() {
    if (is_ended_.exchange(true)) return false;
    if (descriptor_ >= 0) shutdown(descriptor_, SHUT_RDWR);
    return true;
  }

 private:
  // Returns false if the clients of the host have cancelled too many calls.
  bool CountCancelled() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const int64_t more = http2_.cancelled_calls() - cancelled_calls_;
    cancelled_calls_ += more;
    return more == 0 || host_.empty() || guard_->cancelled_calls_.Take(host_, static_cast<double>(more));
  }

  // Returns false if the client has opened more calls than it may while its host is in debt.
  bool MayOpen(int64_t open_before) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const int64_t open = http2_.open_calls();
    if (host_.empty() || open <= kOpenCallsInDebt || open <= open_before) return true;
    return guard_->cancelled_calls_.Left(host_) >= 0;
  }

  // Charges the host for the open calls when the connection ends, whichever side ends it. Calls that gRPC did not parse
  // cost nothing.
  void CountLeft() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(is_left_, true)) return;
    const int64_t left = std::min(http2_.open_calls(), parsed_calls_);
    if (left > 0 && !host_.empty()) guard_->cancelled_calls_.Charge(host_, static_cast<double>(left));
  }

  void CountUnfinished(size_t after) {
    const size_t before = unfinished_bytes_.load(std::memory_order_relaxed);
    if (before == after) return;
    if (before == 0) {
      unfinished_since_ns_.store(absl::ToInt64Nanoseconds(guard_->settings_.clock.Steady()), std::memory_order_relaxed);
    }
    unfinished_bytes_.store(after, std::memory_order_relaxed);
    guard_->unfinished_bytes_.fetch_add(after - before, std::memory_order_relaxed);
    if (after > before) guard_->LimitUnfinished();
  }

  const GuardPointer guard_;
  const std::string peer_;
  const std::string host_;
  const int descriptor_;
  absl::Mutex mutex_;
  Http2Guard http2_ ABSL_GUARDED_BY(mutex_);
  int64_t cancelled_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_left_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t parsed_calls_ ABSL_GUARDED_BY(mutex_) = 0;  // those that were open after the last bytes that gRPC has parsed
  std::atomic<bool> is_ended_ = false;
  std::atomic<size_t> unfinished_bytes_ = 0;
  std::atomic<int64_t> unfinished_since_ns_ = 0;
};

void TransportGuard::AddTo(grpc::ServerBuilder& builder) {
  builder.SetOption(std::make_unique<GuardOption>(shared_from_this()));
#ifdef QCONFIG_GRPC_HOOKS
  // gRPC's own limit on PINGs needs quadratic time: for each PING above it, gRPC adds an error to a list and copies it.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
#endif
}

bool TransportGuard::IsInPath(grpc::Server& server) const {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) != 0) return false;
  const int64_t before = bytes_seen_;
  grpc::AddInsecureChannelFromFd(&server, sockets[0]);
  // The preface, SETTINGS, and a PING. gRPC's answer to the PING shows that it has read all of it.
  constexpr absl::string_view kHello(
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
      "\0\0\0\4\0\0\0\0\0"
      "\0\0\10\6\0\0\0\0\0qconfigd",
      50);
  constexpr absl::Duration kPatience = absl::Seconds(5);
  const absl::Duration end = settings_.clock.Steady() + kPatience;
  std::string answer;
  if (write(sockets[1], kHello.data(), kHello.size()) == static_cast<ssize_t>(kHello.size())) {
    while (!absl::StrContains(answer, "qconfigd") && settings_.clock.Steady() < end) {
      std::array<char, 256> bytes;
      const ssize_t size = recv(sockets[1], bytes.data(), bytes.size(), 0);
      if (size > 0) answer.append(bytes.data(), static_cast<size_t>(size));
      if (size <= 0) absl::SleepFor(absl::Microseconds(100));
    }
  }
  close(sockets[1]);
  return bytes_seen_ > before;
}

int64_t TransportGuard::ended(absl::string_view reason) const {
  const auto reasons = Reasons();
  const auto found = std::find(reasons.begin(), reasons.end(), reason);
  return found == reasons.end() ? 0 : ended_[static_cast<size_t>(found - reasons.begin())].load();
}

void TransportGuard::CountEnd(Http2Abuse abuse, absl::string_view peer) {
  ended_[IndexOf(abuse)].fetch_add(1, std::memory_order_relaxed);
  if (settings_.on_end) settings_.on_end(peer, Reasons()[IndexOf(abuse)]);
}

void TransportGuard::LimitUnfinished() {
  if (unfinished_bytes() <= settings_.max_unfinished_bytes) return;
  for (const std::string& peer : EndHolders()) CountEnd(Http2Abuse::kUnfinishedMessages, peer);
}

std::vector<std::string> TransportGuard::EndHolders() {
  const absl::Duration now = settings_.clock.Steady();
  std::vector<std::string> peers;
  absl::MutexLock lock(&mutex_);
  std::vector<Connection*> holders;
  size_t left = 0;
  for (Connection* const connection : connections_) {
    if (connection->is_ended() || connection->unfinished_bytes() == 0) continue;
    holders.push_back(connection);
    left += connection->unfinished_bytes();
  }
  std::sort(holders.begin(), holders.end(), [now](auto* a, auto* b) { return a->HeldFor(now) > b->HeldFor(now); });
  for (Connection* const connection : holders) {
    if (left <= settings_.max_unfinished_bytes) break;
    left -= connection->unfinished_bytes();
    if (connection->End()) peers.push_back(connection->peer());
  }
  return peers;
}

namespace {

// The guarded connections, by the address of their transport and of their endpoint.
class Connections {
 public:
  static Connections& Get() {
    static auto* const connections = new Connections();
    return *connections;
  }

  void Add(const void* transport, const void* endpoint, std::unique_ptr<TransportGuard::Connection> connection)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    connections_[transport] = connection.get();
    connections_[endpoint] = connection.get();
    owned_[endpoint] = {transport, std::move(connection)};
  }

  // Null if `address` is not one of a guarded connection. The result is valid until gRPC destroys the endpoint.
  TransportGuard::Connection* Find(const void* address) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::ReaderMutexLock lock(&mutex_);
    const auto found = connections_.find(address);
    return found == connections_.end() ? nullptr : found->second;
  }

  void Remove(const void* endpoint) ABSL_LOCKS_EXCLUDED(mutex_) {
    Owned removed;  // destroyed without the lock
    absl::MutexLock lock(&mutex_);
    const auto found = owned_.find(endpoint);
    if (found == owned_.end()) return;
    removed = std::move(found->second);
    connections_.erase(removed.transport);
    connections_.erase(endpoint);
    owned_.erase(found);
  }

 private:
  struct Owned {
    const void* transport = nullptr;
    std::unique_ptr<TransportGuard::Connection> connection;
  };

  absl::Mutex mutex_;
  absl::flat_hash_map<const void*, TransportGuard::Connection*> connections_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<const void*, Owned> owned_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace
}  // namespace qconfig

#ifdef QCONFIG_GRPC_HOOKS

namespace grpc_core {
class ChannelArgs {
 public:
  void* GetVoidPointer(absl::string_view name) const;
};
}  // namespace grpc_core

absl::string_view grpc_endpoint_get_peer(grpc_endpoint* endpoint);
int grpc_endpoint_get_fd(grpc_endpoint* endpoint);

// GRPC_HOOK(name, symbol, type, arguments): declares `name`, which replaces the function `symbol` of gRPC, and
// `Original_name`.
#ifdef QCONFIG_STATIC
#define GRPC_HOOK(name, symbol, type, ...)                \
  type name(__VA_ARGS__) __asm__("__wrap_" symbol);       \
  type Real##name(__VA_ARGS__) __asm__("__real_" symbol); \
  static auto* Original##name() { return &Real##name; }
#else
#define GRPC_HOOK(name, symbol, type, ...)                                                           \
  __attribute__((visibility("default"))) type name(__VA_ARGS__) __asm__(symbol);                     \
  static auto* Original##name() {                                                                    \
    static auto* const original = reinterpret_cast<type (*)(__VA_ARGS__)>(dlsym(RTLD_NEXT, symbol)); \
    return original;                                                                                 \
  }
#endif

GRPC_HOOK(GuardCreateTransport, "_Z28grpc_create_chttp2_transportRKN9grpc_core11ChannelArgsEP13grpc_endpointb",
          grpc_transport*, const grpc_core::ChannelArgs& arguments, grpc_endpoint* endpoint, bool is_client)
GRPC_HOOK(GuardRead, "_Z24grpc_chttp2_perform_readP21grpc_chttp2_transportRK10grpc_slice", absl::Status,
          grpc_chttp2_transport* transport, const grpc_slice& slice)
GRPC_HOOK(GuardWrite, "_Z19grpc_endpoint_writeP13grpc_endpointP17grpc_slice_bufferP12grpc_closurePvi", void,
          grpc_endpoint* endpoint, grpc_slice_buffer* slices, grpc_closure* done, void* context, int max_frame_size)
GRPC_HOOK(GuardDestroy, "_Z21grpc_endpoint_destroyP13grpc_endpoint", void, grpc_endpoint* endpoint)

grpc_transport* GuardCreateTransport(const grpc_core::ChannelArgs& arguments, grpc_endpoint* endpoint, bool is_client) {
  grpc_transport* const transport = OriginalGuardCreateTransport()(arguments, endpoint, is_client);
  const auto* const guard =
      is_client ? nullptr : static_cast<qconfig::GuardPointer*>(arguments.GetVoidPointer(qconfig::kGuardArgument));
  if (guard != nullptr) {
    // A grpc_chttp2_transport begins with its grpc_transport.
    qconfig::Connections::Get().Add(transport, endpoint,
                                    std::make_unique<qconfig::TransportGuard::Connection>(
                                        *guard, grpc_endpoint_get_peer(endpoint), grpc_endpoint_get_fd(endpoint)));
  }
  return transport;
}

absl::Status GuardRead(grpc_chttp2_transport* transport, const grpc_slice& slice) {
  auto* const connection = qconfig::Connections::Get().Find(transport);
  absl::Status status = connection == nullptr ? absl::OkStatus() : connection->Read(qconfig::BytesOf(slice));
  if (status.ok()) status = OriginalGuardRead()(transport, slice);
  // gRPC closes the connection, and ends the open calls as if it answered them.
  if (!status.ok() && connection != nullptr) connection->Failed();
  return status;
}

void GuardWrite(grpc_endpoint* endpoint, grpc_slice_buffer* slices, grpc_closure* done, void* context,
                int max_frame_size) {
  if (auto* const connection = qconfig::Connections::Get().Find(endpoint); connection != nullptr) {
    connection->Sent(*slices);
  }
  OriginalGuardWrite()(endpoint, slices, done, context, max_frame_size);
}

void GuardDestroy(grpc_endpoint* endpoint) {
  qconfig::Connections::Get().Remove(endpoint);
  OriginalGuardDestroy()(endpoint);
}

#endif  // QCONFIG_GRPC_HOOKS
