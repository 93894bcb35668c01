// SPDX-License-Identifier: Apache-2.0
//
// Records everything that the store does to the disk, and then loses power before each operation: in each state that
// the disk may be in, the store opens, and has every acknowledged write and no part of another. See DiskRecording for
// what a power loss may do.
//
// The environment variable QCONFIG_POWER_LOSSES sets the number of random states for each sync (default: a few, at some
// syncs). Then power is lost before every operation, and each unsynced operation is also lost and torn alone.
// QCONFIG_SEED sets the seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/registry/storage/sqlite_backup.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/sqlite_schema.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/recorded_disk.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

constexpr char kFile[] = "new/directory/registry.db";
constexpr int64_t kHistory = 6;

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* const text = std::getenv(name);
  int64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

// A write of the run, and the number of operations before and after it.
struct Promise {
  RegistryCommit commit;
  size_t begun;
  size_t acknowledged;
};

// What a run has written.
struct Promises {
  std::map<std::string, std::vector<Promise>> writes;  // by tenant, oldest first
  // The first number of each epoch that was begun, and the number of operations then. Backups begin one when they are
  // opened.
  std::vector<std::pair<int64_t, size_t>> epochs;
  bool is_backup = false;  // the file is one at first
};

absl::StatusOr<std::unique_ptr<SqliteStore>> OpenStore(const std::string& path, std::vector<std::string>* warnings) {
  SqliteOptions options;
  options.path = path;
  options.history.max_changes = kHistory;
  options.warn = [warnings](const std::string& text) { warnings->push_back(text); };
  return SqliteStore::Open(options);
}

// Writes a revision to a file of the first version, as the release of that version did.
void AddToVersion1(SqliteConnection& file, const RegistryCommit& commit) {
  const v1::ChangeRecord& record = commit.record;
  const v1::Scheme& scheme = record.changes(0).put_scheme();
  const std::string entry_value = scheme.SerializeAsString();
  const std::string change_value = record.SerializeAsString();
  ASSERT_TRUE(file.Execute("INSERT INTO tenants (name, revision, first_revision) VALUES ('a', 2, 1)").ok());
  SqliteQuery entry(file, "INSERT INTO entries VALUES (1, 1, ?, 0, 2, 9223372036854775807, ?)", scheme.name(),
                    SqliteQuery::Blob{entry_value});
  ASSERT_TRUE(entry.Run().ok());
  SqliteQuery change(file, "INSERT INTO changes VALUES (1, 2, ?, '', x'', ?)", HistoryTime(record),
                     SqliteQuery::Blob{change_value});
  ASSERT_TRUE(change.Run().ok());
}

// A store whose writes are promises.
class WritingStore {
 public:
  WritingStore(const RecordedDisk& disk, std::string path, Promises& promises)
      : disk_(disk), path_(std::move(path)), promises_(promises) {
    Open();
  }

  void Open() { store_ = OpenStore(path_, &warnings_).value(); }
  void Restart() {
    store_.reset();
    Open();
  }
  SqliteStore& store() { return *store_; }

  // May be called for different tenants at the same time, if each has a promise.
  void Write(const std::string& tenant, const std::vector<v1::RegistryChange>& changes) {
    const int64_t next = store_->Revisions(Tenant(tenant)).value().next;
    std::vector<Promise>& writes = promises_.writes[tenant];
    RegistryCommit commit = qconfig::Write(next, changes);
    if (next % 2 == 0) commit = WithRequest(std::move(commit), absl::StrCat("request-", next));
    const size_t begun = disk_.operations();
    const auto answer = store_->Commit(Tenant(tenant), commit);
    ASSERT_TRUE(answer.ok()) << answer.status();
    writes.push_back({std::move(commit), begun, disk_.operations()});
  }

  void BeginEpoch() {
    const absl::StatusOr<int64_t> epoch = store_->BeginEpoch();
    ASSERT_TRUE(epoch.ok()) << epoch.status();
    promises_.epochs.emplace_back(*epoch, disk_.operations());
  }

 private:
  const RecordedDisk& disk_;
  const std::string path_;
  Promises& promises_;
  std::vector<std::string> warnings_;
  std::unique_ptr<SqliteStore> store_;
};

