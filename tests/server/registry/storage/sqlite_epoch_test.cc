// SPDX-License-Identifier: Apache-2.0
//
// When opening a registry's file starts a new epoch, and when it does not.
#include "server/registry/storage/sqlite_epoch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/sqlite_backup.h"
#include "server/registry/storage/sqlite_new_epoch.h"
#include "server/registry/storage/sqlite_rows.h"
#include "server/registry/storage/sqlite_schema.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kFirst = 3'000'000'000'000;  // the first revision of an epoch that starts in the tests' minute
constexpr int64_t kSecond = kFirst + 1'000'000;

class SqliteEpochTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SqliteStore>> TryOpen(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.clock = Clock([this] { return now_; });
    options.warn = [this](const std::string& text) { warnings_.push_back(text); };
    warnings_.clear();
    return SqliteStore::Open(options);
  }
  std::unique_ptr<SqliteStore> Open() { return TryOpen(path_).value(); }

  // Commits `writes` revisions of tenant "a".
  static void Commit(RegistryStore& store, int writes) {
    for (; writes > 0; --writes) {
      const int64_t next = store.Revisions(Tenant("a"))->next;
      ASSERT_TRUE(store.Commit(Tenant("a"), Write(next, {PutScheme(absl::StrCat(next))})).ok());
    }
  }
  void Commit(int writes) { Commit(*Open(), writes); }
  // Opens the file and returns the range of tenant "a".
  std::string Opened() { return Described(Open()->Revisions(Tenant("a"))); }
  // Creates a file of version 1 without a write-ahead log, like a backup of that version.
  void CreateFirstVersion() {
    WriteFile(path_, "");
    auto connection = SqliteConnection::Open(path_, SqliteConnection::Mode::kWrite, absl::ZeroDuration()).value();
    ASSERT_TRUE(Migrate(connection, {SqliteMigrations().front()}).ok());
    ASSERT_TRUE(connection.Execute("INSERT INTO tenants VALUES (1, 'a', 4, 4), (2, 'b', 2, 2)").ok());
  }
  std::string CountFile() const { return FileBytes(path_ + ".commits"); }
  absl::StatusOr<int64_t> BeginByCommand(const std::string& path) {
    warnings_.clear();
    return BeginSqliteEpochAt(path, [this](const std::string& text) { warnings_.push_back(text); });
  }
  // Replaces the file, and removes SQLite's additional files, like a restore.
  void Replace(const std::string& bytes) {
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
    WriteFile(path_, bytes);
  }

  const TempDirectory directory_;
  const std::string path_ = directory_.Path("db");
  const std::string backup_ = directory_.Path("backup");
  absl::Time now_ = absl::FromUnixSeconds(1'577'836'800) + absl::Minutes(3'000'000) + absl::Seconds(59);
  std::vector<std::string> warnings_;
};

TEST_F(SqliteEpochTest, RestoredBackupStartsOneEpoch) {
  Commit(1);
  ASSERT_EQ(BackupSqlite(path_, backup_), absl::OkStatus());
  Commit(1);
  Replace(FileBytes(backup_));
  EXPECT_EQ(Opened(), absl::StrCat("1 to 2, next ", kFirst));
  EXPECT_THAT(warnings_, ElementsAre(absl::StrCat("new epoch: ", path_,
                                                  " is a restored backup; new revisions begin at ", kFirst)));
  now_ += absl::Hours(1);
  EXPECT_EQ(Opened(), absl::StrCat("1 to 2, next ", kFirst)) << "the mark is gone";
  EXPECT_THAT(warnings_, IsEmpty());
  Commit(2);
  EXPECT_EQ(Opened(), absl::StrCat("1 to 2, ", kFirst, " to ", kFirst + 1));
}

