// SPDX-License-Identifier: Apache-2.0
//
// Changes to a store's files by people or other programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/sqlite_backup.h"
#include "server/registry/storage/sqlite_log.h"
#include "server/registry/storage/sqlite_schema.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

class SqliteMisuseTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SqliteStore>> TryOpen(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    return SqliteStore::Open(options);
  }
  std::unique_ptr<SqliteStore> Open(const std::string& path) { return TryOpen(path).value(); }

  // Commits `writes` revisions that put `text`.
  static void Fill(SqliteStore& store, int writes, const std::string& text) {
    for (; writes > 0; --writes) {
      const int64_t revision = store.Revisions(Tenant("a"))->next;
      ASSERT_TRUE(store.Commit(Tenant("a"), Write(revision, {PutTemplate(absl::StrCat("m", revision), text)})).ok());
    }
  }

  void ExpectRejected(const std::string& path, const std::string& problem) {
    const absl::Status status = TryOpen(path).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_NE(status.message().find(problem), std::string::npos) << status;
    EXPECT_NE(status.message().find("; "), std::string::npos) << "the message has no advice: " << status;
  }

  void ExpectMoved(const absl::Status& status) {
    EXPECT_EQ(ReasonAndField(status), "STORAGE_UNAVAILABLE");
    EXPECT_NE(status.message().find(path_ + " was moved or replaced while the server was using it; restart the server"),
              std::string::npos)
        << status;
  }

  // Checks that the store rejects this write and later ones, because of what happened to its log.
  void ExpectRejectsWrites(SqliteStore& store, const std::string& what) {
    for (int i = 0; i < 2; ++i) {
      const absl::Status status = store.Commit(Tenant("a"), Write(6 + i, {})).status();
      EXPECT_EQ(ReasonAndField(status), "STORAGE_UNAVAILABLE");
      EXPECT_NE(
          status.message().find(absl::StrCat(path_, "-wal was ", what, " while the server was using it; restart")),
          std::string::npos)
          << status;
    }
  }

  // The revisions that a server finds after this one has been killed.
  std::string RevisionsAfterKill() {
    const std::string killed = directory_.Path("killed");
    for (const char* suffix : {"", "-wal", "-shm", ".commits"}) {
      std::filesystem::remove(killed + suffix);
      if (std::filesystem::exists(path_ + suffix)) std::filesystem::copy_file(path_ + suffix, killed + suffix);
    }
    const auto store = TryOpen(killed);
    return store.ok() ? Described((*store)->Revisions(Tenant("a"))) : std::string(store.status().message());
  }

  const TempDirectory directory_;
  const std::string path_ = directory_.Path("db");
};

TEST_F(SqliteMisuseTest, DoesNotModifyAReplacementFile) {
  const std::string backup = directory_.Path("backup");
  auto store = Open(path_);
  Fill(*store, 19, std::string(3000, 'x'));
  ASSERT_TRUE(BackupSqlite(path_, backup).ok());
  store.reset();
  const std::string bytes = FileBytes(backup);
  for (const bool served_reader : {false, true}) {
    SCOPED_TRACE(served_reader);
    store = Open(path_);
    Fill(*store, 40, std::string(5000, 'y'));
    if (served_reader) {
      EXPECT_TRUE(store->Load(Tenant("a"), 0).ok());
    }
    const int64_t next = store->Revisions(Tenant("a"))->next;
    store.reset();
    store = Open(path_);  // without a reader's connection yet
    if (served_reader) {
      EXPECT_TRUE(store->Load(Tenant("a"), 0).ok());
    }
    ASSERT_TRUE(store->Commit(Tenant("a"), Write(next, {PutTemplate("more", std::string(9000, 'z'))})).ok());
    std::filesystem::copy_file(backup, directory_.Path("restored"));
    std::filesystem::rename(directory_.Path("restored"), path_);
    if (served_reader) {
      ExpectMoved(store->Commit(Tenant("a"), Write(next + 1, {})).status());
    } else {
      ExpectMoved(store->Load(Tenant("a"), 0).status());
    }
    EXPECT_TRUE(FileBytes(path_) == bytes);
    store.reset();
    EXPECT_TRUE(FileBytes(path_) == bytes);
    // The store does not use the log of the other file.
    store = Open(path_);
    EXPECT_EQ(store->Revisions(Tenant("a"))->newest, 20);
    EXPECT_EQ(store->Load(Tenant("a"), 0)->templates().size(), 19);
    store.reset();
    WriteFile(path_, bytes);
  }
}

