// SPDX-License-Identifier: Apache-2.0
//
// Clients write and read the registries of two tenants at the same time, over a real port. For each tenant, all answers
// fit one registry that does one call after the other: also answers from the cache, after evictions, and when calls
// time out or the store fails and clients retry.
//
// The environment variable QCONFIG_MODEL_SECONDS makes the tests longer (default: one round each), and QCONFIG_SEED
// sets the seed.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/registry/storage/memory_store.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/registry_history.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using Outcome = WriteAttempt::Outcome;

constexpr int kSchemes = 2;
constexpr int kTemplates = 2;
constexpr int kWritersPerTenant = 2;
constexpr int kReadersPerTenant = 3;
constexpr int kWritesPerWriter = 60;
constexpr char kCatalogs[][20] = {"quark-0.12.post1", "quark-0.13"};
constexpr char kCatalogEntry[] = "default catalogue";

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* const text = std::getenv(name);
  int64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

absl::Duration Now() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

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

// One client of a tenant, on its own thread, and what it saw.
class Recorder {
 public:
  Recorder(const TestServer& server, const std::string& tenant, uint64_t seed, std::atomic<int>& contents)
      : client_(server.NewClient(tenant)), random_(seed), contents_(contents) {}

  void WriteOnce() {
    const std::string scheme = SchemeName(Random(kSchemes));
    const std::string model_type = ModelType(Random(kTemplates));
    const std::string id = client::NewRequestId();
    const int n = ++contents_;
    switch (Random(10)) {
      case 0: {
        v1::SetDefaultCatalogRequest request;
        request.set_catalog(kCatalogs[Random(2)]);
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

  void ReadOnce() {
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

  // Adds what the client saw. `history` has all stored writes.
  void AddTo(RegistryHistory& history) const {
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

  int64_t calls() const { return static_cast<int64_t>(writes_.size() + reads_.size() + catalogs_.size()); }

 private:
  int Random(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  // Most calls have time; the others end at any point of their way.
  client::Timeout SomeTimeout() { return Random(6) > 0 ? absl::Seconds(60) : absl::Microseconds(100 + Random(3000)); }

  static bool IsUnknown(const absl::Status& status) {
    return absl::IsDeadlineExceeded(status) || absl::IsCancelled(status) || absl::IsUnavailable(status);
  }

  // Retries most of the writes whose outcome is not known, and some others.
  template <typename Request, typename Response>
  void Write(const Request& request, absl::StatusOr<Response> (client::Client::*method)(Request, client::Timeout),
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
      } else if (!IsUnknown(response.status())) {
        EXPECT_TRUE(IsNotFound(response.status())) << response.status();
        attempt.outcome = may_be_stored ? Outcome::kUnknown : Outcome::kRejected;
        if (!may_be_stored) AddRead(invoked, attempt.answered, 0, {{entry, ""}});
      }
      may_be_stored = may_be_stored || attempt.outcome != Outcome::kRejected;
      again = attempt.outcome == Outcome::kUnknown ? Random(4) > 0 : Random(10) == 0;
      writes_.push_back(attempt);
    }
  }

  // Is not retried: the server does not know the request id of a call that changed nothing.
  void SetCatalog(const v1::SetDefaultCatalogRequest& request) {
    const absl::Duration invoked = Now();
    const auto response = client_.SetDefaultCatalog(request, SomeTimeout());
    if (!response.ok()) {
      EXPECT_TRUE(IsUnknown(response.status())) << response.status();
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

  static bool IsNotFound(const absl::Status& status) {
    const v1::ErrorReason reason = client::ErrorOf(status).reason();
    return reason == v1::ERROR_REASON_SCHEME_NOT_FOUND || reason == v1::ERROR_REASON_TEMPLATE_NOT_FOUND;
  }

  ReadCall& AddRead(absl::Duration invoked, absl::Duration answered, int64_t revision,
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

  v1::GetConfigRequest ConfigRequest() {
    v1::GetConfigRequest request;
    request.mutable_spec()->set_model_type(ModelType(Random(kTemplates)));
    request.mutable_spec()->set_scheme(SchemeName(Random(kSchemes)));
    request.set_include_quark_json(Random(2) == 0);
    return request;
  }

  // What a configuration was made of.
  static std::map<std::string, std::string> SeenIn(const v1::GetConfigRequest& request,
                                                   const v1::GetConfigResponse& response) {
    const v1::QConfig& config = response.config();
    std::map<std::string, std::string> seen;
    seen[TemplateEntry(request.spec().model_type())] = ContentOf(config, "content-");
    seen[SchemeEntry(request.spec().scheme())] = absl::StrCat(config.global_quant_config().weight(0).group_size());
    seen[kCatalogEntry] = response.catalog();
    return seen;
  }

  // The entry that an error says does not exist.
  static std::map<std::string, std::string> SeenIn(const v1::GetConfigRequest& request, v1::ErrorReason reason) {
    if (reason == v1::ERROR_REASON_SCHEME_NOT_FOUND) return {{SchemeEntry(request.spec().scheme()), ""}};
    return {{TemplateEntry(request.spec().model_type()), ""}};
  }

  void GetConfig() {
    v1::GetConfigRequest request = ConfigRequest();
    const int kind = Random(10);
    if (kind == 0) request.set_revision(1 + Random(static_cast<int>(newest_seen_)));
    if (kind == 1) request.set_min_revision(newest_seen_ + Random(2));
    if (kind == 2) request.set_if_digest(last_digest_);
    const absl::Duration invoked = Now();
    const auto response =
        client_.GetConfig(request, kind == 1 ? client::Timeout(absl::Milliseconds(20)) : SomeTimeout());
    const absl::Duration answered = Now();
    if (!response.ok()) {
      const v1::ErrorReason reason = client::ErrorOf(response.status()).reason();
      const bool too_early = kind == 1 && reason == v1::ERROR_REASON_REVISION_IN_FUTURE;
      if (IsUnknown(response.status()) || too_early) return;
      ASSERT_TRUE(IsNotFound(response.status())) << response.status();
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

  // Each item is a read of its own.
  void BatchGetConfig() {
    v1::BatchGetConfigRequest request;
    for (int i = 0; i < 3; ++i) *request.add_requests() = ConfigRequest();
    const absl::Duration invoked = Now();
    const auto response = client_.BatchGetConfig(request, SomeTimeout());
    const absl::Duration answered = Now();
    if (!response.ok()) {
      ASSERT_TRUE(IsUnknown(response.status())) << response.status();
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

  void GetScheme() {
    v1::GetSchemeRequest request;
    request.set_name(SchemeName(Random(kSchemes)));
    const absl::Duration invoked = Now();
    const auto response = client_.GetScheme(request, SomeTimeout());
    const absl::Duration answered = Now();
    if (response.ok()) {
      AddRead(invoked, answered, response->revision(),
              {{SchemeEntry(request.name()), response->scheme().description()}, {kCatalogEntry, response->catalog()}});
    } else if (!IsUnknown(response.status())) {
      ASSERT_TRUE(IsNotFound(response.status())) << response.status();
      AddRead(invoked, answered, 0, {{SchemeEntry(request.name()), ""}});
    }
  }

  void ListSchemes() {
    v1::ListSchemesRequest request;
    request.set_page_size(1000);
    const absl::Duration invoked = Now();
    const auto response = client_.ListSchemes(request, SomeTimeout());
    const absl::Duration answered = Now();
    if (!response.ok()) {
      ASSERT_TRUE(IsUnknown(response.status())) << response.status();
      return;
    }
    std::map<std::string, std::string> seen;
    for (int i = 0; i < kSchemes; ++i) seen[SchemeEntry(SchemeName(i))] = "";
    for (const v1::Scheme& scheme : response->schemes()) {
      if (scheme.origin() == v1::REGISTRY_ORIGIN_TENANT) seen[SchemeEntry(scheme.name())] = scheme.description();
    }
    AddRead(invoked, answered, response->revision(), std::move(seen));
  }

  // The newest write that is listed belongs to the revision that the answer states.
  void ListChanges() {
    v1::ListChangesRequest request;
    request.set_page_size(5);
    const absl::Duration invoked = Now();
    const auto response = client_.ListChanges(request, SomeTimeout());
    const absl::Duration answered = Now();
    if (!response.ok()) {
      ASSERT_TRUE(IsUnknown(response.status())) << response.status();
      return;
    }
    int64_t revision = response->revision();
    AddRead(invoked, answered, revision, {});
    for (const v1::ChangeRecord& record : response->changes()) {
      ASSERT_EQ(record.revision(), revision--) << "the list has a gap";
      listed_[record.revision()] = record.request_id();
    }
  }

  client::Client client_;
  std::mt19937_64 random_;
  std::atomic<int>& contents_;
  int64_t newest_seen_ = 1;
  std::string last_digest_;
  std::map<std::string, v1::QConfig> digests_;
  std::vector<WriteAttempt> writes_;
  std::vector<ReadCall> reads_;
  std::vector<std::pair<ReadCall, std::string>> catalogs_;  // SetDefaultCatalog() and its request id
  std::map<int64_t, std::string> listed_;                   // request ids by revision
};

class LinearizabilityTest : public testing::Test {
 protected:
  LinearizabilityTest() { std::printf("QCONFIG_SEED=%llu\n", static_cast<unsigned long long>(seed_)); }

  // Rounds of calls to `server`, each with new tenants. `faults`: some commits to it fail, and may be stored.
  void RunRounds(TestServer& server, FaultInjectingStore* faults = nullptr) {
    const absl::Duration end = Now() + absl::Seconds(FromEnvironment("QCONFIG_MODEL_SECONDS", 0));
    int rounds = 0;
    do {
      RunRound(server, {absl::StrCat("a", rounds), absl::StrCat("b", rounds)}, faults);
      ++rounds;
    } while (Now() < end && !HasFailure());
    std::printf("%d rounds, %lld calls\n", rounds, static_cast<long long>(calls_));
  }

 private:
  void RunRound(TestServer& server, const std::vector<std::string>& tenants, FaultInjectingStore* faults) {
    std::atomic<int> contents = 0;
    std::atomic<int> writing = static_cast<int>(tenants.size()) * kWritersPerTenant;
    std::map<std::string, std::deque<Recorder>> recorders;
    for (const std::string& tenant : tenants) {
      for (int i = 0; i < kWritersPerTenant + kReadersPerTenant; ++i) {
        recorders[tenant].emplace_back(server, tenant, random_(), contents);
      }
    }
    std::vector<std::thread> threads;
    for (auto& [tenant, of_tenant] : recorders) {
      for (int i = 0; i < kWritersPerTenant + kReadersPerTenant; ++i) {
        Recorder& recorder = of_tenant[static_cast<size_t>(i)];
        const bool writes = i < kWritersPerTenant;
        threads.emplace_back([&recorder, &writing, writes, faults] {
          for (int n = 0; writes && n < kWritesPerWriter; ++n) {
            if (faults != nullptr && n % 8 == 0) faults->FailAfterStoring(StorageUnavailable("injected"));
            if (faults != nullptr && n % 8 == 4) faults->FailBeforeStoring(StorageUnavailable("injected"));
            recorder.WriteOnce();
          }
          if (writes) --writing;
          while (!writes && writing > 0) recorder.ReadOnce();
        });
      }
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& [tenant, of_tenant] : recorders) CheckTenant(server, tenant, of_tenant);
  }

  void CheckTenant(TestServer& server, const std::string& tenant, const std::deque<Recorder>& recorders) {
    RegistryHistory history;
    history.first[kCatalogEntry] = kCatalogs[0];
    v1::ListChangesRequest request;
    request.set_page_size(1000);
    request.set_view(v1::ENTRY_VIEW_FULL);
    const auto changes = server.NewClient(tenant).ListAllChanges(request);
    ASSERT_TRUE(changes.ok()) << changes.status();
    for (auto record = changes->changes().rbegin(); record != changes->changes().rend(); ++record) {
      history.stored.push_back(ToStoredWrite(*record));
    }
    for (const Recorder& recorder : recorders) {
      recorder.AddTo(history);
      calls_ += recorder.calls();
    }
    EXPECT_EQ(FindViolation(history), "");
  }

 protected:
  const uint64_t seed_ = static_cast<uint64_t>(FromEnvironment("QCONFIG_SEED", std::random_device()() & 0xFFFFFF));
  std::mt19937_64 random_{seed_};
  int64_t calls_ = 0;
};

TEST_F(LinearizabilityTest, HoldsWithCaches) {
  TestServer server;
  RunRounds(server);
  EXPECT_GT(server.answer_cache().counts().hits, 0) << "no answer came from the cache";
}

TEST_F(LinearizabilityTest, HoldsWhileCachesEvict) {
  TestSettings settings;
  settings.cache_bytes = 4096;
  settings.answer_cache_bytes = 10'000;
  TestServer server(std::move(settings));
  RunRounds(server);
  EXPECT_GT(server.answer_cache().counts().evictions, 0) << "no answer was evicted";
}

TEST_F(LinearizabilityTest, HoldsWhileTheStoreFails) {
  auto store = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
  FaultInjectingStore& faults = *store;
  TestSettings settings;
  settings.store = std::move(store);
  TestServer server(std::move(settings));
  RunRounds(server, &faults);
}

TEST_F(LinearizabilityTest, HoldsOnDisk) {
  const TempDirectory directory;
  SqliteOptions options;
  options.path = directory.Path("registry.db");
  TestSettings settings;
  settings.store = SqliteStore::Open(options).value();
  TestServer server(std::move(settings));
  RunRounds(server);
}

}  // namespace
}  // namespace qconfig
