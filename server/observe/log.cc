// SPDX-License-Identifier: Apache-2.0
#include "server/observe/log.h"

#include <google/protobuf/stubs/logging.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace qconfig {
namespace {

// Protobuf writes a line to standard error for every request that is not UTF-8; the response already says so.
void DropProtobufLog(google::protobuf::LogLevel, const char*, int, const std::string&) {}

// Writes nothing, and notifies of its first flush.
class FlushNotice : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  void WaitForFlush(absl::Duration timeout) { flushed_.WaitForNotificationWithTimeout(timeout); }

 private:
  void sink_it_(const spdlog::details::log_msg&) override {}
  void flush_() override { flushed_.Notify(); }

  absl::Notification flushed_;
};

}  // namespace

std::shared_ptr<spdlog::logger> StartLog(const Options& options) {
  constexpr size_t kQueuedLines = 8192;
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::init_thread_pool(kQueuedLines, 1);
  auto log =
      std::make_shared<spdlog::async_logger>("qconfigd", std::make_shared<spdlog::sinks::stderr_color_sink_mt>(),
                                             spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
  log->set_level(spdlog::level::from_str(options.log_level));
  SetLogForm(*log, LogFormOf(options));
  log->set_error_handler(
      [](const std::string&) {});  // spdlog's own handler writes to standard error in a different format
  spdlog::set_default_logger(log);
  google::protobuf::SetLogHandler(DropProtobufLog);
  return log;
}

LogForm LogFormOf(const Options& options) {
  if (options.log_format == "auto") return isatty(STDERR_FILENO) == 1 ? LogForm::kText : LogForm::kJson;
  return options.log_format == "text" ? LogForm::kText : LogForm::kJson;
}

int64_t DroppedLogLines() {
  const auto threads = spdlog::thread_pool();
  return threads == nullptr ? 0 : static_cast<int64_t>(threads->overrun_counter());
}

void ExitAfterLog(int code) {
  static absl::Mutex* const only_once = new absl::Mutex;
  only_once->Lock();  // never unlocked: later callers wait until the process exits
  // The log's thread reaches this flush when it has written all earlier lines. The log itself is never destroyed,
  // because other threads can still write to it.
  if (const auto thread = spdlog::thread_pool(); thread != nullptr) {
    const auto notice = std::make_shared<FlushNotice>();
    std::make_shared<spdlog::async_logger>("exit", notice, thread, spdlog::async_overflow_policy::overrun_oldest)
        ->flush();
    notice->WaitForFlush(absl::Seconds(1));
  }
  std::_Exit(code);
}

}  // namespace qconfig