TEST_F(SqliteMisuseTest, RecoversWhenAMovedFileReturns) {
  auto store = Open(path_);
  Fill(*store, 4, "x");
  std::filesystem::rename(path_, directory_.Path("moved"));
  const std::string log = FileBytes(path_ + "-wal");
  ASSERT_FALSE(log.empty());
  ExpectMoved(store->Commit(Tenant("a"), Write(6, {})).status());
  ExpectMoved(store->Commit(Tenant("b"), Write(2, {})).status());
  store.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(FileBytes(path_ + "-wal") == log);
  ExpectRejected(path_, "is missing, but its -wal file exists");
  std::filesystem::rename(directory_.Path("moved"), path_);
  EXPECT_EQ(Described(Open(path_)->Revisions(Tenant("a"))), "1 to 5");
}

TEST_F(SqliteMisuseTest, RejectsWritesAfterTheFileIsRemoved) {
  auto store = Open(path_);
  Fill(*store, 4, "x");
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  ExpectMoved(store->Commit(Tenant("a"), Write(6, {})).status());
  store.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteMisuseTest, NoticesThatTheLogIsRemoved) {
  for (const bool also_index : {false, true}) {
    SCOPED_TRACE(also_index);
    auto store = Open(path_);
    Fill(*store, 4, "x");
    std::filesystem::remove(path_ + "-wal");
    if (also_index) std::filesystem::remove(path_ + "-shm");
    ExpectRejectsWrites(*store, "removed or replaced");
    EXPECT_EQ(Described(store->Revisions(Tenant("a"))), "1 to 5") << "still readable";
    EXPECT_EQ(RevisionsAfterKill(), "1 to 5") << "what was acknowledged is in the database";
    store.reset();
    EXPECT_EQ(Described(Open(path_)->Revisions(Tenant("a"))), "1 to 5");
    RemoveDatabase(path_);
    std::filesystem::remove(path_ + ".commits");
  }
}

TEST_F(SqliteMisuseTest, NoticesThatTheLogIsReplaced) {
  auto store = Open(path_);
  Fill(*store, 4, "x");
  std::filesystem::copy_file(path_ + "-wal", directory_.Path("copy"));
  std::filesystem::rename(directory_.Path("copy"), path_ + "-wal");
  ExpectRejectsWrites(*store, "removed or replaced");
  EXPECT_EQ(RevisionsAfterKill(), "1 to 5");
}

