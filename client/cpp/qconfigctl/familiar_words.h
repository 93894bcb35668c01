// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_FAMILIAR_WORDS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_FAMILIAR_WORDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace qconfig::client {

// A command, an option or a field that users of other tools type, from familiar_words.json.
struct FamiliarWord {
  std::string name;
  std::string means;   // the command or option of qconfigctl; empty if there is none
  std::string note;    // what to do if there is none, a clause
  std::string source;  // the tool that has the name; may be empty
};

// The name of an option without leading dashes, in lower case, and with "-" for "_".
std::string OptionKey(absl::string_view name);

// Null if the word is not known. The words live as long as the program.
const FamiliarWord* FindFamiliarCommand(absl::string_view name);
const FamiliarWord* FindFamiliarOption(absl::string_view name);
// A noun after a command, such as "models" in `list models`; the singular is found too.
const FamiliarWord* FindFamiliarNoun(absl::string_view name);
// A field of an algorithm's configuration. `means` is "scheme" if the scheme decides it.
const FamiliarWord* FindFamiliarField(absl::string_view name);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_FAMILIAR_WORDS_H_