// Checks the registry at `path` after a power loss before operation `end`. Returns what is wrong, or "".
class Checker {
 public:
  Checker(const Promises& promises, size_t end) : promises_(promises), end_(end) {}

  std::string Check(const std::string& path) {
    std::vector<std::string> warnings;
    auto opened = OpenStore(path, &warnings);
    if (!opened.ok()) return absl::StrCat("the store does not open: ", opened.status().ToString());
    if (!warnings.empty() && !promises_.is_backup) return absl::StrCat("a new epoch: ", warnings[0]);
    int64_t epoch = 0;
    for (const auto& [number, operations] : promises_.epochs) {
      if (operations <= end_) epoch = number;
    }
    if ((*opened)->epoch() < epoch) return absl::StrCat("epoch ", epoch, " is lost");
    const int64_t counted = (*opened)->writes();
    int64_t writes = 0;
    for (const auto& [tenant, promised] : promises_.writes) {
      const std::string problem = CheckTenant(**opened, tenant, promised, &writes);
      if (!problem.empty()) return absl::StrCat("tenant ", tenant, ": ", problem);
    }
    if (counted != writes) return absl::StrCat("the store counts ", counted, " writes, and has ", writes);
    auto connection = SqliteConnection::Open(path, SqliteConnection::Mode::kRead, absl::ZeroDuration());
    if (!connection.ok()) return connection.status().ToString();
    SqliteQuery check(*connection, "PRAGMA integrity_check");
    return check.Next() && check.Bytes(0) == "ok" ? "" : absl::StrCat("integrity: ", check.Bytes(0));
  }

 private:
  // Adds the tenant's writes to `writes`. Also writes once more.
  std::string CheckTenant(SqliteStore& store, const std::string& tenant, const std::vector<Promise>& promised,
                          int64_t* writes) {
    const auto range = store.Revisions(Tenant(tenant));
    if (!range.ok()) return range.status().ToString();
    size_t kept = 0;
    while (kept < promised.size() && promised[kept].commit.record.revision() <= range->newest) ++kept;
    *writes += static_cast<int64_t>(kept);
    const int64_t newest = kept == 0 ? 1 : promised[kept - 1].commit.record.revision();
    if (range->newest != newest) return absl::StrCat("has revision ", range->newest, ", which was not written");
    if (kept < promised.size() && promised[kept].acknowledged <= end_) {
      return absl::StrCat("revision ", promised[kept].commit.record.revision(), " was acknowledged, but is lost");
    }
    if (kept > 0 && promised[kept - 1].begun > end_) return "has a write that had not begun";
    const size_t first = kept > kHistory ? kept - kHistory : 0;  // the number of writes that history has not
    if (range->first != (first == 0 ? 1 : promised[first - 1].commit.record.revision())) return "history is wrong";
    return CheckContents(store, tenant, promised, first, kept);
  }

  std::string CheckContents(SqliteStore& store, const std::string& tenant, const std::vector<Promise>& promised,
                            size_t first, size_t kept) {
    RegistryState state;
    for (size_t i = 0; i < kept; ++i) {
      const v1::ChangeRecord& record = promised[i].commit.record;
      state = state.After(record);
      if (i + 1 < first || (i + 1 != first && i + 1 != kept)) continue;
      const std::string loaded = Loaded(store, tenant, record.revision());
      if (loaded != Described(state)) return absl::StrCat("has ", loaded, " instead of ", Described(state));
    }
    const auto range = store.Revisions(Tenant(tenant));
    const auto changes = store.ChangesSince(Tenant(tenant), range->first, kHistory + 1);
    if (!changes.ok()) return changes.status().ToString();
    if (changes->size() != kept - first) return absl::StrCat("has ", changes->size(), " changes");
    for (size_t i = first; i < kept; ++i) {
      const RegistryCommit& commit = promised[i].commit;
      if ((*changes)[i - first].SerializeAsString() != commit.record.SerializeAsString()) return "a change is wrong";
      if (commit.record.request_id().empty()) continue;
      const auto found = store.FindRequest(Tenant(tenant), commit.record.request_id());
      if (!found.ok()) return found.status().ToString();
      if (!found->has_value() || (*found)->record.revision() != commit.record.revision()) return "a request is lost";
    }
    const auto more = store.Commit(Tenant(tenant), Write(range->next, {PutScheme("after the power loss")}));
    return more.ok() ? "" : absl::StrCat("writing fails: ", more.status().ToString());
  }

