// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy_file.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/auth/policy_reader.h"
#include "server/base/files/small_file.h"

namespace qconfig {
namespace {

absl::Status Problem(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", absl::StrReplaceAll(what, {{"\n", "\n  "}})));
}

}  // namespace

absl::StatusOr<LoadedPolicy> LoadPolicy(const std::string& path, absl::Time now) {
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
  auto policy = ReadPolicy(*text, read, now);
  if (!policy.ok()) return Problem(path, policy.status().message());
  loaded.policy = *std::move(policy);
  return loaded;
}

PolicyFile::PolicyFile(std::string path, Clock clock, EventLog log, OnChange on_change)
    : path_(std::move(path)), clock_(std::move(clock)), log_(std::move(log)), on_change_(std::move(on_change)) {}

absl::StatusOr<std::unique_ptr<PolicyFile>> PolicyFile::Open(const std::string& path, Clock clock, EventLog log,
                                                             OnChange on_change, absl::Duration interval) {
  auto loaded = LoadPolicy(path, clock.Now());
  if (!loaded.ok()) return loaded.status();
  std::unique_ptr<PolicyFile> file(new PolicyFile(path, std::move(clock), std::move(log), std::move(on_change)));
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

bool PolicyFile::HasChanged() const {
  return std::any_of(files_.begin(), files_.end(), [](const auto& file) {
    const auto& [path, text] = file;
    const auto now = ReadSmallFile(path);
    return !now.ok() || *now != text;
  });
}

void PolicyFile::ReloadIfChanged() {
  if (!HasChanged()) {
    usable_ = true;
    return problem_.Clear();
  }
  auto loaded = LoadPolicy(path_, clock_.Now());
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
  log_.Warn("policy cannot be used; keeping the previous one", {{"error", loaded.status().message()}});
}

void PolicyFile::Use(LoadedPolicy loaded) {
  files_ = std::move(loaded.files);
  const Policy::Parts& parts = loaded.policy->parts();
  log_.Info("policy loaded", {{"policy", path_}, {"principals", parts.principals.size()}});
  on_change_(std::move(loaded.policy));
  absl::MutexLock lock(&mutex_);
  loaded_ = clock_.Now();
}

absl::Time PolicyFile::loaded() const {
  absl::MutexLock lock(&mutex_);
  return loaded_;
}

}  // namespace qconfig
