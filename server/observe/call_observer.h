// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_CALL_OBSERVER_H_
#define QCONFIG_SERVER_OBSERVE_CALL_OBSERVER_H_

#include <spdlog/logger.h>

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/call_context.h"
#include "server/observe/log_format.h"
#include "server/observe/metrics.h"

namespace qconfig {

// Which calls are logged, and how.
struct CallLogSettings {
  LogForm form = LogForm::kText;  // that of the log
  double sample = 0;              // how many of the calls that are OK and not slow, 0 to 1
  absl::Duration slow = absl::Milliseconds(500);
};

// Is told of every call when it is over, and counts and logs it: what failed through the server as an error, what the
// caller got wrong, what was slow, and a sample of the rest as information. A call is about no tenant when it failed
// before its tenant was known. Never logs a request or an answer. Thread-safe.
class CallObserver {
 public:
  CallObserver(std::shared_ptr<Metrics> metrics, const std::shared_ptr<spdlog::logger>& log,
               const CallLogSettings& settings);

  // The series of a method, for Finished(). REQUIRES: the contract has it.
  const MethodMetrics& Method(absl::string_view method) const { return metrics_->calls().Method(method); }

  void Finished(const MethodMetrics& method, const CallContext& call, const absl::Status& status,
                absl::Duration elapsed);

  // The same of a call that is about `tenant` and OK. `call` is asked only for what is logged.
  void FinishedOk(const MethodMetrics& method, const std::string& tenant, absl::Duration elapsed,
                  absl::FunctionRef<CallContext()> call);

 private:
  bool IsWanted(absl::Duration elapsed) const;

  void Log(spdlog::level::level_enum level, const CallContext& call, const v1::ItemError& error,
           absl::Duration elapsed);

  const std::shared_ptr<Metrics> metrics_;
  const std::shared_ptr<spdlog::logger> log_;
  const CallLogSettings settings_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_CALL_OBSERVER_H_
