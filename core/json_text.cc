// SPDX-License-Identifier: Apache-2.0
#include "core/json_text.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace qconfig {
namespace {

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
  int exponent = 0;
  (void)absl::SimpleAtoi(text.substr(e + 1), &exponent);  // to_chars() wrote it
  std::string digits(text.substr(0, 1));
  if (e > 1) digits.append(text.substr(2, e - 2).data(), e - 2);
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // the number of digits before the decimal point
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

}  // namespace

void JsonText::Separate() {
  const bool first = out_.empty() || out_.back() == '{' || out_.back() == '[' || out_.back() == ':';
  if (!first) out_.push_back(',');
}

void JsonText::AppendQuoted(absl::string_view text) {
  out_.push_back('"');
  size_t plain_begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (static_cast<uint8_t>(text[i]) >= 0x20 && text[i] != '"' && text[i] != '\\') continue;
    out_.append(text.data() + plain_begin, i - plain_begin);
    AppendEscaped(text[i], out_);
    plain_begin = i + 1;
  }
  out_.append(text.data() + plain_begin, text.size() - plain_begin);
  out_.push_back('"');
}

void JsonText::Open(char bracket) {
  Separate();
  out_.push_back(bracket);
}

void JsonText::Close(char bracket) { out_.push_back(bracket); }

void JsonText::Key(absl::string_view key) {
  Separate();
  AppendQuoted(key);
  out_.push_back(':');
}

void JsonText::Null() {
  Separate();
  out_.append("null");
}

void JsonText::Bool(bool value) {
  Separate();
  out_.append(value ? "true" : "false");
}

void JsonText::Int(int value) {
  Separate();
  absl::StrAppend(&out_, value);
}

void JsonText::Number(double value) {
  Separate();
  AppendNumber(value, out_);
}

void JsonText::Float(double value) {
  Separate();
  const size_t begin = out_.size();
  AppendNumber(value, out_);
  if (out_.find_first_of(".e", begin) == std::string::npos) out_.append(".0");
}

void JsonText::String(absl::string_view value) {
  Separate();
  AppendQuoted(value);
}

std::string JsonText::Take() { return std::move(out_); }

}  // namespace qconfig
