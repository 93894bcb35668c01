// SPDX-License-Identifier: Apache-2.0
//
// Behaviour that only SqliteStore has: shared transactions, full disks, and locks of other programs.
#include "server/registry/storage/sqlite_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest() {
    options_.path = directory_.Path("db");
    options_.busy_timeout = absl::Minutes(5);
  }

  std::unique_ptr<SqliteStore> Open() { return SqliteStore::Open(options_).value(); }

  const TempDirectory directory_;
  SqliteOptions options_;
};

// Blocks a store's writer with a write transaction of another connection.
class BlockedWriter {
 public:
  explicit BlockedWriter(const std::string& path) : blocker_(path) { blocker_.Run("BEGIN IMMEDIATE"); }
  void Unblock() { blocker_.Run("ROLLBACK"); }

 private:
  RawSqlite blocker_;
};

// Runs each write in its own thread. A write is queued before the next one starts.
class Writers {
 public:
  explicit Writers(SqliteStore& store) : store_(store) {}
  ~Writers() { Join(); }

  void Start(const std::string& tenant, RegistryCommit commit) {
    auto& result = *results_.emplace_back(std::make_unique<std::string>());
    threads_.emplace_back([this, &result, tenant, commit = std::move(commit)] {
      result = Described(store_.Commit(Tenant(tenant), commit));
    });
    while (store_.stats().pending < static_cast<int64_t>(threads_.size())) std::this_thread::yield();
  }

  void Join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  // The result of each write. REQUIRES: Join() was called.
  const std::string& result(size_t index) const { return *results_[index]; }

 private:
  SqliteStore& store_;
  std::vector<std::unique_ptr<std::string>> results_;
  std::vector<std::thread> threads_;
};

TEST_F(SqliteStoreTest, QueuedWritesShareATransaction) {
  constexpr int kWriters = 64;
  const auto store = Open();
  BlockedWriter blocked(options_.path);
  Writers writers(*store);
  for (int i = 0; i < kWriters; ++i) writers.Start(absl::StrCat("t", i), Write(2, {PutScheme("s")}));
  blocked.Unblock();
  writers.Join();
  for (size_t i = 0; i < kWriters; ++i) EXPECT_EQ(writers.result(i), "1 to 2");
  EXPECT_EQ(store->stats().writes, kWriters);
  // One transaction from before the writer was blocked, and one for the rest.
  EXPECT_LE(store->stats().transactions, 2);
  EXPECT_EQ(store->stats().pending, 0);
}

TEST_F(SqliteStoreTest, TransactionsAreBounded) {
  const auto store = Open();
  BlockedWriter blocked(options_.path);
  Writers writers(*store);
  for (int i = 0; i < 6; ++i) {
    writers.Start(absl::StrCat("t", i), Write(2, {PutScheme("s", std::string(size_t{4} << 20, 'x'))}));
  }
  blocked.Unblock();
  writers.Join();
  EXPECT_EQ(store->stats().writes, 6);
  EXPECT_GE(store->stats().transactions, 4);
}

TEST_F(SqliteStoreTest, EachWriterInATransactionGetsItsOwnResult) {
  const auto store = Open();
  BlockedWriter blocked(options_.path);
  Writers writers(*store);
  writers.Start("a", Write(2, {PutScheme("s", "first")}));
  writers.Start("a", Write(2, {PutScheme("s", "second")}));
  writers.Start("a", WithRequest(Write(3, {}), "r"));
  writers.Start("a", WithRequest(Write(4, {}), "r"));
  writers.Start("b", Write(3, {}));
  writers.Start("a", Write(4, {PutScheme("t")}));
  blocked.Unblock();
  writers.Join();
  EXPECT_EQ(writers.result(0), "1 to 2");
  EXPECT_EQ(writers.result(1), "conflict");
  EXPECT_EQ(writers.result(2), "1 to 3");
  EXPECT_EQ(writers.result(3), "");  // kAlreadyExists has no reason
  EXPECT_EQ(writers.result(4), "conflict");
  EXPECT_EQ(writers.result(5), "1 to 4");
  EXPECT_EQ(Loaded(*store, "a"), "4 : s=first, t=; ");
  EXPECT_EQ(store->stats().writes, 3);
}

TEST_F(SqliteStoreTest, FailedWriteDoesNotAffectOthersInItsTransaction) {
  options_.max_bytes = 512 << 10;
  const auto store = Open();
  BlockedWriter blocked(options_.path);
  Writers writers(*store);
  writers.Start("first", Write(2, {PutScheme("s")}));
  writers.Start("large", Write(2, {PutScheme("s", std::string(1 << 20, 'x'))}));
  for (int i = 0; i < 8; ++i) writers.Start(absl::StrCat("t", i), Write(2, {PutScheme("s")}));
  blocked.Unblock();
  writers.Join();
  EXPECT_EQ(writers.result(0), "1 to 2");
  EXPECT_EQ(writers.result(1), "STORAGE_FULL");
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(writers.result(2 + i), "1 to 2");
  EXPECT_EQ(Loaded(*store, "large"), "1 : ; ");
  EXPECT_EQ(Loaded(*store, "t7"), "2 : s=; ");
  EXPECT_EQ(store->stats().writes, 9);
}

