// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/store_conformance.h"

#include <google/protobuf/util/message_differencer.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using google::protobuf::util::MessageDifferencer;

TEST_P(StoreConformanceTest, UnknownTenantIsEmptyAtRevision1AndIsNotCreated) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Revisions("unknown"), "1 to 1");
    EXPECT_EQ(Loaded(*store_, "unknown"), "1 : ; ");
    EXPECT_EQ(Loaded(*store_, "unknown", 1), "1 : ; ");
    EXPECT_EQ(Loaded(*store_, "unknown", 2), "REVISION_IN_FUTURE at revision");
    EXPECT_EQ(ChangesOf(*store_, "unknown", 1), "");
    EXPECT_EQ(ChangesOf(*store_, "unknown", 2), "REVISION_IN_FUTURE at revision");
    EXPECT_EQ(store_->FindRequest(Tenant("unknown"), "r")->has_value(), false);
    Reopen();
  }
}

TEST_P(StoreConformanceTest, CommitAnswersWhatCanBeReadThen) {
  EXPECT_EQ(Commit({PutScheme("s", "1")}), "1 to 2");
  EXPECT_EQ(Commit({PutTemplate("m", "1")}), "1 to 3");
  EXPECT_EQ(Revisions(), "1 to 3");
  EXPECT_EQ(Load(), "3 : s=1; m=1");
  Reopen();
  EXPECT_EQ(Load(), "3 : s=1; m=1");
  EXPECT_EQ(Revisions(), "1 to 3");
}

TEST_P(StoreConformanceTest, OnlyTheNextRevisionCanBeCommitted) {
  EXPECT_EQ(Commit({PutScheme("s", "1")}), "1 to 2");
  for (const int64_t revision : {-1, 0, 1, 2, 4, 5}) {
    EXPECT_EQ(Described(store_->Commit(Tenant("a"), Write(revision, {PutScheme("t")}))), "conflict") << revision;
    EXPECT_EQ(Described(store_->Commit(Tenant("b"), Write(revision == 2 ? 1 : revision, {PutScheme("t")}))), "conflict")
        << revision;
  }
  EXPECT_EQ(Load(), "2 : s=1; ");
  EXPECT_EQ(Revisions("b"), "1 to 1");
  EXPECT_EQ(Changes(1), "2");
}

TEST_P(StoreConformanceTest, EveryRevisionCanBeRead) {
  Commit({PutScheme("s", "1"), PutScheme("t", "1"), PutTemplate("m", "1")});
  Commit({DeleteScheme("s"), PutTemplate("m", "2")});
  Commit({});
  Commit({PutScheme("s", "2"), DeleteTemplate("m")});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Load(1), "1 : ; ");
    EXPECT_EQ(Load(2), "2 : s=1, t=1; m=1");
    EXPECT_EQ(Load(3), "3 : t=1; m=2");
    EXPECT_EQ(Load(4), "4 : t=1; m=2");
    EXPECT_EQ(Load(5), "5 : t=1, s=2; ");
    EXPECT_EQ(Load(0), Load(5));
    EXPECT_EQ(Load(6), "REVISION_IN_FUTURE at revision");
    EXPECT_EQ(Load(-1), "REVISION_COMPACTED at revision");
    Reopen();
  }
}

TEST_P(StoreConformanceTest, ReplacedEntryKeepsItsPlaceAndReaddedOneGoesToTheEnd) {
  Commit({PutTemplate("m"), PutTemplate("n"), PutTemplate("o"), PutScheme("s"), PutScheme("t"), PutScheme("u")});
  Commit({PutTemplate("m", "2"), PutTemplate("n", "2")});
  EXPECT_EQ(Load(), "3 : s=, t=, u=; m=2, n=2, o=");
  Commit({DeleteTemplate("m"), DeleteScheme("u")});
  Commit({PutTemplate("m", "3"), PutScheme("u", "3")});
  EXPECT_EQ(Load(), "5 : s=, t=, u=3; n=2, o=, m=3");
  Commit({DeleteTemplate("o"), PutTemplate("o", "4"), DeleteScheme("s"), PutScheme("s", "4")});
  EXPECT_EQ(Load(), "6 : t=, u=3, s=4; n=2, m=3, o=4");
  Reopen();
  Commit({PutTemplate("m", "5")});
  EXPECT_EQ(Load(), "7 : t=, u=3, s=4; n=2, m=5, o=4");
  EXPECT_EQ(Load(2), "2 : s=, t=, u=; m=, n=, o=");
  EXPECT_EQ(Load(4), "4 : s=, t=; n=2, o=");
}

