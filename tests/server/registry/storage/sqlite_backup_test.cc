// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_backup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

class SqliteBackupTest : public testing::Test {
 protected:
  static std::unique_ptr<SqliteStore> Open(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    return SqliteStore::Open(options).value();
  }

  size_t FileCount() const {
    const std::filesystem::directory_iterator files(std::filesystem::path(from_).parent_path());
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  void ExpectRejected(const std::string& from, const std::string& to, const std::string& problem) {
    const size_t files = FileCount();
    const absl::Status status = BackupSqlite(from, to);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_NE(status.message().find(problem), std::string::npos) << status;
    EXPECT_EQ(FileCount(), files);
  }

  const TempDirectory directory_;
  const std::string from_ = directory_.Path("from");
  const std::string to_ = directory_.Path("to");
};

TEST_F(SqliteBackupTest, BackupIsOneFileThatOpensAsAStore) {
  const auto store = Open(from_);
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {PutScheme("s", "1"), SetDefaultCatalog("c")})).ok());
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(3, {PutTemplate("m", "2")})).ok());
  const size_t files = FileCount();
  ASSERT_EQ(BackupSqlite(from_, to_), absl::OkStatus());
  EXPECT_EQ(FileCount(), files + 1);
  // The backup does not use a mode with additional files.
  EXPECT_EQ(FileBytes(to_)[18], 1);
  struct stat file {};
  ASSERT_EQ(stat(to_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600);
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(4, {})).ok());

  const auto copy = Open(to_);
  EXPECT_EQ(Loaded(*copy, "a"), "3 c: s=1; m=2");
  EXPECT_EQ(Loaded(*copy, "a", 2), "2 c: s=1; ");
  EXPECT_EQ(ChangesOf(*copy, "a", 1), "2 3");
  const int64_t next = copy->Revisions(Tenant("a"))->next;
  EXPECT_GT(next, 1'000'000) << "revision 4 is already used";
  EXPECT_EQ(Described(copy->Commit(Tenant("a"), Write(next, {}))), absl::StrCat("1 to 3, ", next, " to ", next));
}

TEST_F(SqliteBackupTest, BackupDuringWritesIsConsistent) {
  constexpr int kWriters = 4;
  const auto store = Open(from_);
  std::atomic<bool> done{false};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&store, &done, tenant = Tenant(absl::StrCat("t", writer))] {
      for (int64_t revision = 2; !done; ++revision) {
        const std::string text = absl::StrCat(revision);
        ASSERT_TRUE(store->Commit(tenant, Write(revision, {PutTemplate("m", text), PutTemplate("n", text)})).ok());
      }
    });
  }
  for (int backup = 0; backup < 5; ++backup) {
    int64_t before[kWriters];
    for (int writer = 0; writer < kWriters; ++writer) {
      before[writer] = store->Revisions(Tenant(absl::StrCat("t", writer)))->newest;
    }
    const std::string path = absl::StrCat(to_, backup);
    ASSERT_EQ(BackupSqlite(from_, path), absl::OkStatus());
    const auto copy = Open(path);
    for (int writer = 0; writer < kWriters; ++writer) {
      const std::string tenant = absl::StrCat("t", writer);
      const int64_t newest = copy->Revisions(Tenant(tenant))->newest;
      EXPECT_GE(newest, before[writer]);
      const std::string entries = newest == 1 ? "" : absl::StrCat("m=", newest, ", n=", newest);
      EXPECT_EQ(Loaded(*copy, tenant), absl::StrCat(newest, " : ; ", entries));
      EXPECT_EQ(copy->ChangesSince(Tenant(tenant), 1, 1'000'000)->size(), newest - 1);
    }
  }
  done = true;
  for (std::thread& writer : writers) writer.join();
}

