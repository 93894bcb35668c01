// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/next_command.h"
#include "qconfigctl/nouns.h"
#include "qconfigctl/output_text.h"
#include "qconfigctl/print.h"
#include "qconfigctl/write_options.h"

namespace qconfig::client {
namespace {

struct Arguments {
  std::string what;
  std::string name;
  WriteOptions write;
};

// The commands for what the server's advice says.
void PrintHowToChange(const Arguments& arguments) {
  const std::string what_name = absl::StrCat(arguments.what, " ", ShellText({arguments.name}));
  std::cerr << "  hint:         save it with `qconfigctl describe " << what_name << " -o json > FILE`, edit FILE"
            << (arguments.what == "scheme" ? " and change its name" : "") << ", and run `qconfigctl register "
            << arguments.what << " -f FILE`\n";
}

template <typename Response>
int Print(const absl::StatusOr<Response>& response, const Arguments& arguments, const ClientOptions& options,
          bool uncovers) {
  if (!response.ok()) {
    const int exit_code = arguments.write.PrintFailure(response.status(), options);
    if (ErrorOf(response.status()).reason() == v1::ERROR_REASON_BUILTIN_READ_ONLY) PrintHowToChange(arguments);
    return exit_code;
  }
  if (arguments.write.prints_json()) return PrintText(JsonText(*response));
  std::cout << arguments.write.Sentence("unregistered", absl::StrCat(arguments.what, " ", arguments.name),
                                        options.tenant, response->revision())
            << (uncovers ? "; the catalogue's template is visible again" : "") << '\n';
  return kDone;
}

int Run(Arguments& arguments, const ClientOptions& options) {
  Client client(options);
  if (arguments.what == "template") {
    v1::UnregisterTemplateRequest request;
    request.set_model_type(arguments.name);
    request.set_etag(arguments.write.etag());
    arguments.write.FillIn(request);
    const auto response = client.UnregisterTemplate(request);
    return Print(response, arguments, options, response.ok() && response->llm_template().shadows_builtin());
  }
  v1::UnregisterSchemeRequest request;
  request.set_name(arguments.name);
  request.set_etag(arguments.write.etag());
  arguments.write.FillIn(request);
  return Print(client.UnregisterScheme(request), arguments, options, /*uncovers=*/false);
}

}  // namespace

void AddUnregister(CLI::App& app, const ClientOptions& options, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("unregister", "Remove a scheme or template from the tenant's registry");
  command->add_option("what", arguments->what, "scheme or template")
      ->required()
      ->transform(OneOfNouns(NounsOf("unregister")));
  command->add_option("name", arguments->name, "Name of the scheme, or model type of the template")->required();
  arguments->write.AddEtagTo(*command, "Remove it only if it has this etag");
  arguments->write.AddTo(*command);
  command->callback([command, arguments, &options, &exit_code] {
    RejectCatalog(*command);
    exit_code = Run(*arguments, options);
  });
}

}  // namespace qconfig::client
