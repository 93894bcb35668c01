// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/entry_file.h"
#include "qconfigctl/observers.h"
#include "qconfigctl/print.h"
#include "qconfigctl/write_options.h"

namespace qconfig::client {
namespace {

const std::map<std::string, EntryForm> kForms = {
    {"quark", EntryForm::kQuark}, {"proto-json", EntryForm::kProtoJson}, {"textproto", EntryForm::kTextproto}};

struct Arguments {
  std::string file, form, name, description;
  WriteOptions write;

  std::optional<EntryForm> chosen_form() const {
    return form.empty() ? std::nullopt : std::optional<EntryForm>(kForms.at(form));
  }
};

int RefuseFile(const Arguments& arguments, const absl::Status& status) {
  std::cerr << "error: " << (arguments.file == "-" ? "standard input" : arguments.file) << ' ' << status.message()
            << '\n';
  return kWrongUsage;
}

// Asks the server which observers it knows, and says which ones of `scheme` it does not.
absl::Status ReplaceObservers(Client& client, v1::Scheme& scheme) {
  const auto catalogs = client.ListCatalogs({});
  if (!catalogs.ok()) return catalogs.status();
  std::set<std::string> known;
  for (const v1::Catalog& catalog : catalogs->catalogs()) {
    known.insert(catalog.observers().begin(), catalog.observers().end());
  }
  if (known.empty()) return absl::OkStatus();  // a server that does not say
  for (const std::string& observer : ReplaceUnknownObservers(known, scheme)) {
    std::cerr << "warning: observer_cls: \"" << observer
              << "\" is no observer that the server knows; as in Quark, PlaceholderObserver takes its place\n";
  }
  return absl::OkStatus();
}

int RegisterScheme(Arguments& arguments, const ClientOptions& options) {
  const auto text = ReadEntryText(arguments.file);
  if (!text.ok()) return RefuseFile(arguments, text.status());
  auto file = ReadScheme(*text, arguments.chosen_form());
  if (!file.ok()) return RefuseFile(arguments, file.status());
  const absl::Status named = NameScheme(arguments.name, file->entry);
  if (!named.ok()) return RefuseFile(arguments, named);
  if (!arguments.description.empty()) file->entry.set_description(arguments.description);
  Client client(options);
  if (file->form == EntryForm::kQuark) {
    const absl::Status replaced = ReplaceObservers(client, file->entry);
    if (!replaced.ok()) return PrintError(replaced, options);
  }
  v1::RegisterSchemeRequest request;
  *request.mutable_scheme() = std::move(file->entry);
  arguments.write.FillIn(request);
  const auto response = client.RegisterScheme(request);
  if (!response.ok()) return arguments.write.PrintFailure(response.status(), options);
  if (arguments.write.prints_json()) {
    PrintJson(*response);
  } else {
    std::cout << arguments.write.Sentence("registered", absl::StrCat("scheme ", response->scheme().name()),
                                          options.tenant, response->revision())
              << '\n';
  }
  return kDone;
}

int RegisterTemplate(Arguments& arguments, const ClientOptions& options) {
  const auto text = ReadEntryText(arguments.file);
  if (!text.ok()) return RefuseFile(arguments, text.status());
  auto file = ReadTemplate(*text, arguments.chosen_form());
  if (!file.ok()) return RefuseFile(arguments, file.status());
  if (!arguments.description.empty()) file->entry.set_description(arguments.description);
  v1::RegisterTemplateRequest request;
  *request.mutable_llm_template() = std::move(file->entry);
  request.set_etag(arguments.write.etag());
  arguments.write.FillIn(request);
  const auto response = Client(options).RegisterTemplate(request);
  if (!response.ok()) return arguments.write.PrintFailure(response.status(), options);
  if (arguments.write.prints_json()) {
    PrintJson(*response);
    return kDone;
  }
  std::cout << arguments.write.Sentence("registered", absl::StrCat("template ", response->llm_template().model_type()),
                                        options.tenant, response->revision())
            << (response->replaced() ? "; it replaces the tenant's earlier one" : "")
            << (response->shadows_builtin() ? "; it hides the catalogue's" : "") << '\n';
  return kDone;
}

CLI::App* AddCommand(CLI::App& app, const std::string& what, const std::string& description, Arguments& arguments) {
  CLI::App* command = app.add_subcommand(what, description);
  command
      ->add_option("-f,--file", arguments.file,
                   "File in Quark's JSON form, the same as YAML, ProtoJSON, or textproto; -: standard input")
      ->required();
  command->add_option("--format", arguments.form, "Read the file in this form only. Empty: in the one that fits")
      ->check(CLI::IsMember({"quark", "proto-json", "textproto"}));
  command->add_option("--description", arguments.description, "Text for people, instead of the file's");
  arguments.write.AddTo(*command);
  return command;
}

}  // namespace

void AddRegister(CLI::App& app, const ClientOptions& options, int& exit_code) {
  CLI::App* both = app.add_subcommand("register", "Add a scheme or template to the tenant's registry");
  both->require_subcommand(1);
  auto scheme = std::make_shared<Arguments>();
  CLI::App* command = AddCommand(*both, "scheme", "Add a scheme; its name must be new", *scheme);
  command->add_option("--name", scheme->name, "Name of the scheme, if the file has none");
  command->callback([scheme, &options, &exit_code] { exit_code = RegisterScheme(*scheme, options); });
  auto entry = std::make_shared<Arguments>();
  command = AddCommand(*both, "template", "Add a template, or replace the tenant's one of its model type", *entry);
  entry->write.AddEtagTo(*command, "Replace the tenant's template only if it has this etag");
  command->callback([entry, &options, &exit_code] { exit_code = RegisterTemplate(*entry, options); });
}

}  // namespace qconfig::client