TEST_F(SqliteEpochTest, BackupIsMarkedButNotTheServedFile) {
  const auto store = Open();
  Commit(*store, 1);
  ASSERT_EQ(BackupSqlite(path_, backup_), absl::OkStatus());
  const auto copy = TryOpen(backup_).value();
  EXPECT_EQ(Described(copy->Revisions(Tenant("a"))), absl::StrCat("1 to 2, next ", kFirst));
  EXPECT_EQ(Described(store->Revisions(Tenant("a"))), "1 to 2");
  // A backup of a backup is also marked.
  const std::string second = directory_.Path("second");
  const std::string third = directory_.Path("third");
  ASSERT_EQ(BackupSqlite(path_, second), absl::OkStatus());
  ASSERT_EQ(BackupSqlite(second, third), absl::OkStatus());
  EXPECT_EQ(Described(TryOpen(third).value()->Revisions(Tenant("b"))), absl::StrCat("1 to 1, next ", kFirst));
}

TEST_F(SqliteEpochTest, TwoRestoresInOneMinuteGetDifferentEpochs) {
  Commit(1);
  ASSERT_EQ(BackupSqlite(path_, backup_), absl::OkStatus());
  Replace(FileBytes(backup_));
  Commit(3);
  Replace(FileBytes(backup_));
  EXPECT_EQ(Opened(), absl::StrCat("1 to 2, next ", kSecond));
}

TEST_F(SqliteEpochTest, EpochExceedsLostRevisionsRegardlessOfTheClock) {
  now_ = absl::UnixEpoch();
  Commit(1);
  ASSERT_EQ(BackupSqlite(path_, backup_), absl::OkStatus());
  {  // as after many writes
    TenantRow row;
    row.id = 1;
    row.revision = 2'500'000;
    row.commits = 2'499'999;
    auto connection = SqliteConnection::Open(path_, SqliteConnection::Mode::kWrite, absl::ZeroDuration()).value();
    ASSERT_EQ(WriteTenant(connection, "a", row), absl::OkStatus());
  }
  EXPECT_EQ(Opened(), "1 to 2500000");
  Replace(FileBytes(backup_));
  EXPECT_EQ(Opened(), "1 to 2, next 3000000");
}

TEST_F(SqliteEpochTest, OlderCopyStartsAnEpoch) {
  Commit(1);
  const std::string copy = FileBytes(path_);
  Commit(2);
  Replace(copy);
  EXPECT_EQ(Opened(), absl::StrCat("1 to 2, next ", kFirst));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("has 1 commits, but 3 were counted")));
  EXPECT_EQ(Opened(), absl::StrCat("1 to 2, next ", kFirst));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(SqliteEpochTest, CopyOfAnEarlierEpochStartsAnotherEpoch) {
  Commit(5);
  const std::string copy = FileBytes(path_);
  ASSERT_TRUE(Open()->BeginEpoch().ok());
  Commit(1);
  Replace(copy);
  const std::string opened = Opened();
  EXPECT_EQ(opened, absl::StrCat("1 to 6, next ", kSecond));
  // The copy has more commits than the file that it replaces.
  ASSERT_EQ(BackupSqlite(path_, backup_), absl::OkStatus());
  Commit(20);
  const std::string later = FileBytes(path_);
  Replace(FileBytes(backup_));
  Commit(1);
  Replace(later);
  Opened();
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("belongs to an earlier epoch: it was replaced by an older copy")));
}

TEST_F(SqliteEpochTest, NewFileAfterALossStartsAnEpoch) {
  Commit(3);
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  EXPECT_EQ(Opened(), absl::StrCat("1 to 1, next ", kFirst));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("has 0 commits, but 3 were counted")));
}

TEST_F(SqliteEpochTest, LostLogStartsAnEpoch) {
  const std::string killed = directory_.Path("killed");
  {
    const auto store = Open();
    Commit(*store, 1);
    RawSqlite(path_).Run("PRAGMA wal_checkpoint(TRUNCATE)");
    Commit(*store, 1);
    for (const char* file : {"", ".commits"}) WriteFile(killed + file, FileBytes(path_ + file));
  }
  EXPECT_EQ(Described(TryOpen(killed).value()->Revisions(Tenant("a"))), absl::StrCat("1 to 2, next ", kFirst));
}

