// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_CONTROL_GROUPS_H_
#define QCONFIG_SERVER_BASE_CONTROL_GROUPS_H_

#include <filesystem>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// This process's group in v1's hierarchy of `controller`, or in v2's if that is empty, as the file `own_groups` lists
// it. "/" if it is not known.
std::filesystem::path FindControlGroup(const std::string& own_groups, absl::string_view controller);

// The least limit of `group` and its parents, whose files are in the same folders below `root`. `limit_of` reads the
// limit of a folder, which need not exist: groups that are not mounted here have none.
double LeastLimit(const std::filesystem::path& root, std::filesystem::path group,
                  absl::FunctionRef<double(const std::filesystem::path&)> limit_of);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_CONTROL_GROUPS_H_