TEST_P(StoreConformanceTest, ChangesOfOneWriteApplyInOrder) {
  Commit({PutTemplate("m", "1"), PutTemplate("m", "2"), PutScheme("s"), DeleteScheme("s")});
  EXPECT_EQ(Load(), "2 : ; m=2");
  Commit({PutTemplate("m", "3"), PutTemplate("n"), PutTemplate("m", "4"), DeleteTemplate("m"), PutTemplate("m", "5"),
          SetDefaultCatalog("x"), SetDefaultCatalog("y")});
  EXPECT_EQ(Load(), "3 y: ; n=, m=5");
  EXPECT_EQ(Load(2), "2 : ; m=2");
}

TEST_P(StoreConformanceTest, ChangesThatBreakTheRulesApplyAsStatesTell) {
  Commit({PutScheme("s", "1"), PutScheme("t", "1"), DeleteScheme("absent"), DeleteTemplate("absent"), {}});
  Commit({PutScheme("s", "2")});
  EXPECT_EQ(Load(), "3 : s=2, t=1; ");
  EXPECT_EQ(Load(2), "2 : s=1, t=1; ");
}

TEST_P(StoreConformanceTest, DefaultCatalogOfTheFirstWriteWasThereBefore) {
  Commit({SetDefaultCatalog("x"), SetDefaultCatalog("first"), PutScheme("s")});
  Commit({PutScheme("t")});
  Commit({SetDefaultCatalog("second")});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Load(1), "1 x: ; ") << "a write sets the default that was there before, and may then change it";
    EXPECT_EQ(Load(2), "2 first: s=; ");
    EXPECT_EQ(Load(3), "3 first: s=, t=; ");
    EXPECT_EQ(Load(4), "4 second: s=, t=; ");
    Reopen();
  }
}

TEST_P(StoreConformanceTest, DefaultCatalogOfALaterWriteWasNotThereBefore) {
  Commit({PutScheme("s")});
  Commit({SetDefaultCatalog("late")});
  EXPECT_EQ(Load(1), "1 : ; ");
  EXPECT_EQ(Load(2), "2 : s=; ");
  EXPECT_EQ(Load(3), "3 late: s=; ");
}

TEST_P(StoreConformanceTest, ChangesComeOldestFirstAndNoMoreThanAskedFor) {
  for (int i = 0; i < 5; ++i) Commit({PutTemplate("m", absl::StrCat(i))});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Changes(1), "2 3 4 5 6");
    EXPECT_EQ(Changes(4), "5 6");
    EXPECT_EQ(Changes(6), "");
    EXPECT_EQ(Changes(7), "REVISION_IN_FUTURE at revision");
    EXPECT_EQ(Changes(0), "REVISION_COMPACTED at revision");
    EXPECT_EQ(Changes(2, 2), "3 4");
    EXPECT_EQ(Changes(2, 0), "");
    Reopen();
  }
}

TEST_P(StoreConformanceTest, RecordsComeBackWhole) {
  const RegistryCommit commit = WithRequest(
      WithTime(Write(2, {PutScheme("s", "1"), DeleteTemplate("m")}), 1700000000, 123456789), "id", "digest");
  ASSERT_TRUE(store_->Commit(Tenant("a"), commit).ok());
  Reopen();
  const auto changes = store_->ChangesSince(Tenant("a"), 1, 10).value();
  ASSERT_EQ(changes.size(), 1);
  EXPECT_TRUE(MessageDifferencer::Equals(changes[0], commit.record)) << changes[0].DebugString();
  const auto found = store_->FindRequest(Tenant("a"), "id").value();
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(MessageDifferencer::Equals(found->record, commit.record)) << found->record.DebugString();
  EXPECT_EQ(found->request_digest, "digest");
}

