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
#include "absl/strings/strip.h"
#include "core/faults.h"
#include "core/utf8.h"
#include "qconfigctl/file_places.h"
#include "qconfigctl/foreign_files.h"
#include "qconfigctl/proto_formats.h"
#include "qconfigctl/quark_format.h"
#include "qconfigctl/tree_checks.h"
#include "server/base/files/file_tree.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

// The file, read in one format.
template <typename Entry>
struct Reading {
  EntryFormat format;
  const char* name;
  absl::StatusOr<Entry> entry;
  int plausible = 0;  // how likely it is that the author meant this format; 0: ruled out
};

struct Trees {
  bool looks_like_json = false;
  absl::StatusOr<FileTree> json;
  absl::StatusOr<FileTree> yaml;
};

Trees ParseTrees(const std::string& text) {
  Trees trees;
  const absl::string_view content = absl::StripLeadingAsciiWhitespace(text);
  trees.looks_like_json = !content.empty() && absl::StrContains("{[/", content.substr(0, 1));
  trees.json = ParseStrictJson(text);
  trees.yaml = trees.json.ok() ? *trees.json : ParseStrictYaml(text);
  return trees;
}

// Whether a brace follows a name, as in "weight {".
bool HasTextprotoBlock(const std::string& text) {
  const absl::string_view all = text;
  for (size_t brace = all.find('{'); brace != absl::string_view::npos; brace = all.find('{', brace + 1)) {
    const absl::string_view before = absl::StripTrailingAsciiWhitespace(all.substr(0, brace));
    if (!before.empty() && (absl::ascii_isalnum(static_cast<unsigned char>(before.back())) || before.back() == '_')) {
      return true;
    }
  }
  return false;
}

bool HasProtoNames(const std::string& text) {
  for (const absl::string_view word : {"DTYPE_", "Q_SCHEME_TYPE_", "ROUND_TYPE_", "SCALE_TYPE_", "modelType",
                                       "split_fused_experts", "\"scale_quant\"", "preset"}) {
    if (absl::StrContains(text, word)) return true;
  }
  return false;
}

template <typename Entry, typename ReadQuark>
Reading<Entry> ReadAsQuark(const Trees& trees, const std::string& text, ReadQuark read) {
  Reading<Entry> reading{EntryFormat::kQuark, "Quark JSON", absl::UnknownError("")};
  if (!trees.yaml.ok()) {
    const bool broken_json = trees.looks_like_json;
    reading.entry = broken_json ? trees.json.status() : trees.yaml.status();
    reading.name = broken_json ? "JSON" : "YAML";
    reading.plausible = broken_json ? 3 : HasTextprotoBlock(text) ? 0 : 2;
    return reading;
  }
  reading.name = trees.json.ok() ? "Quark JSON" : "Quark YAML";
  reading.entry = read(trees.yaml->root);
  const bool entry_like = trees.yaml->root.is_object();
  reading.plausible = trees.looks_like_json ? 2 : entry_like ? 3 : HasTextprotoBlock(text) ? 0 : 1;
  return reading;
}

template <typename Entry>
Reading<Entry> ReadAsProtoJson(const Trees& trees, const std::string& text) {
  Reading<Entry> reading{EntryFormat::kProtoJson, "ProtoJSON", absl::UnknownError("")};
  if (!trees.json.ok()) {
    // Malformed JSON is often valid YAML. Report the JSON error as well.
    reading.entry = trees.json.status();
    reading.name = "JSON";
    reading.plausible = trees.looks_like_json && trees.yaml.ok() ? 3 : 0;
    return reading;
  }
  Entry entry;
  const absl::Status status = ReadProtoJson(trees.json->root, entry);
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
  Reading<Entry> reading{EntryFormat::kTextproto, "textproto", absl::UnknownError("")};
  Entry entry;
  const absl::Status status = ReadTextproto(text, entry);
  if (status.ok()) {
    reading.entry = std::move(entry);
  } else {
    reading.entry = status;
  }
  reading.plausible = !trees.looks_like_json && HasTextprotoBlock(text) ? 4 : 0;
  return reading;
}

