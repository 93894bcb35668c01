// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_CLOCK_H_
#define QCONFIG_SERVER_BASE_CLOCK_H_

#include <functional>

#include "absl/time/time.h"

namespace qconfig {

// Tells the time. Whatever needs it is given one, so that tests can set it. Thread-safe.
using Clock = std::function<absl::Time()>;

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_CLOCK_H_
