// SPDX-License-Identifier: Apache-2.0
#include "server/observe/grpc_log.h"

#include <grpc/support/log.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

class Reader {
 public:
  Reader(EventLog log, std::function<void()> on_port_lost)
      : log_(std::move(log)), on_port_lost_(std::move(on_port_lost)) {}

  void Read(absl::string_view text, bool is_error) {
    // Lines can quote what a client sent.
    constexpr size_t kMaxChars = 1024;
    const std::string printable = Printable(text, kMaxChars);
    // After a failed accept4(), for any reason, gRPC 1.51 no longer listens.
    if (absl::StrContains(text, "Failed accept4") && !port_lost_.exchange(true)) {
      log_.Critical("gRPC port lost", {{"error", printable}});
      on_port_lost_();
    } else if (is_error && !IsCausedByPeer(text)) {
      log_.Error("grpc", {{"error", printable}});
    } else {
      log_.Info("grpc", {{"error", printable}});
    }
  }

 private:
  // A client can cause these at will, so they are not errors of the server.
  static bool IsCausedByPeer(absl::string_view text) {
    constexpr absl::string_view kTexts[] = {"Handshake failed", "Compression algorithm", "Error parsing metadata"};
    return std::any_of(std::begin(kTexts), std::end(kTexts),
                       [text](absl::string_view part) { return absl::StrContains(text, part); });
  }

  const EventLog log_;
  const std::function<void()> on_port_lost_;
  std::atomic<bool> port_lost_ = false;
};

// gRPC takes a plain function, and its threads may log until the process ends.
struct CurrentReader {
  absl::Mutex mutex;
  std::shared_ptr<Reader> reader ABSL_GUARDED_BY(mutex);
};

CurrentReader& Current() {
  static auto* const kCurrent = new CurrentReader;
  return *kCurrent;
}

void OnGrpcLog(gpr_log_func_args* args) {
  CurrentReader& current = Current();
  std::shared_ptr<Reader> reader;
  {
    absl::MutexLock lock(&current.mutex);
    reader = current.reader;
  }
  if (reader != nullptr) reader->Read(args->message, args->severity == GPR_LOG_SEVERITY_ERROR);
}

}  // namespace

void ReadGrpcLog(EventLog log, std::function<void()> on_port_lost) {
  auto reader = std::make_shared<Reader>(std::move(log), std::move(on_port_lost));
  CurrentReader& current = Current();
  {
    absl::MutexLock lock(&current.mutex);
    current.reader.swap(reader);  // the old one is destroyed after the lock is released
  }
  gpr_set_log_function(OnGrpcLog);
}

}  // namespace qconfig
