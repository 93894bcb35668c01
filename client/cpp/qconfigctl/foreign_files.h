// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_FOREIGN_FILES_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_FOREIGN_FILES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/base/files/file_tree.h"

namespace qconfig::client {

// If `tree` is a file of another kind than a scheme or template, as listed in client/cpp/qconfigctl/foreign_files.json:
// what it is, and what to do instead. Otherwise empty. `what` is "scheme" or "template", whichever the file should be.
std::string RecognizeFile(const FileTree& tree, absl::string_view what);

// If `tree` is a whole configuration of Quark, alone or as `quantization_config` of a model's config.json: replaces it
// by its `global_quant_config`, which is a scheme, and returns what the author should know, such as the parts that a
// scheme does not have. Otherwise returns nothing.
std::vector<std::string> TakeGlobalConfig(FileTree& tree);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_FOREIGN_FILES_H_
