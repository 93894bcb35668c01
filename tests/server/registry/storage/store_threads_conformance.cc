// SPDX-License-Identifier: Apache-2.0
//
// RegistryStore's use by several threads, a part of every engine's contract.
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/server/registry/storage/store_conformance.h"

namespace qconfig {
namespace {

TEST_P(StoreConformanceTest, ConcurrentWritersMakeEachRevisionOnce) {
  constexpr int kWriters = 8;
  constexpr int kWritesEach = 10;
  std::vector<std::thread> writers;
  std::vector<std::vector<int64_t>> won(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([this, writer, &won = won[static_cast<size_t>(writer)]] {
      while (won.size() < kWritesEach) {
        RegistryCommit commit = Write(store_->Revisions(Tenant("a"))->next, {});
        commit.record.set_actor(absl::StrCat(writer));
        const auto committed = store_->Commit(Tenant("a"), commit);
        if (committed.ok()) won.push_back(committed->newest);
        ASSERT_TRUE(committed.ok() || absl::IsAborted(committed.status())) << committed.status();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  Reopen();
  const auto changes = store_->ChangesSince(Tenant("a"), 1, 1000).value();
  ASSERT_EQ(changes.size(), kWriters * kWritesEach);
  for (size_t i = 0; i < changes.size(); ++i) EXPECT_EQ(changes[i].revision(), static_cast<int64_t>(i) + 2);
  for (int writer = 0; writer < kWriters; ++writer) {
    for (const int64_t revision : won[static_cast<size_t>(writer)]) {
      EXPECT_EQ(changes.at(static_cast<size_t>(revision - 2)).actor(), absl::StrCat(writer));
    }
  }
}

TEST_P(StoreConformanceTest, ConcurrentWritersToDifferentTenantsDoNotConflict) {
  constexpr int kWriters = 16;
  constexpr int64_t kWritesEach = 20;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([this, tenant = Tenant(absl::StrCat("t", writer))] {
      for (int64_t revision = 2; revision < 2 + kWritesEach; ++revision) {
        EXPECT_EQ(Described(store_->Commit(tenant, Write(revision, {PutTemplate("m", tenant.name())}))),
                  absl::StrCat("1 to ", revision));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  Reopen();
  for (int writer = 0; writer < kWriters; ++writer) {
    EXPECT_EQ(Loaded(*store_, absl::StrCat("t", writer)), absl::StrCat(kWritesEach + 1, " : ; m=t", writer));
  }
}

TEST_P(StoreConformanceTest, ReadersSeeWholeRevisionsDuringWrites) {
  constexpr int64_t kRevisions = 200;
  Open({0});  // a write at once removes the revision that a reader is about to read
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 6; ++reader) {
    readers.emplace_back([this, &done] {
      int64_t last = 1;
      while (!done) {
        const RegistryState state = store_->Load(Tenant("a"), 0).value();
        ASSERT_GE(state.revision(), last);
        last = state.revision();
        const std::string text = absl::StrCat(last);
        ASSERT_EQ(Described(state), last == 1 ? "1 : ; " : absl::StrCat(last, " ", text, ": s=", text, "; m=", text));
        const auto changes = store_->ChangesSince(Tenant("a"), last, 100);
        if (!changes.ok()) continue;  // compacted in the meantime
        for (const auto& record : *changes) ASSERT_EQ(record.revision(), ++last);
      }
    });
  }
  for (int64_t revision = 2; revision <= kRevisions; ++revision) {
    const std::string text = absl::StrCat(revision);
    Commit({DeleteScheme("s"), PutScheme("s", text), PutTemplate("m", text), SetDefaultCatalog(text)});
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(Load(), "200 200: s=200; m=200");
}

}  // namespace
}  // namespace qconfig
