// SPDX-License-Identifier: Apache-2.0
//
// Damaged files: each answer of a store is the right one or fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "core/utf8.h"
#include "server/registry/storage/sqlite_backup.h"
#include "server/registry/storage/sqlite_schema.h"
#include "server/registry/storage/sqlite_store.h"
#include "server/registry/storage/sqlite_verifier.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kPage = 4096;
constexpr char kFailed[] = "STORAGE_UNAVAILABLE";

class SqliteDamageTest : public testing::Test {
 protected:
  // Creates a registry with past revisions, large entries, two epochs, and tenants "a", "b" and "c".
  void SetUp() override {
    {
      const auto store = TryOpen().value();
      Commit(*store, "a", {SetDefaultCatalog("catalog"), PutScheme("one", "x1")});
      Commit(*store, "a", {PutScheme("two", "x2")});
      Commit(*store, "a", {PutTemplate("model", std::string(5000, 'm'))});
      Commit(*store, "a", {PutScheme("one", "x3")});
      Commit(*store, "a", {DeleteScheme("two")});
      Commit(*store, "a", {PutScheme("two", "x4"), PutTemplate("other", "x5")});
      Commit(*store, "b", {PutScheme("one", "y1")});
      ASSERT_TRUE(store->BeginEpoch().ok());
      Commit(*store, "a", {PutScheme("last", "x6")});
      Commit(*store, "c", {PutTemplate("model", "z1")});
      right_ = Answers(*store);
    }
    whole_ = FileBytes(path_);
    for (const auto& [question, answer] : right_) ASSERT_NE(answer, kFailed) << question;
  }

  absl::StatusOr<std::unique_ptr<SqliteStore>> TryOpen(int64_t max_checked_bytes = 0) {
    SqliteOptions options;
    options.path = path_;
    options.max_checked_bytes = max_checked_bytes;
    options.history.max_changes = 6;
    options.on_damage = [this](const std::string& what) {
      const absl::MutexLock lock(&mutex_);
      damages_.push_back(what);
    };
    options.scrub_interval = scrub_interval_;
    return SqliteStore::Open(options);
  }

  void Commit(RegistryStore& store, const std::string& tenant, const std::vector<v1::RegistryChange>& changes) {
    const int64_t next = store.Revisions(Tenant(tenant))->next;
    requests_.push_back({tenant, absl::StrCat("request-", tenant, "-", requests_.size())});
    ASSERT_TRUE(store.Commit(Tenant(tenant), WithRequest(Write(next, changes), requests_.back().second)).ok());
    for (const int64_t revision : {int64_t{1}, next}) revisions_[tenant].push_back(revision);
  }

  // The answers to all questions; kFailed: the store detects damage.
  std::map<std::string, std::string> Answers(const RegistryStore& store) const {
    std::map<std::string, std::string> answers;
    for (const auto& [tenant, revisions] : revisions_) {
      answers[absl::StrCat(tenant, " range")] = Described(store.Revisions(Tenant(tenant)));
      answers[absl::StrCat(tenant, " newest")] = Loaded(store, tenant);
      for (const int64_t revision : revisions) {
        answers[absl::StrCat(tenant, " at ", revision)] = Loaded(store, tenant, revision);
        answers[absl::StrCat(tenant, " after ", revision)] = ChangesOf(store, tenant, revision);
      }
    }
    for (const auto& [tenant, id] : requests_) {
      const auto found = store.FindRequest(Tenant(tenant), id);
      answers[absl::StrCat(tenant, " request ", id)] =
          !found.ok()          ? ReasonAndField(found.status())
          : found->has_value() ? absl::StrCat((*found)->record.ShortDebugString(), (*found)->request_digest)
                               : "none";
    }
    answers["new tenant"] = Loaded(store, "d");
    return answers;
  }

