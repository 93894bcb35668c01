// SPDX-License-Identifier: Apache-2.0
#include "core/config_class_reader.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/catalog_json.h"
#include "core/quark_json_reader.h"
#include "core/status_macros.h"

namespace qconfig {

using google::protobuf::FieldDescriptor;
using nlohmann::ordered_json;

absl::StatusOr<ConfigClass> ReadConfigClass(const ordered_json& fields, const std::string& path,
                                            const google::protobuf::Message& prototype) {
  const google::protobuf::Descriptor& type = *prototype.GetDescriptor();
  ConfigClass config_class;
  std::set<const FieldDescriptor*> listed;
  ordered_json defaults = ordered_json::object();
  for (const ordered_json& item : fields) {
    if (!Member(item, "field").is_string()) return Malformed(path, "a field has no name");
    const std::string name = item["field"].get<std::string>();
    const FieldDescriptor* field = type.FindFieldByName(name);
    listed.insert(field);
    const ordered_json& quark_type = Member(item, "type");
    const bool is_nullable = quark_type.is_string() && absl::EndsWith(quark_type.get<std::string>(), "| None");
    if (is_nullable && field != nullptr) config_class.nullable.push_back(field);
    if (!Member(item, "required").is_boolean()) {
      defaults[name] = Member(item, "default");
    } else if (field != nullptr) {
      config_class.required.push_back(field);
    } else {
      return Malformed(absl::StrCat(path, ".", name), absl::StrCat(type.name(), " has no such field"));
    }
  }
  for (int i = 0; i < type.field_count(); ++i) {
    if (listed.count(type.field(i)) == 0) config_class.unlisted.push_back(type.field(i));
  }
  std::unique_ptr<google::protobuf::Message> message(prototype.New());
  QCONFIG_RETURN_IF_ERROR(ReadQuarkJson(defaults, path, *message));  // rejects names of unknown fields
  config_class.defaults = std::move(message);
  return config_class;
}

}  // namespace qconfig
