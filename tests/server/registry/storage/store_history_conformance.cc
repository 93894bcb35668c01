// SPDX-License-Identifier: Apache-2.0
//
// RegistryStore's compaction of history, a part of every engine's contract.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "tests/server/registry/storage/store_conformance.h"

namespace qconfig {
namespace {

TEST_P(StoreConformanceTest, HistoryIsCompactedByCount) {
  Open({3});
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), WithRequest(Write(2, {PutScheme("s", "1")}), "r2"))), "1 to 2");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), WithRequest(Write(3, {PutTemplate("m", "1")}), "r3"))), "1 to 3");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), Write(4, {DeleteScheme("s")}))), "1 to 4");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), Write(5, {PutTemplate("m", "2")}))), "2 to 5");
  EXPECT_EQ(Described(store_->Commit(Tenant("b"), Write(2, {}))), "1 to 2");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Revisions(), "2 to 5");
    EXPECT_EQ(Load(1), "REVISION_COMPACTED at revision");
    EXPECT_EQ(Load(2), "2 : s=1; ");
    EXPECT_EQ(Load(3), "3 : s=1; m=1");
    EXPECT_EQ(Load(5), "5 : ; m=2");
    EXPECT_EQ(Changes(1), "REVISION_COMPACTED at revision");
    EXPECT_EQ(Changes(2), "3 4 5");
    EXPECT_FALSE(store_->FindRequest(Tenant("a"), "r2").value().has_value());
    EXPECT_TRUE(store_->FindRequest(Tenant("a"), "r3").value().has_value());
    Reopen();
  }
  // The request id of a removed revision can be used again.
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), WithRequest(Write(6, {}), "r2"))), "3 to 6");
  EXPECT_EQ(Load(4), "4 : ; m=1");
}

TEST_P(StoreConformanceTest, LastRevisionWithAnEntry) {
  Open({3});
  const auto last = [this](EntryType type, const std::string& name, int64_t revision) {
    return store_->LastRevisionWith(Tenant("a"), type, name, revision).value();
  };
  EXPECT_EQ(last(EntryType::kScheme, "s", 1), 0) << "a tenant without writes";
  Commit({PutScheme("s", "1")});
  Commit({PutScheme("s", "2"), PutTemplate("m", "1")});
  EXPECT_EQ(last(EntryType::kScheme, "never", 3), 0);
  Commit({DeleteScheme("s")});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(last(EntryType::kScheme, "s", 4), 3);
    EXPECT_EQ(last(EntryType::kTemplate, "s", 4), 0) << "another type";
    EXPECT_EQ(last(EntryType::kTemplate, "m", 4), 0) << "it still exists";
    EXPECT_EQ(store_->LastRevisionWith(Tenant("b"), EntryType::kScheme, "s", 1).value(), 0) << "another tenant";
    Reopen();
  }
  Commit({PutTemplate("m", "2")});
  Commit({PutTemplate("m", "3")});
  EXPECT_EQ(last(EntryType::kScheme, "s", 6), 3);
  Commit({PutTemplate("m", "4")});
  EXPECT_EQ(Revisions(), "4 to 7");
  EXPECT_EQ(last(EntryType::kScheme, "s", 7), 0) << "history no longer has it";
}

TEST_P(StoreConformanceTest, LastRevisionWithAnEntryOfAnEarlierEpoch) {
  Commit({PutScheme("s", "1")});
  const int64_t epoch = store_->BeginEpoch().value();
  Commit({DeleteScheme("s")});
  EXPECT_EQ(store_->LastRevisionWith(Tenant("a"), EntryType::kScheme, "s", epoch).value(), 2);
}

TEST_P(StoreConformanceTest, HistoryIsCompactedByAge) {
  const auto commit = [this](int64_t revision, int64_t seconds, int32_t nanos) {
    const RegistryCommit write = WithTime(Write(revision, {PutTemplate("m", absl::StrCat(revision))}), seconds, nanos);
    return Described(store_->Commit(Tenant("a"), WithMaxAge(write, absl::Seconds(10))));
  };
  EXPECT_EQ(commit(2, 1000, 0), "1 to 2");
  EXPECT_EQ(commit(3, 1005, 0), "1 to 3");
  EXPECT_EQ(commit(4, 1009, 999999000), "1 to 4");
  EXPECT_EQ(commit(5, 1010, 0), "2 to 5");
  EXPECT_EQ(Load(2), "2 : ; m=2");
  EXPECT_EQ(Load(1), "REVISION_COMPACTED at revision");
  Reopen();
  EXPECT_EQ(commit(6, 1019, 0), "3 to 6");
  EXPECT_EQ(commit(7, 1100, 0), "6 to 7");
  EXPECT_EQ(Changes(6), "7");
  EXPECT_EQ(Load(6), "6 : ; m=6");
}

