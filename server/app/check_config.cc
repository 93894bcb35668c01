// SPDX-License-Identifier: Apache-2.0
#include "server/app/check_config.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "server/app/admin_token.h"
#include "server/app/exit_codes.h"
#include "server/auth/policy_file.h"
#include "server/base/files/pem_files.h"

namespace qconfig {
namespace {

namespace fs = std::filesystem;

absl::Status CannotBeUsed(const fs::path& path, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("cannot store registries in ", path.string(), ": ", why));
}

// The server creates missing directories when it starts.
absl::Status CheckStorage(const Options& options) {
  const auto storage = ResolveStorage(options);
  if (!storage.ok()) return storage.status();
  absl::string_view file = *storage;
  if (!absl::ConsumePrefix(&file, "sqlite:")) return absl::OkStatus();
  const fs::path path = fs::path(std::string(file));
  std::error_code error;
  if (fs::is_directory(path, error)) return CannotBeUsed(path, "it is a directory");
  if (fs::exists(path, error) && access(path.c_str(), R_OK | W_OK) != 0) {
    return CannotBeUsed(path, std::strerror(errno));
  }
  fs::path directory = fs::absolute(path, error).parent_path();
  while (directory.has_relative_path() && !fs::exists(directory, error) && !error) directory = directory.parent_path();
  if (error) return CannotBeUsed(path, absl::StrCat(directory.string(), ": ", error.message()));
  if (!fs::is_directory(directory, error)) return CannotBeUsed(path, directory.string() + " is not a directory");
  if (access(directory.c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  return CannotBeUsed(path, absl::StrCat(directory.string(), ": ", std::strerror(errno)));
}

absl::Status CheckTlsFiles(const Options& options) {
  const PemPaths paths = {options.tls_cert, options.tls_key, options.tls_client_ca};
  const auto contents = ReadPemFiles(paths);
  return contents.ok() ? CheckPem(paths, *contents, absl::Now()).status() : contents.status();
}

// The server creates a missing file when it starts.
absl::Status CheckAuditLog(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  std::error_code error;
  const bool exists = fs::exists(path, error);
  if (exists && !fs::is_regular_file(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat("--audit-log ", path, " is not a regular file"));
  }
  const fs::path used = exists ? fs::path(path) : fs::absolute(path, error).parent_path();
  if (access(used.c_str(), exists ? R_OK | W_OK : W_OK | X_OK) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--audit-log ", path, ": ", used.string(), ": ", std::strerror(errno)));
}

absl::Status CheckAccessFiles(const Options& options) {
  if (!options.admin_token_file.empty()) {
    if (const auto token = ReadAdminToken(options.admin_token_file); !token.ok()) return token.status();
  }
  if (absl::Status status = CheckAuditLog(options.audit_log); !status.ok()) return status;
  return options.auth_policy.empty() ? absl::OkStatus() : LoadPolicy(options.auth_policy).status();
}

}  // namespace

absl::Status CheckStart(const Options& options) {
  for (const auto check : {CheckTlsFiles, CheckAccessFiles, CheckStorage}) {
    if (const absl::Status status = check(options); !status.ok()) return status;
  }
  return absl::OkStatus();
}

int CheckConfig(const Options& options, const CommandLine& line) {
  for (const std::string& text : UnknownVariables()) std::fprintf(stderr, "warning: %s\n", text.c_str());
  if (const absl::Status status = CheckStart(options); !status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return kUsageError;
  }
  std::puts("configuration is valid");
  for (const GivenOption& given : line.given) {
    std::printf("  %s %s (%s)\n", given.flag.c_str(), given.value.c_str(), given.source.c_str());
  }
  return 0;
}

}  // namespace qconfig
