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
#include "server/base/log_format.h"
#include "server/observe/metrics.h"

namespace qconfig {

// Which calls are logged, and how.
struct CallLogSettings {
  LogForm form = LogForm::kText;  // of the log
  double sample = 0;              // the fraction, 0 to 1, of the calls that are OK and not slow
  absl::Duration slow = absl::Milliseconds(500);
};

// Counts and logs every finished call. Logs failures of the server at level error; failures caused by the client,
// writes, slow calls and a sample of the others at level info. A call that failed before its tenant was known has no
// tenant. Never logs a request or a response. Thread-safe.
class CallObserver {
 public:
  CallObserver(std::shared_ptr<Metrics> metrics, const std::shared_ptr<spdlog::logger>& log,
               const CallLogSettings& settings);

  // The series of a method, for Finished(). REQUIRES: the method exists.
  const MethodMetrics& Method(absl::string_view method) const { return metrics_->calls().Method(method); }

  void Finished(const MethodMetrics& method, const CallContext& call, const absl::Status& status,
                absl::Duration elapsed);

  // The same for a successful call for `tenant`. `call` is called only if the call is logged.
  void FinishedOk(const MethodMetrics& method, const std::string& tenant, absl::Duration elapsed,
                  absl::FunctionRef<CallContext()> call);

 private:
  bool ShouldLog(absl::Duration elapsed) const;

  // `error` is what the client sees of `status`, which may say more.
  void Log(spdlog::level::level_enum level, const CallContext& call, const absl::Status& status,
           const v1::ItemError& error, absl::Duration elapsed);

  const std::shared_ptr<Metrics> metrics_;
  const std::shared_ptr<spdlog::logger> log_;
  const CallLogSettings settings_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_CALL_OBSERVER_H_
