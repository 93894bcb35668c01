// SPDX-License-Identifier: Apache-2.0
#include "tests/server/recording_client.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/clock.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using Outcome = WriteAttempt::Outcome;

constexpr int kSchemes = 2;
constexpr int kTemplates = 2;
constexpr char kOtherCatalog[] = "quark-0.13";

absl::Duration Now() { return Clock().Steady(); }

std::string SchemeName(int i) { return absl::StrCat("s", i); }
std::string ModelType(int i) { return absl::StrCat("m", i); }
std::string SchemeEntry(const std::string& name) { return "scheme " + name; }
std::string TemplateEntry(const std::string& model_type) { return "template " + model_type; }

// Entries with content `n`, which is in their descriptions and in every configuration that is made from them.
v1::Scheme MakeScheme(const std::string& name, int n) {
  auto scheme = Proto<v1::Scheme>(absl::StrCat(
      "spec { weight { preset { spec: 'Int4PerGroupSpec' fields { fields { key: 'ch_axis' value { number_value: -1 } } "
      "fields { key: 'group_size' value { number_value: ",
      n, " } } } } } }"));
  scheme.set_name(name);
  scheme.set_description(absl::StrCat(n));
  return scheme;
}

v1::LlmTemplate MakeTemplate(const std::string& model_type, int n) {
  v1::LlmTemplate entry;
  entry.set_model_type(model_type);
  entry.set_description(absl::StrCat(n));
  entry.add_exclude_layers_name(absl::StrCat("content-", n));
  return entry;
}

std::string ContentOf(const v1::QConfig& config, const std::string& prefix) {
  for (const std::string& name : config.exclude()) {
    if (absl::StartsWith(name, prefix)) return name.substr(prefix.size(), name.find('.') - prefix.size());
  }
  return "";
}

bool HasUnknownOutcome(const absl::Status& status) {
  return absl::IsDeadlineExceeded(status) || absl::IsCancelled(status) || absl::IsUnavailable(status);
}

bool SaysNotFound(const absl::Status& status) {
  const v1::ErrorReason reason = client::ErrorOf(status).reason();
  return reason == v1::ERROR_REASON_SCHEME_NOT_FOUND || reason == v1::ERROR_REASON_TEMPLATE_NOT_FOUND;
}

// What a configuration was made of.
std::map<std::string, std::string> SeenIn(const v1::GetConfigRequest& request, const v1::GetConfigResponse& response) {
  const v1::QConfig& config = response.config();
  std::map<std::string, std::string> seen;
  seen[TemplateEntry(request.spec().model_type())] = ContentOf(config, "content-");
  seen[SchemeEntry(request.spec().scheme())] = absl::StrCat(config.global_quant_config().weight(0).group_size());
  seen[kCatalogEntry] = response.catalog();
  return seen;
}

// The entry that an error says does not exist.
std::map<std::string, std::string> SeenIn(const v1::GetConfigRequest& request, v1::ErrorReason reason) {
  if (reason == v1::ERROR_REASON_SCHEME_NOT_FOUND) return {{SchemeEntry(request.spec().scheme()), ""}};
  return {{TemplateEntry(request.spec().model_type()), ""}};
}

}  // namespace

StoredWrite ToStoredWrite(const v1::ChangeRecord& record) {
  const v1::RegistryChange& change = *record.changes().rbegin();
  StoredWrite write{record.revision(), record.request_id(), "", ""};
  switch (change.change_case()) {
    case v1::RegistryChange::kPutScheme:
      write.entry = SchemeEntry(change.put_scheme().name());
      write.content = change.put_scheme().description();
      break;
    case v1::RegistryChange::kDeleteScheme:
      write.entry = SchemeEntry(change.delete_scheme().name());
      break;
    case v1::RegistryChange::kPutTemplate:
      write.entry = TemplateEntry(change.put_template().model_type());
      write.content = change.put_template().description();
      break;
    case v1::RegistryChange::kDeleteTemplate:
      write.entry = TemplateEntry(change.delete_template().model_type());
      break;
    default:
      write.entry = kCatalogEntry;
      write.content = change.set_default_catalog();
  }
  return write;
}

