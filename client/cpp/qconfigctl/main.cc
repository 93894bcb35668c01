// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "qconfig/token_file.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/meant_value.h"
#include "qconfigctl/print.h"
#include "qconfigctl/usage.h"

namespace qconfig::client {

void RejectCatalog(const CLI::App& command) {
  const CLI::App* app = &command;
  while (app->get_parent() != nullptr) app = app->get_parent();
  if (app->get_option("--catalog")->count() == 0) return;
  throw CLI::ValidationError("--catalog",
                             "does not apply to this command: registries do not depend on the Quark release");
}

namespace {

struct TlsArguments {
  bool tls = false;
  TlsFiles files;
};

void AddTls(CLI::App& app, TlsArguments& arguments) {
  app.add_flag("--tls", arguments.tls, "Use TLS, and trust the system's certificate authorities")
      ->envname("QCONFIG_TLS");
  app.add_option("--tls-ca", arguments.files.ca,
                 "PEM file with the certificate authorities to trust instead of the system's; implies --tls")
      ->envname("QCONFIG_TLS_CA");
  app.add_option("--client-cert", arguments.files.cert, "PEM file with the client's certificate chain; implies --tls")
      ->envname("QCONFIG_CLIENT_CERT");
  app.add_option("--client-key", arguments.files.key, "PEM file with the private key of --client-cert; implies --tls")
      ->envname("QCONFIG_CLIENT_KEY");
}

void AddToken(CLI::App& app, ClientOptions& options) {
  app.add_option("--token-file", options.token_file, "File with the token that authenticates calls; requires TLS")
      ->envname("QCONFIG_TOKEN_FILE");
  app.add_flag("--allow-unencrypted-token", options.allow_unencrypted_token,
               "Send the token without TLS too, where others may be able to read it")
      ->envname("QCONFIG_ALLOW_UNENCRYPTED_TOKEN");
}

void ReadTls(const TlsArguments& arguments, ClientOptions& options) {
  const TlsFiles& files = arguments.files;
  if (!arguments.tls && files.ca.empty() && files.cert.empty() && files.key.empty()) return;
  auto tls = ReadTlsOptions(files);
  if (!tls.ok()) throw CLI::ValidationError("TLS", std::string(tls.status().message()));
  options.tls = *std::move(tls);
}

// Checks what the client would reject, in the words of the command line.
void CheckToken(const ClientOptions& options) {
  if (options.token_file.empty()) return;
  const auto token = TokenFile(options.token_file)
                         .ReadToSend(absl::Now(), options.tls.has_value() || options.allow_unencrypted_token,
                                     "add --tls or --tls-ca FILE, or, if nobody else can read the connection, "
                                     "--allow-unencrypted-token");
  if (!token.ok()) throw CLI::ValidationError("--token-file", std::string(token.status().message()));
}

std::string CheckServer(const std::string& server) {
  if (server.empty()) return "must not be empty";
  const MeantValue meant = MeantServer(server);
  if (meant.mistake.empty()) return "";
  const bool is_url = server.find("://") != std::string::npos;
  const bool has_user = server.find('@') != std::string::npos;  // and perhaps a password
  const std::string shown = has_user ? "the value" : server;
  if (!meant.is_known) return shown + " is a URL, not host:port";
  return shown + (is_url ? " is a URL; set " : " has no host; set ") + meant.value +
         (meant.needs_tls ? ", and add --tls or --tls-ca FILE" : "");
}

// The libraries also log their errors to standard error; qconfigctl prints the status instead.
void DropProtobufLog(google::protobuf::LogLevel, const char*, int, const std::string&) {}
void DropGrpcLog(gpr_log_func_args*) {}

int Main(int argc, char** argv) {
  google::protobuf::SetLogHandler(DropProtobufLog);
  gpr_set_log_function(DropGrpcLog);
  ClientOptions options;
  int exit_code = kDone;
  CLI::App app(
      "qconfigctl gets quantization configurations from a qconfig server and manages the schemes and templates of a "
      "tenant.",
      "qconfigctl");
  app.set_version_flag("-v,--version", QCONFIG_VERSION);
  app.add_option("--server", options.server, "Address of the server, host:port")
      ->check(CheckServer)
      ->envname("QCONFIG_SERVER")
      ->capture_default_str();
  app.add_option(
         "--tenant", options.tenant,
         "Tenant whose registry to use; if empty, the tenant named default, or that of your principal in a policy")
      ->envname("QCONFIG_TENANT");
  // Read here instead of by CLI11, so that RejectCatalog() sees only a --catalog of the command line.
  if (const char* catalog = std::getenv("QCONFIG_CATALOG"); catalog != nullptr) options.catalog = catalog;
  app.add_option(
      "--catalog", options.catalog,
      "Catalogue to use, which selects the Quark release; if empty, the tenant's default (Env:QCONFIG_CATALOG)");
  app.add_option_function<double>(
         "--timeout-seconds", [&](double seconds) { options.timeout = absl::Seconds(seconds); },
         "Timeout of a call, including its retries")
      ->check(CLI::Range(0.001, 86400.0))
      ->envname("QCONFIG_TIMEOUT_SECONDS")
      ->default_str("10");
  TlsArguments tls;
  AddTls(app, tls);
  AddToken(app, options);
  // Before the subcommand runs.
  app.parse_complete_callback([&app, &tls, &options] {
    if (app.got_subcommand(kNewToken)) return;
    ReadTls(tls, options);
    CheckToken(options);
  });
  app.footer(
      "Exit codes: 0 success, 1 request rejected by the server, 2 invalid command line or file, 3 server unavailable\n"
      "or deadline exceeded, 4 output not written.\n"
      "Errors and warnings go to standard error.");
  app.require_subcommand(1);
  app.fallthrough();
  AddGetConfig(app, options, exit_code);
  AddPlan(app, options, exit_code);
  AddList(app, options, exit_code);
  AddDescribe(app, options, exit_code);
  AddRegister(app, options, exit_code);
  AddUnregister(app, options, exit_code);
  AddSetDefaultCatalog(app, options, exit_code);
  AddWhoAmI(app, options, exit_code);
  AddNewToken(app, exit_code);
  const std::vector<std::string> words = ExpandWords(argc, argv);
  KeepCommandLine(words);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes the last word first
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::cerr << UsageErrorText(app, error, words);
    return kUsageError;
  }
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "error: cannot write to standard output\n";
    return kNotWritten;
  }
  return exit_code;
}

}  // namespace
}  // namespace qconfig::client

int main(int argc, char** argv) { return qconfig::client::Main(argc, argv); }
