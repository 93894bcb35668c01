// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry_history.h"

#include <gtest/gtest.h>

namespace qconfig {
namespace {

using Outcome = WriteAttempt::Outcome;

absl::Duration At(int time) { return absl::Seconds(time); }

// Two writes, one after the other: x becomes "a" at revision 2 and "b" at revision 3.
RegistryHistory TwoWrites() {
  RegistryHistory history;
  history.writes = {{"first", At(10), At(20), Outcome::kAcknowledged, 2},
                    {"second", At(30), At(40), Outcome::kAcknowledged, 3}};
  history.stored = {{2, "first", "x", "a"}, {3, "second", "x", "b"}};
  return history;
}

ReadCall Read(int invoked, int answered, int64_t revision, const std::string& x) {
  ReadCall read;
  read.invoked = At(invoked);
  read.answered = At(answered);
  read.revision = revision;
  read.seen = {{"x", x}};
  return read;
}

std::string ViolationWith(const ReadCall& read) {
  RegistryHistory history = TwoWrites();
  history.reads = {read};
  return FindViolation(history);
}

TEST(FindViolationTest, AcceptsWhatOneRegistryCouldAnswer) {
  EXPECT_EQ(FindViolation(RegistryHistory()), "");
  EXPECT_EQ(FindViolation(TwoWrites()), "");
  EXPECT_EQ(ViolationWith(Read(1, 2, 1, "")), "");
  EXPECT_EQ(ViolationWith(Read(1, 15, 2, "a")), "") << "written, and not yet acknowledged";
  EXPECT_EQ(ViolationWith(Read(25, 35, 2, "a")), "");
  EXPECT_EQ(ViolationWith(Read(25, 35, 3, "b")), "");
  EXPECT_EQ(ViolationWith(Read(5, 35, 0, "")), "") << "without a revision";
  EXPECT_EQ(ViolationWith(Read(5, 35, 0, "b")), "");
}

TEST(FindViolationTest, FindsStaleReads) {
  EXPECT_EQ(ViolationWith(Read(50, 60, 2, "a")), "a read of revision 2 began after a call of revision 3 was answered");
  EXPECT_EQ(ViolationWith(Read(25, 35, 0, "")),
            "x was read as \"\", which it was not while the call ran, at revision 2 or later");
}

TEST(FindViolationTest, FindsReadsThatGoBack) {
  RegistryHistory history = TwoWrites();
  history.reads = {Read(31, 33, 3, "b"), Read(34, 36, 2, "a")};  // both during the second write
  EXPECT_EQ(FindViolation(history), "a read of revision 2 began after a call of revision 3 was answered");
  history.reads[0].is_pinned = true;
  EXPECT_EQ(FindViolation(history), "a read of revision 2 began after a call of revision 3 was answered");
  history.reads[1].is_pinned = true;
  EXPECT_EQ(FindViolation(history), "");
}

TEST(FindViolationTest, FindsReadsOfTheFuture) {
  EXPECT_EQ(ViolationWith(Read(21, 25, 3, "b")),
            "the write of revision 3 began after a call of revision 3 was answered");
  EXPECT_EQ(ViolationWith(Read(21, 35, 4, "b")), "revision 4 was never stored");
  ReadCall pinned = Read(21, 25, 3, "b");
  pinned.is_pinned = true;
  EXPECT_EQ(ViolationWith(pinned), "the write of revision 3 began after a call of revision 3 was answered");
}

TEST(FindViolationTest, FindsWrongContents) {
  EXPECT_EQ(ViolationWith(Read(25, 35, 2, "b")), "at revision 2, x was read as \"b\" instead of \"a\"");
  ReadCall pinned = Read(50, 60, 2, "b");
  pinned.is_pinned = true;
  EXPECT_EQ(ViolationWith(pinned), "at revision 2, x was read as \"b\" instead of \"a\"");
  ReadCall waited = Read(25, 35, 2, "a");
  waited.min_revision = 3;
  EXPECT_EQ(ViolationWith(waited), "a read of revision 3 or later has revision 2");
}

TEST(FindViolationTest, FindsLostWrites) {
  RegistryHistory history = TwoWrites();
  history.stored.pop_back();
  EXPECT_EQ(FindViolation(history),
            "write second was acknowledged with revision 3, which is not stored or another write");
  history = TwoWrites();
  history.stored[0].revision = 1;
  EXPECT_EQ(FindViolation(history), "revision 2 is missing");
}

TEST(FindViolationTest, FindsRepeatedWrites) {
  RegistryHistory history = TwoWrites();
  history.stored.push_back({4, "second", "x", "b"});
  EXPECT_EQ(FindViolation(history), "write second is stored twice");
  history = TwoWrites();  // an idempotent retry has the revision of the first attempt
  history.writes.push_back({"first", At(50), At(60), Outcome::kAcknowledged, 2});
  EXPECT_EQ(FindViolation(history), "");
  history.writes.back().revision = 3;
  EXPECT_EQ(FindViolation(history),
            "write first was acknowledged with revision 3, which is not stored or another write");
}

TEST(FindViolationTest, FindsWritesOutOfOrder) {
  RegistryHistory history = TwoWrites();
  std::swap(history.writes[0].request_id, history.writes[1].request_id);
  std::swap(history.writes[0].revision, history.writes[1].revision);
  EXPECT_EQ(FindViolation(history), "the write of revision 2 began after a call of revision 3 was answered");
}

TEST(FindViolationTest, UnknownWritesMayBeStoredOnceAndRejectedOnesNot) {
  RegistryHistory history = TwoWrites();
  history.writes.push_back({"third", At(1), At(2), Outcome::kUnknown, 0});
  EXPECT_EQ(FindViolation(history), "");
  history.stored.push_back({4, "third", "x", "c"});  // stored late
  EXPECT_EQ(FindViolation(history), "");
  history.writes.back().outcome = Outcome::kRejected;
  EXPECT_EQ(FindViolation(history), "revision 4 was rejected");
  history.writes.pop_back();
  EXPECT_EQ(FindViolation(history), "nobody wrote revision 4");
}

}  // namespace
}  // namespace qconfig
