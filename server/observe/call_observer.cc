// SPDX-License-Identifier: Apache-2.0
#include "server/observe/call_observer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "core/error.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

spdlog::level::level_enum ChooseLevel(const absl::Status& status, v1::ErrorReason reason) {
  if (reason == v1::ERROR_REASON_SHUTTING_DOWN || reason == v1::ERROR_REASON_OVERLOADED) return spdlog::level::info;
  if (reason == v1::ERROR_REASON_STORAGE_FULL) return spdlog::level::err;
  switch (status.code()) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnavailable:
      return spdlog::level::err;
    default:
      return spdlog::level::info;
  }
}

bool IsSampled(double sample) {
  thread_local absl::InsecureBitGen generator;
  return absl::Bernoulli(generator, sample);
}

// The tenant of a call; empty if there is none, or if a batch has several.
absl::string_view OneTenant(const CallNotes& notes) {
  return notes.tenants.size() == 1 ? absl::string_view(notes.tenants.front()) : absl::string_view();
}

// The tenant in the line of a call: a denied one is in no metric, but in the log.
absl::string_view TenantOf(const CallNotes& notes, const v1::ItemError& error) {
  const bool is_denied = error.reason() == v1::ERROR_REASON_PERMISSION_DENIED && notes.tenants.empty();
  return is_denied ? absl::string_view(error.detail().tenant()) : OneTenant(notes);
}

int64_t FailedItems(const CallNotes& notes) {
  int64_t sum = 0;
  for (const auto& [reason, failed] : notes.failed_items) sum += failed;
  return sum;
}

// A batch with several items for a tenant is one call for the tenant.
void RemoveDuplicates(std::vector<std::string>& tenants) {
  std::sort(tenants.begin(), tenants.end());
  tenants.erase(std::unique(tenants.begin(), tenants.end()), tenants.end());
}

void Count(const CallNotes& notes, CallMetrics& metrics) {
  for (const std::string& tenant : notes.tenants) metrics.CountTenant(tenant);
  if (notes.items.has_value()) metrics.CountItems(*notes.items - FailedItems(notes));
  for (const auto& [reason, failed] : notes.failed_items) metrics.CountFailedItems(reason, failed);
}

}  // namespace

CallObserver::CallObserver(std::shared_ptr<Metrics> metrics, const std::shared_ptr<spdlog::logger>& log,
                           const CallLogSettings& settings)
    : metrics_(std::move(metrics)), log_(FieldsLogger(*log)), settings_(settings) {}

void CallObserver::Finished(const MethodMetrics& method, const CallContext& call, const absl::Status& status,
                            absl::Duration elapsed) {
  const v1::ItemError error = status.ok() ? v1::ItemError() : ItemErrorOf(status);
  method.Finished(status, error.reason(), elapsed);
  RemoveDuplicates(call.notes->tenants);
  Count(*call.notes, metrics_->calls());
  const spdlog::level::level_enum level = ChooseLevel(status, error.reason());
  const bool is_logged = !status.ok() || call.notes->has_written || ShouldLog(elapsed);
  if (is_logged && log_->should_log(level)) Log(level, call, status, error, elapsed);
}

void CallObserver::FinishedOk(const MethodMetrics& method, const std::string& tenant, absl::Duration elapsed,
                              absl::FunctionRef<CallContext()> call) {
  method.Finished(absl::OkStatus(), v1::ERROR_REASON_UNSPECIFIED, elapsed);
  metrics_->calls().CountTenant(tenant);
  if (!ShouldLog(elapsed) || !log_->should_log(spdlog::level::info)) return;
  const CallContext context = call();
  context.notes->tenants = {tenant};
  Log(spdlog::level::info, context, absl::OkStatus(), v1::ItemError(), elapsed);
}

bool CallObserver::ShouldLog(absl::Duration elapsed) const {
  return elapsed >= settings_.slow || (settings_.sample > 0 && IsSampled(settings_.sample));
}

void CallObserver::Log(spdlog::level::level_enum level, const CallContext& call, const absl::Status& status,
                       const v1::ItemError& error, absl::Duration elapsed) {
  LogFields line(settings_.form, "call");
  line.Add("method", call.method)
      .Add("tenant", TenantOf(*call.notes, error))
      .Add("code", absl::StatusCodeToString(static_cast<absl::StatusCode>(error.code())))
      .Add("reason", ReasonName(error.reason()))
      .Add("latency_us", absl::ToInt64Microseconds(elapsed))
      .Add("request_id", call.request_id)
      .Add("trace_id", call.trace_id)
      .Add("principal", call.principal == nullptr ? absl::string_view() : absl::string_view(call.principal->name))
      .Add("credential", call.credential)
      .Add("peer", call.peer);
  if (const auto field = error.metadata().find("field"); field != error.metadata().end()) {
    line.Add("field", field->second);
  }
  if (error.reason() == v1::ERROR_REASON_CREDENTIALS_INVALID) line.Add("rule", error.detail().rule());
  if (call.notes->items.has_value()) {
    line.Add("items", *call.notes->items).Add("failed_items", FailedItems(*call.notes));
  }
  // The message of a server failure is about the server, and has nothing of the request.
  constexpr size_t kMaxChars = 512;
  if (level == spdlog::level::err) line.Add("error", Printable(status.message(), kMaxChars));
  log_->log(level, line.message());
}

}  // namespace qconfig