TEST_F(SqliteBackupTest, BacksUpAFileWithoutAServer) {
  { ASSERT_TRUE(Open(from_)->Commit(Tenant("a"), Write(2, {PutScheme("s")})).ok()); }
  const std::string before = FileBytes(from_);
  ASSERT_EQ(BackupSqlite(from_, to_), absl::OkStatus());
  EXPECT_TRUE(FileBytes(from_) == before);
  EXPECT_EQ(Loaded(*Open(to_), "a"), "2 : s=; ");
}

TEST_F(SqliteBackupTest, DoesNotReplaceExistingFiles) {
  const auto store = Open(from_);
  WriteFile(to_, "theirs");
  ExpectRejected(from_, to_, "already exists");
  EXPECT_EQ(FileBytes(to_), "theirs");
  ExpectRejected(from_, from_, "already exists");
  WriteFile(directory_.Path("restored-wal"), "log of something else");
  ExpectRejected(from_, directory_.Path("restored"), "restored-wal already exists");
}

TEST_F(SqliteBackupTest, RejectsFilesThatAreNotRegistries) {
  ExpectRejected(from_, to_, "does not exist");
  WriteFile(from_, "");
  ExpectRejected(from_, to_, "is empty");
  WriteFile(from_, std::string(5000, 'x'));
  ExpectRejected(from_, to_, "is not an SQLite database");
  const std::string theirs = directory_.Path("theirs");
  RawSqlite(theirs).Run("CREATE TABLE theirs (x)");
  ExpectRejected(theirs, to_, "another application");
}

TEST_F(SqliteBackupTest, RejectsDamagedFiles) {
  { ASSERT_TRUE(Open(from_)->Commit(Tenant("a"), Write(2, {PutScheme("s", std::string(50'000, 'x'))})).ok()); }
  std::string bytes = FileBytes(from_);
  bytes.replace(4096 * 2, 100, std::string(100, '\xff'));
  WriteFile(from_, bytes);
  ExpectRejected(from_, to_, from_ + " is damaged");
}

TEST_F(SqliteBackupTest, LeavesTheLogOfAKilledServerUnchanged) {
  const std::string killed = directory_.Path("killed");
  {
    const auto store = Open(from_);
    ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {PutScheme("s")})).ok());
    for (const char* suffix : {"", "-wal"}) WriteFile(killed + suffix, FileBytes(from_ + suffix));
  }
  const std::string before = FileBytes(killed);
  const std::string log = FileBytes(killed + "-wal");
  ASSERT_FALSE(log.empty());
  std::filesystem::create_symlink(killed, directory_.Path("link"));
  int copies = 0;
  for (const std::string& name : {killed, directory_.Path("link"), directory_.Path("none/../killed")}) {
    const std::string copy = absl::StrCat(to_, ++copies);
    ASSERT_EQ(BackupSqlite(name, copy), absl::OkStatus());
    EXPECT_TRUE(FileBytes(killed) == before) << name;
    EXPECT_TRUE(FileBytes(killed + "-wal") == log) << name;
    EXPECT_EQ(Loaded(*Open(copy), "a"), "2 : s=; ");
  }
}

TEST_F(SqliteBackupTest, TreatsSpecialSqliteNamesAsFiles) {
  { ASSERT_TRUE(Open(from_)->Commit(Tenant("a"), Write(2, {PutScheme("s")})).ok()); }
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(std::filesystem::path(from_).parent_path());
  for (const std::string name : {"file:x", ":memory:"}) {
    EXPECT_EQ(BackupSqlite("from", name), absl::OkStatus());
    EXPECT_EQ(Loaded(*Open(name), "a"), "2 : s=; ");
    EXPECT_EQ(BackupSqlite(name, name + "2"), absl::OkStatus());
    EXPECT_TRUE(std::filesystem::exists(directory_.Path(name + "2")));
  }
  std::filesystem::current_path(before);
}

TEST_F(SqliteBackupTest, ReportsAMissingDirectory) {
  const auto store = Open(from_);
  EXPECT_EQ(ReasonAndField(BackupSqlite(from_, directory_.Path("none/to"))), "STORAGE_UNAVAILABLE");
}

}  // namespace
}  // namespace qconfig
