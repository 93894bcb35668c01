// SPDX-License-Identifier: Apache-2.0
#include "server/auth/rejection_limit.h"

namespace qconfig {

bool RejectionLimit::Admit(const std::string& peer, absl::Duration now) {
  absl::MutexLock lock(&mutex_);
  auto found = peers_.find(peer);
  if (found == peers_.end()) {
    found = peers_.try_emplace(peers_.size() < kMaxPeers ? peer : "other", Lines{now, 0}).first;
  }
  return ++found->second.count <= kLines;
}

std::vector<std::pair<std::string, int64_t>> RejectionLimit::TakeLeftOut(absl::Duration now) {
  std::vector<std::pair<std::string, int64_t>> left_out;
  absl::MutexLock lock(&mutex_);
  absl::erase_if(peers_, [&](const auto& peer) {
    const auto& [name, lines] = peer;
    if (now - lines.start < kPeriod) return false;
    if (lines.count > kLines) left_out.emplace_back(name, lines.count - kLines);
    return true;
  });
  return left_out;
}

}  // namespace qconfig
