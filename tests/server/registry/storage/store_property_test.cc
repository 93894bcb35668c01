// SPDX-License-Identifier: Apache-2.0
//
// Applies random writes to every engine and compares it with a model that uses RegistryState::After(). Set
// QCONFIG_TEST_SEED to repeat a failed run.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_engines.h"

namespace qconfig {
namespace {

uint64_t Seed() {
  uint64_t seed = std::random_device()();
  const char* given = getenv("QCONFIG_TEST_SEED");
  if (given != nullptr && !absl::SimpleAtoi(given, &seed))
    ADD_FAILURE() << "QCONFIG_TEST_SEED is not a number: " << given;
  return seed;
}

// One tenant's registry according to the contract: all states, and which of them are readable.
struct Model {
  std::vector<RegistryState> states = {RegistryState()};
  std::vector<RegistryCommit> commits;  // commits[i] created states[i + 1]
  size_t first = 0;                     // index of the first readable state

  size_t newest() const { return states.size() - 1; }
  int64_t Next(int64_t epoch) const { return std::max(states.back().revision() + 1, epoch); }
  const RegistryCommit& CommitBefore(size_t state) const { return commits[state - 1]; }

  // The range in the format of Described().
  std::string Range(int64_t epoch) const {
    std::string text = absl::StrCat(states[first].revision(), " to ");
    for (size_t i = first; i < newest(); ++i) {
      const int64_t revision = states[i].revision();
      const int64_t next = states[i + 1].revision();
      if (next != revision + 1) absl::StrAppend(&text, revision, ", ", next, " to ");
    }
    absl::StrAppend(&text, states.back().revision());
    if (Next(epoch) != states.back().revision() + 1) absl::StrAppend(&text, ", next ", epoch);
    return text;
  }
};

std::string FirstDefaultCatalog(const v1::ChangeRecord& record) {
  for (const v1::RegistryChange& change : record.changes()) {
    if (change.has_set_default_catalog()) return change.set_default_catalog();
  }
  return "";
}

class RandomWrites {
 public:
  RandomWrites(uint64_t seed, const HistoryLimits& limits, absl::Duration max_age)
      : random_(seed), limits_(limits), max_age_(max_age) {}

  int64_t Number(int64_t max) { return std::uniform_int_distribution<int64_t>(0, max)(random_); }

  RegistryCommit Next(const Model& model, int64_t epoch) {
    time_ += Number(20) - 3;
    std::vector<v1::RegistryChange> changes;
    if (model.newest() == 0 && Number(3) > 0) changes.push_back(SetDefaultCatalog("first"));
    for (int64_t i = Number(4); i > 0; --i) changes.push_back(Change());
    RegistryCommit commit =
        WithTime(Write(model.Next(epoch), changes), time_, static_cast<int32_t>(Number(999'999'999)));
    commit = WithMaxAge(std::move(commit), max_age_);
    return Number(2) == 0 ? WithRequest(std::move(commit), absl::StrCat("r", ++requests_)) : commit;
  }

  // Applies a stored write to the model, according to the contract.
  void Apply(const RegistryCommit& commit, Model& model) const {
    RegistryState next = model.states.back().After(commit.record);
    if (model.newest() == 0) model.states[0] = RegistryState(1, FirstDefaultCatalog(commit.record), {}, {});
    model.states.push_back(std::move(next));
    model.commits.push_back(commit);
    while (model.first < model.newest() && IsBeyondLimits(model, commit)) ++model.first;
  }

 private:
  // Whether the oldest write in history must go.
  bool IsBeyondLimits(const Model& model, const RegistryCommit& newest) const {
    const auto writes = static_cast<int64_t>(model.newest() - model.first);
    int64_t bytes = 0;
    for (size_t state = model.first + 1; state <= model.newest(); ++state) {
      bytes += static_cast<int64_t>(model.CommitBefore(state).record.ByteSizeLong());
    }
    const absl::Time oldest = absl::FromUnixMicros(HistoryTime(model.CommitBefore(model.first + 1).record));
    return writes > limits_.max_changes || oldest <= newest.expired_up_to || (bytes > limits_.max_bytes && writes > 1);
  }