TEST_F(SqliteEpochTest, UncountedCommitStartsNoEpoch) {
  Commit(1);
  const std::string before = CountFile();
  Commit(1);
  EXPECT_NE(CountFile(), before);
  WriteFile(path_ + ".commits", before);  // as after a kill between the two
  EXPECT_EQ(Opened(), "1 to 3");
  EXPECT_THAT(warnings_, IsEmpty());
  std::filesystem::remove(path_ + ".commits");
  EXPECT_EQ(Opened(), "1 to 3");
}

TEST_F(SqliteEpochTest, UncountedEpochStartsNoSecondEpoch) {
  Commit(1);
  const std::string copy = FileBytes(path_);
  Commit(2);
  const std::string before = CountFile();
  ASSERT_EQ(before, "00000000000000000000 00000000000000000003\n");
  Replace(copy);
  ASSERT_EQ(Opened(), absl::StrCat("1 to 2, next ", kFirst));
  WriteFile(path_ + ".commits", before);  // as after a kill between the two
  EXPECT_EQ(Opened(), absl::StrCat("1 to 2, next ", kFirst));
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(CountFile(), "00000003000000000000 00000000000000000001\n");
}

TEST_F(SqliteEpochTest, CountsEachCommitBeforeItIsAcknowledged) {
  const auto store = Open();
  EXPECT_EQ(CountFile(), "00000000000000000000 00000000000000000000\n");
  Commit(*store, 2);
  EXPECT_EQ(CountFile(), "00000000000000000000 00000000000000000002\n");
  ASSERT_TRUE(store->BeginEpoch().ok());
  EXPECT_EQ(CountFile(), "00000003000000000000 00000000000000000002\n");
  Commit(*store, 1);
  EXPECT_EQ(CountFile(), "00000003000000000000 00000000000000000003\n");
}

TEST_F(SqliteEpochTest, ReplacesADamagedCount) {
  for (const std::string& text : {std::string(), std::string(42, '\0'), std::string("x"),
                                  std::string("00000000000000000000 00000000000000000009"),
                                  std::string("00000000000000000000 -0000000000000000009\n"),
                                  std::string("09223372036854775807 00000000000000000009\n"), std::string(100, '0')}) {
    WriteFile(path_ + ".commits", text);
    EXPECT_EQ(Opened(), "1 to 1") << text;
    EXPECT_EQ(CountFile(), "00000000000000000000 00000000000000000000\n");
  }
}

TEST_F(SqliteEpochTest, CountFileIsPrivateAndMustNotBeALink) {
  Open();
  struct stat file {};
  ASSERT_EQ(stat((path_ + ".commits").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600);
  std::filesystem::remove(path_ + ".commits");
  std::filesystem::create_symlink(directory_.Path("theirs"), path_ + ".commits");
  EXPECT_EQ(ReasonAndField(TryOpen(path_).status()), "STORAGE_UNAVAILABLE");
  EXPECT_FALSE(std::filesystem::exists(directory_.Path("theirs")));
}

TEST_F(SqliteEpochTest, CountAndLockBelongToTheOwnerOfTheRegistry) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can change the owner of files";
  Open();
  for (const char* suffix : {".commits", ".lock"}) std::filesystem::remove(path_ + suffix);
  ASSERT_EQ(chown(path_.c_str(), 65532, 65532), 0);
  Open();
  for (const char* suffix : {".commits", ".lock"}) {
    struct stat file {};
    ASSERT_EQ(stat((path_ + suffix).c_str(), &file), 0) << suffix;
    EXPECT_EQ(file.st_uid, 65532) << suffix;
    EXPECT_EQ(file.st_gid, 65532) << suffix;
  }
}

TEST_F(SqliteEpochTest, CountIsNextToTheTargetOfALink) {
  Commit(1);
  const std::string link = directory_.Path("link");
  std::filesystem::create_symlink(path_, link);
  const auto store = TryOpen(link).value();
  Commit(*store, 1);
  EXPECT_EQ(CountFile(), "00000000000000000000 00000000000000000002\n");
  EXPECT_FALSE(std::filesystem::exists(link + ".commits"));
}