TEST_P(StoreConformanceTest, EachWriteCompactsALimitedNumber) {
  constexpr int64_t kRevisions = 3 * kMaxRemovedAtOnce;
  const auto commit = [this](int64_t revision, int64_t seconds) {
    const RegistryCommit write = WithTime(Write(revision, {PutTemplate("m", absl::StrCat(revision))}), seconds);
    return Described(store_->Commit(Tenant("a"), WithMaxAge(write, absl::Seconds(10))));
  };
  for (int64_t revision = 2; revision <= kRevisions; ++revision) commit(revision, 1000);
  EXPECT_EQ(commit(kRevisions + 1, 2000), absl::StrCat(1 + kMaxRemovedAtOnce, " to ", kRevisions + 1));
  EXPECT_EQ(Load(1 + kMaxRemovedAtOnce), "257 : ; m=257");
  EXPECT_EQ(Load(kMaxRemovedAtOnce), "REVISION_COMPACTED at revision");
  Reopen();
  EXPECT_EQ(commit(kRevisions + 2, 2000), absl::StrCat(1 + 2 * kMaxRemovedAtOnce, " to ", kRevisions + 2));
  EXPECT_EQ(commit(kRevisions + 3, 2000), absl::StrCat(kRevisions, " to ", kRevisions + 3));
  EXPECT_EQ(commit(kRevisions + 4, 2000), absl::StrCat(kRevisions, " to ", kRevisions + 4));
}

TEST_P(StoreConformanceTest, ClockSetBackDoesNotCompactYoungRevisions) {
  const auto commit = [this](int64_t revision, int64_t seconds) {
    const RegistryCommit write = WithTime(Write(revision, {}), seconds);
    return Described(store_->Commit(Tenant("a"), WithMaxAge(write, absl::Seconds(10))));
  };
  EXPECT_EQ(commit(2, 1000), "1 to 2");
  EXPECT_EQ(commit(3, 900), "1 to 3");
  EXPECT_EQ(commit(4, 1005), "1 to 4");
  EXPECT_EQ(commit(5, 1010), "3 to 5");
}

TEST_P(StoreConformanceTest, NewestRevisionIsAlwaysKept) {
  Open({0});
  EXPECT_EQ(Commit({PutScheme("s"), SetDefaultCatalog("c")}), "2 to 2");
  EXPECT_EQ(Commit({PutScheme("t")}), "3 to 3");
  Reopen();
  EXPECT_EQ(Load(), "3 c: s=, t=; ");
  EXPECT_EQ(Changes(3), "");
  EXPECT_EQ(Load(2), "REVISION_COMPACTED at revision");
  Open({});
  const RegistryCommit write = WithMaxAge(Write(2, {PutScheme("s")}), absl::ZeroDuration());
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), write)), "2 to 2");
  EXPECT_EQ(Load(), "2 : s=; ");
}

TEST_P(StoreConformanceTest, HistoryIsCompactedByBytes) {
  const auto put = [](int64_t revision, size_t bytes) {
    return WithRequest(Write(revision, {PutTemplate("m", std::string(bytes, 'x'))}), absl::StrCat("r", revision));
  };
  const auto size = static_cast<int64_t>(put(2, 1000).record.ByteSizeLong());
  Open({100, 3 * size});
  for (int64_t revision = 2; revision <= 4; ++revision) {
    EXPECT_EQ(Described(store_->Commit(Tenant("a"), put(revision, 1000))), absl::StrCat("1 to ", revision));
  }
  EXPECT_EQ(Described(store_->Commit(Tenant("b"), put(2, 1000))), "1 to 2") << "each tenant has its own history";
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), put(5, 1000))), "2 to 5");
  Reopen();
  EXPECT_FALSE(store_->FindRequest(Tenant("a"), "r2").value().has_value());
  EXPECT_TRUE(store_->FindRequest(Tenant("a"), "r3").value().has_value());
  EXPECT_EQ(Load(1), "REVISION_COMPACTED at revision");
  EXPECT_EQ(Changes(2), "3 4 5");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), Write(6, {DeleteTemplate("m")}))), "3 to 6");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), put(7, 500))), "3 to 7");
  EXPECT_EQ(Load(4), absl::StrCat("4 : ; m=", std::string(1000, 'x'))) << "the entry's version is still there";
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), put(8, 5000))), "7 to 8") << "the newest write is always kept";
  Reopen();
  EXPECT_TRUE(store_->FindRequest(Tenant("a"), "r8").value().has_value());
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), put(9, 1000))), "8 to 9");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), put(10, 1000))), "8 to 10");
}

constexpr int64_t kForSmallWrites = 200;