TEST_F(SqliteStoreTest, FullFileLosesNothingAndRecovers) {
  options_.max_bytes = 256 << 10;
  auto store = Open();
  int64_t revision = 1;
  std::string answer;
  do {
    const std::vector<v1::RegistryChange> changes = {PutScheme(absl::StrCat(++revision), std::string(20'000, 'x'))};
    answer = Described(store->Commit(Tenant("a"), Write(revision, changes)));
  } while (answer == absl::StrCat("1 to ", revision));
  EXPECT_EQ(answer, "STORAGE_FULL");
  EXPECT_GT(revision, 4);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Described(store->Revisions(Tenant("a"))), absl::StrCat("1 to ", revision - 1));
    EXPECT_EQ(store->Load(Tenant("a"), 0)->schemes().size(), revision - 2);
    store.reset();
    options_.max_bytes = 0;
    store = Open();
  }
  EXPECT_EQ(Described(store->Commit(Tenant("a"), Write(revision, {PutScheme("s", std::string(20'000, 'x'))}))),
            absl::StrCat("1 to ", revision));
}

// Limits the size of files that this process writes, until it is destroyed. Larger writes fail as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(SqliteStoreTest, FullDiskLosesNothing) {
  const auto store = Open();
  ASSERT_EQ(Described(store->Commit(Tenant("a"), Write(2, {PutScheme("s")}))), "1 to 2");
  const RegistryCommit large = Write(3, {PutTemplate("m", std::string(4 << 20, 'x'))});
  {
    const FileSizeLimit limit(256 << 10);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Described(store->Commit(Tenant("a"), large)), "STORAGE_FULL");
      EXPECT_EQ(Loaded(*store, "a"), "2 : s=; ");
    }
    EXPECT_EQ(Described(store->Commit(Tenant("b"), Write(2, {PutScheme("small")}))), "1 to 2");
  }
  EXPECT_EQ(Described(store->Commit(Tenant("a"), large)), "1 to 3");
  EXPECT_EQ(store->Load(Tenant("a"), 0)->templates().at(0)->description().size(), 4 << 20);
  EXPECT_EQ(Loaded(*store, "b"), "2 : small=; ");
}

TEST_F(SqliteStoreTest, ReadersDoNotWaitForTheWriter) {
  const auto store = Open();
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {PutScheme("s")})).ok());
  BlockedWriter blocked(options_.path);
  Writers writers(*store);
  writers.Start("a", Write(3, {PutScheme("t")}));
  EXPECT_EQ(Loaded(*store, "a"), "2 : s=; ");
  EXPECT_EQ(ChangesOf(*store, "a", 1), "2");
  blocked.Unblock();
  writers.Join();
  EXPECT_EQ(Loaded(*store, "a"), "3 : s=, t=; ");
}

TEST_F(SqliteStoreTest, ReportsLocksOfOtherPrograms) {
  options_.busy_timeout = absl::Milliseconds(1);
  const auto store = Open();
  BlockedWriter blocked(options_.path);
  EXPECT_EQ(Described(store->Commit(Tenant("a"), Write(2, {}))), "STORAGE_UNAVAILABLE");
  blocked.Unblock();
  EXPECT_EQ(Described(store->Commit(Tenant("a"), Write(2, {}))), "1 to 2");
}

TEST_F(SqliteStoreTest, DestructorFinishesQueuedWrites) {
  auto store = Open();
  BlockedWriter blocked(options_.path);
  Writers writers(*store);
  for (int i = 0; i < 8; ++i) writers.Start(absl::StrCat("t", i), Write(2, {PutScheme("s")}));
  std::thread end([&store] { store.reset(); });
  blocked.Unblock();
  end.join();
  writers.Join();
  store = Open();
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(writers.result(static_cast<size_t>(i)), "1 to 2");
    EXPECT_EQ(Loaded(*store, absl::StrCat("t", i)), "2 : s=; ");
  }
}

TEST_F(SqliteStoreTest, DeletesCompactedRows) {
  options_.history.max_changes = 2;
  {
    const auto store = Open();
    for (int64_t revision = 2; revision <= 20; ++revision) {
      const std::string name = absl::StrCat("s", revision);
      ASSERT_TRUE(store->Commit(Tenant("a"), Write(revision, {PutTemplate("m", name), PutScheme(name)})).ok());
    }
    ASSERT_EQ(Described(store->Commit(Tenant("a"), Write(21, {DeleteScheme("s2")}))), "19 to 21");
  }
  auto connection = SqliteConnection::Open(options_.path, SqliteConnection::Mode::kRead, {}).value();
  // The versions of "m" at revisions 19 and 20, and each scheme.
  for (const auto& [sql, count] :
       {std::pair("SELECT count(*) FROM entries WHERE kind = 2", 2),
        std::pair("SELECT count(*) FROM entries WHERE kind = 1", 19), std::pair("SELECT count(*) FROM changes", 2)}) {
    SqliteQuery query(connection, sql);
    ASSERT_TRUE(query.Next());
    EXPECT_EQ(query.Int(0), count) << sql;
  }
}

// With its default, SQLite would overwrite each freed page, which writes the page to the log.
TEST_F(SqliteStoreTest, CompactionWritesLittle) {
  options_.history.max_changes = 1;
  const auto store = Open();
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {PutTemplate("m", std::string(400'000, 'x'))})).ok());
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(3, {DeleteTemplate("m")})).ok());
  const size_t before = FileBytes(options_.path + "-wal").size();
  ASSERT_EQ(Described(store->Commit(Tenant("a"), Write(4, {}))), "3 to 4");
  EXPECT_LT(FileBytes(options_.path + "-wal").size() - before, 200'000);
}

TEST_F(SqliteStoreTest, ReadingUnknownTenantsWritesNothing) {
  const auto store = Open();
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {})).ok());
  const std::string before = FileBytes(options_.path) + FileBytes(options_.path + "-wal");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Loaded(*store, absl::StrCat("t", i)), "1 : ; ");
  EXPECT_TRUE(FileBytes(options_.path) + FileBytes(options_.path + "-wal") == before);
}

}  // namespace
}  // namespace qconfig