  // Checks that each answer is right or fails. Returns the questions that fail.
  std::vector<std::string> ExpectRightOrFailed(const RegistryStore& store, bool is_checked = false) const {
    std::vector<std::string> failed;
    for (const auto& [question, answer] : Answers(store)) {
      // Only a check of the indexes notices that one lacks a request.
      if (answer == "none" && !is_checked && absl::StrContains(question, "request")) continue;
      if (answer == kFailed) {
        failed.push_back(question);
      } else {
        EXPECT_EQ(answer, right_.at(question)) << question;
      }
    }
    return failed;
  }

  void Restore(const std::string& bytes) {
    for (const char* suffix : {"-wal", "-shm", ".commits"}) std::filesystem::remove(path_ + suffix);
    WriteFile(path_, bytes);
    const absl::MutexLock lock(&mutex_);
    damages_.clear();
  }

  std::vector<std::string> damages() {
    const absl::MutexLock lock(&mutex_);
    return damages_;
  }

  // What a full check of the file finds.
  std::vector<std::string> Verified() const {
    std::vector<std::string> found;
    auto connection = SqliteConnection::Open(path_, SqliteConnection::Mode::kRead, absl::ZeroDuration()).value();
    EXPECT_EQ(VerifyRows(connection, [&](const std::string& what) { found.push_back(what); }), absl::OkStatus());
    return found;
  }

  const TempDirectory directory_;
  const std::string path_ = directory_.Path("db");
  absl::Duration scrub_interval_ = absl::ZeroDuration();
  std::string whole_;
  std::map<std::string, std::vector<int64_t>> revisions_;
  std::vector<std::pair<std::string, std::string>> requests_;
  std::map<std::string, std::string> right_;
  absl::Mutex mutex_;
  std::vector<std::string> damages_;
};

TEST_F(SqliteDamageTest, SoundFilesHaveNoDamage) {
  EXPECT_THAT(Verified(), IsEmpty());
  EXPECT_THAT(ExpectRightOrFailed(**TryOpen()), IsEmpty());
  EXPECT_THAT(damages(), IsEmpty());
}

struct RowDamage {
  const char* sql;
  const char* question;  // one that fails
  const char* what;      // part of what is reported

  friend void PrintTo(const RowDamage& damage, std::ostream* out) { *out << damage.sql; }
};

class SqliteRowDamageTest : public SqliteDamageTest, public testing::WithParamInterface<RowDamage> {};

TEST_P(SqliteRowDamageTest, IsReportedAndNeverServed) {
  RawSqlite(path_).Run(GetParam().sql);
  EXPECT_THAT(Verified(), Contains(HasSubstr(GetParam().what)));
  const auto store = TryOpen();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_THAT(ExpectRightOrFailed(**store), Contains(GetParam().question));
  EXPECT_THAT(damages(), Contains(HasSubstr(GetParam().what)));
  for (const auto& [question, answer] : Answers(**store)) {
    if (!absl::StartsWith(question, "c ")) continue;
    EXPECT_EQ(answer, right_[question]) << "of another tenant";
  }
}

