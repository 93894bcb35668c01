// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include "qconfigctl/commands.h"

namespace qconfig::client {

void RefuseCatalog(const CLI::App& command) {
  const CLI::App* app = &command;
  while (app->get_parent() != nullptr) app = app->get_parent();
  if (app->get_option("--catalog")->count() == 0) return;
  throw CLI::ValidationError("--catalog", "does not apply to this command: a registry belongs to no release of Quark");
}

namespace {

struct TlsArguments {
  bool tls = false;
  TlsFiles files;
};

void AddTls(CLI::App& app, TlsArguments& arguments, ClientOptions& options) {
  app.add_flag("--tls", arguments.tls, "Use TLS, with a server whose certificate the system trusts")
      ->envname("QCONFIG_TLS");
  app.add_option("--tls-ca", arguments.files.ca,
                 "File with the authorities that the server's certificate must come from, PEM; this and the next two "
                 "mean TLS, too")
      ->envname("QCONFIG_TLS_CA");
  app.add_option("--client-cert", arguments.files.cert, "File with the certificate chain to show the server, PEM")
      ->envname("QCONFIG_CLIENT_CERT");
  app.add_option("--client-key", arguments.files.key, "File with its private key, PEM")->envname("QCONFIG_CLIENT_KEY");
  // Before the subcommand runs.
  app.parse_complete_callback([&arguments, &options] {
    const TlsFiles& files = arguments.files;
    if (!arguments.tls && files.ca.empty() && files.cert.empty() && files.key.empty()) return;
    auto tls = ReadTlsOptions(files);
    if (!tls.ok()) throw CLI::ValidationError("TLS", std::string(tls.status().message()));
    options.tls = *std::move(tls);
  });
}

// What the libraries say on standard error stands in the status too, in words for people.
void DropProtobufLog(google::protobuf::LogLevel, const char*, int, const std::string&) {}
void DropGrpcLog(gpr_log_func_args*) {}

int Main(int argc, char** argv) {
  google::protobuf::SetLogHandler(DropProtobufLog);
  gpr_set_log_function(DropGrpcLog);
  ClientOptions options;
  int exit_code = kDone;
  CLI::App app(
      "qconfigctl asks a qconfig server for quantization configurations, and registers schemes and templates there.");
  app.set_version_flag("--version", QCONFIG_VERSION);
  app.add_option("--server", options.server, "Server to ask, host:port")
      ->check([](const std::string& server) { return server.empty() ? "must not be empty" : std::string(); })
      ->envname("QCONFIG_SERVER")
      ->capture_default_str();
  app.add_option("--tenant", options.tenant, "Whose registry; empty: default")->envname("QCONFIG_TENANT");
  // Read here and not by CLI11, so that commands which have no release can tell an option from the environment.
  if (const char* catalog = std::getenv("QCONFIG_CATALOG"); catalog != nullptr) options.catalog = catalog;
  app.add_option("--catalog", options.catalog,
                 "Which Quark release; empty: the tenant's default (Env:QCONFIG_CATALOG)");
  app.add_option_function<double>(
         "--timeout-seconds", [&](double seconds) { options.timeout = absl::Seconds(seconds); },
         "How long to wait for an answer")
      ->check(CLI::Range(0.001, 86400.0))
      ->envname("QCONFIG_TIMEOUT_SECONDS")
      ->default_str("10");
  TlsArguments tls;
  AddTls(app, tls, options);
  app.footer(
      "Exit codes: 0 done, 1 refused by the server, 2 wrong command line or file, 3 server not reached in\n"
      "time or unavailable, 4 output not written.\n"
      "Errors and warnings go to standard error.");
  app.require_subcommand(1);
  app.fallthrough();
  AddGetConfig(app, options, exit_code);
  AddList(app, options, exit_code);
  AddDescribe(app, options, exit_code);
  AddRegister(app, options, exit_code);
  AddUnregister(app, options, exit_code);
  AddSetDefaultCatalog(app, options, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kWrongUsage;
  }
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "error: standard output cannot be written\n";
    return kNotWritten;
  }
  return exit_code;
}

}  // namespace
}  // namespace qconfig::client

int main(int argc, char** argv) { return qconfig::client::Main(argc, argv); }
