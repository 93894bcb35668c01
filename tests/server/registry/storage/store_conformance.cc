// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/store_conformance.h"

#include <google/protobuf/util/message_differencer.h>

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

TEST_P(StoreConformanceTest, CommitReturnsTheReadableRevisions) {
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

TEST_P(StoreConformanceTest, ReplacingAnEntryKeepsItsPlaceAndReaddingItMovesItToTheEnd) {
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

TEST_P(StoreConformanceTest, ChangesThatBreakTheRulesApplyToo) {
  Commit({PutScheme("s", "1"), PutScheme("t", "1"), DeleteScheme("absent"), DeleteTemplate("absent"), {}});
  Commit({PutScheme("s", "2")});
  EXPECT_EQ(Load(), "3 : s=2, t=1; ");
  EXPECT_EQ(Load(2), "2 : s=1, t=1; ");
}

TEST_P(StoreConformanceTest, DefaultCatalogOfTheFirstWriteAppliesToRevision1) {
  Commit({SetDefaultCatalog("x"), SetDefaultCatalog("first"), PutScheme("s")});
  Commit({PutScheme("t")});
  Commit({SetDefaultCatalog("second")});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Load(1), "1 x: ; ")
        << "the first change sets the default of revision 1, and later changes can replace it";
    EXPECT_EQ(Load(2), "2 first: s=; ");
    EXPECT_EQ(Load(3), "3 first: s=, t=; ");
    EXPECT_EQ(Load(4), "4 second: s=, t=; ");
    Reopen();
  }
}

TEST_P(StoreConformanceTest, DefaultCatalogOfALaterWriteDoesNotApplyToEarlierRevisions) {
  Commit({PutScheme("s")});
  Commit({SetDefaultCatalog("late")});
  EXPECT_EQ(Load(1), "1 : ; ");
  EXPECT_EQ(Load(2), "2 : s=; ");
  EXPECT_EQ(Load(3), "3 late: s=; ");
}

TEST_P(StoreConformanceTest, ChangesAreOldestFirstAndLimited) {
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

TEST_P(StoreConformanceTest, RecordsAreReturnedUnchanged) {
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

TEST_P(StoreConformanceTest, RequestIdsBelongToOneTenantAndEmptyIdsAreNotStored) {
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
  // A repeated write gets the conflict error, not the error about its request id.
  EXPECT_EQ(Described(store_->Commit(Tenant("a"), WithRequest(Write(2, {}), "id", "1"))), "conflict");
}

TEST_P(StoreConformanceTest, TenantsAreNeverMixed) {
  const std::vector<std::string> names = {"a", "aa", "a-a", "a0", "b", "a-", "aaa"};
  int64_t writes = 0;
  for (const std::string& name : names) {
    if (name == "a-") continue;  // not a valid tenant name
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

TEST_P(StoreConformanceTest, LargeEntriesAreReturnedUnchanged) {
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

}  // namespace
}  // namespace qconfig