INSTANTIATE_TEST_SUITE_P(
    , SqliteRowDamageTest,
    testing::Values(
        RowDamage{
            "UPDATE entries SET value = CAST(replace(CAST(value AS TEXT), 'x4', 'x5') AS BLOB) WHERE name = 'two'",
            "a newest", "tenant a: scheme two since revision 7 has a wrong checksum"},
        RowDamage{"UPDATE entries SET value = x'0a056d6f64656c' WHERE name = 'model' AND tenant = 1", "a newest",
                  "tenant a: template model since revision 4"},
        RowDamage{"UPDATE entries SET name = 'tvo' WHERE name = 'two'", "a newest", "scheme tvo since revision"},
        RowDamage{"UPDATE entries SET kind = 2 WHERE name = 'last'", "a newest", "template last"},
        RowDamage{"UPDATE entries SET position = position + 100 WHERE name = 'one' AND tenant = 1", "a newest",
                  "tenant a: scheme one"},
        RowDamage{"UPDATE entries SET since = 3 WHERE name = 'model' AND tenant = 1", "a newest",
                  "template model since"},
        RowDamage{"UPDATE entries SET until = 6 WHERE name = 'model' AND tenant = 1", "a newest", "lacks an entry"},
        RowDamage{"UPDATE entries SET until = 4 WHERE name = 'one' AND since = 2 AND tenant = 1", "a at 4",
                  "tenant a: revision 4 lacks an entry"},
        RowDamage{"UPDATE entries SET tenant = 9 WHERE tenant = 2 AND kind = 1", "b newest",
                  "tenant b: revision 2 lacks an entry"},
        RowDamage{"UPDATE entries SET value = (SELECT e.value FROM entries e WHERE e.since = 5) WHERE since = 2 "
                  "AND kind = 1 AND tenant = 1",
                  "a at 3", "scheme one since revision 2"},
        RowDamage{"DELETE FROM entries WHERE name = 'two' AND since = 7", "a newest", "lacks an entry"},
        RowDamage{"DELETE FROM entries WHERE name = 'two' AND since = 3", "a at 3", "lacks an entry"},
        RowDamage{"DELETE FROM entries WHERE kind = 3", "a newest", "lacks an entry"},
        RowDamage{"INSERT INTO entries SELECT tenant, kind, 'copy', position + 50, since, until, value, checksum FROM "
                  "entries WHERE name = 'last'",
                  "a newest", "scheme copy"},
        RowDamage{"UPDATE tenants SET revision = 6 WHERE id = 1", "a range", "tenant a: its row"},
        RowDamage{"UPDATE tenants SET first_revision = 3 WHERE id = 1", "a range", "tenant a: its row"},
        RowDamage{"UPDATE tenants SET gaps = '' WHERE id = 1", "a range", "tenant a: its row"},
        RowDamage{"UPDATE tenants SET state = state + 1 WHERE id = 1", "a newest", "tenant a: its row"},
        RowDamage{"UPDATE tenants SET name = 'e' WHERE id = 2", "b newest", "tenant e: its row"},
        RowDamage{"DELETE FROM tenants WHERE id = 2", "b newest", "2 tenants instead of 3"},
        RowDamage{"UPDATE tenants SET id = 9 WHERE id = 2", "b newest", "tenant b: its row"},
        RowDamage{"UPDATE changes SET value = x'0801' WHERE tenant = 1 AND revision = 6", "a after 5",
                  "the change of revision 6"},
        RowDamage{"UPDATE changes SET request_digest = x'00' WHERE tenant = 1 AND revision = 6", "a after 5",
                  "the change of revision 6"},
        RowDamage{"UPDATE changes SET time = time + 1 WHERE tenant = 1 AND revision = 6", "a at 6",
                  "the change of revision 6"},
        RowDamage{"UPDATE changes SET state = state + 1 WHERE tenant = 1 AND revision = 6", "a at 6",
                  "the change of revision 6"},
        RowDamage{"DELETE FROM changes WHERE tenant = 1 AND revision = 6", "a after 5", "tenant a: the change"},
        RowDamage{"DELETE FROM changes WHERE tenant = 2", "b after 1", "tenant b: the change"}));

TEST_F(SqliteDamageTest, DamagedEpochIsNotOpened) {
  for (const char* sql : {"UPDATE meta SET epoch = 5", "UPDATE meta SET is_backup = 1", "DELETE FROM meta"}) {
    Restore(whole_);
    RawSqlite(path_).Run(sql);
    const absl::Status opened = TryOpen().status();
    EXPECT_EQ(ReasonAndField(opened), kFailed) << sql;
    EXPECT_THAT(std::string(opened.message()), HasSubstr("the row with the epoch")) << sql;
  }
}