  v1::RegistryChange Change() {
    const std::string name = absl::StrCat("n", Number(5));
    const std::string text = absl::StrCat(Number(1'000'000));
    switch (Number(9)) {
      case 0:
        return SetDefaultCatalog(text);
      case 1:
      case 2:
        return DeleteScheme(name);
      case 3:
      case 4:
        return DeleteTemplate(name);
      case 5:
      case 6:
        return PutScheme(name, text);
      default:
        return PutTemplate(name, text);
    }
  }

  std::mt19937_64 random_;
  const HistoryLimits limits_;
  const absl::Duration max_age_;
  int64_t time_ = 1'600'000'000;
  int64_t requests_ = 0;
};

// Compares everything that the store returns for a tenant with the model.
void ExpectLike(const Model& model, int64_t epoch, const std::string& tenant, const RegistryStore& store) {
  ASSERT_EQ(Described(store.Revisions(Tenant(tenant))), model.Range(epoch));
  std::string changes;
  int64_t next = model.Next(epoch);  // the number after the revision and its gap
  for (size_t i = model.states.size(); i-- > 0;) {
    const int64_t revision = model.states[i].revision();
    const bool readable = i >= model.first;
    ASSERT_EQ(Loaded(store, tenant, revision),
              readable ? Described(model.states[i]) : "REVISION_COMPACTED at revision");
    ASSERT_EQ(ChangesOf(store, tenant, revision, 100'000), readable ? changes : "REVISION_COMPACTED at revision");
    for (const int64_t lost : {revision + 1, next - 1}) {
      if (lost <= revision || lost >= next) continue;
      ASSERT_EQ(Loaded(store, tenant, lost), "REVISION_LOST at revision") << "also if it is below the first revision";
    }
    next = revision;
    if (i == 0) break;
    changes = absl::StrCat(revision, changes.empty() ? "" : " ", changes);
    const std::string& request = model.CommitBefore(i).record.request_id();
    if (!request.empty()) {
      ASSERT_EQ(store.FindRequest(Tenant(tenant), request)->has_value(), i > model.first) << request;
    }
  }
}

TEST(StorePropertyTest, EnginesMatchTheModel) {
  const uint64_t seed = Seed();
  RecordProperty("seed", absl::StrCat(seed));
  std::cout << "QCONFIG_TEST_SEED=" << seed << std::endl;
  constexpr int kWrites = 150;
  const std::vector<std::string> tenants = {"a", "aa", "b"};
  using Limits = std::pair<HistoryLimits, absl::Duration>;
  for (const auto& [limits, max_age] :
       {Limits({}, absl::InfiniteDuration()), Limits({7}, absl::InfiniteDuration()), Limits({}, absl::Seconds(60)),
        Limits({10, 600}, absl::Seconds(60)), Limits({1000, 500}, absl::InfiniteDuration())}) {
    SCOPED_TRACE(absl::StrCat("seed ", seed, ", max_changes ", limits.max_changes, ", max_bytes ", limits.max_bytes));
    for (const StoreEngine& engine : {MemoryEngine(), SqliteEngine()}) {
      SCOPED_TRACE(engine.name);
      RandomWrites random(seed, limits, max_age);
      const TempDirectory directory;
      std::map<std::string, Model> models;
      int64_t epoch = 0;
      auto store = engine.open(directory.Path("db"), limits);
      for (int write = 0; write < kWrites; ++write) {
        const std::string& tenant = tenants[static_cast<size_t>(random.Number(2))];
        Model& model = models[tenant];
        const RegistryCommit commit = random.Next(model, epoch);
        random.Apply(commit, model);
        ASSERT_EQ(Described(store->Commit(Tenant(tenant), commit)), model.Range(epoch));
        if (random.Number(30) == 0) {
          const int64_t last = epoch;
          epoch = store->BeginEpoch().value();
          ASSERT_GT(epoch, last);
        }
        if (engine.durable && random.Number(30) == 0) {
          store.reset();
          store = engine.open(directory.Path("db"), limits);
        }
        if (random.Number(10) == 0) {
          ASSERT_NO_FATAL_FAILURE(ExpectLike(model, epoch, tenant, *store));
        }
      }
      for (const auto& [tenant, model] : models) ASSERT_NO_FATAL_FAILURE(ExpectLike(model, epoch, tenant, *store));
    }
  }
}

}  // namespace
}  // namespace qconfig