TEST_P(StoreConformanceTest, RequestIdsAreOfOneTenantAndEmptyOnesOfNone) {
  ASSERT_TRUE(store_->Commit(Tenant("a"), WithRequest(Write(2, {}), "id", "a's")).ok());
  ASSERT_TRUE(store_->Commit(Tenant("b"), WithRequest(Write(2, {}), "id", "b's")).ok());
  ASSERT_TRUE(store_->Commit(Tenant("a"), Write(3, {})).ok());
  ASSERT_TRUE(store_->Commit(Tenant("a"), Write(4, {})).ok());
  EXPECT_EQ(store_->FindRequest(Tenant("a"), "id").value()->request_digest, "a's");
  EXPECT_EQ(store_->FindRequest(Tenant("b"), "id").value()->request_digest, "b's");
  EXPECT_FALSE(store_->FindRequest(Tenant("a"), "i").value().has_value());
  EXPECT_FALSE(store_->FindRequest(Tenant("a"), "").value().has_value());
}

TEST_P(StoreConformanceTest, RequestIdIsWrittenOnce) {
  ASSERT_TRUE(store_->Commit(Tenant("a"), WithRequest(Write(2, {PutScheme("s")}), "id", "1")).ok());
  Reopen();
  const auto again = store_->Commit(Tenant("a"), WithRequest(Write(3, {PutScheme("t")}), "id", "2"));
  EXPECT_TRUE(absl::IsAlreadyExists(again.status())) << again.status();
  EXPECT_EQ(Load(), "2 : s=; ");
  EXPECT_EQ(store_->FindRequest(Tenant("a"), "id").value()->request_digest, "1");
  // Whoever repeats a whole write is told of the conflict first.
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), WithRequest(Write(2, {}), "id", "1"))), "conflict");
}

TEST_P(StoreConformanceTest, TenantsAreNeverMixed) {
  const std::vector<std::string> names = {"a", "aa", "a-a", "a0", "b", "a-", "aaa"};
  int64_t writes = 0;
  for (const std::string& name : names) {
    if (name == "a-") continue;  // no tenant's name
    ++writes;
    for (int64_t revision = 2; revision < 2 + writes; ++revision) {
      ASSERT_TRUE(
          store_
              ->Commit(Tenant(name), Write(revision, {PutTemplate("m", name), PutScheme(absl::StrCat("s", revision))}))
              .ok());
    }
  }
  Reopen();
  writes = 0;
  for (const std::string& name : names) {
    if (name == "a-") continue;
    EXPECT_EQ(Revisions(name), absl::StrCat("1 to ", ++writes + 1));
    const RegistryState state = store_->Load(Tenant(name), 0).value();
    EXPECT_EQ(state.schemes().size(), writes);
    EXPECT_EQ(state.templates().at(0)->description(), name);
    EXPECT_EQ(store_->ChangesSince(Tenant(name), 1, 100)->size(), writes);
  }
}

TEST_P(StoreConformanceTest, NamesAreBytes) {
  const std::vector<std::string> names = {
      "",   "A", "a", std::string("a\0b", 3), std::string("a\0c", 3), "é", "e\u0301", " a",
      "a ", "%", "'", std::string(128, 'x')};
  std::vector<v1::RegistryChange> changes;
  for (const std::string& name : names) {
    changes.push_back(PutScheme(name, "s"));
    changes.push_back(PutTemplate(name, "t"));
  }
  Commit(changes);
  Commit({DeleteScheme(std::string("a\0b", 3)), PutTemplate(std::string("a\0b", 3), "changed")});
  Reopen();
  const RegistryState state = store_->Load(Tenant("a"), 0).value();
  ASSERT_EQ(state.schemes().size(), names.size() - 1);
  ASSERT_EQ(state.templates().size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(state.templates()[i]->model_type(), names[i]);
    EXPECT_EQ(state.templates()[i]->description(), i == 3 ? "changed" : "t");
    EXPECT_EQ(state.FindScheme(names[i]) == nullptr, i == 3);
  }
}

