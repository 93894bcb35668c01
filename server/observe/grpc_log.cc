// SPDX-License-Identifier: Apache-2.0
#include "server/observe/grpc_log.h"

#include <grpc/support/log.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// A client can cause these at will.
bool IsCausedByPeer(absl::string_view text) {
  constexpr absl::string_view kTexts[] = {"Handshake failed", "Compression algorithm", "Error parsing metadata",
                                          "Failed getpeername"};
  return std::any_of(std::begin(kTexts), std::end(kTexts),
                     [text](absl::string_view part) { return absl::StrContains(text, part); });
}

void WriteLine(absl::string_view text, bool is_error, LimitedLog& log) {
  // Lines can quote what a client sent.
  constexpr size_t kMaxChars = 1024;
  const std::string printable = Printable(text, kMaxChars);
  if (is_error && !IsCausedByPeer(text)) {
    log.Warn("grpc", {{"error", printable}});
  } else {
    log.Info("grpc", {{"error", printable}});
  }
}

// gRPC takes a plain function, and its threads may log until the process ends.
struct CurrentLog {
  absl::Mutex mutex;
  std::shared_ptr<LimitedLog> log ABSL_GUARDED_BY(mutex);
};

CurrentLog& Current() {
  static auto* const kCurrent = new CurrentLog;
  return *kCurrent;
}

void OnGrpcLog(gpr_log_func_args* args) {
  CurrentLog& current = Current();
  std::shared_ptr<LimitedLog> log;
  {
    absl::MutexLock lock(&current.mutex);
    log = current.log;
  }
  if (log != nullptr) WriteLine(args->message, args->severity == GPR_LOG_SEVERITY_ERROR, *log);
}

}  // namespace

void ReadGrpcLog(std::shared_ptr<LimitedLog> log) {
  CurrentLog& current = Current();
  {
    absl::MutexLock lock(&current.mutex);
    current.log.swap(log);  // the old one is destroyed after the lock is released
  }
  gpr_set_log_function(OnGrpcLog);
}

}  // namespace qconfig
