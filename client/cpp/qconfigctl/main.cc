// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "qconfigctl/commands.h"

namespace qconfig::client {
namespace {

int Main(int argc, char** argv) {
  ClientOptions options;
  double timeout_seconds = absl::ToDoubleSeconds(options.timeout);
  int exit_code = kDone;
  CLI::App app("qconfigctl asks a qconfig server for quantization configurations.");
  app.set_version_flag("--version", QCONFIG_VERSION);
  app.add_option("--server", options.server, "Server to ask, host:port")
      ->envname("QCONFIG_SERVER")
      ->capture_default_str();
  app.add_option("--tenant", options.tenant, "Whose registry; empty: default")->envname("QCONFIG_TENANT");
  app.add_option("--catalog", options.catalog, "Which Quark release; empty: the tenant's default")
      ->envname("QCONFIG_CATALOG");
  app.add_option_function<double>(
         "--timeout-seconds", [&](double seconds) { options.timeout = absl::Seconds(seconds); },
         "How long to wait for an answer")
      ->check(CLI::PositiveNumber)
      ->envname("QCONFIG_TIMEOUT_SECONDS")
      ->default_str(std::to_string(static_cast<int>(timeout_seconds)));
  app.footer(
      "Exit codes: 0 done, 1 refused by the server, 2 wrong command line, 3 server not reached in time.\n"
      "Errors and warnings go to standard error.");
  app.require_subcommand(1);
  app.fallthrough();
  AddGetConfig(app, options, exit_code);
  AddList(app, options, exit_code);
  AddDescribe(app, options, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kWrongUsage;
  }
  return exit_code;
}

}  // namespace
}  // namespace qconfig::client

int main(int argc, char** argv) { return qconfig::client::Main(argc, argv); }
