// SPDX-License-Identifier: Apache-2.0
//
// qconfigd. Its exit codes are in server/app/exit_codes.h.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "core/builtin_catalogs.h"
#include "core/tenant_id.h"
#include "server/admin/health_check.h"
#include "server/app/check_config.h"
#include "server/app/exit_codes.h"
#include "server/app/serve.h"
#include "server/app/shutdown_signals.h"
#include "server/auth/policy_file.h"
#include "server/auth/policy_text.h"
#include "server/observe/log.h"
#include "server/options/command_line.h"
#include "server/options/help_format.h"
#include "server/options/options.h"
#include "server/registry/storage/sqlite_backup.h"
#include "server/registry/storage/sqlite_check.h"
#include "server/registry/storage/sqlite_new_epoch.h"

namespace qconfig {
namespace {

void PrintError(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

// Prints the error and returns the exit code.
int Failed(int code, const absl::Status& why) {
  PrintError(std::string(why.message()));
  return code;
}

// The file of the registry. kInvalidArgument: the registry is not in a file. Ignores the options for serving.
absl::StatusOr<std::string> FindRegistryFile(const Options& options) {
  const absl::StatusOr<std::string> storage = ResolveStorage(options);
  if (!storage.ok()) return storage.status();
  absl::string_view path = *storage;
  if (absl::ConsumePrefix(&path, "sqlite:")) return std::string(path);
  return absl::InvalidArgumentError("this subcommand requires an SQLite registry; set --storage sqlite:FILE");
}

int Backup(const Options& options, const std::string& to) {
  const absl::StatusOr<std::string> path = FindRegistryFile(options);
  if (!path.ok()) return Failed(kUsageError, path.status());
  const absl::Status status = BackupSqlite(*path, to);
  return status.ok() ? 0 : Failed(kFailed, status);
}

int CheckStorage(const Options& options) {
  const absl::StatusOr<std::string> path = FindRegistryFile(options);
  if (!path.ok()) return Failed(kUsageError, path.status());
  const absl::Status status = CheckSqlite(*path);
  if (!status.ok()) return Failed(kFailed, status);
  std::printf("%s is not damaged\n", path->c_str());
  return 0;
}

int NewEpoch(const Options& options) {
  const absl::StatusOr<std::string> path = FindRegistryFile(options);
  if (!path.ok()) return Failed(kUsageError, path.status());
  const absl::StatusOr<int64_t> first = BeginSqliteEpochAt(*path, PrintError);
  if (!first.ok()) return Failed(kFailed, first.status());
  std::printf("new revisions in %s begin at %lld\n", path->c_str(), static_cast<long long>(*first));
  return 0;
}

// Prints what the policy in `file` says, or who may do what with `tenant` if there is one.
int CheckPolicy(const std::string& file, const std::string& tenant) {
  const absl::StatusOr<LoadedPolicy> loaded = LoadPolicy(file);
  if (!loaded.ok()) return Failed(kFailed, loaded.status());
  const Policy& policy = *loaded->policy;
  for (const std::string& warning : PolicyWarnings(policy, absl::Now())) PrintError("warning: " + warning);
  std::string text = DescribePolicy(policy);
  if (!tenant.empty()) {
    const absl::StatusOr<TenantId> id = TenantId::Parse(tenant, "--tenant");
    if (!id.ok()) return Failed(kUsageError, id.status());
    text = DescribeAccess(policy, *id, absl::Now());
  }
  std::printf("%s is valid\n%s", file.c_str(), text.c_str());
  return 0;
}

int HealthCheck(const Options& options) {
  const absl::Status status = CheckHealth(options.admin_listen);
  return status.ok() ? 0 : Failed(kFailed, status);
}

// Checks the options, and then serves or, for the subcommand check-config, prints the result. Returns the exit code.
int CheckOrServe(const Options& options, const CommandLine& line, bool only_check) {
  const absl::StatusOr<Catalogs> catalogs = LoadBuiltinCatalogs();
  if (!catalogs.ok()) return Failed(kFailed, catalogs.status());
  if (const absl::Status status = CheckOptions(options, *catalogs); !status.ok()) return Failed(kUsageError, status);
  if (only_check) return CheckConfig(options, line);
  try {
    ExitAfterLog(Serve(options, *catalogs));
  } catch (const std::system_error& error) {
    std::fprintf(stderr,
                 "cannot start a thread: the process limit (ulimit -u, or pids of the container) is too low: %s\n",
                 error.what());
    ExitAfterLog(kFailed);
  }
}

int Main(int argc, char** argv) {
  BlockShutdownSignals();  // as PID 1 of a container, it would miss signals that arrive earlier than it handles them
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit causes STORAGE_FULL instead of ending the process
  Options options;
  CLI::App app("qconfigd serves LLM quantization configurations over gRPC.", "qconfigd");
  app.set_version_flag("-v,--version", QCONFIG_VERSION);
  app.formatter(std::make_shared<HelpFormat>());
  app.footer(
      "Options can also be set with the environment variables in brackets or in the file that --config\n"
      "names. Flags take precedence over the environment, and the environment over the file.");
  AddOptions(app, options);
  std::string backup_file;
  CLI::App* backup = app.add_subcommand("backup", "Copy the registry to a new file; the server can be running");
  backup->add_option("--to", backup_file, "File to create")->required();
  backup->fallthrough();
  CLI::App* check_storage =
      app.add_subcommand("check-storage", "Look for damage in the registry or a backup; the server can be running");
  check_storage->fallthrough();
  CLI::App* new_epoch =
      app.add_subcommand("new-epoch", "Begin a new epoch of revision numbers after an older copy was restored");
  new_epoch->fallthrough();
  CLI::App* health_check = app.add_subcommand("healthcheck", "Check whether the server at --admin-listen is ready");
  health_check->fallthrough();
  CLI::App* check_config =
      app.add_subcommand("check-config", "Check the options and print those that are not at their defaults");
  check_config->fallthrough();
  std::string policy_file;
  std::string tenant;
  CLI::App* check_policy = app.add_subcommand("check-policy", "Check a file for --auth-policy and say what it permits");
  check_policy->add_option("FILE", policy_file, "The policy")->required();
  check_policy->add_option("--tenant", tenant, "Say only who can read, write, administer and create this tenant");
  const auto line = ParseCommandLine(app, argc, argv);
  if (line.ok() && line->help_printed) return 0;
  if (*health_check || *check_config || *check_policy || *backup || *check_storage || *new_epoch) {
    UnblockShutdownSignals();
  }
  if (!line.ok()) return Failed(kUsageError, line.status());
  // These subcommands ignore the options for serving.
  if (*health_check) return HealthCheck(options);
  if (*check_policy) return CheckPolicy(policy_file, tenant);
  if (*backup) return Backup(options, backup_file);
  if (*check_storage) return CheckStorage(options);
  if (*new_epoch) return NewEpoch(options);
  return CheckOrServe(options, *line, /*only_check=*/static_cast<bool>(*check_config));
}

}  // namespace
}  // namespace qconfig

int main(int argc, char** argv) { return qconfig::Main(argc, argv); }
