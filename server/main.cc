// SPDX-License-Identifier: Apache-2.0
//
// qconfigd. Exit codes: 0 ended by SIGTERM or SIGINT, 1 could not start, 2 wrong options.
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "core/builtin_catalogs.h"
#include "core/utf8.h"
#include "server/catalog_snapshot_source.h"
#include "server/options.h"
#include "server/server.h"

namespace qconfig {
namespace {

constexpr int kCannotStart = 1;
constexpr int kWrongOptions = 2;

// Protobuf complains on standard error of every request that is not UTF-8; the answer already says so.
void DropProtobufLog(google::protobuf::LogLevel, const char*, int, const std::string&) {}

// gRPC's own complaints, such as why an address cannot be listened on. They may quote what a client sent.
void LogGrpc(gpr_log_func_args* args) {
  constexpr size_t kMaxChars = 1024;
  spdlog::log(args->severity == GPR_LOG_SEVERITY_ERROR ? spdlog::level::err : spdlog::level::info, "grpc: {}",
              Printable(args->message, kMaxChars));
}

// Logs to standard error in a thread of its own: when nobody reads it any more, lines are lost and calls go on.
std::shared_ptr<spdlog::logger> StartLog(const std::string& level) {
  constexpr size_t kQueuedLines = 8192;
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::init_thread_pool(kQueuedLines, 1);
  auto log =
      std::make_shared<spdlog::async_logger>("qconfigd", std::make_shared<spdlog::sinks::stderr_color_sink_mt>(),
                                             spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
  log->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(log);
  gpr_set_log_function(LogGrpc);
  google::protobuf::SetLogHandler(DropProtobufLog);
  return log;
}

// Ends the process once the log is written, or is not read within a second.
[[noreturn]] void Exit(int code) {
  static absl::Notification written;
  gpr_set_log_function([](gpr_log_func_args*) {});  // the log is about to go
  std::thread([] {
    spdlog::shutdown();
    written.Notify();
  }).detach();
  written.WaitForNotificationWithTimeout(absl::Seconds(1));
  std::_Exit(code);
}

// Blocks the signals that end the server in this thread and those it starts, so that WaitForEnd() gets them.
sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int Serve(const Options& options) {
  const sigset_t signals = BlockEndSignals();
  const auto log = StartLog(options.log_level);

  auto catalogs = LoadBuiltinCatalogs();
  if (!catalogs.ok()) {
    log->critical("broken catalogue data: {}", catalogs.status().ToString());
    return kCannotStart;
  }
  const CatalogSnapshotSource source(*std::move(catalogs), std::string(kDefaultCatalog));
  ServerSettings settings;
  settings.listen = options.listen;
  settings.limits = options.limits;
  settings.log = log;
  const auto server = Server::Start(settings, source);
  if (!server.ok()) {
    log->critical("{}", std::string(server.status().message()));
    return kCannotStart;
  }
  if (!IsLoopback(options.listen)) log->warn("serving other machines without encryption, as --insecure says");
  log->info("qconfigd {} listening on {} (port {}), storage {}", QCONFIG_VERSION, options.listen, (*server)->port(),
            options.storage);

  int signal = 0;
  sigwait(&signals, &signal);
  log->info("ending on {}: calls that run have {} s", signal == SIGTERM ? "SIGTERM" : "SIGINT",
            options.shutdown_grace_seconds);
  (*server)->Shutdown(absl::Seconds(options.shutdown_grace_seconds));
  log->info("ended");
  return 0;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("qconfigd serves LLM quantization configurations over gRPC.");
  app.set_version_flag("--version", QCONFIG_VERSION);
  app.footer("Every option can also be given in the environment, under the name in parentheses.");
  AddOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongOptions;
  }
  const absl::Status status = CheckOptions(options);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return kWrongOptions;
  }
  Exit(Serve(options));
}

}  // namespace
}  // namespace qconfig

int main(int argc, char** argv) { return qconfig::Main(argc, argv); }
