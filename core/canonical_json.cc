// SPDX-License-Identifier: Apache-2.0
#include "core/canonical_json.h"

#include <google/protobuf/descriptor.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void AppendEscaped(char c, std::string& out) {
  constexpr absl::string_view kShort = "\b\f\n\r\t\"\\";
  const size_t index = kShort.find(c);
  if (index == absl::string_view::npos) {
    absl::StrAppendFormat(&out, "\\u%04x", static_cast<uint8_t>(c));
  } else {
    out.push_back('\\');
    out.push_back("bfnrt\"\\"[index]);
  }
}

void AppendString(absl::string_view text, std::string& out) {
  out.push_back('"');
  size_t plain_begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (static_cast<uint8_t>(text[i]) >= 0x20 && text[i] != '"' && text[i] != '\\') continue;
    out.append(text.data() + plain_begin, i - plain_begin);
    AppendEscaped(text[i], out);
    plain_begin = i + 1;
  }
  out.append(text.data() + plain_begin, text.size() - plain_begin);
  out.push_back('"');
}

// ECMAScript's Number::toString: the shortest digits that read back as the same number, without an exponent
// for 1e-7 < |number| < 1e21.
void AppendNumber(double number, std::string& out) {
  if (number == 0) {
    out.push_back('0');
    return;
  }
  std::array<char, 32> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific).ptr;
  absl::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));  // [-]d[.ddd]e(+|-)dd
  if (text.front() == '-') {
    out.push_back('-');
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  std::string digits(text.substr(0, 1));
  if (e > 1) digits.append(text.substr(2, e - 2).data(), e - 2);
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // the decimal point stands after so many digits
  if (point > 21 || point < -5) {
    absl::StrAppend(&out, digits.substr(0, 1), count > 1 ? "." : "", digits.substr(1), "e", exponent > 0 ? "+" : "",
                    exponent);
  } else if (point <= 0) {
    absl::StrAppend(&out, "0.", std::string(static_cast<size_t>(-point), '0'), digits);
  } else if (point >= count) {
    absl::StrAppend(&out, digits, std::string(static_cast<size_t>(point - count), '0'));
  } else {
    absl::StrAppend(&out, digits.substr(0, static_cast<size_t>(point)), ".", digits.substr(static_cast<size_t>(point)));
  }
}

// Writes one message and those in it.
class Writer {
 public:
  void AppendMessage(const Message& message) {
    const auto* reflection = message.GetReflection();
    char separator = '{';
    for (const FieldDescriptor* field : SortedFields(message.GetDescriptor())) {
      const bool present =
          field->is_repeated() ? reflection->FieldSize(message, field) > 0 : reflection->HasField(message, field);
      if (!present) continue;
      absl::StrAppend(&out_, absl::string_view(&separator, 1), "\"", field->name(), "\":");
      separator = ',';
      field->is_repeated() ? AppendList(message, field) : AppendValue(message, field, kSingular);
    }
    out_.append(separator == '{' ? "{}" : "}");
  }

  std::string Take() { return std::move(out_); }

 private:
  static constexpr int kSingular = -1;

  // A configuration has many messages of few types.
  const std::vector<const FieldDescriptor*>& SortedFields(const google::protobuf::Descriptor* type) {
    auto& fields = sorted_fields_[type];
    if (fields == nullptr) {
      fields = std::make_unique<std::vector<const FieldDescriptor*>>();
      for (int i = 0; i < type->field_count(); ++i) fields->push_back(type->field(i));
      std::sort(fields->begin(), fields->end(), [](const auto* a, const auto* b) { return a->name() < b->name(); });
    }
    return *fields;
  }

  void AppendList(const Message& message, const FieldDescriptor* field) {
    const int size = message.GetReflection()->FieldSize(message, field);
    for (int i = 0; i < size; ++i) {
      out_.push_back(i == 0 ? '[' : ',');
      AppendValue(message, field, i);
    }
    out_.push_back(']');
  }

  // `index` is that of a repeated field's item, or kSingular.
  void AppendValue(const Message& message, const FieldDescriptor* field, int index) {
    const auto* reflection = message.GetReflection();
    const bool singular = index == kSingular;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        out_.append(reflection->GetBool(message, field) ? "true" : "false");
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        absl::StrAppend(&out_, singular ? reflection->GetInt32(message, field)
                                        : reflection->GetRepeatedInt32(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        AppendNumber(reflection->GetDouble(message, field), out_);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        AppendString(reflection->GetEnum(message, field)->name(), out_);
        break;
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        AppendString(singular ? reflection->GetStringReference(message, field, &scratch)
                              : reflection->GetRepeatedStringReference(message, field, index, &scratch),
                     out_);
        break;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        AppendMessage(singular ? reflection->GetMessage(message, field)
                               : reflection->GetRepeatedMessage(message, field, index));
        break;
      default:
        std::abort();  // a type that CanonicalJson() rules out; canonical_json_test walks every field of QConfig
    }
  }

  std::string out_;
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
