// SPDX-License-Identifier: Apache-2.0
#include "core/canonical_json.h"

#include <google/protobuf/descriptor.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "core/json_text.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Writes a message and the messages in it.
class Writer {
 public:
  void AppendMessage(const Message& message) {
    const auto* reflection = message.GetReflection();
    json_.Open('{');
    for (const FieldDescriptor* field : SortedFields(message.GetDescriptor())) {
      const bool present =
          field->is_repeated() ? reflection->FieldSize(message, field) > 0 : reflection->HasField(message, field);
      if (!present) continue;
      json_.Key(field->name());
      field->is_repeated() ? AppendList(message, field) : AppendValue(message, field, kSingular);
    }
    json_.Close('}');
  }

  std::string Take() { return json_.Take(); }

 private:
  static constexpr int kSingular = -1;

  // Cached, because a configuration has many messages of few types.
  const std::vector<const FieldDescriptor*>& SortedFields(const google::protobuf::Descriptor* type) {
    auto& fields = sorted_fields_[type];
    if (fields == nullptr) {
      fields = std::make_unique<std::vector<const FieldDescriptor*>>();
      fields->reserve(static_cast<size_t>(type->field_count()));
      for (int i = 0; i < type->field_count(); ++i) fields->push_back(type->field(i));
      std::sort(fields->begin(), fields->end(), [](const auto* a, const auto* b) { return a->name() < b->name(); });
    }
    return *fields;
  }

  void AppendList(const Message& message, const FieldDescriptor* field) {
    json_.Open('[');
    const int size = message.GetReflection()->FieldSize(message, field);
    for (int i = 0; i < size; ++i) AppendValue(message, field, i);
    json_.Close(']');
  }

  // `index` is the position in a repeated field, or kSingular.
  void AppendValue(const Message& message, const FieldDescriptor* field, int index) {
    const auto* reflection = message.GetReflection();
    const bool singular = index == kSingular;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        return json_.Bool(reflection->GetBool(message, field));
      case FieldDescriptor::CPPTYPE_INT32:
        return json_.Int(singular ? reflection->GetInt32(message, field)
                                  : reflection->GetRepeatedInt32(message, field, index));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return json_.Number(reflection->GetDouble(message, field));
      case FieldDescriptor::CPPTYPE_ENUM:
        return json_.String(reflection->GetEnum(message, field)->name());
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return json_.String(singular ? reflection->GetStringReference(message, field, &scratch)
                                     : reflection->GetRepeatedStringReference(message, field, index, &scratch));
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return AppendMessage(singular ? reflection->GetMessage(message, field)
                                      : reflection->GetRepeatedMessage(message, field, index));
      default:
        std::abort();  // excluded by REQUIRES; canonical_json_test covers every field of QConfig
    }
  }

  JsonText json_;
  absl::flat_hash_map<const google::protobuf::Descriptor*, std::unique_ptr<std::vector<const FieldDescriptor*>>>
      sorted_fields_;
};

}  // namespace

std::string CanonicalJson(const Message& message) {
  Writer writer;
  writer.AppendMessage(message);
  return writer.Take();
}

std::string Sha256Hex(absl::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) std::abort();
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

}  // namespace qconfig
