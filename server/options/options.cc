// SPDX-License-Identifier: Apache-2.0
#include "server/options/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <limits>
#include <type_traits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/suggestion.h"
#include "core/utf8.h"
#include "server/base/host_and_port.h"

namespace qconfig {
namespace {

template <typename Value>
CLI::Option* AddOption(CLI::App& app, const std::string& flag, Value& value, const std::string& help) {
  const char* const type = std::is_arithmetic_v<Value> ? "NUMBER" : "TEXT";
  return app.add_option(flag, value, help)->type_name(type)->capture_default_str();
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text, 100), "\""); }

// CLI11's own checks take NaN, and octal and hexadecimal numbers.
template <typename Value>
CLI::Validator Between(Value least, Value most) {
  const std::string allowed =
      absl::StrCat(std::is_integral_v<Value> ? "a whole number" : "a number", " from ", least, " to ", most);
  const auto check = [=](std::string& text) -> std::string {
    Value value = 0;
    bool is_number = false;
    if constexpr (std::is_integral_v<Value>) {
      is_number = absl::SimpleAtoi(text, &value);
      if (is_number) text = absl::StrCat(value);  // CLI11 would read 010 as eight
    } else {
      is_number = absl::SimpleAtod(text, &value);
    }
    return is_number && value >= least && value <= most ? "" : absl::StrCat(Quoted(text), " is not ", allowed);
  };
  return CLI::Validator(check, allowed);
}

CLI::Validator OneOf(const std::vector<std::string>& words) {
  const std::string allowed = absl::StrJoin(words, ", ");
  const auto check = [=](const std::string& text) -> std::string {
    const bool known = std::find(words.begin(), words.end(), text) != words.end();
    return known ? "" : absl::StrCat(Quoted(text), " is none of ", allowed);
  };
  return CLI::Validator(check, allowed);
}

void AddLimit(CLI::App& app, const std::string& flag, size_t& value, const std::string& help) {
  constexpr size_t kMax = std::numeric_limits<int>::max();  // gRPC and protobuf count messages in int
  AddOption(app, flag, value, help)->transform(Between(size_t{1}, kMax))->group("Limits");
}

bool IsUnixSocket(absl::string_view listen) {
  return absl::StartsWith(listen, "unix:") || absl::StartsWith(listen, "unix-abstract:");
}

