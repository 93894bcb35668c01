// SPDX-License-Identifier: Apache-2.0
//
// The files beside a database are damaged, cut or removed: no acknowledged write is lost, and no answer is wrong.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/unique_fd.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kIndexBytes = 32'768;  // of SQLite's index of a short log

std::string Garbage(size_t bytes) {
  std::mt19937_64 random(bytes);
  std::string garbage(bytes, '\0');
  for (char& byte : garbage) byte = static_cast<char>(random());
  return garbage;
}

struct Damage {
  std::string name;
  std::function<void(const std::string& path)> apply;
};

// Writes to the file as it is. A file that a process has mapped must not become shorter.
Damage Overwritten(const std::string& name, const std::string& bytes, off_t at = 0) {
  return {name, [bytes, at](const std::string& path) {
            const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
            ASSERT_EQ(pwrite(file.get(), bytes.data(), bytes.size(), at), static_cast<ssize_t>(bytes.size()));
          }};
}

Damage Removed() {
  return {"removed", [](const std::string& path) { std::filesystem::remove(path); }};
}

Damage CutTo(size_t bytes) {
  return {absl::StrCat("cut to ", bytes),
          [bytes](const std::string& path) { WriteFile(path, FileBytes(path).substr(0, bytes)); }};
}

class SqliteSideFilesTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SqliteStore>> TryOpen(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.warn = [this](const std::string& what) { warnings_.push_back(what); };
    return SqliteStore::Open(options);
  }

  // Commits `writes` revisions of the tenant "a". Returns how many the store has acknowledged.
  static int Fill(SqliteStore& store, int writes) {
    int acknowledged = 0;
    for (; writes > 0; --writes) {
      const auto range = store.Revisions(Tenant("a"));
      if (!range.ok()) continue;
      const auto commit = Write(range->next, {PutTemplate(absl::StrCat("m", range->next), std::string(3'000, 'x'))});
      acknowledged += store.Commit(Tenant("a"), commit).ok() ? 1 : 0;
    }
    return acknowledged;
  }

  // Copies the files as a killed server leaves them.
  std::string Killed() {
    const std::string killed = directory_.Path("killed");
    for (const char* suffix : {"", "-wal", "-shm", ".commits"}) {
      std::filesystem::remove(killed + suffix);
      if (std::filesystem::exists(path_ + suffix)) std::filesystem::copy_file(path_ + suffix, killed + suffix);
    }
    return killed;
  }

  // The newest revision and the number of entries that a server finds in the file, or why it does not open it.
  std::string Found(const std::string& path) {
    warnings_.clear();
    const auto store = TryOpen(path);
    if (!store.ok()) return std::string(store.status().message());
    const auto state = (*store)->Load(Tenant("a"), 0);
    if (!state.ok()) return std::string(state.status().message());
    return absl::StrCat((*store)->Revisions(Tenant("a"))->newest, " with ", state->templates().size());
  }

  void RemoveAll() {
    for (const char* suffix : {"", "-wal", "-shm", ".commits", ".lock"}) std::filesystem::remove(path_ + suffix);
  }

  const TempDirectory directory_;
  const std::string path_ = directory_.Path("db");
  std::vector<std::string> warnings_;
};

TEST_F(SqliteSideFilesTest, DamageOfTheIndexOfALogBeforeTheStartLosesNothing) {
  std::vector<Damage> damages = {Removed(),
                                 CutTo(0),
                                 CutTo(100),
                                 CutTo(5'000),
                                 Overwritten("garbage", Garbage(kIndexBytes)),
                                 Overwritten("zeros", std::string(kIndexBytes, '\0')),
                                 Overwritten("garbage after its header", Garbage(kIndexBytes - 136), 136),
                                 Overwritten("more than there was", Garbage(3 * kIndexBytes))};
  for (off_t at = 0; at < 136; at += 4) {
    damages.push_back(Overwritten(absl::StrCat("a word at ", at), Garbage(4), at));
  }
  const auto store = TryOpen(path_).value();
  ASSERT_EQ(Fill(*store, 19), 19);
  for (const Damage& damage : damages) {
    SCOPED_TRACE(damage.name);
    const std::string killed = Killed();
    damage.apply(killed + "-shm");
    EXPECT_EQ(Found(killed), "20 with 19");
    EXPECT_THAT(warnings_, IsEmpty());
  }
}

TEST_F(SqliteSideFilesTest, DamageOfTheIndexOfALogInUseLosesNothing) {
  for (const Damage& damage :
       {Removed(), Overwritten("header", Garbage(96)), Overwritten("copy of it", Garbage(48), 48),
        Overwritten("zero header", std::string(136, '\0'))}) {
    SCOPED_TRACE(damage.name);
    auto store = TryOpen(path_).value();
    ASSERT_EQ(Fill(*store, 19), 19);
    damage.apply(path_ + "-shm");
    const int acknowledged = Fill(*store, 10);
    const std::string expected = absl::StrCat(20 + acknowledged, " with ", 19 + acknowledged);
    EXPECT_EQ(Found(Killed()), expected);
    store.reset();
    EXPECT_EQ(Found(path_), expected);
    RemoveAll();
  }
}

TEST_F(SqliteSideFilesTest, DamageOfTheCountLosesNothing) {
  for (const Damage& damage : {Removed(), CutTo(0), CutTo(20), Overwritten("garbage", Garbage(42)),
                               Overwritten("longer", Garbage(4'096)), Overwritten("zeros", std::string(42, '\0'))}) {
    SCOPED_TRACE(damage.name);
    {
      const auto store = TryOpen(path_).value();
      ASSERT_EQ(Fill(*store, 4), 4);
      damage.apply(path_ + ".commits");
      ASSERT_EQ(Fill(*store, 4), 4) << "while it is in use";
      EXPECT_EQ(Found(Killed()), "9 with 8");
      EXPECT_THAT(warnings_, IsEmpty());
    }
    damage.apply(path_ + ".commits");
    EXPECT_EQ(Found(path_), "9 with 8") << "before the start";
    EXPECT_THAT(warnings_, IsEmpty());
    RemoveAll();
  }
}

TEST_F(SqliteSideFilesTest, LargerCountIsReportedAndLosesNothing) {
  {
    const auto store = TryOpen(path_).value();
    ASSERT_EQ(Fill(*store, 4), 4);
  }
  WriteFile(path_ + ".commits", "00000000000000000000 00000000000000000090\n");
  EXPECT_EQ(Found(path_), "5 with 4");
  EXPECT_THAT(warnings_, testing::ElementsAre(HasSubstr("has 4 commits, but 90 were counted")));
}

TEST_F(SqliteSideFilesTest, ContentsOfTheLockFileDoNotMatter) {
  for (const std::string& contents : {std::string(), Garbage(100), std::string("1\n")}) {
    WriteFile(path_ + ".lock", contents);
    const auto store = TryOpen(path_);
    ASSERT_TRUE(store.ok()) << store.status();
    Overwritten("garbage", "\x01\xff\n\x02").apply(path_ + ".lock");
    const absl::Status second = TryOpen(path_).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
    EXPECT_THAT(std::string(second.message()), HasSubstr(absl::StrCat("another process holds ", path_, ".lock")));
  }
}

TEST_F(SqliteSideFilesTest, RemovedLockFileIsCreatedAgain) {
  for (const bool by_check : {false, true}) {
    const auto store = TryOpen(path_).value();
    std::filesystem::remove(path_ + ".lock");
    if (by_check) {
      EXPECT_EQ(store->CheckWritable(), absl::OkStatus());
    } else {
      EXPECT_EQ(Fill(*store, 1), 1);
    }
    EXPECT_THAT(std::string(TryOpen(path_).status().message()),
                HasSubstr(absl::StrCat("process ", getpid(), " holds")));
  }
}

TEST_F(SqliteSideFilesTest, RejectsWritesIfAnotherServerHasTheLock) {
  const auto store = TryOpen(path_).value();
  ASSERT_EQ(Fill(*store, 4), 4);
  std::filesystem::remove(path_ + ".lock");
  {
    const auto other = TryOpen(path_).value();
    EXPECT_EQ(Fill(*other, 2), 2);
    for (int i = 0; i < 2; ++i) {
      const absl::Status rejected = store->Commit(Tenant("a"), Write(8, {})).status();
      EXPECT_EQ(ReasonAndField(rejected), "STORAGE_UNAVAILABLE");
      EXPECT_THAT(std::string(rejected.message()), HasSubstr(absl::StrCat(path_, ".lock was replaced")));
    }
    EXPECT_EQ(ReasonAndField(store->CheckWritable()), "STORAGE_UNAVAILABLE");
    EXPECT_EQ(Fill(*other, 1), 1);
  }
  EXPECT_EQ(ReasonAndField(store->CheckWritable()), "STORAGE_UNAVAILABLE") << "what it knows may be old";
  EXPECT_EQ(Found(path_), "8 with 7");
}

TEST_F(SqliteSideFilesTest, RejectsWritesIfAnotherServerHadTheLock) {
  const auto store = TryOpen(path_).value();
  ASSERT_EQ(Fill(*store, 4), 4);
  std::filesystem::remove(path_ + ".lock");
  EXPECT_EQ(Fill(*TryOpen(path_).value(), 2), 2);
  EXPECT_EQ(ReasonAndField(store->CheckWritable()), "STORAGE_UNAVAILABLE") << "what it knows is old";
  EXPECT_EQ(ReasonAndField(store->Commit(Tenant("a"), Write(8, {})).status()), "STORAGE_UNAVAILABLE");
}

TEST_F(SqliteSideFilesTest, LockFileThatCannotBeLookedAtIsNotLockedAgain) {
  const auto store = TryOpen(path_).value();
  const std::string lock = path_ + ".lock";
  std::filesystem::rename(lock, lock + ".away");
  std::filesystem::create_symlink(lock, lock);
  EXPECT_EQ(ReasonAndField(store->CheckWritable()), "STORAGE_UNAVAILABLE");
  std::filesystem::rename(lock + ".away", lock);
  EXPECT_EQ(store->CheckWritable(), absl::OkStatus());
  EXPECT_EQ(Fill(*store, 1), 1);
}

}  // namespace
}  // namespace qconfig
