// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OPTIONS_REMOVED_OPTIONS_H_
#define QCONFIG_SERVER_OPTIONS_REMOVED_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// An option that earlier versions had.
struct RemovedOption {
  std::string name;    // "max-name-chars", without --
  std::string reason;  // why it was removed and what to do, a sentence without its full stop
};

const std::vector<RemovedOption>& RemovedOptions();

// "was removed: " and the reason, for an error about the option `name`. Empty if no such option was removed.
std::string RemovalNotice(absl::string_view name);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_REMOVED_OPTIONS_H_
