// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "qconfigctl/commands.h"
#include "qconfigctl/nouns.h"
#include "qconfigctl/output_text.h"
#include "qconfigctl/print.h"
#include "qconfigctl/revision_options.h"

namespace qconfig::client {
namespace {

struct Arguments {
  std::string what;
  std::string name;
  std::string output = "json";
  RevisionOptions revisions;
};

int Print(const google::protobuf::Message& entry, const std::string& output) {
  return PrintText(output == "json" ? JsonText(entry) : TextprotoText(entry));
}

int Run(const Arguments& arguments, const ClientOptions& options) {
  Client client(options);
  if (arguments.what == "template") {
    v1::GetTemplateRequest request;
    request.set_model_type(arguments.name);
    arguments.revisions.FillIn(request);
    const auto response = client.GetTemplate(request);
    return response.ok() ? Print(response->llm_template(), arguments.output) : PrintError(response.status(), options);
  }
  v1::GetSchemeRequest request;
  request.set_name(arguments.name);
  arguments.revisions.FillIn(request);
  const auto response = client.GetScheme(request);
  return response.ok() ? Print(response->scheme(), arguments.output) : PrintError(response.status(), options);
}

}  // namespace

void AddDescribe(CLI::App& app, const ClientOptions& options, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("describe", "Print a template or scheme in full");
  command->add_option("what", arguments->what, "template or scheme")
      ->required()
      ->transform(OneOfNouns(NounsOf("describe")));
  command->add_option("name", arguments->name, "Model type of the template, or name of the scheme")->required();
  command->add_option("-o,--output", arguments->output, "Output format")
      ->check(CLI::IsMember({"json", "textproto"}))
      ->capture_default_str();
  arguments->revisions.AddTo(*command);
  command->callback([arguments, &options, &exit_code] { exit_code = Run(*arguments, options); });
}

}  // namespace qconfig::client
