// SPDX-License-Identifier: Apache-2.0
//
// qconfigd. Exit codes: 0 ended by SIGTERM or SIGINT, or the backup is made; 1 could not start, or make it; 2 wrong
// options.
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "core/builtin_catalogs.h"
#include "core/utf8.h"
#include "server/options.h"
#include "server/registry.h"
#include "server/server.h"
#include "server/storage/open_store.h"
#include "server/storage/sqlite_backup.h"

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

absl::StatusOr<RegistrySettings> RegistrySettingsOf(const Options& options) {
  auto catalogs = LoadBuiltinCatalogs();
  if (!catalogs.ok()) return absl::InternalError("broken catalogue data: " + std::string(catalogs.status().message()));
  const bool known = std::any_of(catalogs->begin(), catalogs->end(),
                                 [&](const auto& catalog) { return catalog->name() == options.default_catalog; });
  if (!known) return absl::InvalidArgumentError("no catalogue is named " + options.default_catalog);
  RegistrySettings settings;
  settings.catalogs = *std::move(catalogs);
  settings.default_catalog = options.default_catalog;
  settings.limits = options.limits;
  settings.cache_bytes = options.cache_bytes;
  settings.max_wait = absl::Seconds(options.min_revision_wait_seconds);
  return settings;
}

int Serve(const Options& options) {
  const sigset_t signals = BlockEndSignals();
  const auto log = StartLog(options.log_level);

  auto registry_settings = RegistrySettingsOf(options);
  if (!registry_settings.ok()) {
    log->critical("{}", std::string(registry_settings.status().message()));
    return kCannotStart;
  }
  const std::string storage = *StorageOf(options);
  const auto store = OpenStore(storage, {options.history_changes, absl::Hours(24 * options.history_days)});
  if (!store.ok()) {
    log->critical("{}", std::string(store.status().message()));
    return kCannotStart;
  }
  Registry registry(*std::move(registry_settings), **store);
  ServerSettings settings;
  settings.listen = options.listen;
  settings.limits = options.limits;
  settings.log = log;
  const auto server = Server::Start(settings, registry);
  if (!server.ok()) {
    log->critical("{}", std::string(server.status().message()));
    return kCannotStart;
  }
  if (!IsLoopback(options.listen)) log->warn("serving other machines without encryption, as --insecure says");
  log->info("qconfigd {} listening on {} (port {}), storage {}", QCONFIG_VERSION, options.listen, (*server)->port(),
            storage);

  int signal = 0;
  sigwait(&signals, &signal);
  log->info("ending on {}: calls that run have {} s", signal == SIGTERM ? "SIGTERM" : "SIGINT",
            options.shutdown_grace_seconds);
  (*server)->Shutdown(absl::Seconds(options.shutdown_grace_seconds));
  log->info("ended");
  return 0;
}

int Backup(const Options& options, const std::string& to) {
  const std::string storage = *StorageOf(options);
  constexpr absl::string_view kSqlite = "sqlite:";
  if (!absl::StartsWith(storage, kSqlite)) {
    std::fprintf(stderr, "only an SQLite registry can be backed up: say --storage sqlite:FILE\n");
    return kWrongOptions;
  }
  const absl::Status status = BackupSqlite(storage.substr(kSqlite.size()), to);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return kCannotStart;
}

int Main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is STORAGE_FULL, and no end of the process
  Options options;
  CLI::App app("qconfigd serves LLM quantization configurations over gRPC.");
  app.set_version_flag("--version", QCONFIG_VERSION);
  app.footer("Every option can also be given in the environment, under the name in parentheses.");
  AddOptions(app, options);
  std::string backup_file;
  CLI::App* backup = app.add_subcommand("backup", "Copy the registry, while it is served or not, to a new file");
  backup->add_option("--to", backup_file, "File to make")->required();
  backup->fallthrough();
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
  if (*backup) return Backup(options, backup_file);
  Exit(Serve(options));
}

}  // namespace
}  // namespace qconfig

int main(int argc, char** argv) { return qconfig::Main(argc, argv); }
