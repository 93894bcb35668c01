// SPDX-License-Identifier: Apache-2.0
//
// Acknowledged writes are durable, whichever write or sync of the file system fails.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/fault_vfs.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using Call = FaultVfs::Call;
using Fault = FaultVfs::Fault;

constexpr int kWrites = 4;

class SqliteFaultTest : public testing::Test {
 protected:
  static absl::StatusOr<std::unique_ptr<SqliteStore>> TryOpen(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.history.max_changes = 2;  // so that rows are also deleted
    return SqliteStore::Open(options);
  }
  static std::unique_ptr<SqliteStore> Open(const std::string& path) { return TryOpen(path).value(); }

  // Makes the `n`th call fail during writes, and all later ones if `forever`, and checks that acknowledged writes
  // survive. Returns whether there was an `n`th call.
  bool WritesSurvive(Call call, int64_t n, Fault fault, bool forever);

  FaultVfs vfs_;
  const TempDirectory directory_;
};

TEST_F(SqliteFaultTest, SyncsEachGroupOnceBeforeAcknowledgingIt) {
  const auto store = Open(directory_.Path("db"));
  ASSERT_TRUE(store->Commit(Tenant("first"), Write(2, {})).ok());  // also syncs the log's header
  for (int64_t revision = 2; revision < 12; ++revision) {
    const int64_t before = vfs_.log_syncs();
    ASSERT_TRUE(store->Commit(Tenant("a"), Write(revision, {PutScheme("s")})).ok());
    EXPECT_EQ(vfs_.log_syncs(), before + 1);
  }
  const int64_t syncs = vfs_.log_syncs();
  const int64_t transactions = store->stats().transactions;
  std::vector<std::thread> writers;
  for (int i = 0; i < 32; ++i) {
    writers.emplace_back([&store, i] { EXPECT_TRUE(store->Commit(Tenant(absl::StrCat("t", i)), Write(2, {})).ok()); });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(vfs_.log_syncs() - syncs, store->stats().transactions - transactions);
}

bool SqliteFaultTest::WritesSurvive(Call call, int64_t n, Fault fault, bool forever) {
  const std::string path =
      directory_.Path(absl::StrCat("db-", static_cast<int>(call), n, "-", static_cast<int>(fault), forever));

  std::map<int64_t, std::string> stored;  // the contents of each revision, if known
  int64_t newest = 1;                     // the newest acknowledged revision
  bool unknown = false;                   // whether the write after `newest` may have been stored
  auto store = Open(path);
  EXPECT_EQ(Described(store->Commit(Tenant("a"), Write(++newest, {PutTemplate("m", "2")}))), "1 to 2");
  vfs_.Fail(call, n, fault, forever);
  for (int write = 0; write < kWrites; ++write) {
    const std::string text = absl::StrCat(write, std::string(static_cast<size_t>(write) * 3000, 'x'));
    const int64_t failed = vfs_.failed();
    const auto answer = store->Commit(Tenant("a"), Write(newest + 1, {PutTemplate("m", text)}));
    if (answer.ok()) {
      EXPECT_EQ(vfs_.failed(), failed) << "the write was acknowledged although the disk failed";
      stored[++newest] = text;
      unknown = false;
      continue;
    }
    if (absl::IsAborted(answer.status()) && unknown) {  // it was stored
      unknown = false;
      ++newest;
      continue;
    }
    EXPECT_GT(vfs_.failed(), failed) << answer.status();
    const std::string reason = ReasonAndField(answer.status());
    EXPECT_TRUE(reason == "STORAGE_FULL" || reason == "STORAGE_UNAVAILABLE") << answer.status();
    EXPECT_NE(answer.status().message().find(path), std::string::npos) << answer.status();
    const absl::StatusOr<RevisionRange> now = store->Revisions(Tenant("a"));
    EXPECT_TRUE(now.ok()) << now.status();
    if (reason == "STORAGE_FULL" && !unknown) {
      EXPECT_EQ(now->newest, newest);
    }
    if (reason != "STORAGE_FULL") unknown = true;
  }
  const bool reached = vfs_.failed() > 0;
  store.reset();  // writes the log into the file
  const bool reached_at_end = vfs_.failed() > 0;
  vfs_.Heal();

  auto reopened = TryOpen(path);
  EXPECT_TRUE(reopened.ok()) << reopened.status();
  if (!reopened.ok()) return false;
  const RevisionRange range = (*reopened)->Revisions(Tenant("a")).value();
  EXPECT_GE(range.newest, newest);
  EXPECT_LE(range.newest, newest + (unknown ? 1 : 0));
  const auto changes = (*reopened)->ChangesSince(Tenant("a"), range.first, 100);
  EXPECT_TRUE(changes.ok()) << changes.status();
  if (changes.ok()) {
    EXPECT_EQ(static_cast<int64_t>(changes->size()), range.newest - range.first);
  }
  for (const auto& [revision, text] : stored) {
    if (revision >= range.first) {
      EXPECT_EQ(Loaded(**reopened, "a", revision), absl::StrCat(revision, " : ; m=", text));
    }
  }
  EXPECT_TRUE((*reopened)->Commit(Tenant("a"), Write(range.newest + 1, {})).ok());
  auto connection = SqliteConnection::Open(path, SqliteConnection::Mode::kRead, absl::ZeroDuration()).value();
  SqliteQuery check(connection, "PRAGMA integrity_check");
  EXPECT_TRUE(check.Next());
  EXPECT_EQ(check.Bytes(0), "ok");
  return reached || reached_at_end;
}

TEST_F(SqliteFaultTest, KeepsAcknowledgedWritesWhenAnyCallFails) {
  for (const bool forever : {false, true}) {
    for (const auto& [call, fault] : {std::pair(Call::kWrite, Fault::kFull), std::pair(Call::kWrite, Fault::kIoError),
                                      std::pair(Call::kSync, Fault::kIoError)}) {
      int64_t n = 1;
      while (!HasFailure() && WritesSurvive(call, n, fault, forever)) ++n;
      ASSERT_FALSE(HasFailure()) << "call " << static_cast<int>(call) << ", number " << n << ", fault "
                                 << static_cast<int>(fault) << ", forever " << forever;
      EXPECT_GT(n, kWrites) << "some writes did not fail";
    }
  }
}

TEST_F(SqliteFaultTest, CheckOfWritingSyncsOnlyIfItMust) {
  absl::Duration now = absl::Hours(1);
  SqliteOptions options;
  options.path = directory_.Path("db");
  options.clock = Clock(absl::Now, [&now] { return now; });
  const auto store = SqliteStore::Open(options).value();
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {})).ok());
  const int64_t before = vfs_.log_syncs();
  EXPECT_TRUE(store->CheckWritable().ok());
  EXPECT_EQ(vfs_.log_syncs(), before) << "a write has just succeeded";
  now += absl::Seconds(10);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(store->CheckWritable().ok());
  EXPECT_EQ(vfs_.log_syncs(), before + 1);
  vfs_.Fail(Call::kWrite, 1, Fault::kFull, true);
  EXPECT_TRUE(store->CheckWritable().ok()) << "not known yet";
  now += absl::Seconds(10);
  EXPECT_EQ(ReasonAndField(store->CheckWritable()), "STORAGE_FULL") << "noticed without a write";
  EXPECT_EQ(ReasonAndField(store->CheckWritable()), "STORAGE_FULL") << "tried again at once";
  vfs_.Heal();
  EXPECT_TRUE(store->CheckWritable().ok());
  EXPECT_EQ(store->stats().writes, 1);
}

TEST_F(SqliteFaultTest, CheckOfWritingReportsTheFailureOfAWriteThatIsLargerThanItsOwn) {
  const auto store = Open(directory_.Path("db"));
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(2, {})).ok());
  for (int i = 0; i < 2; ++i) {
    vfs_.Fail(Call::kWrite, 1, Fault::kFull, true);
    EXPECT_EQ(ReasonAndField(store->Commit(Tenant("a"), Write(3, {})).status()), "STORAGE_FULL");
    vfs_.Heal();  // for the small write of a check
    EXPECT_EQ(ReasonAndField(store->CheckWritable()), "STORAGE_FULL");
    EXPECT_TRUE(store->CheckWritable().ok());
  }
  ASSERT_TRUE(store->Commit(Tenant("a"), Write(3, {})).ok());
}

}  // namespace
}  // namespace qconfig
