// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdint>
#include <iostream>
#include <limits>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/output_text.h"
#include "qconfigctl/print.h"
#include "qconfigctl/write_options.h"

namespace qconfig::client {
namespace {

struct Arguments {
  std::string catalog;
  int64_t expected_revision = 0;
  WriteOptions write;
};

int Run(Arguments& arguments, const ClientOptions& options) {
  v1::SetDefaultCatalogRequest request;
  request.set_catalog(arguments.catalog);
  request.set_expected_revision(arguments.expected_revision);
  arguments.write.FillIn(request);
  const auto response = Client(options).SetDefaultCatalog(request);
  if (!response.ok()) return arguments.write.PrintFailure(response.status(), options);
  if (arguments.write.prints_json()) return PrintText(JsonText(*response));
  const std::string& previous = response->previous_catalog();
  const std::string what = absl::StrCat("the default catalogue to ", arguments.catalog);
  std::cout << arguments.write.Sentence("set", what, options.tenant, response->revision())
            << (previous == arguments.catalog ? "; it was already the default" : "; previously " + previous) << '\n';
  return kDone;
}

}  // namespace

void AddSetDefaultCatalog(CLI::App& app, const ClientOptions& options, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("set-default-catalog", "Set the catalogue that the tenant's requests use by default");
  command->add_option("catalog", arguments->catalog, "Name of the catalogue, such as quark-0.13")->required();
  command
      ->add_option("--expected-revision", arguments->expected_revision,
                   "Fail unless this is the newest revision of the tenant's registry; 0 accepts any revision")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()))
      ->capture_default_str();
  arguments->write.AddTo(*command);
  command->callback([command, arguments, &options, &exit_code] {
    RejectCatalog(*command);
    exit_code = Run(*arguments, options);
  });
}

}  // namespace qconfig::client
