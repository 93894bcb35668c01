// SPDX-License-Identifier: Apache-2.0
#include "server/options/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/nearest_names.h"
#include "core/status_macros.h"
#include "core/utf8.h"
#include "server/options/config_file.h"
#include "server/options/other_names.h"
#include "server/options/removed_options.h"

namespace qconfig {
namespace {

constexpr absl::string_view kPrefix = "QCONFIG_";
constexpr size_t kMaxQuotedChars = 100;

// The variables of other programs of the project, and those that Kubernetes sets for a Service named qconfig.
constexpr absl::string_view kOtherVariables[] = {"QCONFIG_SERVER",
                                                 "QCONFIG_TENANT",
                                                 "QCONFIG_CATALOG",
                                                 "QCONFIG_TLS",
                                                 "QCONFIG_TIMEOUT_SECONDS",
                                                 "QCONFIG_TLS_CA",
                                                 "QCONFIG_CLIENT_CERT",
                                                 "QCONFIG_CLIENT_KEY",
                                                 "QCONFIG_TOKEN_FILE",
                                                 "QCONFIG_ALLOW_UNENCRYPTED_TOKEN",
                                                 "QCONFIG_BIN"};
constexpr absl::string_view kKubernetesPrefixes[] = {"QCONFIG_SERVICE_", "QCONFIG_PORT"};

std::string DidYouMean(absl::string_view name, const std::vector<absl::string_view>& names, absl::string_view prefix) {
  const auto near = NearestNames(name, names, 1);
  return near.empty() ? "" : absl::StrCat("; did you mean ", prefix, near.front(), "?");
}

// The options that AddOptions() added, which can also be set in the environment.
std::vector<CLI::Option*> FindSettings(CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->get_group() != "Options"; });
}

std::string OptionKey(const CLI::Option& option) { return option.get_name().substr(2); }

absl::Status Reject(absl::string_view where, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(where, " ", why));
}

// The message of `error` without the option that CLI11 puts first; the caller names where the value comes from.
std::string Reason(const CLI::Error& error, const CLI::Option& option) {
  const std::string what = error.what();
  return std::string(absl::StripPrefix(what, option.get_name() + ": "));
}

absl::Status Set(CLI::Option& option, const std::string& value, absl::string_view where) {
  const bool is_flag = option.get_expected_min() == 0;
  if (is_flag && value.empty()) return Reject(where, "requires a value, true or false");  // CLI11 accepts it
  try {
    option.add_result(value);
    option.run_callback();
  } catch (const CLI::Error& error) {
    return Reject(where, Reason(error, option));
  }
  return absl::OkStatus();
}

// REQUIRES: called while the ParseError is handled.
absl::Status RejectFlag(const CLI::App& app, const CLI::ParseError& error) {
  const std::string what = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !app.remaining(true).empty()) {
    const std::string word = app.remaining(true).front();
    const std::string quoted = Printable(word, kMaxQuotedChars);
    const std::string flag = word.substr(0, word.find('='));
    if (const std::string removed = RemovalNotice(absl::StripPrefix(flag, "--")); !removed.empty()) {
      return Reject(flag, removed);
    }
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) names.push_back(option->get_name());
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(command->get_name());
    }
    const std::string kind = absl::StartsWith(word, "-") ? "is not an option" : "is not a subcommand";
    const std::string instead = OtherName(flag);
    return Reject(quoted, instead.empty() ? absl::StrCat(kind, DidYouMean(flag, {names.begin(), names.end()}, ""))
                                          : absl::StrCat(kind, "; ", instead));
  }
  const std::string flag = what.substr(0, what.find(": "));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return Reject(flag, absl::StrContains(what, "received") ? "is given twice" : "requires a value");
  }
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr && flag != what) {
    return Reject(flag, what.substr(flag.size() + 2));
  }
  return absl::InvalidArgumentError(what);
}

// If the value of an option is missing, CLI11 uses the next flag as the value.
absl::Status RejectFlagsAsValues(const CLI::App& app) {
  std::vector<const CLI::Option*> options = app.get_options();
  for (const CLI::App* command : app.get_subcommands()) {
    for (const CLI::Option* option : command->get_options()) options.push_back(option);
  }
  for (const CLI::Option* option : options) {
    if (option->get_expected_min() == 0 || option->count() == 0) continue;
    const std::string& value = option->results().front();
    if (absl::StartsWith(value, "--")) {
      return Reject(option->get_name(),
                    absl::StrCat("requires a value, but ", Printable(value, kMaxQuotedChars), " looks like an option"));
    }
  }
  return absl::OkStatus();
}

// The value of `option` in the environment, if it is set there.
std::optional<std::string> FromEnvironment(const CLI::Option& option) {
  const char* const value = std::getenv(EnvironmentVariable(option.get_name()).c_str());
  if (value == nullptr) return std::nullopt;
  const bool may_be_empty =
      option.get_expected_min() != 0 && (option.get_default_str().empty() || option.get_name() == "--admin-listen");
  if (*value == '\0' && !may_be_empty) return std::nullopt;
  return value;
}

