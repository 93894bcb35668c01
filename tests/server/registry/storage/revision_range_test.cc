// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/revision_range.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/error.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

// Revisions 30, 31, 32, 100, 101 and 1000 are readable; the next one is 2000. Revisions 1, 2 and 10 to 29 are
// compacted.
RevisionRange WithGaps() { return {30, 1000, 2000, {{2, 10}, {32, 100}, {101, 1000}}}; }

const std::vector<int64_t>& Readable() {
  static const auto* const kReadable = new std::vector<int64_t>{30, 31, 32, 100, 101, 1000};
  return *kReadable;
}

TEST(RevisionRangeTest, StepsSkipGaps) {
  const auto count = static_cast<int64_t>(Readable().size());
  for (int64_t from = 0; from < count; ++from) {
    const int64_t revision = Readable()[static_cast<size_t>(from)];
    for (int64_t to = 0; to < count; ++to) {
      const int64_t other = Readable()[static_cast<size_t>(to)];
      SCOPED_TRACE(absl::StrCat(revision, " and ", other));
      EXPECT_EQ(WritesBetween(WithGaps(), revision, other), to - from);
      if (to <= from) {
        EXPECT_EQ(RevisionBefore(WithGaps(), revision, from - to), other);
      }
      if (to >= from) {
        EXPECT_EQ(RevisionAfter(WithGaps(), revision, to - from), other);
      }
    }
  }
}

TEST(RevisionRangeTest, StepsStayInTheRange) {
  constexpr int64_t kMany = std::numeric_limits<int64_t>::max();
  for (const int64_t revision : Readable()) {
    EXPECT_EQ(RevisionBefore(WithGaps(), revision, kMany), 30);
    EXPECT_EQ(RevisionAfter(WithGaps(), revision, kMany), 1000);
  }
}

TEST(RevisionRangeTest, StepsWithoutGapsArePlainArithmetic) {
  const RevisionRange range = {1, 10, 11, {}};
  EXPECT_EQ(RevisionBefore(range, 10, 4), 6);
  EXPECT_EQ(RevisionAfter(range, 6, 4), 10);
  EXPECT_EQ(WritesBetween(range, 1, 10), 9);
  EXPECT_EQ(RevisionBefore({}, 1, 5), 1);
  EXPECT_EQ(RevisionAfter({}, 1, 5), 1);
}

TEST(RevisionRangeTest, EachRevisionIsReadableOrHasAReason) {
  const auto check = [](int64_t revision) { return ReasonAndField(CheckReadable(Tenant("a"), WithGaps(), revision)); };
  for (const int64_t revision : Readable()) EXPECT_EQ(check(revision), "OK") << revision;
  for (const int64_t revision : {-1, 0, 2, 10, 29}) {
    EXPECT_EQ(check(revision), "REVISION_COMPACTED at revision") << revision;
    EXPECT_FALSE(IsLost(WithGaps(), revision));
  }
  for (const int64_t revision : {3, 9, 33, 99, 102, 999, 1001, 1999}) {
    EXPECT_EQ(check(revision), "REVISION_LOST at revision") << revision;
    EXPECT_TRUE(IsLost(WithGaps(), revision));
  }
  for (const int64_t revision : {2000, 3000}) EXPECT_EQ(check(revision), "REVISION_IN_FUTURE at revision") << revision;
  EXPECT_EQ(ReasonAndField(CheckReadable(Tenant("a"), {1, 10, 11, {}}, 11)), "REVISION_IN_FUTURE at revision");
}

