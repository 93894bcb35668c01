// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/next_command.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace qconfig::client {
namespace {

// Whether `word` is the value, or ends with it as in "--scheme=fp9" and "*mlp*=fp9".
bool HasValue(const std::string& word, const std::string& value) {
  return word == value || absl::EndsWith(word, "=" + value);
}

// Whether the suggestion means the same as the value.
bool MeansTheSame(const v1::ErrorDetail& detail) {
  const v1::SuggestionReason& reason = detail.suggestion_reasons(0);
  switch (reason.kind()) {
    case v1::SUGGESTION_KIND_OTHER_CATALOG:
    case v1::SUGGESTION_KIND_REMOVED:
    case v1::SUGGESTION_KIND_FORMER_NAME:
    case v1::SUGGESTION_KIND_OTHER_TOOL:
      return true;
    case v1::SUGGESTION_KIND_SPELLING:  // a misspelled model type can be the type of another model
      return !absl::EndsWith(detail.field(), "model_type");
    case v1::SUGGESTION_KIND_RELATED_MODEL:  // the model type of an architecture or of a model ID
      return absl::StartsWith(reason.text(), "the model_type of ");
    default: {
      if (detail.field() != "catalog") return false;
      const bool is_post = absl::StartsWith(detail.suggestions(0), detail.value() + ".post");  // quark-0.12 of .post1
      const bool has_number = detail.value().find_first_of("0123456789") != std::string::npos;
      return is_post || (!has_number && absl::StartsWith(reason.text(), "the newest release"));  // latest
    }
  }
}

// The algorithm without which the suggested scheme does not have the meaning of the value; empty if there is none.
std::string NeededAlgorithm(const v1::ErrorDetail& detail) {
  constexpr absl::string_view kBefore = "is an algorithm: add ";
  const size_t found = detail.advice().find(kBefore.data());
  if (found == std::string::npos) return "";
  const std::string rest = detail.advice().substr(found + kBefore.size());
  return rest.substr(0, rest.find(' '));
}

// Whether the command changes the registry, where neither a revision nor a catalogue can be chosen.
bool IsWrite(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word == "register" || word == "unregister" || word == "set-default-catalog";
  });
}

// Sets `option` to `value`, whether or not it is given already.
void Set(std::vector<std::string>& words, const std::string& option, const std::string& value) {
  const auto given = std::find_if(words.begin(), words.end(), [&option](const std::string& word) {
    return word == option || absl::StartsWith(word, option + "=");
  });
  if (given == words.end()) {
    words.insert(words.end(), {option, value});
  } else if (*given != option) {
    *given = absl::StrCat(option, "=", value);
  } else if (given + 1 != words.end()) {
    *(given + 1) = value;
  }
}

}  // namespace

std::string NextCommand(const std::vector<std::string>& words, const v1::ErrorDetail& detail) {
  if (detail.suggestions_size() == 0 || detail.suggestion_reasons_size() == 0 || detail.value().empty()) return "";
  const v1::SuggestionReason& reason = detail.suggestion_reasons(0);
  // The entry itself, at an older revision, is the first suggestion, whatever resembles its name.
  if (detail.suggestions_size() != 1 && reason.kind() != v1::SUGGESTION_KIND_REMOVED) return "";
  if (IsWrite(words) && (reason.revision() != 0 || !reason.catalog().empty())) return "";
  const auto has_value = [&detail](const std::string& word) { return HasValue(word, detail.value()); };
  if (!MeansTheSame(detail) || std::count_if(words.begin(), words.end(), has_value) != 1) return "";
  const std::string algorithm = NeededAlgorithm(detail);
  if (!algorithm.empty() && detail.field() != "spec.scheme") return "";
  std::vector<std::string> next = words;
  std::string& word = *std::find_if(next.begin(), next.end(), has_value);
  word.replace(word.size() - detail.value().size(), detail.value().size(), detail.suggestions(0));
  const bool has_algorithm = std::any_of(next.begin(), next.end(), [&algorithm](const std::string& one) {
    return one == algorithm || one == "--algorithm=" + algorithm;
  });
  if (!algorithm.empty() && !has_algorithm) next.insert(next.end(), {"--algorithm", algorithm});
  if (!reason.catalog().empty()) Set(next, "--catalog", reason.catalog());
  if (reason.revision() != 0) Set(next, "--revision", absl::StrCat(reason.revision()));
  return absl::StrCat("qconfigctl ", ShellText(next));
}

std::string ShellText(const std::vector<std::string>& words) {
  return absl::StrJoin(words, " ", [](std::string* out, const std::string& word) {
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-_=./:,@%+", std::string(1, c));
    });
    absl::StrAppend(out, plain ? word : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'"));
  });
}

}  // namespace qconfig::client
