// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "server/registry/storage/durable_files.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace {

// The syncs of this program in order: "f" for a file, "d" for a directory.
std::string& Synced() {
  static auto* const kSynced = new std::string();
  return *kSynced;
}

}  // namespace

// Replaces the system's function, which it calls.
extern "C" int fsync(int fd) {
  static const auto system_fsync = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, "fsync"));
  struct stat file {};
  if (fstat(fd, &file) == 0) Synced() += S_ISDIR(file.st_mode) ? 'd' : 'f';
  return system_fsync(fd);
}

namespace qconfig {
namespace {

TEST(DurableFilesTest, SyncsAPublishedFileAndItsDirectory) {
  const TempDirectory directory;
  const std::string unfinished = CreateUnfinishedFile(directory.Path("file")).value();
  WriteFile(unfinished, "text");
  Synced().clear();
  ASSERT_TRUE(PublishFile(unfinished, directory.Path("file")).ok());
  EXPECT_EQ(Synced(), "fd");
  EXPECT_EQ(FileBytes(directory.Path("file")), "text");
  EXPECT_FALSE(std::filesystem::exists(unfinished));
  WriteFile(unfinished, "other");
  EXPECT_TRUE(absl::IsFailedPrecondition(PublishFile(unfinished, directory.Path("file"))));
  EXPECT_EQ(FileBytes(directory.Path("file")), "text");
}

TEST(DurableFilesTest, SyncsCreatedDirectories) {
  const TempDirectory directory;
  Synced().clear();
  ASSERT_TRUE(CreateParentDirectory(directory.Path("a/b/file")).ok());
  EXPECT_EQ(Synced(), "dd");
  ASSERT_TRUE(CreateParentDirectory(directory.Path("a/b/file")).ok());
  EXPECT_EQ(Synced(), "dd");
}

TEST(DurableFilesTest, TemporaryFilesHaveUniqueNames) {
  const TempDirectory directory;
  const std::string first = CreateUnfinishedFile(directory.Path("file")).value();
  EXPECT_NE(CreateUnfinishedFile(directory.Path("file")).value(), first);
  EXPECT_EQ(std::filesystem::path(first).filename().string().rfind("file.", 0), 0);
}

TEST(DurableFilesTest, LinksHaveTheSameCanonicalPath) {
  const TempDirectory directory;
  const std::string file = directory.Path("file");
  WriteFile(file, "");
  std::filesystem::create_symlink(file, directory.Path("link"));
  EXPECT_EQ(CanonicalPath(directory.Path("link")).value(), file);
  EXPECT_EQ(CanonicalPath(directory.Path("none/../file")).value(), file);
  EXPECT_EQ(CanonicalPath("file:x").value(), std::filesystem::current_path() / "file:x");
}

TEST(DurableFilesTest, DistinguishesAFullDisk) {
  for (const int error : {ENOSPC, EDQUOT, EFBIG})
    EXPECT_EQ(ReasonAndField(FileFailure("open", "/x", error)), "STORAGE_FULL");
  EXPECT_EQ(ReasonAndField(FileFailure("open", "/x", EACCES)), "STORAGE_UNAVAILABLE");
}

}  // namespace
}  // namespace qconfig
