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
class Option;
}  // namespace CLI

namespace qconfig {

// What qconfigd can be told, by flag, environment variable or file. The defaults stand here.
struct Options {
  std::string config;  // file of options; empty: none

  std::string listen = "127.0.0.1:50051";
  bool insecure = false;
  std::string admin_listen = "127.0.0.1:9464";  // empty: no admin port
  std::string default_catalog = std::string(kDefaultCatalog);

  std::string tls_cert;  // files; empty: none
  std::string tls_key;
  std::string tls_client_ca;

  std::string storage = "sqlite";
  std::string data_dir;  // empty: qconfig in the XDG data directory
  int64_t history_changes = 10'000;
  int64_t history_days = 400;
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

  size_t max_in_flight = 256;
  int min_revision_wait_seconds = 30;
  Limits limits;
};

// Adds every option to `app`, which fills `options` when it parses. `options` must outlive `app`.
void AddOptions(CLI::App& app, Options& options);

// The environment variable of an option that AddOptions() added: QCONFIG_MAX_BATCH_ITEMS for --max-batch-items.
std::string VariableOf(const CLI::Option& option);

// The catalogues of the server, oldest release first.
using Catalogs = std::vector<std::shared_ptr<const Catalog>>;

// Checks the options together, and against the server's `catalogs`. kInvalidArgument: the message says what to change.
absl::Status CheckOptions(const Options& options, const Catalogs& catalogs);

// Where `options` say that registries are kept: "memory" or "sqlite:PATH".
// kInvalidArgument, with a sentence that says what to do, when there is no such place.
absl::StatusOr<std::string> StorageOf(const Options& options);

// What other machines can do because --insecure is said, as a sentence for the log; empty: nothing.
std::string InsecureExposureWarning(const Options& options);

// Whether only this machine can reach `listen`: host 127.x.x.x, [::1] or localhost, or a Unix socket.
bool IsLoopback(absl::string_view listen);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_OPTIONS_H_
