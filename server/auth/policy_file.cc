// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy_file.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/canonical_json.h"
#include "server/auth/policy_reader.h"
#include "server/base/files/small_file.h"

namespace qconfig {
namespace {

absl::Status Problem(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", absl::StrReplaceAll(what, {{"\n", "\n  "}})));
}

// The digest of the files of the policy at `path`.
std::string DigestOf(const std::string& path, const std::map<std::string, std::string>& files) {
  std::string text = files.at(path);
  for (const auto& [other, contents] : files) {
    if (other != path) text += contents;
  }
  return Sha256Hex(text);
}

// Whether a file is no longer as it was read.
bool HasChanged(const std::map<std::string, std::string>& files) {
  return std::any_of(files.begin(), files.end(), [](const auto& file) {
    const auto& [path, text] = file;
    const auto now = ReadSmallFile(path);
    return !now.ok() || *now != text;
  });
}

}  // namespace

absl::StatusOr<LoadedPolicy> LoadPolicy(const std::string& path) {
  LoadedPolicy loaded;
  const auto text = ReadSmallFile(path);
  if (!text.ok()) return absl::FailedPreconditionError(absl::StrCat("the policy ", path, " ", text.status().message()));
  loaded.files[path] = *text;
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  const auto read = [&](const std::string& name) {
    const std::string full = (directory / name).string();
    auto contents = ReadSmallFile(full);
    if (contents.ok()) loaded.files[full] = *contents;
    return contents;
  };
  auto policy = ReadPolicy(*text, read);
  if (!policy.ok()) return Problem(path, policy.status().message());
  loaded.policy = *std::move(policy);
  loaded.digest = DigestOf(path, loaded.files);
  return loaded;
}

PolicyFile::PolicyFile(std::string path, Clock clock, EventLog log, OnChange on_change,
                       std::shared_ptr<AuditLog> audit_log)
    : path_(std::move(path)),
      clock_(std::move(clock)),
      log_(std::move(log)),
      on_change_(std::move(on_change)),
      audit_log_(std::move(audit_log)) {}

absl::StatusOr<std::unique_ptr<PolicyFile>> PolicyFile::Open(const std::string& path, Clock clock, EventLog log,
                                                             OnChange on_change, absl::Duration interval,
                                                             std::shared_ptr<AuditLog> audit_log) {
  auto loaded = LoadPolicy(path);
  if (!loaded.ok()) return loaded.status();
  std::unique_ptr<PolicyFile> file(
      new PolicyFile(path, std::move(clock), std::move(log), std::move(on_change), std::move(audit_log)));
  file->Use(*std::move(loaded));
  if (interval != absl::InfiniteDuration()) {
    file->reloader_ = std::thread([self = file.get(), interval] {
      while (!self->ended_.WaitForNotificationWithTimeout(interval)) self->ReloadIfChanged();
    });
  }
  return file;
}

PolicyFile::~PolicyFile() {
  ended_.Notify();
  if (reloader_.joinable()) reloader_.join();
}

void PolicyFile::ReloadIfChanged() {
  if (!HasChanged(files_)) {
    usable_ = true;
    return problem_.Clear();
  }
  auto loaded = LoadPolicy(path_);
  if (loaded.ok() && HasChanged(loaded->files)) return;  // somebody is writing to them; the next check reads them again
  usable_ = loaded.ok();
  if (loaded.ok()) {
    problem_.Clear();
    Use(*std::move(loaded));
    ++reloads_ok_;
    return;
  }
  const auto text = ReadSmallFile(path_);
  if (!problem_.ShouldReport(loaded.status(), text.value_or(""))) return;
  ++reloads_failed_;
  Reject(loaded.status());
}

void PolicyFile::Reject(const absl::Status& problem) {
  log_.Warn("policy cannot be used; keeping the previous one", {{"error", problem.message()}});
  if (audit_log_ == nullptr) return;
  AuditEvent event;
  event.event = "policy_rejected";
  event.reason = std::string(problem.message());
  audit_log_->Post(event);
}

void PolicyFile::Use(LoadedPolicy loaded) {
  files_ = std::move(loaded.files);
  const Policy::Parts& parts = loaded.policy->parts();
  const std::string digest = ShownHash(loaded.digest);
  log_.Info("policy loaded", {{"policy", path_}, {"principals", parts.principals.size()}, {"sha256", digest}});
  if (!SomebodyCanCall(parts, clock_.Now())) {
    log_.Warn("all credentials of the policy have expired, so every call is rejected",
              {{"policy", path_}, {"advice", "add a token of `qconfigctl new-token` to the policy"}});
  }
  on_change_(std::move(loaded.policy));
  if (audit_log_ != nullptr) {
    AuditEvent event;
    event.event = "policy_loaded";
    event.policy = digest;
    audit_log_->Post(event);
  }
  absl::MutexLock lock(&mutex_);
  loaded_ = clock_.Now();
}

absl::Time PolicyFile::loaded() const {
  absl::MutexLock lock(&mutex_);
  return loaded_;
}

}  // namespace qconfig
