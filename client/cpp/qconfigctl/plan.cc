// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "qconfigctl/commands.h"
#include "qconfigctl/model_reader.h"
#include "qconfigctl/plan_text.h"
#include "qconfigctl/print.h"
#include "qconfigctl/revision_options.h"
#include "qconfigctl/spec_options.h"

namespace qconfig::client {
namespace {

struct Arguments {
  std::string model;
  std::string model_type;
  SpecOptions spec;
  std::vector<std::string> runtimes;
  int32_t tensor_parallel_size = 0;
  bool strict = false;
  std::string output = "text";
  RevisionOptions revisions;
};

int Run(const Arguments& arguments, const ClientOptions& options) {
  auto model = ReadModel(arguments.model, arguments.model_type);
  if (!model.ok()) {
    std::cerr << "error: " << model.status().message() << '\n';
    return kUsageError;
  }
  for (const std::string& note : model->notes) std::cerr << "note: " << note << '\n';
  v1::PlanLayersRequest request;
  *request.mutable_spec() = arguments.spec.MakeSpec(model->model_type);
  request.mutable_modules()->Swap(&model->modules);
  for (const std::string& runtime : arguments.runtimes) request.add_runtimes(runtime);
  request.set_tensor_parallel_size(arguments.tensor_parallel_size);
  if (arguments.strict) request.set_fail_at(v1::FINDING_SEVERITY_WARNING);
  arguments.revisions.FillIn(request);
  const auto response = Client(options).PlanLayers(request);
  if (!response.ok()) return PrintError(response.status(), options);
  if (arguments.output == "json") {
    auto json = PlanJson(request, *response);
    if (json.ok()) *json += '\n';
    return PrintText(json);
  }
  if (arguments.output == "html") return PrintText(PlanHtml(request, *response));
  return PrintText(PlanText(request, *response));
}

}  // namespace

void AddPlan(CLI::App& app, const ClientOptions& options, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("plan", "Show what a configuration does to each module of a model, and what is wrong with it");
  command
      ->add_option(
          "model", arguments->model,
          "Folder with config.json and model.safetensors.index.json (or *.safetensors, of which only the headers are "
          "read), or one of these files; or a file with a module in each line: name, name type, or name type "
          "[shape]; - is standard input")
      ->required();
  command->add_option("--model-type", arguments->model_type,
                      "Model type, such as llama; if empty, the model_type of config.json");
  arguments->spec.AddTo(*command);
  command
      ->add_option("--runtime", arguments->runtimes,
                   "Runtime that will serve the model: vllm, sglang or transformers, for its newest version, or with a "
                   "version, such as vllm@0.33.0")
      ->allow_extra_args(false);
  command
      ->add_option("--tensor-parallel", arguments->tensor_parallel_size,
                   "Number of ranks of the runtime, for checking group sizes; 0 does not check them per rank")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag(
      "--strict", arguments->strict,
      "Fail if there is a finding of severity WARNING or ERROR; prints these findings instead of the plan");
  arguments->revisions.AddTo(*command);
  command
      ->add_option("-o,--output", arguments->output,
                   "Output format; json is the request and the response, html a page that shows the plan in a browser")
      ->check(CLI::IsMember({"text", "json", "html"}))
      ->capture_default_str();
  command->callback([arguments, &options, &exit_code] { exit_code = Run(*arguments, options); });
}

}  // namespace qconfig::client
