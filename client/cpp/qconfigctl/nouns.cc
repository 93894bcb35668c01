// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/nouns.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/utf8.h"

namespace qconfig::client {
namespace {

std::string Stem(const std::string& word) {
  std::string stem = absl::AsciiStrToLower(word);
  absl::string_view rest = stem;
  absl::ConsumeSuffix(&rest, "s");
  return absl::StrReplaceAll(rest, {{"catalogue", "catalog"}});
}

}  // namespace

const std::vector<std::string>& NounsOf(const std::string& command) {
  static const auto& nouns =
      *new std::map<std::string, std::vector<std::string>>{{"list", {"templates", "schemes", "catalogs", "changes"}},
                                                           {"describe", {"template", "scheme"}},
                                                           {"unregister", {"scheme", "template"}}};
  static const auto& none = *new std::vector<std::string>;
  const auto found = nouns.find(command);
  return found == nouns.end() ? none : found->second;
}

std::string FindNoun(const std::string& word, const std::vector<std::string>& nouns) {
  const auto noun =
      std::find_if(nouns.begin(), nouns.end(), [&word](const std::string& one) { return Stem(one) == Stem(word); });
  return noun == nouns.end() ? "" : *noun;
}

CLI::Validator OneOfNouns(const std::vector<std::string>& nouns) {
  const auto check = [nouns](std::string& word) -> std::string {
    const std::string noun = FindNoun(word, nouns);
    if (noun.empty()) return absl::StrCat(Printable(word, 100), " is not one of ", absl::StrJoin(nouns, ", "));
    word = noun;
    return "";
  };
  return CLI::Validator(check, absl::StrCat("{", absl::StrJoin(nouns, ","), "}"));
}

}  // namespace qconfig::client
