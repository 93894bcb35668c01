// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_JSON_TEXT_H_
#define QCONFIG_CORE_JSON_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// Writes JSON on one line, piece by piece, with commas where they belong. That what is opened is closed and that an
// object's values have keys is up to the caller. REQUIRES: texts are UTF-8 and numbers finite. Not thread-safe.
class JsonText {
 public:
  void Open(char bracket);   // { or [
  void Close(char bracket);  // } or ]
  void Key(absl::string_view key);
  void Null();
  void Bool(bool value);
  void Int(int value);
  // As ECMAScript prints numbers, which is what RFC 8785 asks for: "1", "0.25", "1e-7".
  void Number(double value);
  // The same, but never like an integer: "1.0".
  void Float(double value);
  // Escapes only what JSON asks for.
  void String(absl::string_view value);

  // The text so far, which is then gone.
  std::string Take();

 private:
  void Separate();
  void AppendQuoted(absl::string_view text);

  std::string out_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_JSON_TEXT_H_
