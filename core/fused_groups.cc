// SPDX-License-Identifier: Apache-2.0
#include "core/fused_groups.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/catalog_json.h"
#include "core/embedded_files.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

absl::StatusOr<std::vector<FusedGroup>> ReadGroups(const ordered_json& json, const std::string& path) {
  if (!json.is_array()) return Malformed(path, "not a list");
  std::vector<FusedGroup> groups;
  for (const ordered_json& item : json) {
    if (!item.is_object() || !Member(item, "fused").is_string()) return Malformed(path, "a group has no name");
    FusedGroup group{item["fused"].get<std::string>(), {}};
    QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(item, "parts"), absl::StrCat(path, ".", group.fused),
                                        [&group](std::string part) { group.parts.push_back(std::move(part)); }));
    const std::set<std::string> distinct(group.parts.begin(), group.parts.end());
    if (distinct.size() != group.parts.size() || distinct.size() < 2) {
      return Malformed(absl::StrCat(path, ".", group.fused), "needs at least two parts with different names");
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace

absl::StatusOr<FusedGroupTable> FusedGroupTable::Read(absl::string_view text) {
  const ordered_json json = ordered_json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Malformed("fused groups", "not a JSON object");
  FusedGroupTable table;
  table.expert_list_ = TextOrEmpty(json, "expert_list");
  if (table.expert_list_.empty()) return Malformed("expert_list", "not a name");
  QCONFIG_ASSIGN_OR_RETURN(table.default_, ReadGroups(Member(json, "default"), "default"));
  const ordered_json& entries = Member(json, "by_model_type");
  if (!entries.is_array()) return Malformed("by_model_type", "not a list");
  for (const ordered_json& entry : entries) {
    if (!entry.is_object()) return Malformed("by_model_type", "not a list of objects");
    std::vector<std::string> model_types;
    QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(entry, "model_types"), "by_model_type",
                                        [&](std::string model_type) { model_types.push_back(std::move(model_type)); }));
    if (model_types.empty()) return Malformed("by_model_type", "an entry has no model types");
    QCONFIG_ASSIGN_OR_RETURN(const std::vector<FusedGroup> groups,
                             ReadGroups(Member(entry, "groups"), model_types.front()));
    for (std::string& model_type : model_types) {
      const auto [it, is_new] = table.by_model_type_.try_emplace(std::move(model_type), groups);
      if (!is_new) return Malformed(it->first, "listed twice");
    }
  }
  return table;
}

const std::vector<FusedGroup>& FusedGroupTable::Of(absl::string_view model_type) const {
  const auto it = by_model_type_.find(model_type);
  return it == by_model_type_.end() ? default_ : it->second;
}

const FusedGroupTable& BuiltinFusedGroups() {
  static const auto* const kTable =
      new FusedGroupTable(FusedGroupTable::Read(FindEmbeddedFile("fused_groups.json")).value());
  return *kTable;
}

const std::vector<FusedGroup>& FusedGroupsOf(absl::string_view model_type) {
  return BuiltinFusedGroups().Of(model_type);
}

}  // namespace qconfig
