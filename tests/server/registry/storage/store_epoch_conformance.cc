// SPDX-License-Identifier: Apache-2.0
//
// The part of every engine's contract that concerns epochs.
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_conformance.h"

namespace qconfig {
namespace {

TEST_P(StoreConformanceTest, EpochStartsAboveAllRevisions) {
  Commit({PutScheme("s", "1")});
  const int64_t first = store_->BeginEpoch().value();
  EXPECT_GT(first, 1'000'000);
  EXPECT_EQ(first % 1'000'000, 0);
  const int64_t second = store_->BeginEpoch().value();
  EXPECT_GT(second, first) << "even if no time has passed";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Revisions(), absl::StrCat("1 to 2, next ", second));
    EXPECT_EQ(Revisions("unknown"), absl::StrCat("1 to 1, next ", second));
    EXPECT_EQ(Load(), "2 : s=1; ");
    Reopen();
  }
  EXPECT_EQ(Commit({}), absl::StrCat("1 to 2, ", second, " to ", second));
  EXPECT_GT(store_->BeginEpoch().value(), second);
}

TEST_P(StoreConformanceTest, AcceptsOnlyTheNextRevisionOfTheEpoch) {
  Commit({PutScheme("s", "1")});
  const int64_t first = store_->BeginEpoch().value();
  for (const std::string tenant : {"a", "b"}) {
    for (const int64_t revision : {int64_t{2}, int64_t{3}, first - 1, first + 1}) {
      EXPECT_EQ(Described(store_->Commit(Tenant(tenant), Write(revision, {}))), "conflict") << revision;
    }
  }
  EXPECT_EQ(Revisions("b"), absl::StrCat("1 to 1, next ", first)) << "nothing was created";
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), Write(first, {}))), absl::StrCat("1 to 2, ", first, " to ", first));
  EXPECT_EQ(Described(store_->Commit(Tenant("b"), Write(first, {}))), absl::StrCat("1 to 1, ", first, " to ", first));
}

TEST_P(StoreConformanceTest, RevisionsNextToAGapAreReadable) {
  Commit({PutScheme("s", "1"), SetDefaultCatalog("c")});
  Commit({PutTemplate("m", "1")});
  const int64_t first = store_->BeginEpoch().value();
  Commit({PutScheme("t", "1"), PutTemplate("m", "2")});
  Commit({DeleteScheme("s")});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Revisions(), absl::StrCat("1 to 3, ", first, " to ", first + 1));
    EXPECT_EQ(Load(1), "1 c: ; ");
    EXPECT_EQ(Load(2), "2 c: s=1; ");
    EXPECT_EQ(Load(3), "3 c: s=1; m=1");
    EXPECT_EQ(Load(first), absl::StrCat(first, " c: s=1, t=1; m=2"));
    EXPECT_EQ(Load(), absl::StrCat(first + 1, " c: t=1; m=2"));
    EXPECT_EQ(Changes(1), absl::StrCat("2 3 ", first, " ", first + 1));
    EXPECT_EQ(Changes(2, 2), absl::StrCat("3 ", first));
    EXPECT_EQ(Changes(3), absl::StrCat(first, " ", first + 1));
    EXPECT_EQ(Changes(first), absl::StrCat(first + 1));
    Reopen();
  }
}

TEST_P(StoreConformanceTest, FirstWriteInALaterEpochSetsTheDefaultCatalogOfEarlierRevisions) {
  const int64_t first = store_->BeginEpoch().value();
  Commit({SetDefaultCatalog("c"), PutScheme("s")});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Load(1), "1 c: ; ");
    EXPECT_EQ(Load(), absl::StrCat(first, " c: s=; "));
    EXPECT_EQ(Changes(1), absl::StrCat(first));
    Reopen();
  }
}

TEST_P(StoreConformanceTest, RevisionsBetweenEpochsAreLost) {
  Commit({PutScheme("s")});
  const int64_t first = store_->BeginEpoch().value();
  const auto expect_lost = [&](int64_t revision) {
    EXPECT_EQ(Load(revision), "REVISION_LOST at revision") << revision;
    EXPECT_EQ(Changes(revision), "REVISION_LOST at revision") << revision;
  };
  for (int i = 0; i < 2; ++i) {  // before and after the epoch's first write
    Reopen();
    for (const int64_t revision : {int64_t{3}, int64_t{1000}, first - 1}) expect_lost(revision);
    if (i == 0) Commit({});
    EXPECT_EQ(Load(first + 1), "REVISION_IN_FUTURE at revision");
    EXPECT_EQ(Changes(first + 1), "REVISION_IN_FUTURE at revision");
  }
  for (const int64_t revision : {int64_t{2}, first - 1}) {
    EXPECT_EQ(Loaded(*store_, "unknown", revision), "REVISION_LOST at revision");
    EXPECT_EQ(ChangesOf(*store_, "unknown", revision), "REVISION_LOST at revision");
  }
  EXPECT_EQ(Loaded(*store_, "unknown", first), "REVISION_IN_FUTURE at revision");
  EXPECT_EQ(Loaded(*store_, "unknown", 1), "1 : ; ");
}

