// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/meant_word.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/nearest_names.h"
#include "core/utf8.h"
#include "qconfigctl/familiar_words.h"
#include "qconfigctl/next_command.h"
#include "qconfigctl/nouns.h"

namespace qconfig::client {
namespace {

using Words = std::vector<std::string>;

std::string Shown(const std::string& word) { return absl::StrCat("\"", Printable(word, 100), "\""); }

std::string NearestOf(const std::string& name, const Words& names) {
  const auto near = NearestNames(name, {names.begin(), names.end()}, 1);
  return near.empty() ? "" : std::string(near.front());
}

// The command of a word; empty if none is known.
std::string CommandOf(const std::string& word, const Words& names) {
  if (std::find(names.begin(), names.end(), word) != names.end()) return word;
  const FamiliarWord* const familiar = FindFamiliarCommand(word);
  const std::string meant = familiar == nullptr ? "" : familiar->means;
  return std::find(names.begin(), names.end(), meant) == names.end() ? "" : meant;
}

}  // namespace

MeantCommand FindMeantCommand(const std::string& word, const Words& names, size_t rest) {
  const bool is_top = std::find(names.begin(), names.end(), "list") != names.end();
  const size_t dash = word.find('-');
  if (is_top && dash != std::string::npos) {
    const std::string command = CommandOf(word.substr(0, dash), names);
    const std::string noun = word.substr(dash + 1);
    const bool is_noun = MeantNoun("list", noun).mistake.empty() || FindFamiliarNoun(noun) != nullptr;
    if (!command.empty() && is_noun) {
      return {command == "describe" && rest == 0 ? "list" : command, noun, absl::StrCat(word, " is two words")};
    }
  }
  if (is_top && rest == 0 && MeantNoun("list", word).is_known && NearestOf(word, names).empty()) {  // `models`
    return {"list", MeantNoun("list", word).value, absl::StrCat(Shown(word), " is not a command")};
  }
  std::string command = CommandOf(word, names);
  if (command == "describe" && rest < 2) command = "list";  // `get schemes`
  if (command.empty()) command = NearestOf(word, names);
  const std::string text = absl::StrCat(Shown(word), " is not a command");
  if (command.empty()) return {"", "", absl::StrCat(text, "; the commands are ", absl::StrJoin(names, ", "))};
  return {command, "", absl::StrCat(text, "; did you mean ", command, "?")};
}

MeantValue MeantNoun(const std::string& command, const std::string& word) {
  const Words& nouns = NounsOf(command);
  if (nouns.empty() || !FindNoun(word, nouns).empty()) return {word, ""};
  const FamiliarWord* const familiar = FindFamiliarNoun(word);
  if (familiar != nullptr && !familiar->note.empty()) return {word, familiar->note, false};
  const std::string noun = familiar == nullptr ? "" : FindNoun(familiar->means, nouns);
  if (!noun.empty()) return {noun, absl::StrCat(Shown(word), " is ", noun, " here")};
  const std::string near = NearestOf(word, nouns);
  const std::string text = absl::StrCat(Shown(word), " is not one of ", absl::StrJoin(nouns, ", "));
  if (!near.empty()) return {near, absl::StrCat(text, "; did you mean ", near, "?")};
  if (command == "list") return {word, text, false};
  const std::string start = absl::StrCat("qconfigctl ", command, " ");
  return {word,
          absl::StrCat(text, "; run ", start, nouns[0], " ", ShellText({word}), ", or ", start, nouns[1], " ",
                       ShellText({word})),
          false};
}

}  // namespace qconfig::client
