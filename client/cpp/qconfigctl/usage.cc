// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/usage.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/utf8.h"
#include "qconfig/token_file.h"
#include "qconfigctl/corrected_line.h"
#include "qconfigctl/entry_file.h"
#include "qconfigctl/next_command.h"
#include "qconfigctl/nouns.h"

namespace qconfig::client {
namespace {

using Words = std::vector<std::string>;

// The value of -f or --file in `words`; empty if there is none.
std::string FileOf(const Words& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if ((words[i] == "-f" || words[i] == "--file") && i + 1 < words.size()) return words[i + 1];
    absl::string_view word = words[i];
    if (absl::ConsumePrefix(&word, "--file=")) return std::string(word);
  }
  return "";
}

// "template" or "scheme", the kind of entry in the file; empty for a pipe, which can be read only once.
std::string KindOfEntry(const std::string& path) {
  std::error_code error;
  if (path.empty() || path == "-") return "";
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) return "";
  const auto text = ReadEntryText(path);
  if (!text.ok()) return "scheme";  // reports why the file is unreadable
  if (ReadScheme(*text, std::nullopt).ok()) return "scheme";
  if (ReadTemplate(*text, std::nullopt).ok()) return "template";
  return absl::StrContains(*text, "model_type") ? "template" : "scheme";
}

// The position of the word "register" if it is the command and no kind of entry follows it; otherwise words.size().
size_t FindRegisterWithoutKind(const Words& words) {
  const auto command = std::find(words.begin(), words.end(), "register");
  const bool has_kind = std::any_of(command, words.end(), [](const std::string& word) {
    return word == "scheme" || word == "schemes" || word == "template" || word == "templates" || word == "--help" ||
           word == "-h";
  });
  const bool is_command = std::none_of(words.begin(), command, [](const std::string& word) {
    return word == "list" || word == "describe" || word == "get-config" || word == "plan" || word == "unregister";
  });
  return is_command && !has_kind ? static_cast<size_t>(command - words.begin()) : words.size();
}

// The command of `words`, such as "qconfigctl list", for its --help.
std::string CommandOf(const CLI::App& app, const Words& words) {
  std::string command = "qconfigctl";
  const CLI::App* current = &app;
  for (const std::string& word : words) {
    const auto found = current->get_subcommands([&word](const CLI::App* sub) { return sub->check_name(word); });
    if (found.empty()) continue;
    current = found.front();
    absl::StrAppend(&command, " ", word);
  }
  return command;
}

// Whether a word probably has a token. The name of an existing file is none, nor is an option with it, as in
// --token-file=FILE.
bool HasToken(const Words& words) {
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    std::error_code error;
    return LooksLikeToken(word) && !std::filesystem::exists(word, error) &&
           !std::filesystem::exists(word.substr(word.find('=') + 1), error);
  });
}

// Whether `name` is an option of the commands below `app`, or of `app`, that needs no value.
bool IsFlag(const CLI::App& app, const std::string& name) {
  if (const CLI::Option* const option = app.get_option_no_throw(name)) return option->get_expected_min() == 0;
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  return std::any_of(commands.begin(), commands.end(),
                     [&name](const CLI::App* command) { return IsFlag(*command, name); });
}

std::string ClauseList(const Words& clauses) { return absl::StrJoin(clauses, "\n       "); }

// If the value of the option that `text` names first comes from the environment, names the variable instead.
std::string WithVariable(const CLI::App& app, const Words& words, const std::string& text) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    const std::string& variable = option->get_envname();
    const char* const value = variable.empty() ? nullptr : std::getenv(variable.c_str());
    const bool on_line = std::any_of(words.begin(), words.end(), [&name](const std::string& word) {
      return word == name || absl::StartsWith(word, name + "=");
    });
    if (value == nullptr || on_line) continue;
    absl::string_view rest = text;
    if (option->get_expected_min() == 0 && absl::StrContains(text, absl::StrCat(name, " ="))) {
      return absl::StrCat("environment variable ", variable, ": ",
                          LooksLikeToken(value) ? "the value" : Printable(value, 100), " is not true or false; set ",
                          variable, "=true, or unset it");
    }
    if (absl::ConsumePrefix(&rest, absl::StrCat(name, ": "))) {
      return absl::StrCat("environment variable ", variable, ": ", rest);
    }
  }
  return text;
}

// The text of `error`, where CLI11's own is hard to understand.
std::string TextOf(const CLI::App& app, const CLI::ParseError& error, const Words& words) {
  const std::string text = error.what();
  absl::string_view option = text;
  option = option.substr(0, option.find(':'));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && absl::StartsWith(option, "-")) {
    return absl::StrCat(option, absl::StrContains(text, "missing") ? " requires a value" : " is given twice");
  }
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    return absl::StrCat(absl::StrReplaceAll(text, {{" excludes ", " and "}}), " cannot be used together");
  }
  if (absl::string_view rest = text;
      absl::ConsumePrefix(&rest, "Could not convert: ") && WithVariable(app, words, text) == text) {
    const std::string name(rest.substr(0, rest.find(" = ")));
    if (IsFlag(app, name)) return absl::StrCat(name, " takes no value, or true or false");
    return absl::StrReplaceAll(rest, {{" = ", " takes a number, not "}});
  }
  const std::string command = CommandOf(app, words);
  const Words& nouns = NounsOf(command.substr(command.rfind(' ') + 1));
  if (text == "what is required") return absl::StrCat(command, " requires one of ", absl::StrJoin(nouns, ", "));
  return WithVariable(app, words, text);
}

}  // namespace

std::vector<std::string> ExpandWords(int argc, const char* const* argv) {
  Words words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words.front() == "version") words.front() = "--version";
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  const size_t place = FindRegisterWithoutKind(words);
  const std::string kind = place == words.size() ? "" : KindOfEntry(FileOf(words));
  if (!kind.empty()) words.insert(words.begin() + static_cast<std::ptrdiff_t>(place) + 1, kind);
  return words;
}

std::string UsageErrorText(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  if (HasToken(words)) {  // corrections and CLI11's errors quote words
    const std::string command = CommandOf(app, words);
    return absl::StrCat(
        "error: the command line has a token, which other users and the shell's history can see; write the token to a "
        "file, and name that file with ",
        absl::EndsWith(command, " new-token") ? "--hash" : "--token-file", "\nRun ", command,
        " --help for more information.\n");
  }
  const CorrectedLine line = CorrectLine(app, words);
  if (line.mistakes.empty()) {
    return absl::StrCat("error: ", TextOf(app, error, words), "\nRun ", CommandOf(app, words),
                        " --help for more information.\n");
  }
  const std::string next =
      line.complete ? absl::StrCat("Run: qconfigctl ", ShellText(line.words), "\n")
                    : absl::StrCat("Run ", CommandOf(app, line.words), " --help for the accepted options.\n");
  return absl::StrCat("error: ", ClauseList(line.mistakes), "\n", next);
}

}  // namespace qconfig::client