TEST_P(StoreConformanceTest, HistoryIsCompactedByCountAcrossGaps) {
  Open({3});
  Commit({PutScheme("s", "1")});
  Commit({PutScheme("s", "2")});
  const int64_t first = store_->BeginEpoch().value();
  EXPECT_EQ(Commit({PutScheme("s", "3")}), absl::StrCat("1 to 3, ", first, " to ", first));
  EXPECT_EQ(Commit({PutScheme("s", "4")}), absl::StrCat("2 to 3, ", first, " to ", first + 1));
  EXPECT_EQ(Load(1), "REVISION_COMPACTED at revision");
  EXPECT_EQ(Load(2), "2 : s=1; ");
  Reopen();
  EXPECT_EQ(Commit({PutScheme("s", "5")}), absl::StrCat("3 to 3, ", first, " to ", first + 2));
  EXPECT_EQ(Load(3), "3 : s=2; ");
  EXPECT_EQ(Changes(3), absl::StrCat(first, " ", first + 1, " ", first + 2));
  EXPECT_EQ(Load(4), "REVISION_LOST at revision");
  EXPECT_EQ(Commit({}), absl::StrCat(first, " to ", first + 3)) << "the gap is below the first";
  Reopen();
  EXPECT_EQ(Revisions(), absl::StrCat(first, " to ", first + 3));
  EXPECT_EQ(Load(3), "REVISION_COMPACTED at revision");
  for (const int64_t lost : {int64_t{4}, first - 1}) {
    EXPECT_EQ(Load(lost), "REVISION_LOST at revision") << "also if the revisions before the gap are compacted";
    EXPECT_EQ(Changes(lost), "REVISION_LOST at revision") << lost;
  }
  EXPECT_EQ(Load(first), absl::StrCat(first, " : s=3; "));
}

TEST_P(StoreConformanceTest, HistoryIsCompactedByAgeAcrossGaps) {
  const auto commit = [this](int64_t seconds) {
    const RegistryCommit write = WithTime(Write(store_->Revisions(Tenant("a"))->next, {}), seconds);
    return Described(store_->Commit(Tenant("a"), WithMaxAge(write, absl::Seconds(10))));
  };
  EXPECT_EQ(commit(1000), "1 to 2");
  const int64_t first = store_->BeginEpoch().value();
  EXPECT_EQ(commit(1005), absl::StrCat("1 to 2, ", first, " to ", first));
  EXPECT_EQ(commit(1010), absl::StrCat("2 to 2, ", first, " to ", first + 1));
  EXPECT_EQ(commit(1015), absl::StrCat(first, " to ", first + 2));
  const int64_t second = store_->BeginEpoch().value();
  EXPECT_EQ(commit(1100), absl::StrCat(first + 2, " to ", first + 2, ", ", second, " to ", second));
}

TEST_P(StoreConformanceTest, EachWriteCompactsALimitedNumberAcrossGaps) {
  const auto commit = [this](int64_t seconds) {
    const RegistryCommit write = WithTime(Write(store_->Revisions(Tenant("a"))->next, {}), seconds);
    return store_->Commit(Tenant("a"), WithMaxAge(write, absl::Seconds(10))).value();
  };
  for (int64_t i = 0; i < kMaxRemovedAtOnce - 10; ++i) commit(1000);
  const int64_t first = store_->BeginEpoch().value();
  for (int64_t i = 0; i < 20; ++i) commit(1000);
  EXPECT_EQ(commit(2000).first, first + 9) << "ten revisions of the epoch are among the 256";
  EXPECT_EQ(commit(2000).first, first + 19);
}

TEST_P(StoreConformanceTest, RequestIdsSurviveANewEpoch) {
  ASSERT_TRUE(store_->Commit(Tenant("a"), WithRequest(Write(2, {PutScheme("s")}), "id", "1")).ok());
  const int64_t first = store_->BeginEpoch().value();
  for (int i = 0; i < 2; ++i) {
    const auto again = store_->Commit(Tenant("a"), WithRequest(Write(first, {}), "id", "2"));
    EXPECT_TRUE(absl::IsAlreadyExists(again.status())) << again.status();
    EXPECT_EQ(store_->FindRequest(Tenant("a"), "id").value()->record.revision(), 2);
    Reopen();
  }
  ASSERT_TRUE(store_->Commit(Tenant("a"), WithRequest(Write(first, {}), "other")).ok());
  EXPECT_EQ(store_->FindRequest(Tenant("a"), "other").value()->record.revision(), first);
}

TEST_P(StoreConformanceTest, EpochsDoNotCountAsWrites) {
  Commit({});
  ASSERT_TRUE(store_->BeginEpoch().ok());
  EXPECT_EQ(store_->writes(), 1);
  Commit({});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(store_->writes(), 2);
    Reopen();
  }
}

}  // namespace
}  // namespace qconfig
