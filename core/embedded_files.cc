// SPDX-License-Identifier: Apache-2.0
#include "core/embedded_files.h"

namespace qconfig {

absl::string_view FindEmbeddedFile(absl::string_view path) {
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (file.path == path) return file.contents;
  }
  return "";
}

}  // namespace qconfig
