// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_JSON_TEXT_H_
#define QCONFIG_CORE_JSON_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// Writes JSON on one line, piece by piece, and adds the commas. The caller balances the brackets and gives every value
// of an object a key. REQUIRES: strings are UTF-8 and numbers finite. Not thread-safe.
class JsonText {
 public:
  void Open(char bracket);   // { or [
  void Close(char bracket);  // } or ]
  void Key(absl::string_view key);
  void Null();
  void Bool(bool value);
  void Int(int value);
  // In ECMAScript's form, as RFC 8785 requires: "1", "0.25", "1e-7".
  void Number(double value);
  // The same form, but never an integer: "1.0".
  void Float(double value);
  // Escapes only what JSON requires.
  void String(absl::string_view value);

  // Returns the text so far and resets the object.
  std::string Take();

 private:
  void Separate();
  void AppendQuoted(absl::string_view text);

  std::string out_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_JSON_TEXT_H_
