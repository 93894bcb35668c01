// SPDX-License-Identifier: Apache-2.0
#include "server/tls/certificates.h"

#include <string>
#include <utility>

namespace qconfig {
namespace {

std::string ToText(absl::Time time) { return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone()); }

}  // namespace

TlsCertificates::TlsCertificates(const PemPaths& paths, Clock clock, EventLog log)
    : paths_(paths), clock_(std::move(clock)), log_(std::move(log)) {}

absl::StatusOr<std::shared_ptr<TlsCertificates>> TlsCertificates::Open(const PemPaths& paths, Clock clock, EventLog log,
                                                                       absl::Duration interval) {
  auto contents = ReadPemFiles(paths);
  if (!contents.ok()) return contents.status();
  const auto expiry = CheckPem(paths, *contents, clock.Now());
  if (!expiry.ok()) return expiry.status();
  std::shared_ptr<TlsCertificates> certificates(new TlsCertificates(paths, std::move(clock), std::move(log)));
  {
    absl::MutexLock lock(&certificates->mutex_);
    certificates->current_ = std::make_shared<const PemContents>(*std::move(contents));
    certificates->expiry_ = *expiry;
  }
  certificates->log_.Info("TLS enabled", {{"cert", paths.cert}, {"expires", ToText(*expiry)}});
  if (interval != absl::InfiniteDuration()) {
    certificates->reloader_ = std::thread([self = certificates.get(), interval] {
      while (!self->ended_.WaitForNotificationWithTimeout(interval)) self->ReloadIfChanged();
    });
  }
  return certificates;
}

TlsCertificates::~TlsCertificates() {
  ended_.Notify();
  if (reloader_.joinable()) reloader_.join();
}

void TlsCertificates::ReloadIfChanged() {
  auto contents = ReadPemFiles(paths_);
  if (!contents.ok()) return Report(contents.status(), {});
  if (*contents == *current()) {
    problem_.Clear();
    return;
  }
  const auto expiry = CheckPem(paths_, *contents, clock_.Now());
  if (!expiry.ok()) return Report(expiry.status(), *contents);
  problem_.Clear();
  {
    absl::MutexLock lock(&mutex_);
    current_ = std::make_shared<const PemContents>(*std::move(contents));
    expiry_ = *expiry;
  }
  ++reloads_ok_;
  log_.Info("TLS files reloaded", {{"cert", paths_.cert}, {"expires", ToText(*expiry)}});
}

void TlsCertificates::Report(const absl::Status& problem, const PemContents& contents) {
  if (!problem_.ShouldReport(problem, contents)) return;
  ++reloads_failed_;
  log_.Warn("TLS files cannot be used; keeping the previous ones", {{"error", problem.message()}});
}

std::shared_ptr<const PemContents> TlsCertificates::current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

absl::Time TlsCertificates::expiry() const {
  absl::MutexLock lock(&mutex_);
  return expiry_;
}

}  // namespace qconfig
