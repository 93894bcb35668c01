// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/util/time_util.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/config_text.h"
#include "qconfigctl/nouns.h"
#include "qconfigctl/output_text.h"
#include "qconfigctl/print.h"
#include "qconfigctl/revision_options.h"

namespace qconfig::client {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Arguments {
  std::string what;
  std::string output = "table";
  RevisionOptions revisions;
};

std::string Algorithms(const v1::LlmTemplate& entry) {
  std::vector<std::string> names;
  for (const v1::AlgoConfigEntry& algorithm : entry.algorithm_configs()) names.push_back(algorithm.algorithm());
  return absl::StrJoin(names, ",");
}

google::protobuf::Timestamp TruncatedToSeconds(google::protobuf::Timestamp time) {
  time.set_nanos(0);
  return time;
}

Rows MakeRows(const v1::ListTemplatesResponse& response) {
  Rows rows = {{"MODEL TYPE", "KV LAYERS", "Q LAYERS", "ALGORITHMS"}};
  for (const v1::LlmTemplate& entry : response.llm_templates()) {
    rows.push_back({entry.model_type(), absl::StrJoin(entry.kv_layers_name(), ","),
                    absl::StrJoin(entry.q_layer_name(), ","), Algorithms(entry)});
  }
  return rows;
}

Rows MakeRows(const v1::ListSchemesResponse& response) {
  Rows rows = {{"SCHEME", "WEIGHT", "INPUT", "ALIAS OF"}};
  for (const v1::Scheme& entry : response.schemes()) {
    rows.push_back({entry.name(), StagesText(entry.config().weight()), StagesText(entry.config().input_tensors()),
                    entry.alias_of()});
  }
  return rows;
}

Rows MakeRows(const v1::ListCatalogsResponse& response) {
  Rows rows = {{"CATALOG", "DEFAULT", "TEMPLATES", "SCHEMES", "DIGEST"}};
  for (const v1::Catalog& entry : response.catalogs()) {
    rows.push_back({entry.name(), entry.is_default() ? "yes" : "no", absl::StrCat(entry.template_count()),
                    absl::StrCat(entry.scheme_count()), entry.digest()});
  }
  return rows;
}

// For example "put scheme my_int4".
std::string Describe(const v1::RegistryChange& change) {
  switch (change.change_case()) {
    case v1::RegistryChange::kPutScheme:
      return absl::StrCat("put scheme ", change.put_scheme().name());
    case v1::RegistryChange::kDeleteScheme:
      return absl::StrCat("delete scheme ", change.delete_scheme().name());
    case v1::RegistryChange::kPutTemplate:
      return absl::StrCat("put template ", change.put_template().model_type());
    case v1::RegistryChange::kDeleteTemplate:
      return absl::StrCat("delete template ", change.delete_template().model_type());
    case v1::RegistryChange::kSetDefaultCatalog:
      return absl::StrCat("set default catalog ", change.set_default_catalog());
    case v1::RegistryChange::CHANGE_NOT_SET:
      break;
  }
  return "unknown change (qconfigctl is older than the server)";
}

Rows MakeRows(const v1::ListChangesResponse& response) {
  Rows rows = {{"REVISION", "TIME", "ACTOR", "REQUEST ID", "CHANGE"}};
  for (const v1::ChangeRecord& record : response.changes()) {
    std::vector<std::string> descriptions;
    for (const v1::RegistryChange& change : record.changes()) descriptions.push_back(Describe(change));
    const std::string time =
        record.has_time() ? google::protobuf::util::TimeUtil::ToString(TruncatedToSeconds(record.time())) : "-";
    rows.push_back({absl::StrCat(record.revision()), time, record.actor().empty() ? "-" : record.actor(),
                    record.request_id().empty() ? "-" : record.request_id(), absl::StrJoin(descriptions, ", ")});
  }
  return rows;
}

template <typename Response>
int Print(const absl::StatusOr<Response>& response, const std::string& output, const ClientOptions& options) {
  if (!response.ok()) return PrintError(response.status(), options);
  if (output == "json") return PrintText(JsonText(*response));
  PrintTable(MakeRows(*response));
  return kDone;
}

template <typename Request>
Request EntriesRequest(const Arguments& arguments) {
  Request request;
  request.set_view(v1::ENTRY_VIEW_FULL);
  arguments.revisions.FillIn(request);
  return request;
}

int Run(const Arguments& arguments, const ClientOptions& options) {
  Client client(options);
  const std::string& output = arguments.output;
  if (arguments.what == "templates") {
    return Print(client.ListAllTemplates(EntriesRequest<v1::ListTemplatesRequest>(arguments)), output, options);
  }
  if (arguments.what == "schemes") {
    return Print(client.ListAllSchemes(EntriesRequest<v1::ListSchemesRequest>(arguments)), output, options);
  }
  if (arguments.revisions.given()) {
    throw CLI::ValidationError("--revision, --min-revision",
                               absl::StrCat("apply only to templates and schemes. Run: qconfigctl list ",
                                            arguments.what, ", or: qconfigctl list schemes --revision N"));
  }
  if (arguments.what == "catalogs") return Print(client.ListCatalogs({}), output, options);
  v1::ListChangesRequest request;
  request.set_view(output == "json" ? v1::ENTRY_VIEW_FULL : v1::ENTRY_VIEW_BASIC);
  return Print(client.ListAllChanges(request), output, options);
}

}  // namespace

void AddList(CLI::App& app, const ClientOptions& options, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("list",
                                         "List templates, schemes, catalogues, or changes to the registry; --revision "
                                         "and --min-revision are for templates and schemes");
  command->add_option("what", arguments->what, "What to list")->required()->transform(OneOfNouns(NounsOf("list")));
  command->add_option("-o,--output", arguments->output, "Output format")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  arguments->revisions.AddTo(*command);
  command->callback([command, arguments, &options, &exit_code] {
    if (arguments->what == "catalogs" || arguments->what == "changes") RejectCatalog(*command);
    exit_code = Run(*arguments, options);
  });
}

}  // namespace qconfig::client