  const Promises& promises_;
  const size_t end_;
};

// Returns what is wrong with the files in `directory` after a power loss before operation `end`, or "".
using Check = std::function<std::string(const std::string& directory, size_t end)>;

class PowerLossTest : public testing::Test {
 protected:
  void SetUp() override {
    std::printf("QCONFIG_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    std::filesystem::create_directories(Disk());
  }

  // The directory that is recorded, and the registry in it.
  std::string Disk() const { return directory_.Path("disk"); }
  std::string Path() const { return absl::StrCat(Disk(), "/", kFile); }

  Check KeepsPromises() const {
    return [this](const std::string& directory, size_t end) {
      return Checker(promises_, end).Check(absl::StrCat(directory, "/", kFile));
    };
  }

  // Loses power before about every `every`-th operation.
  void LosePower(const DiskRecording& recording, size_t every, const Check& check);

  uint64_t Random(uint64_t below) { return random_() % below; }
  // A state of the disk that a power loss may leave.
  FileContents SomeState(const DiskRecording& recording, size_t end, const DiskRecording::Survives& survives);

  const int64_t full_ = FromEnvironment("QCONFIG_POWER_LOSSES", 0);
  const uint64_t seed_ = static_cast<uint64_t>(FromEnvironment("QCONFIG_SEED", std::random_device()() & 0xFFFFFF));
  std::mt19937_64 random_{seed_};
  const TempDirectory directory_;
  Promises promises_;

 private:
  // Whether one state is right.
  bool Holds(const DiskRecording& recording, size_t end, const char* what, const DiskRecording::Survives& survives);
  bool HoldsWithout(const DiskRecording& recording, size_t end, size_t lost);

  const Check* check_ = nullptr;
  int64_t states_ = 0;
};

// SQLite makes the index of the log again, but the store reads it first. Any earlier state of it may be there.
FileContents PowerLossTest::SomeState(const DiskRecording& recording, size_t end,
                                      const DiskRecording::Survives& survives) {
  FileContents files = recording.AfterPowerLoss(end, survives);
  const std::vector<FileContents> indexes = recording.Indexes(end);
  const uint64_t index = Random(indexes.size() + 1);
  if (index < indexes.size()) files.insert(indexes[index].begin(), indexes[index].end());
  return files;
}

bool PowerLossTest::Holds(const DiskRecording& recording, size_t end, const char* what,
                          const DiskRecording::Survives& survives) {
  ++states_;
  const std::string state = directory_.Path("state");
  std::filesystem::remove_all(state);
  const FileContents files = SomeState(recording, end, survives);
  WriteFiles(state, files);
  const std::string problem = (*check_)(state, end);
  if (problem.empty()) return true;
  ADD_FAILURE() << problem << "\nafter a power loss before operation " << end << " of " << recording.size() << ", "
                << what;
  for (const auto& [path, bytes] : files) std::printf("%s: %zu bytes\n", path.c_str(), bytes.size());
  return false;
}

bool PowerLossTest::HoldsWithout(const DiskRecording& recording, size_t end, size_t lost) {
  const auto sectors = static_cast<int64_t>(1 + Random(8));
  return Holds(recording, end, "one is lost", [lost](size_t i, int64_t) { return i != lost; }) &&
         Holds(recording, end, "one lost its end",
               [=](size_t i, int64_t sector) { return i != lost || sector < sectors; }) &&
         Holds(recording, end, "one lost its beginning",
               [=](size_t i, int64_t sector) { return i != lost || sector >= sectors; });
}

void PowerLossTest::LosePower(const DiskRecording& recording, size_t every, const Check& check) {
  const UnsyncedVfs vfs;  // fast: nothing is lost now
  check_ = &check;
  if (kSanitized) every *= 8;
  const auto next = [&](size_t end) { return end + 1 + (full_ > 0 ? 0 : Random(2 * every - 1)); };
  for (size_t end = Random(full_ > 0 ? 1 : every); end <= recording.size(); end = next(end)) {
    if (!Holds(recording, end, "all survives", [](size_t, int64_t) { return true; })) return;
    const std::vector<size_t> unsynced = recording.Unsynced(end);
    if (unsynced.empty()) continue;
    if (!Holds(recording, end, "nothing survives", [](size_t, int64_t) { return false; })) return;
    // Long recordings: only where most is unsynced.
    const bool at_sync = end < recording.size() && recording.operation(end).IsSync();
    const bool each_alone = full_ > 0 && (at_sync || recording.size() < 1000);
    for (const size_t lost : unsynced) {
      if ((each_alone || Random(unsynced.size()) < 2) && !HoldsWithout(recording, end, lost)) return;
    }
    const int64_t subsets = full_ == 0 ? 3 : at_sync ? full_ : 0;
    for (int64_t i = 0; i < subsets; ++i) {
      const uint64_t odds = 1 + Random(15);
      if (!Holds(recording, end, "some survive", [&](size_t, int64_t) { return Random(16) < odds; })) return;
    }
  }
  std::printf("%zu operations, %lld states\n", recording.size(), static_cast<long long>(states_));
}

// The file is in two directories that are new.
TEST_F(PowerLossTest, WritesOfANewRegistrySurvive) {
  const RecordedDisk disk(Disk());
  {
    WritingStore store(disk, Path(), promises_);
    for (int i = 0; i < 9; ++i) {
      const std::string name = absl::StrCat("n", i % 4);
      store.Write("a", {i % 3 == 2 ? DeleteScheme(name) : PutScheme(name, std::string(i % 2 == 0 ? 9000 : 10, 'x'))});
      store.Write("b", {PutTemplate(name, absl::StrCat(i)), SetDefaultCatalog(absl::StrCat("catalog", i % 2))});
      if (i == 4) store.BeginEpoch();
      if (i == 6) store.Restart();
    }
  }
  LosePower(disk.recording(), 8, KeepsPromises());
}

// Large writes, so that the log is written into the database and begins again.
TEST_F(PowerLossTest, WritesSurviveWhileTheLogBeginsAgain) {
  const RecordedDisk disk(Disk());
  WritingStore store(disk, Path(), promises_);
  for (int i = 0; i < 8; ++i) store.Write("a", {PutTemplate("m", std::string(300'000, static_cast<char>('a' + i)))});
  for (int i = 0; i < 4; ++i) store.Write("a", {PutTemplate("m", absl::StrCat(i))});
  int log_headers = 0;
  for (size_t i = 0; i < disk.recording().size(); ++i) {
    const DiskOperation& operation = disk.recording().operation(i);
    if (operation.offset == 0 && operation.bytes.size() == 32) ++log_headers;
  }
  EXPECT_GE(log_headers, 2) << "the log did not begin again";
  LosePower(disk.recording(), 400, KeepsPromises());
}

TEST_F(PowerLossTest, WritesOfSeveralThreadsSurvive) {
  const std::vector<std::string> tenants = {"a", "b", "c", "d", "e"};
  for (const std::string& tenant : tenants) promises_.writes[tenant];
  const RecordedDisk disk(Disk());
  WritingStore store(disk, Path(), promises_);
  std::vector<std::thread> writers;
  for (const std::string& tenant : tenants) {
    writers.emplace_back([&store, tenant] {
      for (int i = 0; i < 6; ++i) store.Write(tenant, {PutScheme(absl::StrCat("s", i % 3), absl::StrCat(i))});
    });
  }
  for (std::thread& writer : writers) writer.join();
  LosePower(disk.recording(), 12, KeepsPromises());
}

// Power is lost again while the store is opened after a power loss, and writes.
TEST_F(PowerLossTest, WritesSurviveTwoPowerLosses) {
  FileContents files;
  Promise last;
  {
    const RecordedDisk disk(Disk());
    WritingStore store(disk, Path(), promises_);
    for (int i = 0; i < 5; ++i) store.Write("a", {PutScheme(absl::StrCat("s", i % 2), std::string(5000, 'x'))});
    const size_t end = promises_.writes["a"].back().begun + 3;  // within the last write
    files = SomeState(disk.recording(), end, [this](size_t, int64_t) { return Random(2) == 0; });
    for (Promise& promise : promises_.writes["a"]) promise.begun = promise.acknowledged = 0;
    last = promises_.writes["a"].back();
    promises_.writes["a"].pop_back();
  }
  std::filesystem::remove_all(Disk());
  WriteFiles(Disk(), files);
  const RecordedDisk disk(Disk());
  WritingStore store(disk, Path(), promises_);
  if (store.store().Revisions(Tenant("a"))->newest == last.commit.record.revision()) {  // though not acknowledged
    promises_.writes["a"].push_back(last);
  }
  for (int i = 0; i < 3; ++i) store.Write("a", {PutScheme("s1", absl::StrCat(i))});
  LosePower(disk.recording(), 3, KeepsPromises());
}

// A backup uses a rollback journal until the store has opened it.
TEST_F(PowerLossTest, WritesAfterARestoreSurvive) {
  const std::string original = directory_.Path("original");
  std::vector<std::string> warnings;
  {
    const auto store = OpenStore(original, &warnings).value();
    for (int64_t revision = 2; revision < 5; ++revision) {
      const RegistryCommit commit = Write(revision, {PutScheme("s", absl::StrCat(revision))});
      ASSERT_TRUE(store->Commit(Tenant("a"), commit).ok());
      promises_.writes["a"].push_back({commit, 0, 0});
    }
    std::filesystem::create_directories(std::filesystem::path(Path()).parent_path());
    ASSERT_TRUE(BackupSqlite(original, Path()).ok());
  }
  promises_.is_backup = true;
  const RecordedDisk disk(Disk());
  WritingStore store(disk, Path(), promises_);
  promises_.epochs.emplace_back(store.store().epoch(), disk.operations());
  for (int i = 0; i < 3; ++i) store.Write("a", {PutScheme("s", absl::StrCat(i))});
  LosePower(disk.recording(), 4, KeepsPromises());
}

// `to` is a complete backup, or does not exist.
TEST_F(PowerLossTest, BackupsAreComplete) {
  const std::string original = directory_.Path("original");
  std::vector<std::string> warnings;
  const auto store = OpenStore(original, &warnings).value();
  for (int64_t revision = 2; revision < 5; ++revision) {
    ASSERT_TRUE(store->Commit(Tenant("a"), Write(revision, {PutScheme("s", std::string(9000, 'x'))})).ok());
  }
  const RecordedDisk disk(Disk());
  ASSERT_TRUE(BackupSqlite(original, Disk() + "/backup").ok());
  const std::string expected = Loaded(*store, "a");
  LosePower(disk.recording(), 2, [&](const std::string& directory, size_t end) -> std::string {
    if (!std::filesystem::exists(directory + "/backup")) {
      return end == disk.recording().size() ? "the backup is lost" : "";
    }
    const auto backup = OpenStore(directory + "/backup", &warnings);
    if (!backup.ok()) return backup.status().ToString();
    return Loaded(**backup, "a") == expected ? "" : "the backup is not complete";
  });
}

// A file of each earlier version, with and without a log.
TEST_F(PowerLossTest, MigrationsSurvive) {
  const std::vector<SqliteMigration>& migrations = SqliteMigrations();
  for (size_t version = 1; version < migrations.size(); ++version) {
    for (const char* journal : {"PRAGMA journal_mode = DELETE", "PRAGMA journal_mode = WAL"}) {
      std::filesystem::remove_all(Disk());
      std::filesystem::create_directories(std::filesystem::path(Path()).parent_path());
      WriteFile(Path(), "");
      const RegistryCommit commit = Write(2, {PutScheme("s", "first")});
      {
        auto file = SqliteConnection::Open(Path(), SqliteConnection::Mode::kWrite, absl::ZeroDuration()).value();
        ASSERT_TRUE(Migrate(file, {migrations.begin(), migrations.begin() + 1}).ok());
        AddToVersion1(file, commit);
        ASSERT_TRUE(Migrate(file, {migrations.begin(), migrations.begin() + static_cast<int64_t>(version)}).ok());
        ASSERT_TRUE(SqliteQuery(file, journal).Next());
      }
      promises_ = Promises();
      promises_.is_backup = true;  // if it has no log
      promises_.writes["a"].push_back({commit, 0, 0});
      const RecordedDisk disk(Disk());
      WritingStore store(disk, Path(), promises_);
      store.Write("a", {PutScheme("s", "second")});
      LosePower(disk.recording(), 4, KeepsPromises());
    }
  }
}

}  // namespace
}  // namespace qconfig
