// SPDX-License-Identifier: Apache-2.0
//
// Files on the disk: which files the store creates, which it rejects without a change, and their permissions.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/sqlite_schema.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

class SqliteFilesTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    return SqliteStore::Open(options);
  }

  // Creates a registry with one tenant "a" at revision 3.
  void Fill(const std::string& path) {
    const auto store = Open(path).value();
    ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {PutScheme("s", std::string(20'000, 's'))})).ok());
    ASSERT_TRUE(store->Commit(Tenant("a"), Write(3, {PutTemplate("m", std::string(20'000, 'm'))})).ok());
  }

  // Checks that the store rejects the file with a message that contains `problem`, and does not change it.
  void ExpectRejected(const std::string& path, const std::string& problem) {
    SCOPED_TRACE(problem);
    const std::string before = FileBytes(path);
    const std::string log_before = FileBytes(path + "-wal");
    const absl::Status status = Open(path).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_NE(status.message().find(problem), std::string::npos) << status;
    EXPECT_NE(status.message().find("; "), std::string::npos) << "the message has no advice: " << status;
    EXPECT_TRUE(FileBytes(path) == before) << "the file has changed";
    EXPECT_TRUE(FileBytes(path + "-wal") == log_before) << "the log has changed";
  }

  const TempDirectory directory_;
  const std::string path_ = directory_.Path("db");
};

TEST_F(SqliteFilesTest, OnlyTheOwnerCanAccessFilesAndDirectories) {
  const std::string path = directory_.Path("x/y/registry.db");
  const auto store = Open(path).value();
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {})).ok());
  const auto mode = [](const std::string& name) {
    struct stat file {};
    EXPECT_EQ(stat(name.c_str(), &file), 0) << name;
    return file.st_mode & 0777;
  };
  EXPECT_EQ(mode(directory_.Path("x")), 0700);
  EXPECT_EQ(mode(directory_.Path("x/y")), 0700);
  EXPECT_EQ(mode(path), 0600);
  EXPECT_EQ(mode(path + "-wal"), 0600);
  EXPECT_EQ(mode(path + ".lock"), 0600);
}

TEST_F(SqliteFilesTest, ClosingLeavesTheDatabaseCountAndLockFiles) {
  Fill(path_);
  EXPECT_TRUE(std::filesystem::exists(path_ + ".lock"));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".commits"));
  const std::filesystem::directory_iterator files(std::filesystem::path(path_).parent_path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 3);
}

TEST_F(SqliteFilesTest, RejectsFilesThatAreNotDatabases) {
  WriteFile(path_, "");
  ExpectRejected(path_, "is empty");
  WriteFile(path_, "not a database");
  ExpectRejected(path_, "is not an SQLite database");
  WriteFile(path_, std::string(100'000, 'x'));
  ExpectRejected(path_, "is not an SQLite database");
}

TEST_F(SqliteFilesTest, RejectsFilesOfOtherApplications) {
  RawSqlite(path_).Run("CREATE TABLE theirs (x)");
  ExpectRejected(path_, "another application");
  RawSqlite(path_).Run("PRAGMA journal_mode = WAL; PRAGMA application_id = 5; INSERT INTO theirs VALUES (1)");
  ASSERT_FALSE(FileBytes(path_ + "-wal").empty());
  ExpectRejected(path_, "another application");
}

TEST_F(SqliteFilesTest, RejectsFilesOfNewerReleases) {
  Fill(path_);
  RawSqlite(path_).Run("PRAGMA user_version = 4");
  ASSERT_FALSE(FileBytes(path_ + "-wal").empty());
  ExpectRejected(path_, "has version 4, but this release supports versions up to 3; use the release");
  RawSqlite(path_).Run("PRAGMA wal_checkpoint(TRUNCATE)");
  ExpectRejected(path_, "has version 4");
  for (const int version : {0, -1}) {
    RawSqlite(path_).Run(absl::StrCat("PRAGMA user_version = ", version));
    ExpectRejected(path_, absl::StrCat("is damaged: version ", version, " does not exist"));
  }
  RawSqlite(path_).Run("PRAGMA user_version = 3");
  EXPECT_EQ(Described(Open(path_).value()->Revisions(Tenant("a"))), "1 to 3");
}

TEST_F(SqliteFilesTest, RejectsDamagedFiles) {
  Fill(path_);
  const std::string whole = FileBytes(path_);
  for (const size_t size : {size_t{1000}, size_t{4096}, whole.size() / 2, whole.size() - 4096, whole.size() - 1}) {
    WriteFile(path_, whole.substr(0, size));
    ExpectRejected(path_, "");
  }
  constexpr size_t kPage = 4096;
  for (size_t page = 1; page < whole.size() / kPage; ++page) {
    // SQLite checks the links between overflow pages, but not their contents.
    std::string damaged = whole;
    damaged.replace(page * kPage, 100, std::string(100, '\xff'));
    WriteFile(path_, damaged);
    ExpectRejected(path_, "is damaged");
    const absl::Status status = Open(path_).status();
    EXPECT_EQ(status.message().find('\n'), std::string::npos) << status;
  }
  std::string unknown_format = whole;
  unknown_format[47] = 9;
  WriteFile(path_, unknown_format);
  ExpectRejected(path_, "is damaged");
  WriteFile(path_, whole);
  EXPECT_EQ(Described(Open(path_).value()->Revisions(Tenant("a"))), "1 to 3");
}

TEST_F(SqliteFilesTest, RejectsALogWithoutItsDatabase) {
  WriteFile(path_ + "-wal", "log");
  ExpectRejected(path_, "is missing, but its -wal file exists");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteFilesTest, RejectsAPathBelowAFile) {
  WriteFile(path_, "");
  EXPECT_EQ(ReasonAndField(Open(path_ + "/db").status()), "STORAGE_UNAVAILABLE");
}

TEST_F(SqliteFilesTest, ReportsUnreadableRows) {
  Fill(path_);
  const std::vector<std::string> damages = {
      "UPDATE entries SET value = x'ff' WHERE kind = 1", "UPDATE entries SET name = 'other' WHERE kind = 2",
      "UPDATE entries SET kind = 9 WHERE kind = 1", "UPDATE entries SET value = zeroblob(0) WHERE kind = 2"};
  const std::string whole = FileBytes(path_);
  for (const std::string& damage : damages) {
    WriteFile(path_, whole);
    std::filesystem::remove(path_ + "-wal");
    RawSqlite(path_).Run(damage);
    const auto store = Open(path_).value();
    const absl::Status status = store->Load(Tenant("a"), 0).status();
    EXPECT_EQ(ReasonAndField(status), "STORAGE_UNAVAILABLE") << damage;
    EXPECT_NE(status.message().find("is damaged: tenant a: "), std::string::npos) << status;
  }
  WriteFile(path_, whole);
  RawSqlite(path_).Run("UPDATE changes SET value = x'ff', request_id = 'r' WHERE revision = 2");
  EXPECT_EQ(ChangesOf(*Open(path_).value(), "a", 1), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(ReasonAndField(Open(path_).value()->FindRequest(Tenant("a"), "r").status()), "STORAGE_UNAVAILABLE");
  RawSqlite(path_).Run("DELETE FROM changes WHERE revision = 2");
  EXPECT_EQ(ChangesOf(*Open(path_).value(), "a", 1), "STORAGE_UNAVAILABLE");
  RawSqlite(path_).Run("DROP TABLE changes");
  EXPECT_EQ(ReasonAndField(Open(path_).status()), "STORAGE_UNAVAILABLE");
}

TEST_F(SqliteFilesTest, MigrationsRunOnceAndAtomically) {
  Fill(path_);
  auto connection = SqliteConnection::Open(path_, SqliteConnection::Mode::kWrite, absl::ZeroDuration()).value();
  std::vector<SqliteMigration> migrations = SqliteMigrations();
  migrations.push_back({"CREATE TABLE more (x)"});
  migrations.push_back({"CREATE TABLE most (x); CREATE TABLE most (x)"});
  EXPECT_EQ(ReasonAndField(Migrate(connection, migrations)), "STORAGE_UNAVAILABLE");
  migrations.back() = {"CREATE TABLE most (x)"};
  EXPECT_TRUE(Migrate(connection, migrations).ok());
  EXPECT_TRUE(Migrate(connection, migrations).ok());
  EXPECT_TRUE(connection.Execute("INSERT INTO more VALUES (1); INSERT INTO most VALUES (1)").ok());
  SqliteQuery version(connection, "PRAGMA user_version");
  ASSERT_TRUE(version.Next());
  EXPECT_EQ(version.Int(0), 5);
}

TEST_F(SqliteFilesTest, RejectsASecondStoreOnTheSameFile) {
  const auto store = Open(path_).value();
  std::filesystem::create_symlink(path_, directory_.Path("link"));
  for (const std::string& path : {path_, directory_.Path("./x/../db"), directory_.Path("link")}) {
    const absl::Status second = Open(path).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
    EXPECT_NE(second.message().find(absl::StrCat("process ", getpid(), " holds ")), std::string::npos) << second;
  }
  EXPECT_EQ(Described(store->Commit(Tenant("a"), Write(2, {}))), "1 to 2");
}

// A child process that runs `task` and writes to a pipe. The destructor kills it.
class Child {
 public:
  template <typename Task>
  explicit Child(const Task& task) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      task(UniqueFd(ends[1]));
      while (true) pause();
    }
    close(ends[1]);
    from_child_ = UniqueFd(ends[0]);
  }
  ~Child() { Kill(); }

  pid_t pid() const { return pid_; }
  // Waits for the next byte. Returns 0 if the child has exited.
  char Read() {
    char byte = 0;
    return read(from_child_.get(), &byte, 1) == 1 ? byte : '\0';
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  UniqueFd from_child_;
};

void Tell(const UniqueFd& parent, char byte) {
  if (write(parent.get(), &byte, 1) != 1) _exit(1);
}

TEST_F(SqliteFilesTest, HoldsTheLockUntilTheProcessEnds) {
  Child child([this](const UniqueFd& parent) {
    const auto lock = FileLock::Acquire(path_);
    Tell(parent, lock.ok() ? 'y' : 'n');
    while (true) pause();
  });
  ASSERT_EQ(child.Read(), 'y');
  const absl::Status rejected = Open(path_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(rejected)) << rejected;
  EXPECT_NE(rejected.message().find(absl::StrCat("process ", child.pid(), " holds ")), std::string::npos) << rejected;
  EXPECT_FALSE(std::filesystem::exists(path_));
  child.Kill();
  EXPECT_TRUE(Open(path_).ok());
}

TEST_F(SqliteFilesTest, KeepsAcknowledgedWritesAfterAKill) {
  constexpr int kWrites = 20;
  Child child([this](const UniqueFd& parent) {
    const auto store = Open(path_).value();
    for (int64_t revision = 2;; ++revision) {
      const std::string text(static_cast<size_t>(revision) * 1000, 'x');
      Tell(parent, store->Commit(Tenant("a"), Write(revision, {PutTemplate("m", text)})).ok() ? 'y' : 'n');
    }
  });
  for (int i = 0; i < kWrites; ++i) ASSERT_EQ(child.Read(), 'y');
  child.Kill();  // most likely during a write
  const auto store = Open(path_).value();
  const int64_t newest = store->Revisions(Tenant("a"))->newest;
  EXPECT_GE(newest, 1 + kWrites);
  for (int64_t revision = 2; revision <= newest; ++revision) {
    EXPECT_EQ(store->Load(Tenant("a"), revision)->templates().at(0)->description().size(), revision * 1000);
  }
}

}  // namespace
}  // namespace qconfig