TEST_F(SqliteMisuseTest, NoticesThatTheLogIsCut) {
  for (const double left : {0.0, 0.5, 0.99}) {
    SCOPED_TRACE(left);
    auto store = Open(path_);
    Fill(*store, 4, std::string(20'000, 'x'));
    const std::string database = FileBytes(path_);
    const auto size = static_cast<double>(std::filesystem::file_size(path_ + "-wal"));
    std::filesystem::resize_file(path_ + "-wal", static_cast<uintmax_t>(size * left));
    ExpectRejectsWrites(*store, "cut");
    store.reset();
    EXPECT_TRUE(FileBytes(path_) == database) << "nothing of the log gets into the database";
    RemoveDatabase(path_);
    std::filesystem::remove(path_ + ".commits");
  }
}

TEST_F(SqliteMisuseTest, NoticesThatTheLogIsCutDuringATransaction) {
  auto connection = OpenRegistry(path_, absl::Seconds(1), 0).value();
  const auto add_table = [&](int number) {
    ASSERT_TRUE(connection.Execute(absl::StrCat("CREATE TABLE more", number, " (id INTEGER)")).ok());
  };
  int frames = 0;
  sqlite3_wal_hook(
      connection.handle(),
      [](void* count, sqlite3*, const char*, int frames_now) {
        *static_cast<int*>(count) = frames_now;
        return SQLITE_OK;
      },
      &frames);
  add_table(1);
  const SqliteLog log = SqliteLog::Open(path_).value();
  const SqliteLog::State before = log.Look().value();
  const int frames_before = frames;

  // SQLite writes the next pages where the log would continue, and the file system fills the gap.
  std::filesystem::resize_file(path_ + "-wal", static_cast<uintmax_t>(before.bytes) / 2);
  std::filesystem::resize_file(path_ + "-wal", static_cast<uintmax_t>(before.bytes));
  add_table(2);
  EXPECT_THAT(log.CheckAfterCommit(before, frames_before, frames).ToString(), testing::HasSubstr("was cut"));

  // Or the log was cut after they were written.
  add_table(3);
  const SqliteLog::State later = log.Look().value();
  EXPECT_TRUE(log.CheckAfterCommit(later, frames, frames).ok()) << "nothing has happened since";
  std::filesystem::resize_file(path_ + "-wal", static_cast<uintmax_t>(later.bytes) - 1);
  EXPECT_THAT(log.CheckAfterCommit(later, frames_before, frames).ToString(), testing::HasSubstr("was cut"));
}

TEST_F(SqliteMisuseTest, AnotherProgramMayWriteTheLogIntoTheDatabase) {
  auto store = Open(path_);
  for (int i = 0; i < 3; ++i) {
    Fill(*store, 4, "x");
    auto other = SqliteConnection::Open(path_, SqliteConnection::Mode::kWrite, absl::Seconds(10)).value();
    ASSERT_TRUE(other.Execute("SELECT * FROM meta").ok());
    ASSERT_TRUE(other.TruncateLog(absl::Seconds(10)).ok());
    EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), 0);
  }
  EXPECT_EQ(Described(store->Revisions(Tenant("a"))), "1 to 13");
}

TEST_F(SqliteMisuseTest, RejectsFilesWithHardLinks) {
  Open(path_);
  std::filesystem::create_hard_link(path_, directory_.Path("other"));
  ExpectRejected(path_, path_ + " has 2 hard links; remove the others");
  ExpectRejected(directory_.Path("other"), "has 2 hard links");
  std::filesystem::remove(directory_.Path("other"));
  EXPECT_TRUE(TryOpen(path_).ok());
}

TEST_F(SqliteMisuseTest, RejectsDirectoriesAndCreatesNone) {
  const std::string directory = std::filesystem::path(path_).parent_path();
  ExpectRejected(directory, "is a directory; name a file in it");
  EXPECT_FALSE(std::filesystem::exists(directory + ".lock"));
  ExpectRejected(directory_.Path("none/"), "is a directory");
  ExpectRejected(directory_.Path("none/.."), "is a directory");
  EXPECT_FALSE(std::filesystem::exists(directory_.Path("none")));
}

TEST_F(SqliteMisuseTest, RejectsDanglingLinks) {
  std::filesystem::create_symlink(directory_.Path("none"), path_);
  ExpectRejected(path_, "is a dangling symbolic link");
}

TEST_F(SqliteMisuseTest, LeavesOtherFilesUnchanged) {
  WriteFile(path_ + ".new", "theirs");
  WriteFile(path_ + ".new-journal", "theirs");
  Open(path_);
  EXPECT_EQ(FileBytes(path_ + ".new"), "theirs");
  EXPECT_EQ(FileBytes(path_ + ".new-journal"), "theirs");
}

