// SPDX-License-Identifier: Apache-2.0
#include "core/names/known_names.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/names/name_words.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using nlohmann::json;

absl::Status MalformedLine(absl::string_view where, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", problem));
}

// Both are empty if the line has no such key.
std::string TextOf(const json& line, const char* key) {
  const auto it = line.find(key);
  return it != line.end() && it->is_string() ? it->get<std::string>() : "";
}
std::vector<std::string> TextsOf(const json& line, const char* key) {
  std::vector<std::string> texts;
  const auto it = line.find(key);
  if (it == line.end() || !it->is_array()) return texts;
  for (const json& text : *it) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

bool IsText(const json& value) { return value.is_string(); }
bool AreTexts(const json& value) { return value.is_array() && std::all_of(value.begin(), value.end(), IsText); }

// The lines of a table, each of which must have a source, and no other keys than `texts` and `lists`.
absl::StatusOr<std::vector<json>> LinesOf(const json& table, absl::string_view name,
                                          const std::vector<std::string>& texts,
                                          const std::vector<std::string>& lists) {
  if (!table.is_array()) return MalformedLine(name, "not a list");
  std::vector<json> lines;
  for (const json& line : table) {
    if (!line.is_object() || TextOf(line, "source").empty()) {
      return MalformedLine(absl::StrCat(name, "[", lines.size(), "]"), "has no source");
    }
    for (const auto& [key, value] : line.items()) {
      const bool is_valid = (absl::c_linear_search(texts, key) && IsText(value)) ||
                            (absl::c_linear_search(lists, key) && AreTexts(value));
      if (!is_valid) {
        return MalformedLine(absl::StrCat(name, "[", lines.size(), "].", key), "unknown key, or not of its type");
      }
    }
    lines.push_back(line);
  }
  return lines;
}

std::string TableKey(absl::string_view table, absl::string_view name) {
  return absl::StrCat(table, "/", CompactName(name));
}

}  // namespace

absl::Status KnownNames::ReadOtherNames(absl::string_view text) {
  const json tables = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!tables.is_object()) return MalformedLine("other names", "not a JSON object");
  for (const auto& [table, items] : tables.items()) {
    QCONFIG_ASSIGN_OR_RETURN(
        const std::vector<json> lines,
        LinesOf(items, table, {"tool", "differs", "note", "like", "edit", "makes", "source"}, {"names", "means"}));
    for (const json& line : lines) {
      OtherName name{TextsOf(line, "names"),  TextOf(line, "tool"),  TextsOf(line, "means"),
                     TextOf(line, "differs"), TextOf(line, "note"),  TextOf(line, "like"),
                     TextOf(line, "edit"),    TextOf(line, "makes"), TextOf(line, "source")};
      if (name.names.empty()) return MalformedLine(table, "a line has no names");
      if (name.means.empty() && name.note.empty())
        return MalformedLine(name.names.front(), "has no meaning and no note");
      if (name.like.empty() != name.edit.empty() || name.like.empty() != name.makes.empty()) {
        return MalformedLine(name.names.front(), "has only some of like, edit and makes");
      }
      if (!name.like.empty() && name.note.empty()) return MalformedLine(name.names.front(), "has like but no note");
      other_names_[table].push_back(std::move(name));
    }
  }
  return absl::OkStatus();
}

absl::Status KnownNames::ReadModels(absl::string_view text) {
  const json tables = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!tables.is_object() || !tables.contains("models") || !tables.contains("ids")) {
    return MalformedLine("models", "not a JSON object with models and ids");
  }
  QCONFIG_ASSIGN_OR_RETURN(const std::vector<json> models,
                           LinesOf(tables["models"], "models", {"model_type", "start_from", "note", "source"},
                                   {"architectures", "relatives"}));
  for (const json& line : models) {
    models_.push_back({TextOf(line, "model_type"), TextsOf(line, "architectures"), TextsOf(line, "relatives"),
                       TextOf(line, "start_from"), TextOf(line, "note"), TextOf(line, "source")});
    if (models_.back().model_type.empty()) return MalformedLine("models", "a line has no model_type");
  }
  QCONFIG_ASSIGN_OR_RETURN(const std::vector<json> ids,
                           LinesOf(tables["ids"], "ids", {"id", "model_type", "source"}, {}));
  for (const json& line : ids) {
    ids_.push_back({TextOf(line, "id"), TextOf(line, "model_type"), TextOf(line, "source")});
    if (ids_.back().id.empty() || ids_.back().model_type.empty()) return MalformedLine("ids", "a line is incomplete");
  }
  return absl::OkStatus();
}

absl::Status KnownNames::Index() {
  for (const auto& [table, lines] : other_names_) {
    for (const OtherName& line : lines) {
      for (const std::string& name : line.names) {
        if (!found_.try_emplace(TableKey(table, name), Found{&line, name}).second) {
          return MalformedLine(absl::StrCat(table, ".", name), "is listed twice");
        }
      }
    }
  }
  for (const ModelName& model : models_) {
    if (!by_type_.try_emplace(CompactName(model.model_type), &model).second) {
      return MalformedLine(model.model_type, "is listed twice");
    }
    for (const std::string& architecture : model.architectures) {
      if (!by_architecture_.try_emplace(CompactName(architecture), &model).second) {
        return MalformedLine(architecture, "is listed twice");
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<KnownNames> KnownNames::Read(absl::string_view other_names, absl::string_view models) {
  KnownNames names;
  QCONFIG_RETURN_IF_ERROR(names.ReadOtherNames(other_names));
  QCONFIG_RETURN_IF_ERROR(names.ReadModels(models));
  QCONFIG_RETURN_IF_ERROR(names.Index());
  return names;
}

KnownNames::Found KnownNames::Find(absl::string_view table, absl::string_view name) const {
  const auto it = found_.find(TableKey(table, name));
  return it == found_.end() ? Found() : it->second;
}

const ModelName* KnownNames::FindModel(absl::string_view model_type) const {
  const auto it = by_type_.find(CompactName(model_type));
  return it == by_type_.end() ? nullptr : it->second;
}

const ModelName* KnownNames::FindArchitecture(absl::string_view architecture) const {
  const auto it = by_architecture_.find(CompactName(architecture));
  return it == by_architecture_.end() ? nullptr : it->second;
}

const ModelId* KnownNames::FindId(absl::string_view name) const {
  name = name.substr(name.rfind('/') + 1);  // the whole name without a slash
  const std::string compact = CompactName(name);
  const ModelId* longest = nullptr;
  size_t length = 0;
  for (const ModelId& id : ids_) {
    const std::string beginning = CompactName(id.id);
    const bool fits = absl::StartsWith(compact, beginning) && EndsWordAfter(name, beginning.size());
    if (fits && beginning.size() > length) {
      longest = &id;
      length = beginning.size();
    }
  }
  return longest;
}

const KnownNames& BuiltinKnownNames() {
  static const auto* const kNames = [] {
    absl::string_view other_names, models;
    for (const EmbeddedFile& file : NameFiles()) {
      (absl::EndsWith(file.path, "models.json") ? models : other_names) = file.contents;
    }
    return new KnownNames(KnownNames::Read(other_names, models).value());
  }();
  return *kNames;
}

}  // namespace qconfig
