// SPDX-License-Identifier: Apache-2.0
//
// Files of each schema version open, are migrated, and give the same answers.
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/sqlite_check.h"
#include "server/registry/storage/sqlite_schema.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/source_files.h"

namespace qconfig {
namespace {

// The registry file of a version; empty if there is none. See fixtures/README.md.
std::string Fixture(size_t version) {
  const std::string name =
      SourceFile(absl::StrCat("tests/server/registry/storage/fixtures/version", version, ".db.gz"));
  gzFile file = gzopen(name.c_str(), "rb");
  if (file == nullptr) return "";
  std::string bytes;
  std::array<char, 4096> part{};
  int size = 0;
  while ((size = gzread(file, part.data(), part.size())) > 0) bytes.append(part.data(), static_cast<size_t>(size));
  gzclose(file);
  return bytes;
}

std::map<std::string, std::string> Answers(const RegistryStore& store) {
  std::map<std::string, std::string> answers;
  for (const std::string tenant : {"a", "b"}) {
    const auto range = store.Revisions(Tenant(tenant));
    answers[tenant] = Described(range);
    answers[absl::StrCat(tenant, " changes")] = ChangesOf(store, tenant, 1);
    for (int64_t revision = 1; range.ok() && revision <= range->newest; ++revision) {
      std::string state = Loaded(store, tenant, revision);
      if (state.size() > 500) state = absl::StrCat(state.size(), " bytes");
      answers[absl::StrCat(tenant, " ", revision)] = state;
    }
  }
  for (int i : {1, 8, 10}) {
    const std::string id = absl::StrCat("00000000-0000-4000-8000-0000000000", i < 10 ? "0" : "", i);
    const auto found = store.FindRequest(Tenant(i < 9 ? "a" : "b"), id);
    answers[absl::StrCat("request ", i)] =
        found.ok() && found->has_value() ? absl::StrCat((*found)->record.revision()) : "none";
  }
  return answers;
}

TEST(SqliteFixturesTest, EveryVersionOpensAndGivesTheSameAnswers) {
  const std::map<std::string, std::string> expected = {
      {"a", "1 to 9"},
      {"a changes", "2 3 4 5 6 7 8 9"},
      {"a 1", "1 quark-0.12.post1: ; "},
      {"a 2", "2 quark-0.12.post1: one=first; "},
      {"a 3", "3 quark-0.12.post1: one=first, two=second; "},
      {"a 4", "4 quark-0.12.post1: one=first, two=second; model=third"},
      {"a 5", "5 quark-0.12.post1: one=fourth, two=second; model=third"},
      {"a 6", "6 quark-0.12.post1: one=fourth; model=third"},
      {"a 7", "7 quark-0.12.post1: one=fourth; model=third, other=sixth"},
      {"a 8", "8 quark-0.12.post1: one=fourth, two=seventh; model=third, other=sixth"},
      {"a 9", "9 quark-0.13: one=fourth, two=seventh; model=third, other=sixth"},
      {"b", "1 to 3"},
      {"b changes", "2 3"},
      {"b 1", "1 quark-0.12.post1: ; "},
      {"b 2", "2 quark-0.12.post1: one=of b; "},
      {"b 3", "996 bytes"},
      {"request 1", "2"},
      {"request 8", "9"},
      {"request 10", "3"},
  };
  for (size_t version = 1; version <= SqliteMigrations().size(); ++version) {
    SCOPED_TRACE(absl::StrCat("version ", version));
    const TempDirectory directory;
    SqliteOptions options;
    options.path = directory.Path("db");
    options.warn = [](const std::string& text) { ADD_FAILURE() << text; };
    options.on_damage = [](const std::string& what) { ADD_FAILURE() << what; };
    const std::string bytes = Fixture(version);
    ASSERT_FALSE(bytes.empty()) << "there is no file of this version";
    WriteFile(options.path, bytes);
    for (const char* opened : {"first", "again"}) {
      auto store = SqliteStore::Open(options);
      ASSERT_TRUE(store.ok()) << store.status();
      EXPECT_EQ(Answers(**store), expected) << opened;
      store->reset();
      EXPECT_EQ(CheckSqlite(options.path), absl::OkStatus());
    }
    const auto store = SqliteStore::Open(options).value();
    EXPECT_EQ(Described(store->Commit(Tenant("a"), Write(10, {PutScheme("new"), DeleteScheme("one")}))), "1 to 10");
    EXPECT_EQ(Loaded(*store, "a"), "10 quark-0.13: two=seventh, new=; model=third, other=sixth");
    EXPECT_EQ(Described(store->Commit(Tenant("c"), Write(2, {PutScheme("new")}))), "1 to 2");
  }
}

}  // namespace
}  // namespace qconfig
