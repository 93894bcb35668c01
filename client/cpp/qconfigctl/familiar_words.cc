// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/familiar_words.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "qconfigctl/embedded_files.h"

namespace qconfig::client {
namespace {

using FamiliarWords = std::vector<FamiliarWord>;

FamiliarWords Read(const char* kind) {
  FamiliarWords words;
  const auto data = nlohmann::json::parse(kFamiliarWordsJson);
  for (const auto& entry : data.at(kind)) {
    words.push_back({entry.at("name"), entry.value("means", ""), entry.value("note", ""), entry.value("source", "")});
  }
  return words;
}

const FamiliarWord* Find(const FamiliarWords& words, absl::string_view name) {
  const auto found = std::find_if(words.begin(), words.end(),
                                  [name](const FamiliarWord& word) { return OptionKey(word.name) == OptionKey(name); });
  return found == words.end() ? nullptr : &*found;
}

}  // namespace

std::string OptionKey(absl::string_view name) {
  while (absl::ConsumePrefix(&name, "-")) {
  }
  return absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"_", "-"}});
}

const FamiliarWord* FindFamiliarCommand(absl::string_view name) {
  static const auto& words = *new FamiliarWords(Read("commands"));
  return Find(words, name);
}

const FamiliarWord* FindFamiliarOption(absl::string_view name) {
  static const auto& words = *new FamiliarWords(Read("options"));
  return Find(words, name);
}

const FamiliarWord* FindFamiliarNoun(absl::string_view name) {
  static const auto& words = *new FamiliarWords(Read("nouns"));
  const FamiliarWord* const word = Find(words, name);
  return word == nullptr ? Find(words, absl::StrCat(name, "s")) : word;
}

const FamiliarWord* FindFamiliarField(absl::string_view name) {
  static const auto& words = *new FamiliarWords(Read("algorithm_fields"));
  return Find(words, name);
}

}  // namespace qconfig::client
