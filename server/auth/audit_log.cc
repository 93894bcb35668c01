// SPDX-License-Identifier: Apache-2.0
#include "server/auth/audit_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/status_macros.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// The members of a JSON object, without its braces.
std::string AuditFields(const AuditEvent& event) {
  constexpr size_t kMaxChars = 256;
  nlohmann::ordered_json fields = nlohmann::ordered_json::object();
  const auto add = [&fields](const char* key, const std::string& text) {
    if (!text.empty()) fields[key] = Printable(text, kMaxChars);
  };
  add("event", event.event);
  add("principal", event.principal);
  add("credential", event.credential);
  add("peer", event.peer);
  add("method", event.method);
  add("tenant", event.tenant);
  add("decision", event.decision);
  add("reason", event.reason);
  add("rule", event.rule);
  add("policy", event.policy);
  if (event.revision != 0) fields["revision"] = event.revision;
  add("request_id", event.request_id);
  add("call_id", event.call_id);
  add("trace_id", event.trace_id);
  if (event.count != 0) fields["count"] = event.count;
  const std::string text = fields.dump();
  return text.substr(1, text.size() - 2);
}

}  // namespace

AuditLog::AuditLog(AuditFile file, EventLog events, Clock clock)
    : file_(std::move(file)), clock_(clock), log_(std::move(events), std::move(clock)), thread_([this] { Run(); }) {}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(const std::string& path, EventLog events, Clock clock) {
  QCONFIG_ASSIGN_OR_RETURN(AuditFile file, AuditFile::Open(path));
  return std::unique_ptr<AuditLog>(new AuditLog(std::move(file), std::move(events), std::move(clock)));
}

AuditLog::~AuditLog() {
  PostLeftOut(absl::InfiniteDuration());
  {
    absl::MutexLock lock(&mutex_);
    is_ending_ = true;
    enqueued_.Signal();
  }
  thread_.join();
}

absl::Status AuditLog::Append(const AuditEvent& event, absl::Duration timeout, absl::Duration patience) {
  const absl::Duration waited = std::min(timeout, patience);
  if (const std::shared_ptr<Line> line = Enqueue(event, /*is_posted=*/false); line != nullptr) {
    absl::MutexLock lock(&mutex_);
    const auto is_done = [&] {
      return line->state == Line::State::kWritten || line->state == Line::State::kNotWritten;
    };
    done_.AwaitWithTimeout(&mutex_, is_done, waited);
    if (line->state == Line::State::kWritten) return absl::OkStatus();
    if (line->state == Line::State::kWaiting) {
      lines_.erase(std::find(lines_.begin(), lines_.end(), line));
      left_out_ += line->left_out;
    }
    if (line->state != Line::State::kNotWritten && patience < timeout) {
      return absl::DeadlineExceededError("the deadline passed before the server had written its audit log");
    }
  }
  ++failed_;
  log_.Error("call rejected: no line in the audit log", {{"waited_ms", absl::ToInt64Milliseconds(waited)}});
  return Error(v1::ERROR_REASON_AUDIT_UNAVAILABLE)
      .Advice("Try again later; the server's log has the cause")
      .ToStatus("the server cannot write its audit log, and without it accepts no such call");
}

void AuditLog::Post(const AuditEvent& event) {
  if (Enqueue(event, /*is_posted=*/true) != nullptr) return;
  ++dropped_;
  log_.Error("line of the audit log dropped: too many wait for the disk", {});
}

void AuditLog::PostRejection(const AuditEvent& event, const std::string& host) {
  if (rejections_.Admit({host, event.principal}, clock_.Steady())) Post(event);
}

void AuditLog::PostLeftOut(absl::Duration now) {
  for (const auto& [source, count] : rejections_.TakeLeftOut(now)) {
    AuditEvent event;
    event.event = "rejections_left_out";
    event.peer = source.host;
    event.principal = source.principal;
    event.count = count;
    Post(event);
  }
}

std::shared_ptr<AuditLog::Line> AuditLog::Enqueue(const AuditEvent& event, bool is_posted) {
  auto line = std::make_shared<Line>();
  line->fields = AuditFields(event);
  line->is_posted = is_posted;
  absl::MutexLock lock(&mutex_);
  if (lines_.size() >= kMaxWaiting || (is_posted && posted_ >= kMaxPosted)) {
    if (is_posted) ++left_out_;
    return nullptr;
  }
  line->time = clock_.Now();
  line->left_out = std::exchange(left_out_, 0);
  if (is_posted) ++posted_;
  lines_.push_back(line);
  enqueued_.Signal();
  return line;
}

void AuditLog::Run() {
  constexpr absl::Duration kFlushInterval = absl::Seconds(1);
  while (true) {
    std::shared_ptr<Line> line;
    {
      absl::MutexLock lock(&mutex_);
      const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !lines_.empty() || is_ending_; };
      enqueued_.AwaitWithTimeout(&mutex_, has_work, kFlushInterval);
      if (lines_.empty() && is_ending_) return;
      if (!lines_.empty()) {
        line = std::move(lines_.front());
        lines_.pop_front();
        line->state = Line::State::kWriting;
        if (line->is_posted) --posted_;
      }
    }
    if (line != nullptr) Write(*line);
    PostLeftOut(clock_.Steady());
    log_.Flush();
  }
}

void AuditLog::Write(Line& line) {
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", line.time, absl::UTCTimeZone());
  const std::string left_out = line.left_out > 0 ? absl::StrCat(",\"left_out\":", line.left_out) : "";
  const absl::Status status =
      file_.Append(absl::StrCat("{\"time\":\"", time, "\",", line.fields, left_out, "}\n"), clock_.Steady());
  if (!status.ok()) log_.Error("the audit log cannot be written", {{"error", status.message()}});
  absl::MutexLock lock(&mutex_);
  line.state = status.ok() ? Line::State::kWritten : Line::State::kNotWritten;
  if (status.ok()) {
    ++written_;
  } else {
    left_out_ += line.left_out + (line.is_posted ? 1 : 0);
    if (line.is_posted) ++failed_;
  }
  done_.SignalAll();
}

}  // namespace qconfig
