// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "qconfigctl/commands.h"

namespace qconfig::client {
namespace {

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
  app.add_option("--catalog", options.catalog, "Which Quark release; empty: the tenant's default")
      ->envname("QCONFIG_CATALOG");
  app.add_option_function<double>(
         "--timeout-seconds", [&](double seconds) { options.timeout = absl::Seconds(seconds); },
         "How long to wait for an answer")
      ->check(CLI::Range(0.001, 86400.0))
      ->envname("QCONFIG_TIMEOUT_SECONDS")
      ->default_str("10");
  app.footer(
      "Exit codes: 0 done, 1 refused by the server, 2 wrong command line or file, 3 server not reached in\n"
      "time, 4 output not written.\n"
      "Errors and warnings go to standard error.");
  app.require_subcommand(1);
  app.fallthrough();
  AddGetConfig(app, options, exit_code);
  AddList(app, options, exit_code);
  AddDescribe(app, options, exit_code);
  AddRegister(app, options, exit_code);
  AddUnregister(app, options, exit_code);
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