RegistryCommit PutText(int64_t revision, const std::string& model_type) {
  constexpr size_t kBytes = 1000;
  return Write(revision, {PutTemplate(model_type, std::string(kBytes, 'x'))});
}

TEST_P(StoreConformanceTest, HistoryIsCompactedByTheBytesOfTheTenant) {
  const auto size =
      static_cast<int64_t>(PutText(2, "m").record.ByteSizeLong());  // a little more than that of the entry
  Open({100, int64_t{1} << 30, 5 * size + kForSmallWrites});
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), PutText(2, "m"))), "1 to 2");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), PutText(3, "m"))), "1 to 3") << "two records and two versions";
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), PutText(4, "m"))), "2 to 4");
  EXPECT_EQ(Described(store_->Commit(Tenant("b"), PutText(2, "m"))), "1 to 2") << "each tenant has its own space";
  Reopen();
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), PutText(5, "m"))), "3 to 5");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), Write(6, {DeleteTemplate("m")}))), "3 to 6");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), PutText(7, "m"))), "4 to 7");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), PutText(8, "m"))), "5 to 8");
}

TEST_P(StoreConformanceTest, ACommitReturnsWhatTheStoreKeepsOfTheTenant) {
  constexpr int64_t kEntry = 1000;
  constexpr int64_t kOverhead = 100;  // of an entry
  Open({2, int64_t{1} << 30, int64_t{1} << 30});
  const auto is_about = [&](int revision, int64_t texts) {
    const auto bytes = store_->Commit(Tenant("a"), PutText(revision, "m"))->disk_bytes;
    EXPECT_GE(bytes, texts * kEntry) << revision;
    EXPECT_LE(bytes, texts * (kEntry + kOverhead)) << revision;
  };
  is_about(2, 2);  // the record and the entry
  is_about(3, 4);
  is_about(4, 5);  // history has two records, and an earlier version for each
  Reopen();
  is_about(5, 5);
  EXPECT_LE(store_->Commit(Tenant("b"), PutText(2, "m"))->disk_bytes, 2 * (kEntry + kOverhead));
}

TEST_P(StoreConformanceTest, RejectsAPutThatTheTenantHasNoSpaceFor) {
  const auto size = static_cast<int64_t>(PutText(2, "m").record.ByteSizeLong());
  Open({100, int64_t{1} << 30, 3 * size + kForSmallWrites});
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), PutText(2, "m"))), "1 to 2");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), PutText(3, "n"))), "2 to 3");
  for (int i = 0; i < 2; ++i) {
    const absl::Status rejected = store_->Commit(Tenant("a"), PutText(4, "o")).status();
    EXPECT_EQ(ItemErrorOf(rejected).reason(), v1::ERROR_REASON_QUOTA_EXCEEDED);
    EXPECT_THAT(std::string(rejected.message()), testing::HasSubstr("its quota is"));
    EXPECT_EQ(Revisions(), "2 to 3");
    EXPECT_EQ(Changes(2), "3");
    Reopen();
  }
  EXPECT_EQ(Described(store_->Commit(Tenant("b"), PutText(2, "m"))), "1 to 2");
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), Write(4, {DeleteTemplate("m")}))), "2 to 4")
      << "deletions are allowed";
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), PutText(5, "o"))), "4 to 5");
}

// Otherwise a tenant could fill its history with small writes first, and then exceed the limit with large ones.
TEST_P(StoreConformanceTest, HistoryStaysWithinItsBytesIfALargeWriteFollowsManySmallOnes) {
  constexpr size_t kLarge = 12'000;
  constexpr int64_t kMaxBytes = 2 * kLarge;
  Open({1'000'000, kMaxBytes});
  int64_t bytes = 0;
  int64_t revision = 1;
  while (bytes < kMaxBytes - 200) {
    const RegistryCommit small = Write(++revision, {DeleteScheme("s")});
    bytes += static_cast<int64_t>(small.record.ByteSizeLong());
    ASSERT_TRUE(store_->Commit(Tenant("a"), small).ok());
  }
  ASSERT_GT(revision, 3 * kMaxRemovedAtOnce);
  EXPECT_EQ(store_->Revisions(Tenant("a"))->first, 1);
  for (int i = 0; i < 3; ++i) {
    const RegistryCommit large = Write(++revision, {PutTemplate("m", std::string(kLarge, 'x'))});
    ASSERT_TRUE(store_->Commit(Tenant("a"), large).ok());
    int64_t kept = 0;
    const auto records = store_->ChangesSince(Tenant("a"), store_->Revisions(Tenant("a"))->first, 1'000'000);
    ASSERT_TRUE(records.ok());
    for (const v1::ChangeRecord& record : *records) {
      kept += static_cast<int64_t>(record.ByteSizeLong());
    }
    EXPECT_LE(kept, kMaxBytes);
  }
}

}  // namespace
}  // namespace qconfig
