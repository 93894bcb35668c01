// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OPTIONS_OTHER_NAMES_H_
#define QCONFIG_SERVER_OPTIONS_OTHER_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// What to do instead of using `word`, an option or a subcommand of other servers, such as --port: a clause without its
// full stop. Empty if the word is not known.
std::string OtherName(absl::string_view word);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_OTHER_NAMES_H_
