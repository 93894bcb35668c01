// SPDX-License-Identifier: Apache-2.0
#include "core/canonical_json.h"

#include <google/protobuf/descriptor.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void AppendString(absl::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\b':
        out.append("\\b");
        break;
      case '\f':
        out.append("\\f");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      default:
        if (static_cast<uint8_t>(c) < 0x20) {
          absl::StrAppendFormat(&out, "\\u%04x", static_cast<uint8_t>(c));
        } else {
          out.push_back(c);
        }
    }
  }
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

void AppendMessage(const Message& message, std::string& out);

// `index` is -1 for a singular field.
void AppendValue(const Message& message, const FieldDescriptor* field, int index, std::string& out) {
  const auto* reflection = message.GetReflection();
  const bool repeated = index >= 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      out.append(reflection->GetBool(message, field) ? "true" : "false");
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      absl::StrAppend(
          &out, repeated ? reflection->GetRepeatedInt32(message, field, index) : reflection->GetInt32(message, field));
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      AppendNumber(reflection->GetDouble(message, field), out);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      AppendString(reflection->GetEnum(message, field)->name(), out);
      break;
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      AppendString(repeated ? reflection->GetRepeatedStringReference(message, field, index, &scratch)
                            : reflection->GetStringReference(message, field, &scratch),
                   out);
      break;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      AppendMessage(
          repeated ? reflection->GetRepeatedMessage(message, field, index) : reflection->GetMessage(message, field),
          out);
      break;
    default:
      std::abort();  // a type that CanonicalJson() rules out; canonical_json_test walks every field of QConfig
  }
}

void AppendMessage(const Message& message, std::string& out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  std::sort(fields.begin(), fields.end(), [](const auto* a, const auto* b) { return a->name() < b->name(); });
  out.push_back('{');
  for (size_t i = 0; i < fields.size(); ++i) {
    const FieldDescriptor* field = fields[i];
    if (i > 0) out.push_back(',');
    AppendString(field->name(), out);
    out.push_back(':');
    if (!field->is_repeated()) {
      AppendValue(message, field, -1, out);
      continue;
    }
    out.push_back('[');
    for (int item = 0; item < message.GetReflection()->FieldSize(message, field); ++item) {
      if (item > 0) out.push_back(',');
      AppendValue(message, field, item, out);
    }
    out.push_back(']');
  }
  out.push_back('}');
}

}  // namespace

std::string CanonicalJson(const Message& message) {
  std::string out;
  AppendMessage(message, out);
  return out;
}

std::string Sha256Hex(absl::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) std::abort();
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

}  // namespace qconfig