absl::StatusOr<absl::flat_hash_map<std::string, ConfigLine>> KnownLines(const std::vector<CLI::Option*>& settings,
                                                                        const std::string& path) {
  QCONFIG_ASSIGN_OR_RETURN(const std::vector<ConfigLine> lines, ReadConfigFile(path));
  std::vector<std::string> keys;
  for (const CLI::Option* option : settings) {
    if (option->get_name() != "--config") keys.push_back(OptionKey(*option));
  }
  absl::flat_hash_map<std::string, ConfigLine> known;
  for (const ConfigLine& line : lines) {
    const std::string where = absl::StrCat(path, ", line ", line.line, ":");
    const std::string quoted = Printable(line.key, kMaxQuotedChars);
    if (const std::string removed = RemovalNotice(line.key); !removed.empty()) {
      return Reject(where, absl::StrCat(line.key, " ", removed));
    }
    if (std::find(keys.begin(), keys.end(), line.key) == keys.end()) {
      return Reject(
          where, absl::StrCat("unknown option \"", quoted, "\"", DidYouMean(line.key, {keys.begin(), keys.end()}, "")));
    }
    const auto [first, is_new] = known.try_emplace(line.key, line);
    if (!is_new) return Reject(where, absl::StrCat(quoted, " is given twice, first in line ", first->second.line));
  }
  return known;
}

// Sets every option that no flag sets from the environment or the file.
absl::Status SetFromEnvironmentAndFile(const std::vector<CLI::Option*>& settings, const std::string& path,
                                       absl::flat_hash_map<const CLI::Option*, std::string>& sources) {
  absl::flat_hash_map<std::string, ConfigLine> lines;
  if (!path.empty()) {
    QCONFIG_ASSIGN_OR_RETURN(lines, KnownLines(settings, path));
  }
  for (CLI::Option* option : settings) {
    const std::optional<std::string> variable = FromEnvironment(*option);
    const auto line = lines.find(OptionKey(*option));
    absl::Status status;
    if (option->count() > 0) {
      sources.try_emplace(option, "flag");
    } else if (variable.has_value()) {
      sources[option] = absl::StrCat("environment: ", EnvironmentVariable(option->get_name()));
      status = Set(*option, *variable, EnvironmentVariable(option->get_name()));
    } else if (line != lines.end()) {
      const std::string where = absl::StrCat(path, ", line ", line->second.line);
      sources[option] = absl::StrCat("file: ", where);
      status = Set(*option, line->second.value, absl::StrCat(where, ": ", line->first));
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status RejectRemovedVariables() {
  for (const RemovedOption& removed : RemovedOptions()) {
    const std::string variable = EnvironmentVariable(removed.name);
    const char* const value = std::getenv(variable.c_str());
    if (value != nullptr && *value != '\0') return Reject(variable, RemovalNotice(removed.name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(CLI::App& app, int argc, const char* const* argv) {
  CommandLine line;
  const std::vector<CLI::Option*> settings = FindSettings(app);
  // CLI11 takes the last word first.
  std::vector<std::string> words(std::make_reverse_iterator(argv + argc),
                                 std::make_reverse_iterator(argv + std::min(argc, 1)));
  if (!words.empty() && (words.back() == "help" || words.back() == "version")) words.back().insert(0, "--");
  try {
    app.parse(std::move(words));
  } catch (const CLI::Success& help) {
    app.exit(help);
    line.help_printed = true;
    return line;
  } catch (const CLI::ParseError& error) {
    return RejectFlag(app, error);
  }
  QCONFIG_RETURN_IF_ERROR(RejectFlagsAsValues(app));
  QCONFIG_RETURN_IF_ERROR(RejectRemovedVariables());

  absl::flat_hash_map<const CLI::Option*, std::string> sources;
  std::string path;
  if (CLI::Option* const config = app.get_option_no_throw("--config"); config != nullptr) {
    const std::optional<std::string> variable = FromEnvironment(*config);
    if (config->count() > 0) path = config->as<std::string>();
    if (config->count() == 0 && variable.has_value()) path = *variable;
  }
  QCONFIG_RETURN_IF_ERROR(SetFromEnvironmentAndFile(settings, path, sources));
  for (const CLI::Option* option : settings) {
    const auto source = sources.find(option);
    if (source == sources.end()) continue;
    const bool is_flag = option->get_expected_min() == 0;
    if (is_flag ? !option->as<bool>() : option->results().front() == option->get_default_str()) continue;
    line.given.push_back({option->get_name(), is_flag ? "true" : option->results().front(), source->second});
  }
  return line;
}

std::vector<std::string> UnknownVariables() {
  CLI::App app;
  Options options;
  AddOptions(app, options);
  std::vector<std::string> known(std::begin(kOtherVariables), std::end(kOtherVariables));
  std::vector<std::string> suffixes;  // without the common prefix, which would make all names similar
  for (const CLI::Option* option : FindSettings(app)) {
    known.push_back(EnvironmentVariable(option->get_name()));
    suffixes.push_back(known.back().substr(kPrefix.size()));
  }
  std::vector<std::string> texts;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    absl::string_view name = *variable;
    name = name.substr(0, name.find('='));
    const bool of_kubernetes =
        absl::StartsWith(name, kKubernetesPrefixes[0]) || absl::StartsWith(name, kKubernetesPrefixes[1]);
    if (!absl::StartsWith(name, kPrefix) || of_kubernetes || std::find(known.begin(), known.end(), name) != known.end())
      continue;
    texts.push_back(absl::StrCat("unknown environment variable ", Printable(name, kMaxQuotedChars),
                                 DidYouMean(name.substr(kPrefix.size()), {suffixes.begin(), suffixes.end()}, kPrefix)));
  }
  return texts;
}

}  // namespace qconfig