void RecordingClient::WriteOnce() {
  const std::string scheme = SchemeName(Random(kSchemes));
  const std::string model_type = ModelType(Random(kTemplates));
  const std::string id = client::NewRequestId();
  const int n = ++contents_;
  switch (Random(10)) {
    case 0: {
      v1::SetDefaultCatalogRequest request;
      request.set_catalog(Random(2) == 0 ? kFirstCatalog : kOtherCatalog);
      request.set_request_id(id);
      SetCatalog(request);
      break;
    }
    case 1:
    case 2: {
      v1::UnregisterSchemeRequest request;
      request.set_name(scheme);
      request.set_request_id(id);
      Write(request, &client::Client::UnregisterScheme, SchemeEntry(scheme));
      break;
    }
    case 3: {
      v1::UnregisterTemplateRequest request;
      request.set_model_type(model_type);
      request.set_request_id(id);
      Write(request, &client::Client::UnregisterTemplate, TemplateEntry(model_type));
      break;
    }
    case 4:
    case 5:
    case 6: {
      v1::RegisterSchemeRequest request;
      *request.mutable_scheme() = MakeScheme(scheme, n);
      request.set_request_id(id);
      request.set_replace(true);
      Write(request, &client::Client::RegisterScheme, SchemeEntry(scheme));
      break;
    }
    default: {
      v1::RegisterTemplateRequest request;
      *request.mutable_llm_template() = MakeTemplate(model_type, n);
      request.set_request_id(id);
      Write(request, &client::Client::RegisterTemplate, TemplateEntry(model_type));
    }
  }
}

void RecordingClient::ReadOnce() {
  switch (Random(10)) {
    case 0:
      return GetScheme();
    case 1:
      return ListSchemes();
    case 2:
      return ListChanges();
    case 3:
      return BatchGetConfig();
    default:
      return GetConfig();
  }
}

void RecordingClient::AddTo(RegistryHistory& history) const {
  history.writes.insert(history.writes.end(), writes_.begin(), writes_.end());
  history.reads.insert(history.reads.end(), reads_.begin(), reads_.end());
  std::map<std::string, const StoredWrite*> stored;
  for (const StoredWrite& write : history.stored) stored[write.request_id] = &write;
  for (const auto& [call, request_id] : catalogs_) {
    if (stored.count(request_id) > 0) {
      history.writes.push_back({request_id, call.invoked, call.answered, Outcome::kAcknowledged, call.revision});
    } else {
      history.reads.push_back(call);  // the default was this one already
    }
  }
  for (const auto& [revision, request_id] : listed_) {
    const auto write = stored.find(request_id);
    EXPECT_TRUE(write != stored.end() && write->second->revision == revision)
        << "ListChanges() had write " << request_id << " at revision " << revision;
  }
}

template <typename Request, typename Response>
void RecordingClient::Write(const Request& request,
                            absl::StatusOr<Response> (client::Client::*method)(Request, client::Timeout),
                            const std::string& entry) {
  bool may_be_stored = false;
  for (bool again = true; again;) {
    const absl::Duration invoked = Now();
    const absl::StatusOr<Response> response = (client_.*method)(request, SomeTimeout());
    WriteAttempt attempt{request.request_id(), invoked, Now(), Outcome::kUnknown, 0};
    if (response.ok()) {
      attempt.outcome = Outcome::kAcknowledged;
      attempt.revision = response->revision();
      newest_seen_ = std::max(newest_seen_, response->revision());
    } else if (!HasUnknownOutcome(response.status())) {
      EXPECT_TRUE(SaysNotFound(response.status())) << response.status();
      attempt.outcome = may_be_stored ? Outcome::kUnknown : Outcome::kRejected;
      if (!may_be_stored) AddRead(invoked, attempt.answered, 0, {{entry, ""}});
    }
    may_be_stored = may_be_stored || attempt.outcome != Outcome::kRejected;
    again = attempt.outcome == Outcome::kUnknown ? Random(4) > 0 : Random(10) == 0;
    writes_.push_back(attempt);
  }
}

void RecordingClient::SetCatalog(const v1::SetDefaultCatalogRequest& request) {
  const absl::Duration invoked = Now();
  const auto response = client_.SetDefaultCatalog(request, SomeTimeout());
  if (!response.ok()) {
    EXPECT_TRUE(HasUnknownOutcome(response.status())) << response.status();
    writes_.push_back({request.request_id(), invoked, Now(), Outcome::kUnknown, 0});
    return;
  }
  ReadCall call;
  call.invoked = invoked;
  call.answered = Now();
  call.revision = response->revision();
  call.seen = {{kCatalogEntry, request.catalog()}};
  catalogs_.emplace_back(std::move(call), request.request_id());
}

ReadCall& RecordingClient::AddRead(absl::Duration invoked, absl::Duration answered, int64_t revision,
                                   std::map<std::string, std::string> seen) {
  ReadCall read;
  read.invoked = invoked;
  read.answered = answered;
  read.revision = revision;
  read.seen = std::move(seen);
  newest_seen_ = std::max(newest_seen_, revision);
  reads_.push_back(std::move(read));
  return reads_.back();
}

v1::GetConfigRequest RecordingClient::ConfigRequest() {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type(ModelType(Random(kTemplates)));
  request.mutable_spec()->set_scheme(SchemeName(Random(kSchemes)));
  request.set_include_quark_json(Random(2) == 0);
  return request;
}

