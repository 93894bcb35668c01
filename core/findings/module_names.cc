// SPDX-License-Identifier: Apache-2.0
#include "core/findings/module_names.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/catalog_json.h"
#include "core/embedded_files.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

absl::string_view LastPart(absl::string_view name) { return name.substr(name.rfind('.') + 1); }

size_t Initial(absl::string_view part) { return part.empty() ? 0 : static_cast<unsigned char>(part.front()); }

uint64_t LengthBit(absl::string_view part) { return uint64_t{1} << std::min<size_t>(part.size(), 63); }

}  // namespace

absl::StatusOr<ModuleNames> ModuleNames::Load(absl::string_view json) {
  const auto names = nlohmann::ordered_json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (!names.is_object()) return Malformed("module_names.json", "not a JSON object");
  ModuleNames loaded;
  const auto read = [&names](const char* list, auto add) { return ReadStrings(Member(names, list), list, add); };
  const auto add_end = [&loaded](ModuleRole role) {
    return [&loaded, role](const std::string& end) {
      loaded.ends_[end] = {role, absl::StrCat("*", end)};
      loaded.last_part_lengths_[Initial(LastPart(end))] |= LengthBit(LastPart(end));
    };
  };
  QCONFIG_RETURN_IF_ERROR(read("routers", add_end(ModuleRole::kRouter)));
  QCONFIG_RETURN_IF_ERROR(read("heads", add_end(ModuleRole::kHead)));
  QCONFIG_RETURN_IF_ERROR(read("top_level_heads", [&loaded](const std::string& name) {
    loaded.top_level_[name] = {ModuleRole::kHead, name};
  }));
  QCONFIG_RETURN_IF_ERROR(read("towers", [&loaded](const std::string& part) {
    loaded.towers_[part] = {ModuleRole::kTower, absl::StrCat("*", part, ".*")};
    loaded.tower_initials_[Initial(part)] = true;
  }));
  QCONFIG_RETURN_IF_ERROR(
      read("expert_lists", [&loaded](const std::string& part) { loaded.expert_lists_.insert(part); }));
  QCONFIG_RETURN_IF_ERROR(
      read("input_split", [&loaded](const std::string& part) { loaded.splits_[part] = RankSplit::kInputs; }));
  QCONFIG_RETURN_IF_ERROR(
      read("not_split", [&loaded](const std::string& part) { loaded.splits_[part] = RankSplit::kNone; }));
  return loaded;
}

const ModuleNames& ModuleNames::Builtin() {
  static const auto* const kNames = new ModuleNames(Load(FindEmbeddedFile("findings/module_names.json")).value());
  return *kNames;
}

const NamedRole* ModuleNames::FindTower(absl::string_view name) const {
  while (true) {
    const size_t dot = name.find('.');
    const absl::string_view part = name.substr(0, dot);
    // Below the first number are the parts of a layer, not of the model.
    if (part.empty() || absl::ascii_isdigit(static_cast<unsigned char>(part.front()))) return nullptr;
    if (tower_initials_[Initial(part)]) {
      const auto tower = towers_.find(part);
      if (tower != towers_.end()) return &tower->second;
    }
    if (dot == absl::string_view::npos) return nullptr;
    name.remove_prefix(dot + 1);
  }
}

const NamedRole* ModuleNames::FindRole(absl::string_view name) const {
  if (const NamedRole* tower = FindTower(name); tower != nullptr) return tower;
  size_t start = name.rfind('.');
  if (start == absl::string_view::npos) {
    const auto top_level = top_level_.find(name);
    if (top_level != top_level_.end()) return &top_level->second;
  }
  const absl::string_view last_part = LastPart(name);
  if ((last_part_lengths_[Initial(last_part)] & LengthBit(last_part)) == 0) return nullptr;
  constexpr int kMaxParts = 3;
  for (int parts = 1; parts <= kMaxParts; ++parts) {
    const auto end = ends_.find(start == absl::string_view::npos ? name : name.substr(start + 1));
    if (end != ends_.end()) return &end->second;
    if (start == absl::string_view::npos || start == 0) break;
    start = name.rfind('.', start - 1);
  }
  return nullptr;
}

RankSplit ModuleNames::FindSplit(absl::string_view name) const {
  const auto split = splits_.find(LastPart(name));
  if (split != splits_.end()) return split->second;
  return FindRole(name) == nullptr ? RankSplit::kOutputs : RankSplit::kNone;
}

bool ModuleNames::IsExpert(absl::string_view name) const {
  for (size_t dot = name.find('.'); dot != absl::string_view::npos; dot = name.find('.')) {
    if (expert_lists_.contains(name.substr(0, dot))) return true;
    name.remove_prefix(dot + 1);
  }
  return false;
}

}  // namespace qconfig
