// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OPTIONS_OPTIONS_H_
#define QCONFIG_SERVER_OPTIONS_OPTIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/builtin_catalogs.h"
#include "core/catalog.h"
#include "core/limits.h"

namespace CLI {
class App;
}  // namespace CLI

namespace qconfig {

// The options of qconfigd, from flags, environment variables and a file, with their defaults.
struct Options {
  std::string config;  // a file with options; empty: none

  std::string listen = "127.0.0.1:50051";
  bool insecure = false;
  std::string admin_listen = "127.0.0.1:9464";  // empty: no admin port
  std::string default_catalog = std::string(kDefaultCatalog);
  std::string reflection = "auto";  // or "on" or "off"

  std::string tls_cert;  // files; empty: none
  std::string tls_key;
  std::string tls_client_ca;
  std::string tls_client_auth = "require";  // or "optional"

  std::string auth_policy;  // files; empty: none
  std::string audit_log;
  std::string admin_token_file;

  std::string storage = "sqlite";
  std::string data_dir;  // empty: qconfig in the XDG data directory
  int64_t history_changes = 10'000;
  int64_t history_days = 400;
  int64_t history_bytes = int64_t{64} << 20;
  int64_t tenant_disk_bytes = int64_t{256} << 20;
  size_t cache_bytes = 256u << 20;
  size_t answer_cache_bytes = 64u << 20;

  std::string log_level = "info";
  std::string log_format = "auto";
  double log_sample = 0.001;
  int log_slow_ms = 500;
  size_t metrics_tenants = 100;

  int shutdown_delay_seconds = 0;
  int shutdown_grace_seconds = 10;
  int keepalive_seconds = 60;
  int max_connection_age_seconds = 1800;  // 0: no limit
  size_t max_connections = 0;             // 0: derived from the limit on open files
  size_t max_connections_per_peer = 0;    // 0: half of all

  size_t max_in_flight = 256;
  int64_t max_tenants = 10'000;
  std::string max_memory_bytes = "auto";  // the limit of the control group
  size_t request_memory_bytes = 256u << 20;
  Limits limits;
};

// Adds every option to `app`, which sets `options` when it parses. `options` must outlive `app`.
void AddOptions(CLI::App& app, Options& options);

// The environment variable of an option: QCONFIG_MAX_IN_FLIGHT for "--max-in-flight" or "max-in-flight".
std::string EnvironmentVariable(absl::string_view option);

// Checks the options together, and against the server's `catalogs`. kInvalidArgument: the message says what to change.
absl::Status CheckOptions(const Options& options, const Catalogs& catalogs);

// The storage of the registries: "memory" or "sqlite:PATH".
// kInvalidArgument: --storage is invalid, or there is no data directory. The message says what to do.
absl::StatusOr<std::string> ResolveStorage(const Options& options);

// Whether to serve reflection.
bool ResolveReflection(const Options& options);

// The memory limit in bytes; 0: none.
size_t ResolveMaxMemory(const Options& options);

// A warning about what --insecure exposes to other hosts; empty if nothing.
std::string InsecureExposureWarning(const Options& options);

// Whether only this host can connect to `listen`: 127.x.x.x, [::1], localhost, or a Unix socket.
bool IsLoopback(absl::string_view listen);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_OPTIONS_H_
