// SPDX-License-Identifier: Apache-2.0
#include "server/auth/rejection_limit.h"

namespace qconfig {

bool RejectionLimit::Admit(const RejectionSource& source, absl::Duration now) {
  absl::MutexLock lock(&mutex_);
  auto found = sources_.find(source);
  if (found == sources_.end()) {
    const RejectionSource& counted = sources_.size() < kMaxSources ? source : RejectionSource{"other", ""};
    found = sources_.try_emplace(counted, Lines{now}).first;
  }
  if (now - all_.start >= kPeriod) all_ = {now};
  Lines& lines = found->second;
  const bool is_admitted = lines.written < kLines && all_.written < kAllLines;
  if (is_admitted) {
    ++lines.written;
    ++all_.written;
  } else {
    ++lines.left_out;
  }
  return is_admitted;
}

std::vector<std::pair<RejectionSource, int64_t>> RejectionLimit::TakeLeftOut(absl::Duration now) {
  std::vector<std::pair<RejectionSource, int64_t>> left_out;
  absl::MutexLock lock(&mutex_);
  absl::erase_if(sources_, [&](const auto& entry) {
    const auto& [source, lines] = entry;
    if (now - lines.start < kPeriod) return false;
    if (lines.left_out > 0) left_out.emplace_back(source, lines.left_out);
    return true;
  });
  return left_out;
}

}  // namespace qconfig
