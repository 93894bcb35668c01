// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_PROCESS_METRICS_H_
#define QCONFIG_SERVER_OBSERVE_PROCESS_METRICS_H_

#include "server/observe/metrics.h"

namespace qconfig {

// Adds the operating system's figures for this process, under the names that Prometheus' libraries use.
void AddProcessMetrics(Metrics& metrics);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_PROCESS_METRICS_H_