TEST(RevisionRangeTest, ErrorsListTheReadableRevisions) {
  for (const int64_t revision : {2, 3, 50, 3000}) {
    const v1::ItemError error = ItemErrorOf(CheckReadable(Tenant("a"), WithGaps(), revision));
    EXPECT_EQ(error.detail().first_revision(), 30);
    EXPECT_EQ(error.detail().newest_revision(), 1000);
    EXPECT_EQ(error.code(), static_cast<int>(absl::StatusCode::kOutOfRange));
  }
  const v1::ItemError lost = ItemErrorOf(RevisionLost(Tenant("a"), WithGaps(), "min_revision", 50));
  EXPECT_EQ(lost.detail().first_revision(), 30);
  EXPECT_EQ(lost.metadata().at("field"), "min_revision");
  EXPECT_EQ(lost.metadata().at("tenant"), "a");
  EXPECT_NE(lost.message().find("the newest revision is 1000; list the entries again"), std::string::npos)
      << lost.message();
}

TEST(RevisionRangeTest, NextRevisionIsInTheEpoch) {
  RevisionRange range = {1, 10, 11, {}};
  for (const auto& [epoch, next] : {std::pair(0, 11), std::pair(11, 11), std::pair(12, 12), std::pair(500, 500)}) {
    SetNext(range, epoch);
    EXPECT_EQ(range.next, next);
  }
}

TEST(RevisionRangeTest, WriteAfterASkipCreatesAGap) {
  RevisionRange range;
  EXPECT_FALSE(IsFirstWrite(range));
  AddRevision(range, 5'000'000);
  EXPECT_EQ(Described(range), "1 to 2");
  EXPECT_EQ(range.newest_time, absl::FromUnixSeconds(5));
  EXPECT_TRUE(IsFirstWrite(range));
  SetNext(range, 100);
  EXPECT_EQ(Described(range), "1 to 2, next 100");
  AddRevision(range, 6'000'000);
  EXPECT_FALSE(IsFirstWrite(range));
  AddRevision(range, 7'000'000);
  EXPECT_EQ(Described(range), "1 to 2, 100 to 101");
}

TEST(RevisionRangeTest, FirstWriteOfALaterEpoch) {
  RevisionRange range;
  SetNext(range, 100);
  AddRevision(range, 0);
  EXPECT_TRUE(IsFirstWrite(range));
  AddRevision(range, 0);
  EXPECT_FALSE(IsFirstWrite(range));
}

TEST(RevisionRangeTest, IgnoresGapsBelowTheFirstRevision) {
  for (size_t first = 0; first < Readable().size(); ++first) {
    RevisionRange range = WithGaps();
    range.first = Readable()[first];
    SCOPED_TRACE(Described(range));
    const auto writes = static_cast<int64_t>(Readable().size() - first) - 1;
    EXPECT_EQ(WritesBetween(range, range.first, range.newest), writes);
    EXPECT_EQ(RevisionAfter(range, range.first, writes), range.newest);
    EXPECT_EQ(RevisionBefore(range, range.newest, writes), range.first);
    for (const int64_t revision : {3, 9, 33, 99, 102, 999}) EXPECT_TRUE(IsLost(range, revision)) << revision;
  }
}

TEST(FirstOfEpochTest, DependsOnTheMinuteAndExceedsUsedRevisions) {
  const auto at = [](const char* text) {
    absl::Time time;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr));
    return time;
  };
  EXPECT_EQ(FirstOfEpoch(at("2020-01-01T00:01:00Z"), 0), 1'000'000);
  EXPECT_EQ(FirstOfEpoch(at("2026-11-28T00:00:59Z"), 0), 3'633'120'000'000);
  EXPECT_EQ(FirstOfEpoch(at("2026-11-28T00:00:59Z"), 40), 3'633'120'000'000);
  EXPECT_EQ(FirstOfEpoch(at("2026-11-28T00:00:59Z"), 3'633'119'999'999), 3'633'120'000'000);
  EXPECT_EQ(FirstOfEpoch(at("2026-11-28T00:00:59Z"), 3'633'120'000'000), 3'633'121'000'000);
  EXPECT_EQ(FirstOfEpoch(at("1970-01-01T00:00:00Z"), 2), 1'000'000) << "the clock is wrong";
}

}  // namespace
}  // namespace qconfig
