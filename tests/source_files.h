// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SOURCE_FILES_H_
#define QCONFIG_TESTS_SOURCE_FILES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// The absolute path of a file in the source tree, such as "tests/golden/modules.json". Only the object file of this
// function depends on where the tree lies, so that ccache finds those of all other tests in another clone.
std::string SourceFile(absl::string_view path);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SOURCE_FILES_H_