void RecordingClient::GetConfig() {
  v1::GetConfigRequest request = ConfigRequest();
  const int kind = Random(10);
  if (kind == 0) request.set_revision(1 + Random(static_cast<int>(newest_seen_)));
  if (kind == 1) request.set_min_revision(newest_seen_ + Random(2));
  if (kind == 2) request.set_if_digest(last_digest_);
  const absl::Duration invoked = Now();
  const auto response = client_.GetConfig(request, kind == 1 ? client::Timeout(absl::Milliseconds(20)) : SomeTimeout());
  const absl::Duration answered = Now();
  if (!response.ok()) {
    const v1::ErrorReason reason = client::ErrorOf(response.status()).reason();
    const bool too_early = kind == 1 && reason == v1::ERROR_REASON_REVISION_IN_FUTURE;
    if (HasUnknownOutcome(response.status()) || too_early) return;
    ASSERT_TRUE(SaysNotFound(response.status())) << response.status();
    if (kind != 0) AddRead(invoked, answered, 0, SeenIn(request, reason));
    return;
  }
  if (!response->not_modified()) {
    last_digest_ = response->config_digest();
    digests_[last_digest_] = {response->config()};
  }
  v1::GetConfigResponse whole = *response;
  *whole.mutable_config() = digests_[response->config_digest()];
  ReadCall& read = AddRead(invoked, answered, response->revision(), SeenIn(request, whole));
  read.is_pinned = request.revision() != 0;
  read.min_revision = request.min_revision();
}

void RecordingClient::BatchGetConfig() {
  v1::BatchGetConfigRequest request;
  for (int i = 0; i < 3; ++i) *request.add_requests() = ConfigRequest();
  const absl::Duration invoked = Now();
  const auto response = client_.BatchGetConfig(request, SomeTimeout());
  const absl::Duration answered = Now();
  if (!response.ok()) {
    ASSERT_TRUE(HasUnknownOutcome(response.status())) << response.status();
    return;
  }
  for (int i = 0; i < 3; ++i) {
    const v1::BatchGetConfigResult& result = response->results(i);
    if (result.has_response()) {
      AddRead(invoked, answered, result.response().revision(), SeenIn(request.requests(i), result.response()));
    } else {
      AddRead(invoked, answered, 0, SeenIn(request.requests(i), result.error().reason()));
    }
  }
}

void RecordingClient::GetScheme() {
  v1::GetSchemeRequest request;
  request.set_name(SchemeName(Random(kSchemes)));
  const absl::Duration invoked = Now();
  const auto response = client_.GetScheme(request, SomeTimeout());
  const absl::Duration answered = Now();
  if (response.ok()) {
    AddRead(invoked, answered, response->revision(),
            {{SchemeEntry(request.name()), response->scheme().description()}, {kCatalogEntry, response->catalog()}});
  } else if (!HasUnknownOutcome(response.status())) {
    ASSERT_TRUE(SaysNotFound(response.status())) << response.status();
    AddRead(invoked, answered, 0, {{SchemeEntry(request.name()), ""}});
  }
}

void RecordingClient::ListSchemes() {
  v1::ListSchemesRequest request;
  request.set_page_size(1000);
  const absl::Duration invoked = Now();
  const auto response = client_.ListSchemes(request, SomeTimeout());
  const absl::Duration answered = Now();
  if (!response.ok()) {
    ASSERT_TRUE(HasUnknownOutcome(response.status())) << response.status();
    return;
  }
  std::map<std::string, std::string> seen;
  for (int i = 0; i < kSchemes; ++i) seen[SchemeEntry(SchemeName(i))] = "";
  for (const v1::Scheme& scheme : response->schemes()) {
    if (scheme.origin() == v1::REGISTRY_ORIGIN_TENANT) seen[SchemeEntry(scheme.name())] = scheme.description();
  }
  AddRead(invoked, answered, response->revision(), std::move(seen));
}

void RecordingClient::ListChanges() {
  v1::ListChangesRequest request;
  request.set_page_size(5);
  const absl::Duration invoked = Now();
  const auto response = client_.ListChanges(request, SomeTimeout());
  const absl::Duration answered = Now();
  if (!response.ok()) {
    ASSERT_TRUE(HasUnknownOutcome(response.status())) << response.status();
    return;
  }
  int64_t revision = response->revision();
  AddRead(invoked, answered, revision, {});
  for (const v1::ChangeRecord& record : response->changes()) {
    ASSERT_EQ(record.revision(), revision--) << "the list has a gap";
    listed_[record.revision()] = record.request_id();
  }
}

}  // namespace qconfig