TEST_P(StoreConformanceTest, HistoryIsForgottenByCount) {
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
  // What was forgotten is no longer taken.
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), WithRequest(Write(6, {}), "r2"))), "3 to 6");
  EXPECT_EQ(Load(4), "4 : ; m=1");
}

TEST_P(StoreConformanceTest, HistoryIsForgottenByAge) {
  Open({100, absl::Seconds(10)});
  const auto commit = [this](int64_t revision, int64_t seconds, int32_t nanos) {
    return Described(store_->Commit(
        Tenant("a"), WithTime(Write(revision, {PutTemplate("m", absl::StrCat(revision))}), seconds, nanos)));
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

TEST_P(StoreConformanceTest, OneWriteForgetsAFewAtATime) {
  constexpr int64_t kRevisions = 3 * kMaxRemovedAtOnce;
  Open({10'000, absl::Seconds(10)});
  const auto commit = [this](int64_t revision, int64_t seconds) {
    return Described(
        store_->Commit(Tenant("a"), WithTime(Write(revision, {PutTemplate("m", absl::StrCat(revision))}), seconds)));
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

TEST_P(StoreConformanceTest, ClocksThatGoBackForgetNothingYoung) {
  Open({100, absl::Seconds(10)});
  const auto commit = [this](int64_t revision, int64_t seconds) {
    return Described(store_->Commit(Tenant("a"), WithTime(Write(revision, {}), seconds)));
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
  Open({100, absl::ZeroDuration()});
  EXPECT_EQ(Commit({PutScheme("s")}), "2 to 2");
  EXPECT_EQ(Load(), "2 : s=; ");
  Open({100, absl::InfiniteDuration()});
  EXPECT_EQ(Commit({PutScheme("s")}), "1 to 2");
}

TEST_P(StoreConformanceTest, LargeEntriesComeBack) {
  std::string text(size_t{4} << 20, 'x');
  for (size_t i = 0; i < text.size(); i += 997) text[i] = static_cast<char>('a' + i % 26);
  Commit({PutTemplate("m", text)});
  Commit({PutTemplate("m", text + "2"), PutScheme("s", text)});
  Reopen();
  EXPECT_EQ(store_->Load(Tenant("a"), 2)->templates().at(0)->description(), text);
  const RegistryState newest = store_->Load(Tenant("a"), 0).value();
  EXPECT_EQ(newest.templates().at(0)->description(), text + "2");
  EXPECT_EQ(newest.schemes().at(0)->description(), text);
  EXPECT_EQ(store_->ChangesSince(Tenant("a"), 1, 2)->at(1).changes(0).put_template().description(), text + "2");
}

TEST_P(StoreConformanceTest, ManyEntriesKeepTheirOrder) {
  constexpr int kEntries = 10'000;
  std::vector<v1::RegistryChange> changes;
  for (int i = 0; i < kEntries; ++i) changes.push_back(PutScheme(absl::StrCat(i * 7919 % kEntries)));
  Commit(changes);
  Commit({PutTemplate("m")});
  const RegistryState state = store_->Load(Tenant("a"), 0).value();
  ASSERT_EQ(state.schemes().size(), kEntries);
  for (int i = 0; i < kEntries; ++i) {
    ASSERT_EQ(state.schemes()[static_cast<size_t>(i)]->name(), absl::StrCat(i * 7919 % kEntries));
  }
}

TEST_P(StoreConformanceTest, OneOfManyWritersMakesEachRevision) {
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

TEST_P(StoreConformanceTest, WritersToDifferentTenantsDoNotMeet) {
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
  Open({0});  // so that a write forgets at once what a reader is about to read
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
        if (!changes.ok()) continue;  // forgotten meanwhile
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
