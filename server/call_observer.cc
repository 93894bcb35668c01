// SPDX-License-Identifier: Apache-2.0
#include "server/call_observer.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

constexpr absl::Duration kSlow = absl::Milliseconds(500);

spdlog::level::level_enum LevelOf(const absl::Status& status, v1::ErrorReason reason, absl::Duration elapsed) {
  if (reason == v1::ERROR_REASON_SHUTTING_DOWN) return spdlog::level::info;
  if (reason == v1::ERROR_REASON_STORAGE_FULL) return spdlog::level::err;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return elapsed >= kSlow ? spdlog::level::info : spdlog::level::debug;
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnavailable:
      return spdlog::level::err;
    default:
      return spdlog::level::info;
  }
}

// One line, whatever is in it.
std::string Quoted(absl::string_view text) {
  constexpr size_t kMaxChars = 512;
  return absl::StrCat("\"", Printable(text, kMaxChars), "\"");
}

}  // namespace

CallObserver::CallObserver(std::shared_ptr<spdlog::logger> log) : log_(std::move(log)) {}

void CallObserver::Finished(const CallContext& call, const absl::Status& status, absl::Duration elapsed) {
  const v1::ErrorReason reason = status.ok() ? v1::ERROR_REASON_UNSPECIFIED : ItemErrorOf(status).reason();
  const spdlog::level::level_enum level = LevelOf(status, reason, elapsed);
  if (!log_->should_log(level)) return;
  // What failed through the server tells of the server, and nothing of the request.
  const bool own_fault = level == spdlog::level::err;
  log_->log(level, "call method={} code={} reason={} us={} request_id={} trace_id={} peer={}{}", call.method,
            absl::StatusCodeToString(status.code()), ReasonName(reason), absl::ToInt64Microseconds(elapsed),
            call.request_id, call.trace_id, call.peer,
            own_fault ? absl::StrCat(" error=", Quoted(status.message())) : "");
}

}  // namespace qconfig
