// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "qconfigctl/commands.h"
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
  output == "json" ? PrintJson(entry) : PrintTextproto(entry);
  return kDone;
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
  CLI::App* command = app.add_subcommand("describe", "Print everything about one template or scheme");
  command->add_option("what", arguments->what, "template or scheme")
      ->required()
      ->check(CLI::IsMember({"template", "scheme"}));
  command->add_option("name", arguments->name, "Its model type or name")->required();
  command->add_option("-o,--output", arguments->output, "Form of the output")
      ->check(CLI::IsMember({"json", "textproto"}))
      ->capture_default_str();
  arguments->revisions.AddTo(*command);
  command->callback([arguments, &options, &exit_code] { exit_code = Run(*arguments, options); });
}

}  // namespace qconfig::client
