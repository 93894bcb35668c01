// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

#include "absl/strings/match.h"
#include "core/utf8.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/output_text.h"
#include "qconfigctl/print.h"
#include "qconfigctl/revision_options.h"
#include "qconfigctl/spec_options.h"

namespace qconfig::client {
namespace {

struct Arguments {
  std::string model_type;
  SpecOptions spec;
  std::string output = "quark-json";
  RevisionOptions revisions;
};

bool IsPath(const std::string& model_type) {
  std::error_code error;
  return absl::StrContains(model_type, "/") && std::filesystem::exists(model_type, error);
}

int Run(const Arguments& arguments, const ClientOptions& options) {
  if (IsPath(arguments.model_type)) {
    std::cerr
        << "error: " << Printable(arguments.model_type, 300)
        << " is a file or folder; get-config takes the `model_type` in the model's config.json, such as llama, and "
           "`qconfigctl plan FOLDER --scheme SCHEME` reads a model\n";
    return kUsageError;
  }
  v1::GetConfigRequest request;
  *request.mutable_spec() = arguments.spec.MakeSpec(arguments.model_type);
  arguments.revisions.FillIn(request);
  request.set_include_quark_json(arguments.output == "quark-json");
  const auto response = Client(options).GetConfig(request);
  if (!response.ok()) return PrintError(response.status(), options);
  PrintWarnings(response->warnings());
  if (arguments.output == "json") return PrintText(JsonText(response->config()));
  if (arguments.output == "response") return PrintText(JsonText(*response));
  if (arguments.output == "textproto") return PrintText(TextprotoText(response->config()));
  return PrintText(IndentedJson(response->quark_json()));
}

}  // namespace

void AddGetConfig(CLI::App& app, const ClientOptions& options, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("get-config", "Print the configuration for a model type and a scheme");
  command->add_option("model_type", arguments->model_type, "Model type, such as llama")->required();
  arguments->spec.AddTo(*command);
  arguments->revisions.AddTo(*command);
  command
      ->add_option("-o,--output", arguments->output,
                   "Output format; quark-json is the output of Quark's to_dict(), only for reading and comparing "
                   "(from_dict() drops parts of it); response is the whole response, with catalogue, revision, digests "
                   "and warnings")
      ->check(CLI::IsMember({"quark-json", "json", "textproto", "response"}))
      ->capture_default_str();
  command->callback([arguments, &options, &exit_code] { exit_code = Run(*arguments, options); });
}

}  // namespace qconfig::client
