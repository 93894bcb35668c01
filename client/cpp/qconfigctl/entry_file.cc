// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/entry_file.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/utf8.h"
#include "qconfigctl/file_tree.h"
#include "qconfigctl/proto_forms.h"
#include "qconfigctl/quark_form.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

// One way of reading a file.
template <typename Entry>
struct Reading {
  EntryForm form;
  const char* name;
  absl::StatusOr<Entry> entry;
  int plausible = 0;  // how likely it is that somebody who made the file meant this form; 0: not at all
};

struct Trees {
  bool looks_like_json = false;
  absl::StatusOr<ordered_json> json;
  absl::StatusOr<ordered_json> yaml;
};

Trees TreesOf(const std::string& text) {
  Trees trees;
  const absl::string_view content = absl::StripLeadingAsciiWhitespace(text);
  trees.looks_like_json = absl::StartsWith(content, "{") || absl::StartsWith(content, "[");
  trees.json = ParseStrictJson(text);
  trees.yaml = trees.json.ok() ? *trees.json : ParseStrictYaml(text);
  return trees;
}

// A line such as "weight {".
bool HasTextprotoBlock(const std::string& text) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    const size_t brace = line.find('{');
    if (brace == absl::string_view::npos) continue;
    const absl::string_view name = absl::StripTrailingAsciiWhitespace(line.substr(0, brace));
    const auto is_name = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; };
    if (!name.empty() && std::all_of(name.begin(), name.end(), is_name)) return true;
  }
  return false;
}

bool HasProtoNames(const std::string& text) {
  for (const absl::string_view word : {"DTYPE_", "Q_SCHEME_TYPE_", "ROUND_TYPE_", "SCALE_TYPE_", "modelType",
                                       "split_fused_experts", "scale_quant\"", "preset"}) {
    if (absl::StrContains(text, word)) return true;
  }
  return false;
}

// protobuf's and nlohmann's texts may repeat the file's bytes.
absl::Status AsOneLine(const absl::Status& status) {
  constexpr size_t kMaxShown = 1000;
  return absl::InvalidArgumentError(Printable(status.message(), kMaxShown));
}

template <typename Entry, typename ReadQuark>
Reading<Entry> ReadAsQuark(const Trees& trees, const std::string& text, ReadQuark read) {
  Reading<Entry> reading{EntryForm::kQuark, "Quark's form", absl::UnknownError("")};
  if (!trees.yaml.ok()) {
    const bool broken_json = trees.looks_like_json;
    reading.entry = broken_json ? trees.json.status() : trees.yaml.status();
    reading.name = broken_json ? "JSON" : "YAML";
    reading.plausible = broken_json ? 3 : HasTextprotoBlock(text) ? 0 : 2;
    return reading;
  }
  reading.name = trees.json.ok() ? "Quark's form" : "Quark's form in YAML";
  reading.entry = read(*trees.yaml);
  const bool entry_like = trees.yaml->is_object();
  reading.plausible = trees.looks_like_json ? 2 : entry_like ? 3 : HasTextprotoBlock(text) ? 0 : 1;
  return reading;
}

template <typename Entry>
Reading<Entry> ReadAsProtoJson(const Trees& trees, const std::string& text) {
  Reading<Entry> reading{EntryForm::kProtoJson, "ProtoJSON", absl::UnknownError("")};
  if (!trees.json.ok()) {
    // When YAML takes what nearly is JSON, somebody should still hear what is wrong with the JSON.
    reading.entry = trees.json.status();
    reading.name = "JSON";
    reading.plausible = trees.looks_like_json && trees.yaml.ok() ? 3 : 0;
    return reading;
  }
  Entry entry;
  const absl::Status status = ReadProtoJson(*trees.json, entry);
  if (status.ok()) {
    reading.entry = std::move(entry);
  } else {
    reading.entry = status;
  }
  reading.plausible = !trees.looks_like_json ? 0 : HasProtoNames(text) ? 3 : 1;
  return reading;
}

