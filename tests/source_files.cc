// SPDX-License-Identifier: Apache-2.0
#include "tests/source_files.h"

#include "absl/strings/str_cat.h"

namespace qconfig {

std::string SourceFile(absl::string_view path) { return absl::StrCat(QCONFIG_SOURCE_DIR, "/", path); }

}  // namespace qconfig
