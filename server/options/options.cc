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
#include "server/base/memory_usage.h"

namespace qconfig {
namespace {

template <typename Value>
CLI::Option* AddOption(CLI::App& app, const std::string& flag, Value& value, const std::string& help) {
  const char* const type = std::is_arithmetic_v<Value> ? "NUMBER" : "TEXT";
  return app.add_option(flag, value, help)->type_name(type)->capture_default_str();
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text, 100), "\""); }

// The checks of CLI11 accept NaN, octal and hexadecimal numbers.
template <typename Value>
CLI::Validator Between(Value least, Value most) {
  const std::string allowed =
      absl::StrCat(std::is_integral_v<Value> ? "a whole number" : "a number", " from ", least, " to ", most);
  const auto check = [=](std::string& text) -> std::string {
    Value value = 0;
    bool is_number = false;
    if constexpr (std::is_integral_v<Value>) {
      is_number = absl::SimpleAtoi(text, &value);
      if (is_number) text = absl::StrCat(value);  // CLI11 reads 010 as eight
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
    return known ? "" : absl::StrCat(Quoted(text), " is not one of ", allowed);
  };
  return CLI::Validator(check, allowed);
}

void AddLimit(CLI::App& app, const std::string& flag, size_t& value, const std::string& help) {
  constexpr size_t kMax = std::numeric_limits<int>::max();  // gRPC and Protobuf use int for message sizes
  AddOption(app, flag, value, help)->transform(Between(size_t{1}, kMax))->group("Limits");
}

bool IsUnixSocket(absl::string_view listen) {
  return absl::StartsWith(listen, "unix:") || absl::StartsWith(listen, "unix-abstract:");
}

// gRPC accepts such an address with two slashes or none.
absl::Status CheckListen(absl::string_view listen) {
  if (!IsUnixSocket(listen)) return ParseHostAndPort("--listen", listen).status();
  absl::string_view path = listen.substr(listen.find(':') + 1);
  absl::ConsumePrefix(&path, "//");
  if (!path.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--listen ", listen, " has no path; set, for example, unix:/run/qconfigd.sock"));
}

absl::Status CheckAdminListen(absl::string_view listen) {
  return listen.empty() ? absl::OkStatus() : ParseHostAndPort("--admin-listen", listen).status();
}

void AddServingOptions(CLI::App& app, Options& options) {
  const char* const group = "Serving";
  AddOption(app, "--listen", options.listen,
            "Address of the gRPC port, host:port or unix:PATH; port 0 selects a free port")
      ->type_name("ADDRESS")
      ->group(group);
  app.add_flag("--insecure", options.insecure, "Allow unencrypted or unauthenticated connections from other hosts")
      ->check(OneOf({"true", "false", "1", "0"}))
      ->group(group);
  AddOption(app, "--admin-listen", options.admin_listen,
            "Address of the HTTP port for probes and metrics, host:port; if empty, the port is disabled")
      ->type_name("ADDRESS")
      ->group(group);
  AddOption(app, "--default-catalog", options.default_catalog,
            "Catalogue for requests that do not name one; a tenant's first write stores it for that tenant")
      ->group(group);
  AddOption(app, "--reflection", options.reflection,
            "Describes the API to tools such as grpcurl: on, off, or auto, which is on without --auth-policy")
      ->check(OneOf({"auto", "on", "off"}))
      ->group(group);
}

void AddTlsOptions(CLI::App& app, Options& options) {
  const char* const group = "TLS";
  AddOption(app, "--tls-cert", options.tls_cert,
            "PEM file with the certificate chain of the server; if empty, TLS is disabled")
      ->type_name("FILE")
      ->group(group);
  AddOption(app, "--tls-key", options.tls_key,
            "PEM file with the private key of the certificate; required with --tls-cert")
      ->type_name("FILE")
      ->group(group);
  AddOption(app, "--tls-client-ca", options.tls_client_ca,
            "PEM file with the CAs for client certificates; if empty, clients need no certificate")
      ->type_name("FILE")
      ->group(group);
  AddOption(app, "--tls-client-auth", options.tls_client_auth,
            "Whether clients must have a certificate of --tls-client-ca: require, or optional, for clients with tokens")
      ->check(OneOf({"require", "optional"}))
      ->group(group);
}

void AddAccessOptions(CLI::App& app, Options& options) {
  const char* const group = "Access";
  AddOption(app, "--auth-policy", options.auth_policy,
            "YAML file that says who may do what; if empty, everybody who can connect may do everything")
      ->type_name("FILE")
      ->group(group);
  AddOption(app, "--audit-log", options.audit_log,
            "File to which the server appends a line for each write and each rejected caller; if a line cannot be "
            "appended, the write is rejected")
      ->type_name("FILE")
      ->group(group);
  AddOption(
      app, "--admin-token-file", options.admin_token_file,
      "File with the token that /metrics requires; if empty, and if there is a policy, it names no tenants to other "
      "hosts")
      ->type_name("FILE")
      ->group(group);
}

void AddStorageOptions(CLI::App& app, Options& options) {
  const char* const group = "Storage";
  AddOption(
      app, "--storage", options.storage,
      "Storage of the registries: sqlite (registry.db in the data directory), sqlite:FILE, or memory (not persistent)")
      ->group(group);
  AddOption(app, "--data-dir", options.data_dir,
            "Data directory; if empty, $XDG_DATA_HOME/qconfig, or ~/.local/share/qconfig if XDG_DATA_HOME is not set")
      ->type_name("DIRECTORY")
      ->group(group);
  AddOption(app, "--history-changes", options.history_changes,
            "Maximum number of changes in the history of each tenant")
      ->transform(Between(int64_t{1}, int64_t{1'000'000'000}))
      ->group(group);
  AddOption(app, "--history-days", options.history_days, "Maximum number of days that a change stays in the history")
      ->transform(Between(int64_t{1}, int64_t{36'500}))
      ->group(group);
  AddOption(app, "--history-bytes", options.history_bytes,
            "Maximum total size of the changes in the history of each tenant, in bytes")
      ->transform(Between(int64_t{1}, int64_t{1} << 50))
      ->group(group);
  AddOption(
      app, "--tenant-disk-bytes", options.tenant_disk_bytes,
      "Maximum total size of the schemes, templates and history of each tenant, in bytes; older history is removed, "
      "and the server rejects writes for which that is not enough")
      ->transform(Between(int64_t{1}, int64_t{1} << 50))
      ->group(group);
  AddOption(app, "--cache-bytes", options.cache_bytes, "Maximum memory for cached registries, in bytes")
      ->transform(Between(size_t{1}, size_t{1} << 50))
      ->group(group);
  AddOption(app, "--answer-cache-bytes", options.answer_cache_bytes,
            "Maximum memory for cached answers, in bytes; 0 disables the cache")
      ->transform(Between(size_t{0}, size_t{1} << 50))
      ->group(group);
}

void AddObservationOptions(CLI::App& app, Options& options) {
  const char* const group = "Logs and metrics";
  AddOption(app, "--log-level", options.log_level, "Minimum level of the lines logged to standard error")
      ->check(OneOf({"debug", "info", "warn", "error"}))
      ->group(group);
  AddOption(app, "--log-format", options.log_format,
            "Format of the log; auto selects text on a terminal and json elsewhere")
      ->check(OneOf({"auto", "json", "text"}))
      ->group(group);
  AddOption(app, "--log-sample", options.log_sample,
            "Fraction of the calls to log; failed and slow calls, and writes, are always logged")
      ->transform(Between(0.0, 1.0))
      ->group(group);
  AddOption(app, "--log-slow-ms", options.log_slow_ms, "Minimum duration of a slow call, in milliseconds")
      ->transform(Between(0, 3'600'000))
      ->group(group);
  AddOption(app, "--metrics-tenants", options.metrics_tenants,
            "Maximum number of tenants with their own metrics; further tenants are counted as \"other\"")
      ->transform(Between(size_t{0}, size_t{10'000}))
      ->group(group);
}

void AddLifeCycleOptions(CLI::App& app, Options& options) {
  const char* const group = "Connections and shutdown";
  AddOption(app, "--shutdown-delay-seconds", options.shutdown_delay_seconds,
            "Time after SIGTERM during which the server still accepts calls but reports that it is not ready")
      ->transform(Between(0, 3600))
      ->group(group);
  AddOption(app, "--shutdown-grace-seconds", options.shutdown_grace_seconds,
            "Time for in-flight calls to finish after the delay")
      ->transform(Between(0, 3600))
      ->group(group);
  AddOption(app, "--keepalive-seconds", options.keepalive_seconds,
            "Idle time after which the server pings a connection")
      ->transform(Between(10, 86'400))
      ->group(group);
  AddOption(app, "--max-connection-age-seconds", options.max_connection_age_seconds,
            "Age at which the server closes a connection, so that clients discover other servers; 0 means never")
      ->transform(Between(0, 31'536'000))
      ->group(group);
  AddOption(app, "--max-connections", options.max_connections,
            "Maximum number of open gRPC connections; 0 means as many as the limit on open files allows, up to 10000")
      ->transform(Between(size_t{0}, size_t{1'000'000}))
      ->group(group);
  AddOption(app, "--max-connections-per-peer", options.max_connections_per_peer,
            "Maximum number of open gRPC connections from one IPv4 address or IPv6 /64 network; 0 means half of all")
      ->transform(Between(size_t{0}, size_t{1'000'000}))
      ->group(group);
}

void AddLimits(CLI::App& app, Options& options) {
  AddOption(app, "--max-in-flight", options.max_in_flight,
            "Maximum number of calls in flight; the server rejects further calls with OVERLOADED")
      ->transform(Between(size_t{1}, size_t{100'000}))
      ->group("Limits");
  AddOption(app, "--max-tenants", options.max_tenants,
            "Maximum number of tenants with writes; the server rejects the first write of a further tenant")
      ->transform(Between(int64_t{1}, int64_t{1'000'000'000}))
      ->group("Limits");
  const CLI::Validator bytes = Between(size_t{0}, size_t{1} << 50);
  AddOption(
      app, "--max-memory-bytes", options.max_memory_bytes,
      "Memory of the process, in bytes, near which the server rejects calls; auto selects the limit of the control "
      "group, 0 means no limit")
      ->transform(CLI::Validator([bytes](std::string& text) { return text == "auto" ? "" : bytes(text); },
                                 absl::StrCat("auto, or ", bytes.get_description())))
      ->group("Limits");
  AddOption(app, "--request-memory-bytes", options.request_memory_bytes,
            "Maximum memory for large requests and batches, in bytes; further ones wait")
      ->transform(Between(size_t{1}, size_t{1} << 50))
      ->group("Limits");
  AddLimit(app, "--max-tenant-entries", options.limits.tenant_entries,
           "Maximum number of schemes and templates of a tenant");
  AddLimit(app, "--max-tenant-bytes", options.limits.tenant_bytes,
           "Maximum total size of the schemes and templates of a tenant, in bytes");
  AddLimit(app, "--max-message-bytes", options.limits.message_bytes, "Maximum size of a request, in bytes");
  AddLimit(app, "--max-answer-bytes", options.limits.answer_bytes,
           "Maximum size of a response, including that to a batch, in bytes");
}

absl::Status CheckDefaultCatalog(const Options& options, const Catalogs& catalogs) {
  std::vector<absl::string_view> names;
  names.reserve(catalogs.size());
  for (const auto& catalog : catalogs) {
    if (catalog->name() == options.default_catalog) return absl::OkStatus();
    names.push_back(catalog->name());
  }
  return absl::InvalidArgumentError(absl::StrCat("--default-catalog ", options.default_catalog,
                                                 " is not a catalogue of this server",
                                                 Suggestion(options.default_catalog, names, NameKind::kCatalog)));
}

absl::Status CheckTls(const Options& options) {
  const bool tls = !options.tls_cert.empty();
  if (tls == options.tls_key.empty()) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key must be set together");
  }
  const bool authenticates = !options.tls_client_ca.empty();
  if (authenticates && !tls) {
    return absl::InvalidArgumentError("--tls-client-ca requires TLS. Set --tls-cert and --tls-key as well");
  }
  const bool has_policy = !options.auth_policy.empty();
  if (options.tls_client_auth == "optional" && !(authenticates && has_policy)) {
    return absl::InvalidArgumentError("--tls-client-auth optional requires --tls-client-ca and --auth-policy");
  }
  const bool is_safe = tls && (authenticates || has_policy);
  if (is_safe || options.insecure || IsLoopback(options.listen)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--listen ", options.listen, " accepts connections from other hosts, but ",
      tls ? "clients are not authenticated. Set --tls-client-ca or --auth-policy"
      : has_policy
          ? "tokens and answers are not encrypted. Set --tls-cert and --tls-key"
          : "connections are neither encrypted nor authenticated. Set --tls-cert, --tls-key and --tls-client-ca",
      ", listen on 127.0.0.1, or set --insecure (QCONFIG_INSECURE=true) if the network is trusted"));
}

}  // namespace

void AddOptions(CLI::App& app, Options& options) {
  AddOption(app, "--config", options.config,
            "File with options, one `name = value` per line, where name is an option without --")
      ->type_name("FILE")
      ->group("Configuration");
  AddServingOptions(app, options);
  AddTlsOptions(app, options);
  AddAccessOptions(app, options);
  AddStorageOptions(app, options);
  AddObservationOptions(app, options);
  AddLifeCycleOptions(app, options);
  AddLimits(app, options);
}

std::string EnvironmentVariable(absl::string_view option) {
  const std::string name = absl::AsciiStrToUpper(absl::StripPrefix(option, "--"));
  return "QCONFIG_" + absl::StrReplaceAll(name, {{"-", "_"}});
}

bool IsLoopback(absl::string_view listen) {
  if (IsUnixSocket(listen)) return true;
  const absl::string_view host = listen.substr(0, listen.rfind(':'));
  const bool is_ipv4_loopback = absl::StartsWith(host, "127.") && std::count(host.begin(), host.end(), '.') == 3 &&
                                host.find_first_not_of("0123456789.") == absl::string_view::npos;
  return is_ipv4_loopback || host == "[::1]" || host == "localhost";
}

absl::StatusOr<std::string> ResolveStorage(const Options& options) {
  const std::string& storage = options.storage;
  if (storage == "memory" || (absl::StartsWith(storage, "sqlite:") && storage != "sqlite:")) return storage;
  if (storage != "sqlite") {
    return absl::InvalidArgumentError(
        absl::StrCat("--storage ", storage, " is not one of memory, sqlite and sqlite:FILE"));
  }
  std::string directory = options.data_dir;
  const char* const xdg = std::getenv("XDG_DATA_HOME");
  const char* const home = std::getenv("HOME");
  // The specification of XDG_DATA_HOME requires that relative paths are ignored.
  if (directory.empty() && xdg != nullptr && *xdg == '/') directory = absl::StrCat(xdg, "/qconfig");
  if (directory.empty() && home != nullptr && *home == '/') directory = absl::StrCat(home, "/.local/share/qconfig");
  if (directory.empty()) {
    return absl::InvalidArgumentError(
        "there is no default data directory, because neither XDG_DATA_HOME nor HOME is set. Set --data-dir "
        "(QCONFIG_DATA_DIR) or --storage memory");
  }
  return absl::StrCat("sqlite:", directory, "/registry.db");
}

absl::Status CheckOptions(const Options& options, const Catalogs& catalogs) {
  if (const auto storage = ResolveStorage(options); !storage.ok()) return storage.status();
  if (absl::Status status = CheckListen(options.listen); !status.ok()) return status;
  if (absl::Status status = CheckAdminListen(options.admin_listen); !status.ok()) return status;
  if (absl::Status status = CheckDefaultCatalog(options, catalogs); !status.ok()) return status;
  return CheckTls(options);
}

size_t ResolveMaxMemory(const Options& options) {
  size_t bytes = 0;
  return absl::SimpleAtoi(options.max_memory_bytes, &bytes) ? bytes : ControlGroupMemoryLimit();
}

bool ResolveReflection(const Options& options) {
  return options.reflection == "on" || (options.reflection == "auto" && options.auth_policy.empty());
}

std::string InsecureExposureWarning(const Options& options) {
  if (IsLoopback(options.listen)) return "";
  const bool has_policy = !options.auth_policy.empty();
  if (options.tls_cert.empty() && has_policy) {
    return "--insecure is set: tokens and answers are not encrypted on connections from other hosts";
  }
  if (options.tls_cert.empty()) {
    return "--insecure is set: connections from other hosts are neither encrypted nor authenticated";
  }
  if (options.tls_client_ca.empty() && !has_policy) {
    return "--insecure is set: connections from other hosts are encrypted, but clients are not authenticated";
  }
  return "";
}

}  // namespace qconfig