// gRPC's own form of such an address has two slashes, or none.
absl::Status CheckListen(absl::string_view listen) {
  if (!IsUnixSocket(listen)) return ParseHostAndPort("--listen", listen).status();
  absl::string_view path = listen.substr(listen.find(':') + 1);
  absl::ConsumePrefix(&path, "//");
  if (!path.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--listen ", listen, " does not say which socket; an example is unix:/run/qconfigd.sock"));
}

absl::Status CheckAdminListen(absl::string_view listen) {
  return listen.empty() ? absl::OkStatus() : ParseHostAndPort("--admin-listen", listen).status();
}

void AddServingOptions(CLI::App& app, Options& options) {
  const char* const group = "Serving";
  AddOption(app, "--listen", options.listen, "Address to serve gRPC on, host:port; port 0 takes a free one")
      ->type_name("ADDRESS")
      ->group(group);
  app.add_flag("--insecure", options.insecure,
               "Serve other machines even if nothing is encrypted or nobody is asked who calls")
      ->check(OneOf({"true", "false", "1", "0"}))
      ->group(group);
  AddOption(app, "--admin-listen", options.admin_listen,
            "Address of the HTTP port for probes and metrics, host:port; empty: no such port")
      ->type_name("ADDRESS")
      ->group(group);
  AddOption(app, "--default-catalog", options.default_catalog,
            "Catalogue that requests without one use, until a tenant's first write sets it for that tenant")
      ->group(group);
}

void AddTlsOptions(CLI::App& app, Options& options) {
  const char* const group = "TLS";
  AddOption(app, "--tls-cert", options.tls_cert, "File with the server's certificate chain, PEM; empty: no TLS")
      ->type_name("FILE")
      ->group(group);
  AddOption(app, "--tls-key", options.tls_key, "File with the certificate's private key, PEM; empty: none")
      ->type_name("FILE")
      ->group(group);
  AddOption(app, "--tls-client-ca", options.tls_client_ca,
            "File with the authorities whose certificates callers must have, PEM; empty: callers need none")
      ->type_name("FILE")
      ->group(group);
}

void AddStorageOptions(CLI::App& app, Options& options) {
  const char* const group = "Storage";
  AddOption(
      app, "--storage", options.storage,
      "Where registries are kept: sqlite (registry.db in the data directory), sqlite:FILE, or memory, which forgets")
      ->group(group);
  AddOption(app, "--data-dir", options.data_dir,
            "Data directory; empty: qconfig in $XDG_DATA_HOME, or else in ~/.local/share")
      ->type_name("DIRECTORY")
      ->group(group);
  AddOption(app, "--history-changes", options.history_changes,
            "Newest writes to one tenant's registry that are remembered")
      ->transform(Between(int64_t{1}, int64_t{1'000'000'000}))
      ->group(group);
  AddOption(app, "--history-days", options.history_days, "Days that a write is remembered")
      ->transform(Between(int64_t{1}, int64_t{36'500}))
      ->group(group);
  AddOption(app, "--cache-bytes", options.cache_bytes, "Memory for registries read from the store, bytes")
      ->transform(Between(size_t{1}, size_t{1} << 50))
      ->group(group);
  AddOption(app, "--answer-cache-bytes", options.answer_cache_bytes,
            "Memory for answers that are kept for the next call with the same request, bytes; 0: none is kept")
      ->transform(Between(size_t{0}, size_t{1} << 50))
      ->group(group);
}

void AddObservationOptions(CLI::App& app, Options& options) {
  const char* const group = "Logs and metrics";
  AddOption(app, "--log-level", options.log_level, "What is logged to standard error")
      ->check(OneOf({"debug", "info", "warn", "error"}))
      ->group(group);
  AddOption(app, "--log-format", options.log_format, "Form of the log; auto is text on a terminal and json elsewhere")
      ->check(OneOf({"auto", "json", "text"}))
      ->group(group);
  AddOption(app, "--log-sample", options.log_sample,
            "Fraction of the calls that are logged, from 0 to 1; errors and slow calls always are")
      ->transform(Between(0.0, 1.0))
      ->group(group);
  AddOption(app, "--log-slow-ms", options.log_slow_ms, "Calls that take as long or longer are slow")
      ->transform(Between(0, 3'600'000))
      ->group(group);
  AddOption(app, "--metrics-tenants", options.metrics_tenants,
            "Tenants that metrics name; those that come later are counted as \"other\"")
      ->transform(Between(size_t{0}, size_t{10'000}))
      ->group(group);
}

void AddLifeCycleOptions(CLI::App& app, Options& options) {
  const char* const group = "Connections and shutdown";
  AddOption(app, "--shutdown-delay-seconds", options.shutdown_delay_seconds,
            "How long calls are still taken after SIGTERM, while the server reports that it is not ready")
      ->transform(Between(0, 3600))
      ->group(group);
  AddOption(app, "--shutdown-grace-seconds", options.shutdown_grace_seconds,
            "How long running calls may take after that")
      ->transform(Between(0, 3600))
      ->group(group);
  AddOption(app, "--keepalive-seconds", options.keepalive_seconds, "Silence after which a connection is pinged")
      ->transform(Between(10, 86'400))
      ->group(group);
  AddOption(app, "--max-connection-age-seconds", options.max_connection_age_seconds,
            "Age at which a connection is closed, so that clients look for servers again; 0: never")
      ->transform(Between(0, 31'536'000))
      ->group(group);
}

void AddLimits(CLI::App& app, Options& options) {
  AddOption(app, "--max-in-flight", options.max_in_flight, "Calls that run at the same time; more are OVERLOADED")
      ->transform(Between(size_t{1}, size_t{100'000}))
      ->group("Limits");
  AddOption(app, "--min-revision-wait-seconds", options.min_revision_wait_seconds,
            "How long a call without a deadline waits for its min_revision")
      ->transform(Between(0, 3600))
      ->group("Limits");
  AddLimit(app, "--max-tenant-schemes", options.limits.tenant_schemes, "Schemes of one tenant");
  AddLimit(app, "--max-tenant-templates", options.limits.tenant_templates, "Templates of one tenant");
  AddLimit(app, "--max-tenant-bytes", options.limits.tenant_bytes,
           "Schemes and templates of one tenant together, bytes");
  AddLimit(app, "--max-message-bytes", options.limits.message_bytes, "Size of one request, bytes");
  AddLimit(app, "--max-name-chars", options.limits.name_chars, "Length of a name");
  AddLimit(app, "--max-pattern-chars", options.limits.pattern_chars, "Length of a layer-name pattern");
  AddLimit(app, "--max-list-entries", options.limits.list_entries, "Entries in one list of a request");
  AddLimit(app, "--max-batch-items", options.limits.batch_items, "Requests in one batch");
  AddLimit(app, "--max-answer-bytes", options.limits.answer_bytes, "Size of one answer, a batch's too, bytes");
  AddLimit(app, "--max-algorithm-bytes", options.limits.algorithm_bytes,
           "Memory for the algorithms in one answer, bytes");
}

absl::Status CheckDefaultCatalog(const Options& options, const Catalogs& catalogs) {
  std::vector<absl::string_view> names;
  names.reserve(catalogs.size());
  for (const auto& catalog : catalogs) {
    if (catalog->name() == options.default_catalog) return absl::OkStatus();
    names.push_back(catalog->name());
  }
  return absl::InvalidArgumentError(absl::StrCat("--default-catalog ", options.default_catalog, " is no catalogue",
                                                 Suggestion(options.default_catalog, names)));
}

absl::Status CheckTls(const Options& options) {
  const bool tls = !options.tls_cert.empty();
  if (tls == options.tls_key.empty()) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key belong together: say both, or neither");
  }
  const bool asks_callers = !options.tls_client_ca.empty();
  if (asks_callers && !tls) {
    return absl::InvalidArgumentError(
        "--tls-client-ca asks callers for certificates, which needs TLS: say --tls-cert and --tls-key, too");
  }
  if (asks_callers || options.insecure || IsLoopback(options.listen)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--listen ", options.listen, " can be reached from other machines, and ",
      tls ? "without --tls-client-ca nobody is asked who calls. Say it"
          : "without TLS nothing is encrypted and nobody is asked who calls. Say --tls-cert, --tls-key and "
            "--tls-client-ca",
      ", listen on 127.0.0.1, or say --insecure (QCONFIG_INSECURE=true) when the network itself is trusted"));
}

}  // namespace

void AddOptions(CLI::App& app, Options& options) {
  AddOption(app, "--config", options.config,
            "File of options, a line `name = value` for each, named as here without --; empty: none")
      ->type_name("FILE")
      ->group("Configuration");
  AddServingOptions(app, options);
  AddTlsOptions(app, options);
  AddStorageOptions(app, options);
  AddObservationOptions(app, options);
  AddLifeCycleOptions(app, options);
  AddLimits(app, options);
}

std::string VariableOf(const CLI::Option& option) {
  const std::string name = absl::AsciiStrToUpper(option.get_name().substr(2));
  return "QCONFIG_" + absl::StrReplaceAll(name, {{"-", "_"}});
}

bool IsLoopback(absl::string_view listen) {
  if (IsUnixSocket(listen)) return true;
  const absl::string_view host = listen.substr(0, listen.rfind(':'));
  const bool is_ipv4_loopback = absl::StartsWith(host, "127.") && std::count(host.begin(), host.end(), '.') == 3 &&
                                host.find_first_not_of("0123456789.") == absl::string_view::npos;
  return is_ipv4_loopback || host == "[::1]" || host == "localhost";
}

absl::StatusOr<std::string> StorageOf(const Options& options) {
  const std::string& storage = options.storage;
  if (storage == "memory" || (absl::StartsWith(storage, "sqlite:") && storage != "sqlite:")) return storage;
  if (storage != "sqlite") {
    return absl::InvalidArgumentError(
        absl::StrCat("--storage ", storage, " is none of memory, sqlite and sqlite:FILE"));
  }
  std::string directory = options.data_dir;
  const char* const xdg = std::getenv("XDG_DATA_HOME");
  const char* const home = std::getenv("HOME");
  // The specification of XDG_DATA_HOME says that relative paths are to be ignored.
  if (directory.empty() && xdg != nullptr && *xdg == '/') directory = absl::StrCat(xdg, "/qconfig");
  if (directory.empty() && home != nullptr && *home == '/') directory = absl::StrCat(home, "/.local/share/qconfig");
  if (directory.empty()) {
    return absl::InvalidArgumentError(
        "there is no data directory, because neither XDG_DATA_HOME nor HOME is set. Say --data-dir (QCONFIG_DATA_DIR), "
        "or "
        "--storage memory");
  }
  return absl::StrCat("sqlite:", directory, "/registry.db");
}

absl::Status CheckOptions(const Options& options, const Catalogs& catalogs) {
  if (const auto storage = StorageOf(options); !storage.ok()) return storage.status();
  if (absl::Status status = CheckListen(options.listen); !status.ok()) return status;
  if (absl::Status status = CheckAdminListen(options.admin_listen); !status.ok()) return status;
  if (absl::Status status = CheckDefaultCatalog(options, catalogs); !status.ok()) return status;
  return CheckTls(options);
}

std::string InsecureExposureWarning(const Options& options) {
  if (IsLoopback(options.listen)) return "";
  if (options.tls_cert.empty()) {
    return "other machines are served as --insecure says: nothing is encrypted, and nobody is asked who calls";
  }
  if (options.tls_client_ca.empty()) {
    return "other machines are served as --insecure says: calls are encrypted, but nobody is asked who calls";
  }
  return "";
}

}  // namespace qconfig