TEST_F(SqliteEpochTest, EpochSurvivesAKill) {
  const std::string killed = directory_.Path("killed");
  {
    const auto store = Open();
    Commit(*store, 1);
    ASSERT_TRUE(store->BeginEpoch().ok());
    for (const char* suffix : {"", "-wal", "-shm"}) WriteFile(killed + suffix, FileBytes(path_ + suffix));
  }
  EXPECT_EQ(Described(TryOpen(killed).value()->Revisions(Tenant("a"))), absl::StrCat("1 to 2, next ", kFirst));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(SqliteEpochTest, MigratesFilesOfVersion1) {
  CreateFirstVersion();
  RawSqlite(path_).Run("PRAGMA journal_mode = WAL");  // as after a server
  ASSERT_EQ(BackupSqlite(path_, backup_), absl::OkStatus()) << "works before the migration";
  const auto store = Open();
  EXPECT_EQ(Described(store->Revisions(Tenant("a"))), "4 to 4");
  EXPECT_EQ(store->writes(), 4);
  Commit(*store, 1);
  EXPECT_EQ(store->writes(), 5);
  EXPECT_EQ(Described(TryOpen(backup_).value()->Revisions(Tenant("a"))), absl::StrCat("4 to 4, next ", kFirst));
}

TEST_F(SqliteEpochTest, BackupOfVersion1StartsOneEpoch) {
  CreateFirstVersion();
  EXPECT_EQ(Opened(), absl::StrCat("4 to 4, next ", kFirst));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr(" is a restored backup; ")));
  now_ += absl::Hours(1);
  EXPECT_EQ(Opened(), absl::StrCat("4 to 4, next ", kFirst)) << "the mark is gone";
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(SqliteEpochTest, ReportsDamagedGaps) {
  Commit(1);
  const std::string whole = FileBytes(path_);
  for (const char* damage : {"UPDATE tenants SET gaps = '5'", "UPDATE tenants SET gaps = '5:x '", "DELETE FROM meta"}) {
    Replace(whole);
    const auto store = Open();
    RawSqlite(path_).Run(damage);
    const absl::Status status = store->Revisions(Tenant("a")).status();
    EXPECT_EQ(ReasonAndField(status), "STORAGE_UNAVAILABLE") << damage;
    EXPECT_THAT(std::string(status.message()), HasSubstr("the stored registry is damaged: "));
  }
}

TEST_F(SqliteEpochTest, CommandStartsAnEpochWithoutAServer) {
  Commit(1);
  const int64_t first = BeginByCommand(path_).value();
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(Opened(), absl::StrCat("1 to 2, next ", first));
  const auto store = Open();
  const absl::Status served = BeginByCommand(path_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(served)) << served;
  EXPECT_THAT(std::string(served.message()), HasSubstr(absl::StrCat("process ", getpid(), " holds ", path_, ".lock")));
  EXPECT_EQ(Described(store->Revisions(Tenant("a"))), absl::StrCat("1 to 2, next ", first));
  const absl::Status missing = BeginByCommand(directory_.Path("none")).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(missing)) << missing;
  EXPECT_THAT(std::string(missing.message()), HasSubstr("does not exist"));
  EXPECT_FALSE(std::filesystem::exists(directory_.Path("none")));
}

TEST_F(SqliteEpochTest, CommandStartsOneEpochForARestoredFileAndPrintsTheCause) {
  Commit(1);
  const std::string copy = FileBytes(path_);
  ASSERT_EQ(BackupSqlite(path_, backup_), absl::OkStatus());
  Commit(1);
  for (const auto& [restored, why] :
       {std::pair(FileBytes(backup_), "is a restored backup"), std::pair(copy, "belongs to an earlier epoch")}) {
    Replace(restored);
    const int64_t first = BeginByCommand(path_).value();
    EXPECT_THAT(warnings_, ElementsAre(AllOf(HasSubstr(why), EndsWith(absl::StrCat(" begin at ", first)))));
    EXPECT_EQ(Opened(), absl::StrCat("1 to 2, next ", first)) << "no second epoch has started";
  }
}

}  // namespace
}  // namespace qconfig