TEST_F(SqliteMisuseTest, RejectsADamagedLogOfAKilledServer) {
  const std::string killed = directory_.Path("killed");
  std::string log;
  {
    const auto store = Open(path_);
    Fill(*store, 19, std::string(3000, 'x'));
    for (const char* suffix : {"", "-wal", "-shm"}) WriteFile(killed + suffix, FileBytes(path_ + suffix));
    log = FileBytes(path_ + "-wal");
  }
  ASSERT_GT(log.size(), 50'000);
  const std::string index = FileBytes(killed + "-shm");
  for (const size_t at : {size_t{5}, size_t{32}, size_t{45}, size_t{100}, log.size() / 2, log.size() - 1}) {
    std::string damaged = log;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    WriteFile(killed + "-wal", damaged);
    for (int i = 0; i < 2; ++i) ExpectRejected(killed, "is damaged: its -wal file has a wrong checksum");
    EXPECT_TRUE(FileBytes(killed + "-wal") == damaged);
  }
  WriteFile(killed + "-wal", log.substr(0, log.size() / 2));
  ExpectRejected(killed, "is damaged");
  // Without the log's index, it is unknown which writes were synced.
  std::filesystem::remove(killed + "-shm");
  EXPECT_TRUE(TryOpen(killed).ok());
  WriteFile(killed + "-wal", log);
  WriteFile(killed + "-shm", index);
  EXPECT_EQ(Described(Open(killed)->Revisions(Tenant("a"))), "1 to 20");
}

TEST_F(SqliteMisuseTest, LogStaysSmallWithOverlappingReaders) {
  constexpr uintmax_t kMaxLog = 40 << 20;
  const auto store = Open(path_);
  for (int64_t revision = 2; revision < 5; ++revision) {
    const std::string name = absl::StrCat("large", revision);
    ASSERT_TRUE(store->Commit(Tenant("a"), Write(revision, {PutTemplate(name, std::string(100'000, 'x'))})).ok());
  }
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 4; ++reader) {
    readers.emplace_back([&] {
      while (!done) EXPECT_TRUE(store->Load(Tenant("a"), 0).ok());
    });
  }
  uintmax_t largest = 0;
  for (int64_t revision = 2; revision < 202; ++revision) {
    const auto committed = store->Commit(Tenant("b"), Write(revision, {PutTemplate("m", std::string(200'000, 'x'))}));
    EXPECT_TRUE(committed.ok()) << committed.status();
    largest = std::max(largest, std::filesystem::file_size(path_ + "-wal"));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_LT(largest, kMaxLog) << "80 MB were written";
}

TEST_F(SqliteMisuseTest, TruncatesALargeLogAfterItsReaderEnds) {
  const auto store = Open(path_);
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {})).ok());
  int64_t revision = 2;
  {
    RawSqlite reader(path_);
    reader.Run("BEGIN; SELECT * FROM tenants");
    for (; revision < 14; ++revision) {
      const auto answer = store->Commit(Tenant("b"), Write(revision, {PutTemplate("m", std::string(2 << 20, 'x'))}));
      ASSERT_TRUE(answer.ok()) << "a log that cannot be truncated must not fail writes: " << answer.status();
    }
    EXPECT_GT(std::filesystem::file_size(path_ + "-wal"), 40 << 20);
  }
  // Not every write tries to truncate it.
  for (int i = 0; i < 600 && std::filesystem::file_size(path_ + "-wal") > 1 << 20; ++i) {
    ASSERT_TRUE(store->Commit(Tenant("b"), Write(revision++, {})).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_LE(std::filesystem::file_size(path_ + "-wal"), 1 << 20);
}

TEST_F(SqliteMisuseTest, CheckOfWritingNoticesAMovedFileAndALostLog) {
  const auto store = Open(path_);
  EXPECT_TRUE(store->CheckWritable().ok());
  std::filesystem::rename(path_, directory_.Path("moved"));
  ExpectMoved(store->CheckWritable());
  std::filesystem::rename(directory_.Path("moved"), path_);
  EXPECT_TRUE(store->CheckWritable().ok());
  Fill(*store, 1, "x");
  std::filesystem::remove(path_ + "-wal");
  EXPECT_EQ(ReasonAndField(store->CheckWritable()), "STORAGE_UNAVAILABLE");
}

}  // namespace
}  // namespace qconfig
