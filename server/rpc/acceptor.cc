// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "server/rpc/peer_address.h"

namespace qconfig {
namespace {

UniqueFd OpenReserve() { return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// Errors of a connection that has failed already, and of the network; see accept(2).
bool IsOfConnection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:  // a firewall
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

bool HasPeer(int fd) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof(peer);
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

const char* ReasonOf(ConnectionTable::Admission admission) {
  return admission == ConnectionTable::Admission::kRejectedPeer ? "max-connections-per-peer" : "max-connections";
}

}  // namespace

Acceptor::Acceptor(ListeningSockets sockets, HandOver hand_over, ConnectionTable& table, Settings settings)
    : sockets_(std::move(sockets)),
      hand_over_(std::move(hand_over)),
      table_(table),
      settings_(std::move(settings)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      reserve_(OpenReserve()),
      gate_(table, settings_.log, settings_.clock) {}

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Start(ListeningSockets sockets, HandOver hand_over,
                                                          ConnectionTable& table, Settings settings) {
  std::unique_ptr<Acceptor> acceptor(
      new Acceptor(std::move(sockets), std::move(hand_over), table, std::move(settings)));
  if (const absl::Status status = acceptor->Prepare(); !status.ok()) return status;
  try {
    acceptor->thread_ = std::thread([self = acceptor.get()] { self->Run(); });
  } catch (const std::system_error& error) {
    return absl::UnavailableError(error.what());
  }
  return acceptor;
}

Acceptor::~Acceptor() {
  if (!thread_.joinable()) return;
  eventfd_write(wake_.get(), 1);
  thread_.join();
}

absl::Status Acceptor::Prepare() {
  bool is_ok = epoll_.ok() && wake_.ok() && reserve_.ok() && Watch(wake_.get());
  for (const UniqueFd& socket : sockets_.sockets()) is_ok = is_ok && Watch(socket.get());
  return is_ok ? absl::OkStatus() : absl::UnavailableError(std::strerror(errno));
}

// Makes the thread notice when `fd` is readable, until it is closed.
bool Acceptor::Watch(int fd) const {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Acceptor::Run() {
  constexpr int kEventsAtOnce = 64;
  constexpr int kTickMs = 1000;    // for what is old, and for the log
  constexpr int kPauseMs = 10;     // after a failure that lasts
  constexpr int kHandshakeMs = 5;  // to notice that one has ended
  absl::Duration last_tick = settings_.clock.Steady();
  epoll_event events[kEventsAtOnce];
  while (true) {
    const int ready = epoll_wait(epoll_.get(), events, kEventsAtOnce, gate_.empty() ? kTickMs : kHandshakeMs);
    bool is_ok = true;
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (fd == wake_.get()) return;
      if (silent_.count(fd) > 0) {
        OnReadable(fd);
      } else if (is_ok) {
        is_ok = AcceptAll(fd);
      }
    }
    BeginHandshakes();
    if (const absl::Duration now = settings_.clock.Steady(); now >= last_tick + absl::Milliseconds(kTickMs)) {
      last_tick = now;
      CloseOld();
      settings_.log->Flush();
    }
    if (!is_ok) {
      pollfd end = {wake_.get(), POLLIN, 0};
      poll(&end, 1, kPauseMs);
    }
  }
}

// Accepts connections until there are none. Returns false if the caller must pause.
bool Acceptor::AcceptAll(int listening) {
  constexpr int kAtOnce = 64;  // then the other sockets have their turn
  for (int i = 0; i < kAtOnce; ++i) {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    UniqueFd connection(accept4(listening, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection.ok()) {
      Admit(std::move(connection), address);
    } else if (errno == EAGAIN || (i > 0 && errno == EMFILE)) {
      return true;  // without descriptors, accept4() does not say whether there is another connection
    } else if (!IsOfConnection(errno)) {
      return OnFailure(listening, errno);
    }
  }
  return true;
}

// Returns false if the caller must pause. Without a pause, the socket stays readable and the thread uses a processor.
bool Acceptor::OnFailure(int listening, int error) {
  const bool out_of_descriptors = error == EMFILE || error == ENFILE;
  settings_.log->Warn("cannot accept a connection", {{"error", std::strerror(error)}});
  // Makes room for the next connection.
  table_.AcceptFailed(out_of_descriptors);
  if (!out_of_descriptors) return false;
  // Closes this one, so that its peer need not wait for an answer.
  reserve_ = UniqueFd();
  { const UniqueFd rejected(accept4(listening, nullptr, nullptr, SOCK_CLOEXEC)); }
  reserve_ = OpenReserve();
  return reserve_.ok();
}

void Acceptor::Admit(UniqueFd connection, const sockaddr_storage& address) {
  gate_.Update();
  const int fd = connection.get();
  std::string host = PeerHost(address), name = PeerName(address);
  const auto admission = table_.Add(fd, host);
  if (admission != ConnectionTable::Admission::kAdmitted) {
    settings_.log->Warn("connection rejected", {{"limit", ReasonOf(admission)}, {"peer", name}});
    return;
  }
  // Every client of TLS and of HTTP/2 sends the first bytes. gRPC does not see connections without any.
  if (!Watch(fd)) return;
  silent_[fd] = {std::move(connection), std::move(host), std::move(name), settings_.clock.Steady()};
}

// A silent connection has sent something, or has ended.
void Acceptor::OnReadable(int fd) {
  const auto found = silent_.find(fd);
  Silent silent = std::move(found->second);
  silent_.erase(found);
  char byte = 0;
  if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  if (settings_.limits_handshakes) {
    gate_.Add(std::move(silent.connection), silent.host, silent.name);
  } else {
    Pass(std::move(silent.connection));
  }
}

void Acceptor::BeginHandshakes() {
  if (gate_.empty()) return;
  for (UniqueFd next = gate_.Next(); next.ok(); next = gate_.Next()) Pass(std::move(next));
}

void Acceptor::Pass(UniqueFd connection) {
  // The peer or the table may have ended it meanwhile. gRPC would log an error.
  if (!HasPeer(connection.get())) return;
  if (!settings_.sees_calls) table_.MarkActive(connection.get());
  hand_over_(connection.release());
}

void Acceptor::CloseOld() {
  const absl::Duration start = settings_.clock.Steady() - settings_.first_bytes_timeout;
  for (auto silent = silent_.begin(); silent != silent_.end();) {
    silent->second.since < start ? silent = silent_.erase(silent) : ++silent;
  }
  gate_.CloseOlderThan(settings_.first_bytes_timeout);
  gate_.Update();
}

}  // namespace qconfig
