// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_scrubber.h"

#include <utility>

#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/registry/storage/sqlite_verifier.h"

namespace qconfig {
namespace {

// After a step that takes some time, the thread waits this many times as long.
constexpr int kRestPerWork = 4;

}  // namespace

SqliteScrubber::SqliteScrubber(const std::string& path, const FileFacts& file, absl::Duration busy_timeout,
                               absl::Duration interval, DamageListener on_damage)
    : readers_(path, file, busy_timeout),
      interval_(interval),
      on_damage_(std::move(on_damage)),
      thread_([this] { Run(); }) {}

SqliteScrubber::~SqliteScrubber() {
  {
    const absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  ending_changed_.Signal();
  thread_.join();
}

void SqliteScrubber::Run() {
  do {
    Pass();
  } while (Wait(interval_));
}

// A file that cannot be read is not damage, and those who need it report it. The next pass tries again.
void SqliteScrubber::Pass() {
  const Clock clock;
  SqliteVerifier verifier(on_damage_);
  absl::StatusOr<bool> more = true;
  absl::Duration work;
  while (more.ok() && *more && Wait(kRestPerWork * work)) {
    const absl::Duration begin = clock.Steady();
    absl::StatusOr<SqliteReadPool::Lease> reader = readers_.Borrow();
    if (!reader.ok()) return;
    more = verifier.Step(reader->connection());
    work = clock.Steady() - begin;
  }
}

bool SqliteScrubber::Wait(absl::Duration time) {
  const absl::MutexLock lock(&mutex_);
  return !ending_changed_.AwaitWithTimeout(
      &mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ending_; }, time);
}

}  // namespace qconfig
