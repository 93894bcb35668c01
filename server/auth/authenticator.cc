// SPDX-License-Identifier: Apache-2.0
#include "server/auth/authenticator.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/error.h"

namespace qconfig {
namespace {

constexpr absl::string_view kScheme = "Bearer ";

// Identifies a certificate. Different certificates have different keys, whatever is in their names.
std::string KeyOf(const PeerCertificate& certificate) {
  std::string key = "certificate ";
  const auto add = [&key](absl::string_view kind, absl::string_view name) {
    absl::StrAppend(&key, kind, name.size(), ":", name);
  };
  for (const std::string& uri : certificate.uris) add("uri", uri);
  for (const std::string& dns : certificate.dns) add("dns", dns);
  add("cn", certificate.common_name);
  return key;
}

// The key by which a caller is remembered. Empty: callers with such credentials are not. A token is its own key if it
// is written in the usual way: white space would give one token many keys. Such keys begin with "Bearer ", so whatever
// a caller sends, it is never the key of a certificate.
absl::string_view KeyOf(const Credentials& credentials, std::string& certificate) {
  if (credentials.authorization.empty()) {
    certificate = KeyOf(credentials.certificate);
    return certificate;
  }
  const absl::string_view value = credentials.authorization.front();
  absl::string_view token = value;
  const bool is_usual = absl::ConsumePrefix(&token, kScheme) && absl::StripAsciiWhitespace(token) == token;
  return is_usual && credentials.authorization.size() == 1 ? value : "";
}

// The memory of a remembered caller.
size_t BytesOf(const std::string& key, const Caller& caller) {
  constexpr size_t kOverhead = 256;
  return key.size() + caller.credential.size() + kOverhead;
}

absl::Status Missing() {
  return Error(v1::ERROR_REASON_CREDENTIALS_MISSING)
      .Advice(
          "Send a token, with qconfigctl in the file that QCONFIG_TOKEN_FILE names, or use a client certificate that "
          "the policy of the server knows")
      .ToStatus("the server has a policy, and the call has no credentials");
}

absl::Status Nameless() {
  return Error(v1::ERROR_REASON_CREDENTIALS_INVALID)
      .Rule("unknown")
      .Advice("Use a certificate with such a name, or send a token")
      .ToStatus(
          "the client certificate has no name that a policy can have: a URI or DNS name as subject alternative name, "
          "or "
          "without any such names a common name");
}

absl::Status Malformed(absl::string_view problem) {
  return Error(v1::ERROR_REASON_CREDENTIALS_INVALID)
      .Rule("malformed")
      .ToStatus(
          absl::StrCat(problem, "; the metadata must have one `authorization` with the value \"Bearer <token>\""));
}

}  // namespace

Authenticator::Authenticator(Clock clock)
    : clock_(std::move(clock)), policy_(std::make_shared<const Policy>(Policy::Parts())) {}

void Authenticator::SetPolicy(std::shared_ptr<const Policy> policy) {
  absl::MutexLock lock(&mutex_);
  policy_.swap(policy);  // the earlier one is destroyed without the lock, for which calls wait
  ++policies_;
}

std::shared_ptr<const Caller> Authenticator::FindKnown(const Credentials& credentials) const {
  std::string certificate;
  const absl::string_view key = KeyOf(credentials, certificate);
  std::shared_ptr<const Caller> caller;
  {
    absl::MutexLock lock(&mutex_);
    const Known* const found = known_.Find(key);
    if (found == nullptr || found->policy != policies_) return nullptr;
    caller = found->caller;
  }
  const bool is_valid = caller->expires == absl::InfiniteFuture() || clock_.Now() < caller->expires;
  return is_valid ? caller : nullptr;
}

std::string Authenticator::FindName(const Credentials& credentials) const {
  std::string certificate;
  const absl::string_view key = KeyOf(credentials, certificate);
  absl::MutexLock lock(&mutex_);
  const Known* const found = known_.Find(key);
  return found == nullptr || found->caller->principal->is_anonymous ? "" : found->caller->principal->name;
}

absl::StatusOr<std::shared_ptr<const Caller>> Authenticator::Authenticate(const Credentials& credentials,
                                                                          Caller* claimed) {
  if (auto known = FindKnown(credentials); known != nullptr) return known;
  std::shared_ptr<const Policy> policy;
  int64_t number = 0;
  {
    absl::MutexLock lock(&mutex_);
    policy = policy_;
    number = policies_;
  }
  auto found = Find(*policy, credentials, claimed);
  if (!found.ok()) return found.status();
  auto caller = std::make_shared<const Caller>(*std::move(found));
  std::string certificate;
  std::string key(KeyOf(credentials, certificate));
  if (key.empty()) return caller;
  // As if none were smaller, so that there are at most kMaxKnown.
  const size_t bytes = std::max(BytesOf(key, *caller), kMaxKnownBytes / kMaxKnown);
  std::vector<Known> old;  // destroyed without the lock
  absl::MutexLock lock(&mutex_);
  // A caller whom an earlier policy knew is a valid caller of this call, which began before the policy changed.
  old = known_.Put(std::move(key), {caller, number}, bytes);
  return caller;
}

absl::StatusOr<Caller> Authenticator::Find(const Policy& policy, const Credentials& credentials,
                                           Caller* claimed) const {
  if (credentials.authorization.size() > 1) return Malformed("the call has several tokens");
  if (!credentials.authorization.empty()) {
    absl::string_view value = credentials.authorization.front();
    if (!absl::StartsWithIgnoreCase(value, kScheme))
      return Malformed("the call has an `authorization` without a token");
    value = absl::StripAsciiWhitespace(value.substr(kScheme.size()));
    if (value.empty()) return Malformed("the token is empty");
    return policy.FindToken(value, clock_.Now(), claimed);
  }
  const std::shared_ptr<const Principal>& anonymous = policy.parts().anonymous;
  if (credentials.certificate.empty()) {
    if (anonymous != nullptr) return Caller{anonymous, "", absl::InfiniteFuture()};
    return credentials.certificate.is_nameless ? Nameless() : Missing();
  }
  absl::StatusOr<Caller> caller = policy.FindCertificate(credentials.certificate, claimed);
  // A certificate that the policy does not know may be that of a proxy, or of every host. It is worth no less than
  // none.
  if (!caller.ok() && anonymous != nullptr) return Caller{anonymous, "", absl::InfiniteFuture()};
  return caller;
}

}  // namespace qconfig