// The faults of a reading, each on one line with its place. Texts of protobuf and nlohmann may quote bytes of the file.
template <typename Entry>
std::vector<std::string> FaultLines(const Reading<Entry>& reading, const Trees& trees, const std::string& text) {
  constexpr size_t kMaxShown = 1000;
  std::vector<std::string> lines;
  std::optional<TextprotoPlaces> places;
  if (reading.format == EntryFormat::kTextproto) places.emplace(text, *Entry::descriptor());
  for (const v1::FieldViolation& fault : FaultsOf(reading.entry.status())) {
    const std::string problem = Printable(fault.description(), kMaxShown);
    if (fault.field().empty() && (!trees.yaml.ok() || trees.yaml->path.empty())) {
      lines.push_back(problem);
    } else if (places.has_value()) {
      lines.push_back(TextAt(places->Find(fault.field()), problem));
    } else {
      lines.push_back(TextAt(FindPath(*trees.yaml, fault.field()), problem));
    }
  }
  return lines;
}

template <typename Entry>
absl::Status RejectAll(std::vector<Reading<Entry>> readings, const Trees& trees, const std::string& text,
                       const char* what) {
  std::stable_sort(readings.begin(), readings.end(),
                   [](const auto& a, const auto& b) { return a.plausible > b.plausible; });
  const auto ruled_out =
      std::find_if(readings.begin() + 1, readings.end(), [](const auto& reading) { return reading.plausible == 0; });
  readings.erase(ruled_out, readings.end());
  if (readings.size() == 1) {
    const std::vector<std::string> lines = FaultLines(readings.front(), trees, text);
    return absl::InvalidArgumentError(absl::StrCat("not a valid ", what, " as ", readings.front().name, ":",
                                                   lines.size() == 1 ? " " : "\n  ", absl::StrJoin(lines, "\n  ")));
  }
  std::string message = absl::StrCat("not a valid ", what);
  for (const auto& reading : readings) {
    absl::StrAppend(&message, "\n  as ", reading.name, ": ", absl::StrJoin(FaultLines(reading, trees, text), "\n    "));
  }
  return absl::InvalidArgumentError(message);
}

template <typename Entry>
absl::Status RejectAmbiguous(const Reading<Entry>& one, const Reading<Entry>& other) {
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  differencer.Compare(*one.entry, *other.entry);
  const std::vector<std::string> lines = absl::StrSplit(difference, '\n');
  return absl::InvalidArgumentError(absl::StrCat("ambiguous: the file has different contents as ", one.name, " and as ",
                                                 other.name, " (", Printable(lines.front(), 200),
                                                 "); choose one with --format quark|proto-json|textproto"));
}

absl::Status RejectList(size_t count, const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("the file is a list with ", count, count == 1 ? " item" : " items",
                                                 "; it must hold one ", what,
                                                 count > 1 ? ": put each in its own file" : ""));
}

template <typename Entry, typename ReadQuark>
absl::StatusOr<EntryFile<Entry>> Read(const std::string& text, const Trees& trees, std::optional<EntryFormat> format,
                                      const char* what, ReadQuark read_quark, bool (*is_quark)(const ordered_json&)) {
  std::vector<Reading<Entry>> readings;
  if (!format.has_value() || format == EntryFormat::kQuark) {
    readings.push_back(ReadAsQuark<Entry>(trees, text, read_quark));
  }
  if (!format.has_value() || format == EntryFormat::kProtoJson) readings.push_back(ReadAsProtoJson<Entry>(trees, text));
  if (!format.has_value() || format == EntryFormat::kTextproto) readings.push_back(ReadAsTextproto<Entry>(trees, text));
  const Reading<Entry>* chosen = nullptr;
  for (const Reading<Entry>& reading : readings) {
    if (!reading.entry.ok()) continue;
    if (chosen == nullptr) {
      chosen = &reading;
    } else if (!google::protobuf::util::MessageDifferencer::Equals(*chosen->entry, *reading.entry)) {
      return RejectAmbiguous(*chosen, reading);
    }
  }
  if (chosen != nullptr) return EntryFile<Entry>{*chosen->entry, chosen->format, {}};
  if (trees.yaml.ok()) {
    if (trees.yaml->root.is_array()) return RejectList(trees.yaml->root.size(), what);
    const std::string other = RecognizeFile(*trees.yaml, what);
    if (!other.empty()) return absl::InvalidArgumentError(other);
  }
  // For a file with Quark's keys, the errors of the other formats would be noise.
  const bool broken_json = trees.looks_like_json && !trees.json.ok();
  const bool only_quark = !format.has_value() && !broken_json && trees.yaml.ok() && is_quark(trees.yaml->root);
  if (only_quark) readings.resize(1);
  return RejectAll(std::move(readings), trees, text, what);
}

}  // namespace

