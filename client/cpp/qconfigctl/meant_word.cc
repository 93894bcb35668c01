// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/meant_word.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/names/known_names.h"
#include "core/nearest_names.h"
#include "qconfigctl/familiar_words.h"
#include "qconfigctl/next_command.h"
#include "qconfigctl/nouns.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using Words = std::vector<std::string>;

// The command of a word; empty if none is known.
std::string CommandOf(const std::string& word, const Words& names) {
  if (std::find(names.begin(), names.end(), word) != names.end()) return word;
  const FamiliarWord* const familiar = FindFamiliarCommand(word);
  const std::string meant = familiar == nullptr ? "" : familiar->means;
  return std::find(names.begin(), names.end(), meant) == names.end() ? "" : meant;
}

bool IsNoun(const std::string& word) { return MeantNoun("list", word).is_known || FindFamiliarNoun(word) != nullptr; }

// The commands that print something about `name`, which `get llama` does not say.
std::string CommandsFor(const std::string& name) {
  const std::string model_type = MeantModelType(name);
  const bool is_model = BuiltinKnownNames().FindModel(model_type) != nullptr;
  const std::string shown = ShellText({is_model ? model_type : name});
  if (is_model) {
    return absl::StrCat("to print a configuration, run qconfigctl get-config ", shown,
                        " --scheme SCHEME; to print the template, run qconfigctl describe template ", shown);
  }
  return absl::StrCat("to print an entry, run qconfigctl describe scheme ", shown, ", or qconfigctl describe template ",
                      shown, "; to print a configuration, run qconfigctl get-config MODEL_TYPE --scheme SCHEME");
}

}  // namespace

std::string NearestOf(const std::string& name, const Words& names) {
  const auto near = NearestNames(name, {names.begin(), names.end()}, 1);
  return near.empty() ? "" : std::string(near.front());
}

MeantCommand FindMeantCommand(const std::string& word, const Words& names, const Words& rest, bool has_scheme) {
  const bool is_top = std::find(names.begin(), names.end(), "list") != names.end();
  const size_t dash = word.find('-');
  if (is_top && dash != std::string::npos) {
    const std::string command = CommandOf(word.substr(0, dash), names);
    const std::string noun = word.substr(dash + 1);
    const bool is_noun = MeantNoun("list", noun).mistake.empty() || FindFamiliarNoun(noun) != nullptr;
    if (!command.empty() && is_noun) {
      return {command == "describe" && rest.empty() ? "list" : command, noun, absl::StrCat(word, " is two words")};
    }
  }
  if (is_top && rest.empty() && MeantNoun("list", word).is_known && NearestOf(word, names).empty()) {  // `models`
    return {"list", MeantNoun("list", word).value, absl::StrCat(Quoted(word), " is not a command")};
  }
  std::string command = CommandOf(word, names);
  const FamiliarWord* const familiar = FindFamiliarCommand(word);
  const std::string text =
      absl::StrCat(Quoted(word), " is not a command", familiar == nullptr || familiar->note.empty() ? "" : ": ",
                   familiar == nullptr ? "" : familiar->note);
  if (is_top && command == "describe" && !rest.empty() && !IsNoun(rest[0])) {  // `get llama`
    if (!has_scheme) return {"", "", absl::StrCat(text, "; ", CommandsFor(rest[0]))};
    command = "get-config";
  }
  if (command == "describe" && rest.size() < 2) command = "list";  // `get schemes`
  if (command.empty()) command = NearestOf(word, names);
  if (command.empty()) return {"", "", absl::StrCat(text, "; the commands are ", absl::StrJoin(names, ", "))};
  return {command, "", absl::StrCat(text, "; did you mean ", command, "?")};
}

MeantValue MeantNoun(const std::string& command, const std::string& word) {
  const Words& nouns = NounsOf(command);
  if (nouns.empty() || !FindNoun(word, nouns).empty()) return {word, ""};
  const FamiliarWord* const familiar = FindFamiliarNoun(word);
  if (familiar != nullptr && !familiar->note.empty()) return {word, familiar->note, false};
  const std::string noun = familiar == nullptr ? "" : FindNoun(familiar->means, nouns);
  if (!noun.empty()) return {noun, absl::StrCat("use ", noun, " instead of ", Quoted(word))};
  const std::string near = NearestOf(word, nouns);
  const std::string text = absl::StrCat(Quoted(word), " is not one of ", absl::StrJoin(nouns, ", "));
  if (!near.empty()) return {near, absl::StrCat(text, "; did you mean ", near, "?")};
  if (command == "list") return {word, text, false};
  const std::string start = absl::StrCat("qconfigctl ", command, " ");
  return {word,
          absl::StrCat(text, "; run ", start, nouns[0], " ", ShellText({word}), ", or ", start, nouns[1], " ",
                       ShellText({word})),
          false};
}

}  // namespace qconfig::client
