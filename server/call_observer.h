// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_CALL_OBSERVER_H_
#define QCONFIG_SERVER_CALL_OBSERVER_H_

#include <spdlog/logger.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/call_context.h"

namespace qconfig {

// Is told of every call when it is over, and logs it: what failed through the server as an error, what the caller got
// wrong and what was slow as information, the rest for debugging. Never logs a request or an answer. Thread-safe.
class CallObserver {
 public:
  explicit CallObserver(std::shared_ptr<spdlog::logger> log);

  void Finished(const CallContext& call, const absl::Status& status, absl::Duration elapsed);

 private:
  std::shared_ptr<spdlog::logger> log_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_CALL_OBSERVER_H_