absl::StatusOr<EntryFile<v1::Scheme>> ReadScheme(const std::string& text, std::optional<EntryFormat> format) {
  Trees trees = ParseTrees(text);
  std::vector<std::string> notes;
  const bool may_be_quark = !format.has_value() || format == EntryFormat::kQuark;
  if (trees.yaml.ok() && may_be_quark && !absl::StrContains(text, "\"DTYPE_")) {
    notes = TakeGlobalConfig(*trees.yaml);
    // In this part of a file, all formats but Quark's would be noise.
    if (!notes.empty()) format = EntryFormat::kQuark;
  }
  auto file = Read<v1::Scheme>(text, trees, format, "scheme", &SchemeFromQuark, &IsQuarkScheme);
  if (file.ok()) file->notes = std::move(notes);
  return file;
}

absl::StatusOr<EntryFile<v1::LlmTemplate>> ReadTemplate(const std::string& text, std::optional<EntryFormat> format) {
  return Read<v1::LlmTemplate>(text, ParseTrees(text), format, "template", &TemplateFromQuark, &IsQuarkTemplate);
}

std::vector<std::string> MistakesInFile(const v1::ItemError& error, const std::string& text, EntryFormat format,
                                        const google::protobuf::Descriptor& entry) {
  // Other errors, such as SCHEME_EXISTS, are about the registry.
  const bool is_about_content = error.reason() == v1::ERROR_REASON_INVALID_REQUEST ||
                                error.reason() == v1::ERROR_REASON_INVALID_TENSOR_CONFIG ||
                                error.reason() == v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG ||
                                error.reason() == v1::ERROR_REASON_UNSUPPORTED_ALGORITHM;
  if (!is_about_content) return {};
  const absl::string_view root = &entry == v1::Scheme::descriptor() ? "scheme" : "llm_template";
  Trees trees;
  std::optional<TextprotoPlaces> places;
  if (format == EntryFormat::kTextproto) {
    places.emplace(text, entry);
  } else {
    trees = ParseTrees(text);
    if (!trees.yaml.ok()) return {};
    if (format == EntryFormat::kQuark && &entry == v1::Scheme::descriptor()) TakeGlobalConfig(*trees.yaml);
  }
  std::vector<std::string> lines;
  for (const v1::FieldViolation& violation : error.field_violations()) {
    absl::string_view field = violation.field();
    if (!absl::ConsumePrefix(&field, root) || (!field.empty() && !absl::ConsumePrefix(&field, "."))) return {};
    if (field == "name" || field == "description") return {};  // the command line may have set them
    // The message of a single error has the value and the accepted values too.
    absl::string_view problem = violation.description();
    absl::string_view message = error.message();
    if (error.field_violations_size() == 1 && absl::ConsumePrefix(&message, absl::StrCat(violation.field(), ": "))) {
      problem = message;
    }
    const FilePlace place = places.has_value() ? places->Find(field) : FindField(*trees.yaml, entry, field);
    lines.push_back(TextAt(place, problem.empty() ? "invalid" : problem));
  }
  return lines;
}

bool DropComputedConfig(v1::Scheme& scheme) {
  const bool is_answer =
      scheme.origin() != v1::REGISTRY_ORIGIN_UNSPECIFIED || !scheme.etag().empty() || scheme.has_create_time();
  if (!is_answer || !scheme.has_spec() || !scheme.has_config()) return false;
  scheme.clear_config();
  return true;
}

absl::Status NameScheme(const std::string& name, v1::Scheme& scheme) {
  if (name.empty() && scheme.name().empty()) {
    return absl::InvalidArgumentError("the scheme has no name; set one with --name");
  }
  if (!name.empty() && !scheme.name().empty() && name != scheme.name()) {
    return absl::InvalidArgumentError(absl::StrCat("the file names the scheme ", Quoted(scheme.name()),
                                                   ", but --name is ", Quoted(name),
                                                   "; change `name` in the file, or leave out --name"));
  }
  if (!name.empty()) scheme.set_name(name);
  return absl::OkStatus();
}

}  // namespace qconfig::client
