// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_MESSAGE_TEXT_H_
#define QCONFIG_CORE_MESSAGE_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// Parts of the messages of warnings and findings.

// A name or pattern: printable, up to 128 characters, in double quotes.
std::string Quoted(absl::string_view text);

// The first five of `texts`, each Quoted(), and the number of the others.
std::string QuotedList(const std::vector<std::string>& texts);

// An option of qconfigctl with its value, safe for a shell, such as "--exclude '*router*'".
std::string Option(absl::string_view option, absl::string_view value);

// "--scheme fp8". In quotes if the name is not a plain word.
std::string SchemeOption(absl::string_view scheme);

// "1 module" or "3 modules".
std::string Modules(int64_t count);

}  // namespace qconfig

#endif  // QCONFIG_CORE_MESSAGE_TEXT_H_
