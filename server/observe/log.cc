// SPDX-License-Identifier: Apache-2.0
#include "server/observe/log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// Protobuf complains on standard error of every request that is not UTF-8; the answer already says so.
void DropProtobufLog(google::protobuf::LogLevel, const char*, int, const std::string&) {}

std::atomic<bool> grpc_port_lost = false;

// gRPC listens no more once it could not accept a connection, for whatever reason, and only its log tells.
void EndWithoutPort(const char* why) {
  if (grpc_port_lost.exchange(true)) return;
  spdlog::critical("the gRPC port is lost: {}; ending so that the server is started again", why);
  kill(getpid(), SIGTERM);
}

// gRPC's own complaints, such as why an address cannot be listened on. They may quote what a client sent.
void LogGrpc(gpr_log_func_args* args) {
  constexpr size_t kMaxChars = 1024;
  // What a peer can cause at will is no error of the server.
  constexpr const char* kByPeers[] = {"Handshake failed", "Compression algorithm", "Error parsing metadata"};
  const bool is_by_peer = std::any_of(std::begin(kByPeers), std::end(kByPeers),
                                      [args](const char* text) { return absl::StrContains(args->message, text); });
  const bool is_error = args->severity == GPR_LOG_SEVERITY_ERROR && !is_by_peer;
  if (absl::StrContains(args->message, "Failed accept4")) EndWithoutPort(args->message);
  spdlog::log(is_error ? spdlog::level::err : spdlog::level::info, "grpc: {}", Printable(args->message, kMaxChars));
}

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
  log->set_error_handler([](const std::string&) {});  // else spdlog itself writes to standard error, in its own form
  spdlog::set_default_logger(log);
  gpr_set_log_function(LogGrpc);
  google::protobuf::SetLogHandler(DropProtobufLog);
  return log;
}

LogForm LogFormOf(const Options& options) {
  if (options.log_format == "auto") return isatty(STDERR_FILENO) == 1 ? LogForm::kText : LogForm::kJson;
  return options.log_format == "text" ? LogForm::kText : LogForm::kJson;
}

bool GrpcPortLost() { return grpc_port_lost; }

int64_t DroppedLogLines() {
  const auto threads = spdlog::thread_pool();
  return threads == nullptr ? 0 : static_cast<int64_t>(threads->overrun_counter());
}

void ExitAfterLog(int code) {
  static absl::Mutex* const only_once = new absl::Mutex;
  only_once->Lock();  // for good: who comes later waits for the end
  static absl::Notification written;
  gpr_set_log_function([](gpr_log_func_args*) {});  // the log is about to go
  try {
    std::thread([] {
      spdlog::shutdown();
      written.Notify();
    }).detach();
    written.WaitForNotificationWithTimeout(absl::Seconds(1));
  } catch (const std::system_error&) {
    absl::SleepFor(absl::Milliseconds(100));  // there are no more threads, but the log has its own
  }
  std::_Exit(code);
}

}  // namespace qconfig
