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
#include "qconfigctl/output_text.h"
#include "qconfigctl/print.h"
#include "qconfigctl/write_options.h"

namespace qconfig::client {
namespace {

const std::map<std::string, EntryForm> kForms = {
    {"quark", EntryForm::kQuark}, {"proto-json", EntryForm::kProtoJson}, {"textproto", EntryForm::kTextproto}};

struct Arguments {
  std::string file, form, name, description;
  bool replace = false;
  bool must_be_new = false;
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

// Asks the server which observers it knows, and says which tensors of `scheme` get another one.
absl::Status TakeKnownObservers(Client& client, v1::Scheme& scheme) {
  const auto catalogs = client.ListCatalogs({});
  if (!catalogs.ok()) return catalogs.status();
  std::set<std::string> known;
  for (const v1::Catalog& catalog : catalogs->catalogs()) {
    known.insert(catalog.observers().begin(), catalog.observers().end());
  }
  for (const std::string& sentence : ReplaceObservers(known, scheme)) std::cerr << "warning: " << sentence << '\n';
  return absl::OkStatus();
}

template <typename Response>
int PrintRegistered(const absl::StatusOr<Response>& response, const std::string& what, const WriteOptions& write,
                    const ClientOptions& options) {
  if (!response.ok()) return write.PrintFailure(response.status(), options);
  PrintWarnings(response->warnings());
  if (write.prints_json()) return PrintText(JsonText(*response));
  std::cout << write.Sentence("registered", what, options.tenant, response->revision())
            << (response->replaced() ? "; it replaces the tenant's earlier one" : "") << '\n';
  return kDone;
}

int RegisterScheme(Arguments& arguments, const ClientOptions& options) {
  const auto text = ReadEntryText(arguments.file);
  if (!text.ok()) return RefuseFile(arguments, text.status());
  auto file = ReadScheme(*text, arguments.chosen_form());
  if (!file.ok()) return RefuseFile(arguments, file.status());
  if (DropComputedConfig(file->entry)) {
    std::cerr
        << "warning: the file has config and spec, as describe prints them; config is left out, because the server "
           "makes it of spec\n";
  }
  const absl::Status named = NameScheme(arguments.name, file->entry);
  if (!named.ok()) return RefuseFile(arguments, named);
  if (!arguments.description.empty()) file->entry.set_description(arguments.description);
  Client client(options);
  if (file->form == EntryForm::kQuark) {
    const absl::Status replaced = TakeKnownObservers(client, file->entry);
    if (!replaced.ok()) return PrintError(replaced, options);
  }
  v1::RegisterSchemeRequest request;
  *request.mutable_scheme() = std::move(file->entry);
  request.set_replace(arguments.replace);
  request.set_etag(arguments.write.etag());
  arguments.write.FillIn(request);
  const std::string what = absl::StrCat("scheme ", request.scheme().name());
  return PrintRegistered(client.RegisterScheme(request), what, arguments.write, options);
}

int RegisterTemplate(Arguments& arguments, const ClientOptions& options) {
  const auto text = ReadEntryText(arguments.file);
  if (!text.ok()) return RefuseFile(arguments, text.status());
  auto file = ReadTemplate(*text, arguments.chosen_form());
  if (!file.ok()) return RefuseFile(arguments, file.status());
  if (!arguments.description.empty()) file->entry.set_description(arguments.description);
  v1::RegisterTemplateRequest request;
  *request.mutable_llm_template() = std::move(file->entry);
  request.set_must_be_new(arguments.must_be_new);
  request.set_etag(arguments.write.etag());
  arguments.write.FillIn(request);
  const std::string what = absl::StrCat("template ", request.llm_template().model_type());
  return PrintRegistered(Client(options).RegisterTemplate(request), what, arguments.write, options);
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
  CLI::App* command = AddCommand(*both, "scheme", "Add a scheme, or replace the tenant's one of its name", *scheme);
  command->add_option("--name", scheme->name, "Name of the scheme, if the file has none");
  command->add_flag("--replace", scheme->replace, "Replace the tenant's scheme of this name, if there is one");
  scheme->write.AddEtagTo(*command, "Replace the tenant's scheme only if it has this etag");
  command->callback([command, scheme, &options, &exit_code] {
    RefuseCatalog(*command);
    exit_code = RegisterScheme(*scheme, options);
  });
  auto entry = std::make_shared<Arguments>();
  command = AddCommand(*both, "template", "Add a template, or replace the tenant's one of its model type", *entry);
  CLI::Option* etag = entry->write.AddEtagTo(*command, "Replace the tenant's template only if it has this etag");
  command->add_flag("--must-be-new", entry->must_be_new, "Fail if the tenant has a template of this model type")
      ->excludes(etag);
  command->callback([command, entry, &options, &exit_code] {
    RefuseCatalog(*command);
    exit_code = RegisterTemplate(*entry, options);
  });
}

}  // namespace qconfig::client