// Clients drop the details of an error whose text is not UTF-8.
TEST_F(SqliteDamageTest, MessagesQuoteNoRawBytes) {
  std::string damaged = whole_;
  const size_t column = damaged.find("position INTEGER");
  ASSERT_NE(column, std::string::npos);
  damaged[column + std::string("position INTEGE").size()] = '\xff';
  Restore(damaged);
  const absl::Status opened = TryOpen().status();
  EXPECT_THAT(std::string(opened.message()), HasSubstr("INTEGE"));
  EXPECT_EQ(Printable(opened.message(), 10'000), opened.message());
}

// A damaged row must not become the basis of a new, sound one, nor be removed from history as if it were old.
TEST_F(SqliteDamageTest, WritesDoNotBuildOnDamage) {
  for (const char* sql :
       {"UPDATE entries SET position = 90 WHERE name = 'last'", "UPDATE tenants SET next_position = 0 WHERE id = 1",
        "UPDATE changes SET time = 0 WHERE tenant = 1", "UPDATE changes SET state = 7"}) {
    SCOPED_TRACE(sql);
    Restore(whole_);
    RawSqlite(path_).Run(sql);
    const auto store = TryOpen().value();
    const int64_t next = 1 + revisions_["a"].back();
    const absl::Status written = store->Commit(Tenant("a"), Write(next, {PutScheme("last", "new")})).status();
    EXPECT_EQ(ReasonAndField(written), kFailed);
    EXPECT_TRUE(absl::StrContains(written.message(), "is damaged: tenant a: ")) << written;
    EXPECT_FALSE(absl::StrContains(written.message(), path_)) << "clients must not see paths: " << written;
    ExpectRightOrFailed(*store);
  }
}

// Changes are never earlier than the one before them, so a damaged time in the future would be that of all later ones.
TEST_F(SqliteDamageTest, DamagedTimesDoNotMoveLaterOnes) {
  const absl::Time right = TryOpen().value()->newest_when_opened();
  RawSqlite(path_).Run("UPDATE changes SET time = time + 1000000000000000 WHERE tenant = 1");
  const auto store = TryOpen().value();
  EXPECT_EQ(store->Revisions(Tenant("a"))->newest_time, absl::InfinitePast());
  EXPECT_LE(store->newest_when_opened(), right);
  ExpectRightOrFailed(*store);
}

// Damage at each place of a text in the file: in a row, an index or a value.
TEST_F(SqliteDamageTest, WritesAfterDamagedIndexesAreNotWrong) {
  size_t places = 0;
  for (const std::string text : {"last", "model", "request-a-5"}) {
    for (size_t at = whole_.find(text); at != std::string::npos; at = whole_.find(text, at + 1)) {
      SCOPED_TRACE(absl::StrCat(text, " at ", at));
      ++places;
      std::string damaged = whole_;
      damaged[at] = 'L';
      for (const bool put : {false, true}) {
        Restore(damaged);
        std::string expected;
        {
          const auto store = TryOpen().value();
          const auto before = store->Load(Tenant("a"), 0);
          const int64_t next = 1 + revisions_["a"].back();
          const auto commit = Write(next, {put ? PutScheme("last", "new") : DeleteScheme("last")});
          const auto written = store->Commit(Tenant("a"), commit);
          if (before.ok() && written.ok()) expected = Described(before->After(commit.record));
        }
        const std::string loaded = Loaded(*TryOpen().value(), "a");
        EXPECT_TRUE(expected.empty() || loaded == kFailed || loaded == expected) << loaded << "\nnot " << expected;
      }
    }
  }
  EXPECT_GT(places, 8);
}

// A row of the index begins with the types of its columns. With an unknown type, SQLite compares it differently than it
// reads it, and finds the row of another request.
TEST_F(SqliteDamageTest, IndexOfRequestsDoesNotLeadToAnotherRequest) {
  const std::string type_of_tenant = "\x09";  // the number 1
  const std::string row = absl::StrCat("\x04", type_of_tenant, "\x23");
  constexpr size_t kTypes = 4;
  bool is_found = false;
  size_t rows = 0;
  for (size_t id = whole_.find("request-a-"); id != std::string::npos; id = whole_.find("request-a-", id + 1)) {
    if (whole_.compare(id - kTypes, row.size(), row) != 0) continue;
    ++rows;
    std::string damaged = whole_;
    damaged[id - kTypes + 1] = '\x0b';
    Restore(damaged);
    ExpectRightOrFailed(**TryOpen());
    for (const std::string& damage : damages()) {
      is_found = is_found || absl::StrContains(damage, "the index of its requests is wrong");
    }
  }
  EXPECT_GE(rows, 6u);
  EXPECT_TRUE(is_found);
}

TEST_F(SqliteDamageTest, PagesOfGarbageAreNeverServed) {
  std::mt19937_64 random(1);  // NOLINT(bugprone-random-generator-seed): the same garbage each time
  for (size_t page = 0; page < whole_.size() / kPage; ++page) {
    for (const bool zero : {false, true}) {
      SCOPED_TRACE(absl::StrCat("page ", page, zero ? " zero" : " random"));
      std::string damaged = whole_;
      for (size_t i = 0; i < kPage; ++i) damaged[page * kPage + i] = zero ? '\0' : static_cast<char>(random());
      Restore(damaged);
      if (const auto store = TryOpen(); store.ok()) ExpectRightOrFailed(**store);
      Restore(damaged);
      if (const auto store = TryOpen(int64_t{1} << 30); store.ok()) ExpectRightOrFailed(**store, true);
    }
  }
}

TEST_F(SqliteDamageTest, TruncatedFilesAreNeverServed) {
  for (size_t size = kPage; size < whole_.size(); size += 1024) {
    SCOPED_TRACE(size);
    Restore(whole_.substr(0, size));
    if (const auto store = TryOpen(); store.ok()) ExpectRightOrFailed(**store);
  }
}

// The bytes that differ from zero, which most damage in a small file would miss.
TEST_F(SqliteDamageTest, EachAnswerIsRightOrFailsAfterARandomFlip) {
  constexpr int kFlips = 400;
  std::vector<size_t> used;
  for (size_t i = 0; i < whole_.size(); ++i) {
    if (whole_[i] != '\0' && whole_[i] != 'm') used.push_back(i);
  }
  int opened = 0;
  int failed = 0;
  for (int seed = 0; seed < kFlips; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(static_cast<uint64_t>(seed));
    std::string damaged = whole_;
    char& byte = damaged[used[random() % used.size()]];
    byte = static_cast<char>(byte ^ (1 << random() % 8));
    Restore(damaged);
    const bool is_checked = seed % 2 == 1;
    const auto store = TryOpen(is_checked ? int64_t{1} << 30 : 0);
    if (!store.ok()) continue;
    ++opened;
    failed += ExpectRightOrFailed(**store, is_checked).empty() ? 0 : 1;
  }
  EXPECT_GT(opened, kFlips / 10);
  EXPECT_GT(failed, kFlips / 20);
}

TEST_F(SqliteDamageTest, NoticesDamageOfAFileThatIsInUse) {
  const auto store = TryOpen().value();
  const size_t at = whole_.find("y1");
  ASSERT_NE(at, std::string::npos);
  std::string damaged = whole_;
  for (size_t i = at; i != std::string::npos; i = damaged.find("y1", i)) damaged[i] = 'Y';
  WriteFile(path_, damaged);
  EXPECT_EQ(Loaded(*store, "b"), kFailed);
  EXPECT_EQ(Loaded(*store, "c"), right_["c newest"]);
  EXPECT_THAT(damages(), Contains(HasSubstr("tenant b: scheme one")));
}

TEST_F(SqliteDamageTest, FindsDamageInTheBackground) {
  RawSqlite(path_).Run("UPDATE entries SET since = 3 WHERE name = 'model' AND tenant = 1");
  scrub_interval_ = absl::Milliseconds(1);
  const auto store = TryOpen().value();
  const auto found = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::count_if(damages_.begin(), damages_.end(), [](const std::string& what) {
             return absl::StrContains(what, "tenant a: template model since revision 3");
           }) >= 2;  // in two passes
  };
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&found));
}

TEST_F(SqliteDamageTest, BackupsOfDamagedFilesFail) {
  RawSqlite(path_).Run("UPDATE entries SET since = 3 WHERE name = 'model' AND tenant = 1");
  const absl::Status status = BackupSqlite(path_, directory_.Path("backup"));
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("tenant a: template model since revision 3"));
  EXPECT_FALSE(std::filesystem::exists(directory_.Path("backup")));
}

}  // namespace
}  // namespace qconfig
