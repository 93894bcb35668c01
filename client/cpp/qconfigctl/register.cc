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

const std::map<std::string, EntryFormat> kFormats = {
    {"quark", EntryFormat::kQuark}, {"proto-json", EntryFormat::kProtoJson}, {"textproto", EntryFormat::kTextproto}};

struct Arguments {
  std::string file, format, name, description;
  bool replace = false;
  bool must_be_new = false;
  WriteOptions write;

  std::optional<EntryFormat> chosen_format() const {
    return format.empty() ? std::nullopt : std::optional<EntryFormat>(kFormats.at(format));
  }
};

std::string FileName(const Arguments& arguments) { return arguments.file == "-" ? "standard input" : arguments.file; }

int RejectFile(const Arguments& arguments, const absl::Status& status) {
  std::cerr << "error: " << FileName(arguments) << ": " << status.message() << '\n';
  return kUsageError;
}

// Prints an error of the server with the places of the file, if it is only about the content of the file.
template <typename Entry>
int PrintRejected(const absl::Status& status, const Arguments& arguments, const std::string& text,
                  const EntryFile<Entry>& file, const ClientOptions& options) {
  const v1::ItemError error = ErrorOf(status);
  const auto lines = MistakesInFile(error, text, file.format, *Entry::descriptor());
  if (lines.empty()) return arguments.write.PrintFailure(status, options);
  const std::string reason = absl::StrCat(" (", ReasonName(error.reason()), ")\n");
  std::cerr << "error: " << FileName(arguments) << ": ";
  if (lines.size() == 1) {
    std::cerr << lines.front() << reason;
  } else {
    std::cerr << lines.size() << " mistakes" << reason;
    for (const std::string& line : lines) std::cerr << "  " << line << '\n';
  }
  return kRejected;
}

// Replaces observers of `scheme` that are not set or unknown to the server, and prints a warning for each.
absl::Status ReplaceUnknownObservers(Client& client, v1::Scheme& scheme) {
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
int PrintRegistered(const Response& response, const std::string& what, const WriteOptions& write,
                    const ClientOptions& options) {
  PrintWarnings(response.warnings());
  if (write.prints_json()) return PrintText(JsonText(response));
  std::cout << write.Sentence("registered", what, options.tenant, response.revision())
            << (response.replaced() ? "; replaced the previous version" : "") << '\n';
  return kDone;
}

int RegisterScheme(Arguments& arguments, const ClientOptions& options) {
  const auto text = ReadEntryText(arguments.file);
  if (!text.ok()) return RejectFile(arguments, text.status());
  auto file = ReadScheme(*text, arguments.chosen_format());
  if (!file.ok()) return RejectFile(arguments, file.status());
  for (const std::string& note : file->notes) std::cerr << "note: " << FileName(arguments) << ": " << note << '\n';
  v1::RegisterSchemeRequest request;
  v1::Scheme& scheme = *request.mutable_scheme();
  scheme = file->entry;
  if (DropComputedConfig(scheme)) {
    std::cerr
        << "warning: the file has both spec and config, as printed by describe; ignoring config, which the server "
           "computes from spec\n";
  }
  const absl::Status named = NameScheme(arguments.name, scheme);
  if (!named.ok()) return RejectFile(arguments, named);
  if (!arguments.description.empty()) scheme.set_description(arguments.description);
  Client client(options);
  if (file->format == EntryFormat::kQuark) {
    const absl::Status replaced = ReplaceUnknownObservers(client, scheme);
    if (!replaced.ok()) return PrintError(replaced, options);
  }
  request.set_replace(arguments.replace);
  request.set_etag(arguments.write.etag());
  arguments.write.FillIn(request);
  const auto response = client.RegisterScheme(request);
  if (!response.ok()) return PrintRejected(response.status(), arguments, *text, *file, options);
  return PrintRegistered(*response, absl::StrCat("scheme ", scheme.name()), arguments.write, options);
}

int RegisterTemplate(Arguments& arguments, const ClientOptions& options) {
  const auto text = ReadEntryText(arguments.file);
  if (!text.ok()) return RejectFile(arguments, text.status());
  const auto file = ReadTemplate(*text, arguments.chosen_format());
  if (!file.ok()) return RejectFile(arguments, file.status());
  v1::RegisterTemplateRequest request;
  v1::LlmTemplate& entry = *request.mutable_llm_template();
  entry = file->entry;
  if (!arguments.description.empty()) entry.set_description(arguments.description);
  request.set_must_be_new(arguments.must_be_new);
  request.set_etag(arguments.write.etag());
  arguments.write.FillIn(request);
  const auto response = Client(options).RegisterTemplate(request);
  if (!response.ok()) return PrintRejected(response.status(), arguments, *text, *file, options);
  return PrintRegistered(*response, absl::StrCat("template ", entry.model_type()), arguments.write, options);
}

CLI::App* AddCommand(CLI::App& app, const std::string& what, const std::string& description, Arguments& arguments) {
  CLI::App* command = app.add_subcommand(what, description)->alias(what + "s");
  command
      ->add_option("-f,--file", arguments.file,
                   "File in Quark's format (JSON or YAML), ProtoJSON or textproto; - reads standard input")
      ->required();
  command->add_option("--format", arguments.format, "Format of the file; if empty, it is detected")
      ->check(CLI::IsMember({"quark", "proto-json", "textproto"}));
  command->add_option("--description", arguments.description, "Description; replaces the one in the file");
  arguments.write.AddTo(*command);
  return command;
}

}  // namespace

void AddRegister(CLI::App& app, const ClientOptions& options, int& exit_code) {
  CLI::App* both = app.add_subcommand("register", "Add a scheme or template to the tenant's registry");
  both->require_subcommand(1);
  auto scheme = std::make_shared<Arguments>();
  CLI::App* command =
      AddCommand(*both, "scheme", "Add a scheme; --replace and --etag replace an existing one", *scheme);
  command->add_option("--name", scheme->name, "Name of the scheme; required if the file has none");
  command->add_flag("--replace", scheme->replace, "Replace the tenant's scheme with this name, if there is one");
  scheme->write.AddEtagTo(*command, "Replace the tenant's scheme only if it has this etag");
  command->callback([command, scheme, &options, &exit_code] {
    RejectCatalog(*command);
    exit_code = RegisterScheme(*scheme, options);
  });
  auto entry = std::make_shared<Arguments>();
  command =
      AddCommand(*both, "template", "Add a template, or replace the tenant's template for the model type", *entry);
  CLI::Option* etag = entry->write.AddEtagTo(*command, "Replace the tenant's template only if it has this etag");
  command
      ->add_flag("--must-be-new", entry->must_be_new, "Fail if the tenant already has a template for this model type")
      ->excludes(etag);
  command->callback([command, entry, &options, &exit_code] {
    RejectCatalog(*command);
    exit_code = RegisterTemplate(*entry, options);
  });
}

}  // namespace qconfig::client
