// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/handshake_gate.h"

#include <algorithm>

namespace qconfig {

void HandshakeGate::Add(UniqueFd connection, const std::string& host, const std::string& name) {
  waiting_[host].push_back({std::move(connection), name, clock_.Steady()});
}

UniqueFd HandshakeGate::Next() {
  const absl::Duration now = clock_.Steady();
  Update();
  if (running_.size() >= kAtOnce) return UniqueFd();
  auto peer = waiting_.upper_bound(last_host_);
  for (size_t i = 0; i < waiting_.size(); ++i) {
    if (peer == waiting_.end()) peer = waiting_.begin();
    if (MayBegin(peer->first)) return Begin(peer, now);
    ++peer;
  }
  return UniqueFd();
}

UniqueFd HandshakeGate::Begin(WaitingPeers::iterator peer, absl::Duration now) {
  Waiting newest = std::move(peer->second.back());
  peer->second.pop_back();
  last_host_ = peer->first;
  running_.push_back({newest.connection.get(), peer->first, newest.name, now});
  if (peer->second.empty()) waiting_.erase(peer);
  return std::move(newest.connection);
}

void HandshakeGate::CloseOlderThan(absl::Duration timeout) {
  const absl::Duration start = clock_.Steady() - timeout;
  for (auto peer = waiting_.begin(); peer != waiting_.end();) {
    std::vector<Waiting>& waiting = peer->second;  // the oldest first
    const auto young = std::find_if(waiting.begin(), waiting.end(), [&](const Waiting& w) { return w.since >= start; });
    waiting.erase(waiting.begin(), young);
    waiting.empty() ? peer = waiting_.erase(peer) : ++peer;
  }
}

void HandshakeGate::Update() {
  const absl::Duration now = clock_.Steady();
  const auto has_ended = [&](const Running& running) { return HasEnded(running, now); };
  running_.erase(std::remove_if(running_.begin(), running_.end(), has_ended), running_.end());
}

bool HandshakeGate::HasEnded(const Running& running, absl::Duration now) {
  switch (table_.HandshakeOf(running.fd)) {
    case ConnectionTable::Handshake::kDone:
      return true;
    case ConnectionTable::Handshake::kAborted:
      log_->Info("TLS handshake failed", {{"peer", running.name}});
      break;
    case ConnectionTable::Handshake::kRunning:
      if (now < running.since + kPatience) return false;
      break;
  }
  failures_left_.Take(running.host, 1);
  return true;
}

// Whether the peer has a place, and may fail once more even if all of its running handshakes do.
bool HandshakeGate::MayBegin(const std::string& host) {
  const auto is_of_host = [&](const Running& running) { return running.host == host; };
  const auto running = static_cast<size_t>(std::count_if(running_.begin(), running_.end(), is_of_host));
  return running < kAtOnceOfPeer && failures_left_.Left(host) >= static_cast<double>(running + 1);
}

}  // namespace qconfig