template <typename Entry>
Reading<Entry> ReadAsTextproto(const Trees& trees, const std::string& text) {
  Reading<Entry> reading{EntryForm::kTextproto, "textproto", absl::UnknownError("")};
  Entry entry;
  const absl::Status status = ReadTextproto(text, entry);
  if (status.ok()) {
    reading.entry = std::move(entry);
  } else {
    reading.entry = status;
  }
  reading.plausible = trees.looks_like_json ? 0 : HasTextprotoBlock(text) || HasProtoNames(text) ? 4 : 1;
  return reading;
}

template <typename Entry>
absl::Status RefuseAll(std::vector<Reading<Entry>> readings, const char* what) {
  std::stable_sort(readings.begin(), readings.end(),
                   [](const auto& a, const auto& b) { return a.plausible > b.plausible; });
  std::vector<std::string> lines;
  for (const auto& reading : readings) {
    if (reading.plausible == 0 && !lines.empty()) continue;
    lines.push_back(absl::StrCat("as ", reading.name, ": ", AsOneLine(reading.entry.status()).message()));
  }
  if (lines.size() == 1) return absl::InvalidArgumentError(absl::StrCat("is no ", what, " ", lines.front()));
  return absl::InvalidArgumentError(absl::StrCat("is no ", what, "\n  ", absl::StrJoin(lines, "\n  ")));
}

template <typename Entry>
absl::Status RefuseAmbiguous(const Reading<Entry>& one, const Reading<Entry>& other) {
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  differencer.Compare(*one.entry, *other.entry);
  const std::vector<std::string> lines = absl::StrSplit(difference, '\n');
  return absl::InvalidArgumentError(absl::StrCat("can be read as ", one.name, " and as ", other.name,
                                                 ", which differ (", Printable(lines.front(), 200),
                                                 "); say which with --format quark|proto-json|textproto"));
}

template <typename Entry, typename ReadQuark>
absl::StatusOr<EntryFile<Entry>> Read(const std::string& text, std::optional<EntryForm> form, const char* what,
                                      ReadQuark read_quark) {
  const Trees trees = TreesOf(text);
  std::vector<Reading<Entry>> readings;
  if (!form.has_value() || form == EntryForm::kQuark) readings.push_back(ReadAsQuark<Entry>(trees, text, read_quark));
  if (!form.has_value() || form == EntryForm::kProtoJson) readings.push_back(ReadAsProtoJson<Entry>(trees, text));
  if (!form.has_value() || form == EntryForm::kTextproto) readings.push_back(ReadAsTextproto<Entry>(trees, text));
  const Reading<Entry>* chosen = nullptr;
  for (const Reading<Entry>& reading : readings) {
    if (!reading.entry.ok()) continue;
    if (chosen == nullptr) {
      chosen = &reading;
    } else if (!google::protobuf::util::MessageDifferencer::Equals(*chosen->entry, *reading.entry)) {
      return RefuseAmbiguous(*chosen, reading);
    }
  }
  if (chosen == nullptr) return RefuseAll(std::move(readings), what);
  return EntryFile<Entry>{*chosen->entry, chosen->form};
}

}  // namespace

absl::StatusOr<EntryFile<v1::Scheme>> ReadScheme(const std::string& text, std::optional<EntryForm> form) {
  return Read<v1::Scheme>(text, form, "scheme", &SchemeOfQuarkForm);
}

absl::StatusOr<EntryFile<v1::LlmTemplate>> ReadTemplate(const std::string& text, std::optional<EntryForm> form) {
  return Read<v1::LlmTemplate>(text, form, "template", &TemplateOfQuarkForm);
}

absl::Status NameScheme(const std::string& name, v1::Scheme& scheme) {
  if (name.empty() && scheme.name().empty()) {
    return absl::InvalidArgumentError("gives the scheme no name; say it with --name");
  }
  if (!name.empty() && !scheme.name().empty() && name != scheme.name()) {
    return absl::InvalidArgumentError(
        absl::StrCat("names the scheme ", Quoted(scheme.name()), ", but --name says ", Quoted(name)));
  }
  if (!name.empty()) scheme.set_name(name);
  return absl::OkStatus();
}

}  // namespace qconfig::client
