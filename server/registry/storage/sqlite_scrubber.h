// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_SCRUBBER_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_SCRUBBER_H_

#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/steady_cond_var.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/sqlite_read_pool.h"
#include "server/registry/storage/storage_damage.h"

namespace qconfig {

// Looks for damage in the file of an open store again and again, on a separate thread that leaves most of a processor
// and of the disk to others. Thread-safe.
class SqliteScrubber {
 public:
  // `file` identifies the file at `path`. Waits for `interval` after each pass.
  SqliteScrubber(const std::string& path, const FileFacts& file, absl::Duration busy_timeout, absl::Duration interval,
                 DamageListener on_damage);
  // Ends the pass.
  ~SqliteScrubber();
  SqliteScrubber(const SqliteScrubber&) = delete;
  SqliteScrubber& operator=(const SqliteScrubber&) = delete;

 private:
  void Run();
  void Pass();
  // False: the scrubber must end.
  bool Wait(absl::Duration time);

  SqliteReadPool readers_;
  const absl::Duration interval_;
  const DamageListener on_damage_;
  absl::Mutex mutex_;
  SteadyCondVar ending_changed_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_SCRUBBER_H_
