// SPDX-License-Identifier: Apache-2.0
#include "server/auth/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/error.h"
#include "tests/server/auth/disk_faults.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(60);
constexpr absl::Duration kShort = absl::Milliseconds(20);

AuditEvent Event(const std::string& id) {
  AuditEvent event;
  event.event = "write_begin";
  event.request_id = id;
  return event;
}

// The reason of an error; empty for OK.
std::string Reason(const absl::Status& status) { return ReasonName(ItemErrorOf(status).reason()); }

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() { SetLogForm(logger_, LogForm::kText); }

  absl::StatusOr<std::unique_ptr<AuditLog>> TryOpen() {
    return AuditLog::Open(path_, EventLog(logger_, LogForm::kText),
                          Clock([this] { return wall_.load(); }, [this] { return steady_.load(); }));
  }
  std::unique_ptr<AuditLog> Open() { return TryOpen().value(); }

  std::vector<std::string> Lines(const std::string& path) const {
    return absl::StrSplit(FileBytes(path), '\n', absl::SkipEmpty());
  }
  std::vector<std::string> Lines() const { return Lines(path_); }
  // The request IDs of the lines. Each line must be a JSON object.
  std::vector<std::string> Ids(const std::string& path) const {
    std::vector<std::string> ids;
    EXPECT_THAT(FileBytes(path), EndsWith("\n"));
    for (const std::string& line : Lines(path)) {
      const json parsed = json::parse(line, nullptr, false);
      EXPECT_TRUE(parsed.is_object()) << line;
      if (parsed.is_object()) ids.push_back(parsed.value("request_id", ""));
    }
    return ids;
  }
  std::vector<std::string> Ids() const { return Ids(path_); }

  TempDirectory directory_;
  std::string path_ = directory_.Path("audit.jsonl");
  std::ostringstream log_;  // written by the thread of the log
  spdlog::logger logger_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)};
  std::atomic<absl::Time> wall_ = absl::FromUnixMicros(1'800'000'000'123'456);
  std::atomic<absl::Duration> steady_ = absl::Hours(1);
};

TEST_F(AuditLogTest, WritesFieldsInOrder) {
  const auto log = Open();
  AuditEvent event;
  event.event = "write_end";
  event.principal = "release-bot";
  event.credential = "token:0123abcd";
  event.peer = "ipv4:127.0.0.1";
  event.method = "RegistryService/RegisterScheme";
  event.tenant = "acme";
  event.decision = "allowed";
  event.reason = "QUOTA_EXCEEDED";
  event.revision = 7;
  event.request_id = "id";
  event.call_id = "c1";
  event.trace_id = "t1";
  ASSERT_TRUE(log->Append(event, kLong).ok());
  EXPECT_EQ(FileBytes(path_),
            R"({"time":"2027-01-15T08:00:00.123456Z","event":"write_end","principal":"release-bot",)"
            R"("credential":"token:0123abcd","peer":"ipv4:127.0.0.1","method":"RegistryService/RegisterScheme",)"
            R"("tenant":"acme","decision":"allowed","reason":"QUOTA_EXCEEDED","revision":7,"request_id":"id",)"
            R"("call_id":"c1","trace_id":"t1"})"
            "\n");
}

TEST_F(AuditLogTest, LeavesOutWhatIsEmptyAndMakesTextsPrintable) {
  const auto log = Open();
  AuditEvent event;
  event.event = "rejected";
  ASSERT_TRUE(log->Append(event, kLong).ok());
  event.tenant = "a\"\\\n\xff\x1b[31m";
  event.principal = std::string(100'000, 'x');
  ASSERT_TRUE(log->Append(event, kLong).ok());
  ASSERT_EQ(Lines().size(), 2u);
  EXPECT_EQ(Lines()[0], R"({"time":"2027-01-15T08:00:00.123456Z","event":"rejected"})");
  const json second = json::parse(Lines()[1]);
  EXPECT_EQ(second["principal"], std::string(253, 'x') + "...");
  EXPECT_EQ(second["tenant"].get<std::string>().find_first_of("\n\xff\x1b"), std::string::npos) << second;
}

TEST_F(AuditLogTest, CreatesAFileForItsOwnerAndAppendsToIt) {
  umask(0022);
  { ASSERT_TRUE(Open()->Append(Event("a"), kLong).ok()); }
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  ASSERT_TRUE(Open()->Append(Event("b"), kLong).ok());
  EXPECT_THAT(Ids(), ElementsAre("a", "b"));
}

TEST_F(AuditLogTest, KeepsTheOrderOfCalls) {
  const auto log = Open();
  std::vector<std::string> ids;
  for (int i = 0; i < 300; ++i) {
    ids.push_back(absl::StrCat(i));
    if (i % 3 == 0) {
      log->Post(Event(ids.back()));
    } else {
      EXPECT_TRUE(log->Append(Event(ids.back()), kLong).ok());
    }
  }
  ASSERT_TRUE(log->Append(Event("last"), kLong).ok());
  ids.emplace_back("last");
  EXPECT_EQ(Ids(), ids);
  EXPECT_EQ(log->written(), 301);
  EXPECT_EQ(log->failed(), 0);
  EXPECT_EQ(log->dropped(), 0);
}

TEST_F(AuditLogTest, WritesWhatWaitsWhenItEnds) {
  {
    const auto log = Open();
    const HangingDisk disk(path_);  // ends before the log
    for (int i = 0; i < 100; ++i) log->Post(Event("x"));
  }
  EXPECT_EQ(Ids().size(), 100u);
}

TEST_F(AuditLogTest, TakesLinesFromManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kLines = 250;
  const auto log = Open();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLines; ++i) EXPECT_TRUE(log->Append(Event(absl::StrCat(t, ".", i)), kLong).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int> next(kThreads, 0);
  for (const std::string& id : Ids()) {
    const std::vector<std::string> parts = absl::StrSplit(id, '.');
    EXPECT_EQ(parts.at(1), absl::StrCat(next.at(std::stoul(parts.at(0)))++)) << id;
  }
  EXPECT_THAT(next, testing::Each(kLines));
}

TEST_F(AuditLogTest, FollowsARenameWithinASecond) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Event("a"), kLong).ok());
  const std::string rotated = path_ + ".1";
  std::filesystem::rename(path_, rotated);
  ASSERT_TRUE(log->Append(Event("b"), kLong).ok());
  EXPECT_THAT(Ids(rotated), ElementsAre("a", "b")) << "the path is checked once a second";
  EXPECT_FALSE(std::filesystem::exists(path_));
  steady_ = steady_.load() + absl::Seconds(1);
  ASSERT_TRUE(log->Append(Event("c"), kLong).ok());
  EXPECT_THAT(Ids(), ElementsAre("c"));
  // A file that the program for rotation creates.
  std::filesystem::rename(path_, rotated);
  WriteFile(path_, "");
  steady_ = steady_.load() + absl::Seconds(1);
  ASSERT_TRUE(log->Append(Event("d"), kLong).ok());
  EXPECT_THAT(Ids(), ElementsAre("d"));
  EXPECT_THAT(Ids(rotated), ElementsAre("c"));
}

TEST_F(AuditLogTest, ContinuesInATruncatedFile) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Event("a"), kLong).ok());
  std::filesystem::resize_file(path_, 0);
  ASSERT_TRUE(log->Append(Event("b"), kLong).ok());
  EXPECT_THAT(Ids(), ElementsAre("b"));
}

TEST_F(AuditLogTest, BeginsALineAfterARestOfAnother) {
  WriteFile(path_, "{\"time\":\"20");
  ASSERT_TRUE(Open()->Append(Event("a"), kLong).ok());
  ASSERT_EQ(Lines().size(), 2u);
  EXPECT_EQ(Lines()[0], "{\"time\":\"20");
  EXPECT_TRUE(json::accept(Lines()[1]));
}

TEST_F(AuditLogTest, FullDiskLeavesNoPartOfALine) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Event("a"), kLong).ok());
  {
    const FileLimit limit(std::filesystem::file_size(path_) + 30);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(Reason(log->Append(Event("b"), kLong)), "AUDIT_UNAVAILABLE");
    log->Post(Event("c"));
    EXPECT_EQ(Reason(log->Append(Event("d"), kLong)), "AUDIT_UNAVAILABLE");
  }
  EXPECT_THAT(Ids(), ElementsAre("a"));
  ASSERT_TRUE(log->Append(Event("e"), kLong).ok());
  EXPECT_THAT(Ids(), ElementsAre("a", "e"));
  EXPECT_EQ(json::parse(Lines()[1])["left_out"], 1) << "c; the others were answered with an error";
  EXPECT_EQ(log->written(), 2);
  EXPECT_EQ(log->failed(), 5);
  EXPECT_THAT(log_.str(), HasSubstr("[error] the audit log cannot be written error=\"" + path_));
}

TEST_F(AuditLogTest, FullDiskWithoutRoomForAByteFails) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Event("a"), kLong).ok());
  {
    const FileLimit limit(std::filesystem::file_size(path_));
    EXPECT_EQ(Reason(log->Append(Event("b"), kLong)), "AUDIT_UNAVAILABLE");
  }
  ASSERT_TRUE(log->Append(Event("c"), kLong).ok());
  EXPECT_THAT(Ids(), ElementsAre("a", "c"));
}

TEST_F(AuditLogTest, RemovedDirectoryFailsUntilItIsBack) {
  const std::filesystem::path parent = directory_.Path("logs");
  std::filesystem::create_directory(parent);
  path_ = parent / "audit.jsonl";
  const auto log = Open();
  ASSERT_TRUE(log->Append(Event("a"), kLong).ok());
  std::filesystem::remove_all(parent);
  steady_ = steady_.load() + absl::Seconds(1);
  const absl::Status status = log->Append(Event("b"), kLong);
  EXPECT_EQ(Reason(status), "AUDIT_UNAVAILABLE");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), testing::Not(HasSubstr(parent.string())));
  EXPECT_EQ(Reason(log->Append(Event("c"), kLong)), "AUDIT_UNAVAILABLE");
  std::filesystem::create_directory(parent);
  ASSERT_TRUE(log->Append(Event("d"), kLong).ok());
  EXPECT_THAT(Ids(), ElementsAre("d"));
}

TEST_F(AuditLogTest, RefusesWhatIsNoFile) {
  const auto error = [this](const std::string& path) {
    path_ = path;
    const auto log = TryOpen();
    EXPECT_EQ(log.status().code(), absl::StatusCode::kFailedPrecondition);
    return std::string(log.status().message());
  };
  const std::string pipe = directory_.Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error(pipe), pipe + ": is not a regular file");
  EXPECT_EQ(error("/dev/full"), "/dev/full: is not a regular file");
  EXPECT_THAT(error(directory_.Path("")), HasSubstr("cannot be opened: Is a directory"));
  EXPECT_THAT(error(directory_.Path("none/audit.jsonl")), HasSubstr("cannot be opened: No such file or directory"));
  EXPECT_THAT(error("/proc/audit.jsonl"), HasSubstr("cannot be opened: ")) << "a directory that nobody can write";
}

TEST_F(AuditLogTest, APipeInPlaceOfTheFileDoesNotBlock) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Event("a"), kLong).ok());
  std::filesystem::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  steady_ = steady_.load() + absl::Seconds(1);
  EXPECT_EQ(Reason(log->Append(Event("b"), kLong)), "AUDIT_UNAVAILABLE");
  std::filesystem::remove(path_);
  EXPECT_TRUE(log->Append(Event("c"), kLong).ok());
}

TEST_F(AuditLogTest, HangingDiskBlocksNoCallForLonger) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Event("a"), kLong).ok());
  HangingDisk disk(path_);
  EXPECT_EQ(Reason(log->Append(Event("writing"), kShort)), "AUDIT_UNAVAILABLE");
  disk.AwaitWriter();
  log->Post(Event("b"));
  EXPECT_EQ(Reason(log->Append(Event("waiting"), kShort)), "AUDIT_UNAVAILABLE");
  EXPECT_EQ(Reason(log->Append(Event("waiting"), absl::ZeroDuration())), "AUDIT_UNAVAILABLE");
  EXPECT_EQ(log->failed(), 3);
  disk.Resume();
  ASSERT_TRUE(log->Append(Event("c"), kLong).ok());
  EXPECT_THAT(Ids(), ElementsAre("a", "writing", "b", "c")) << "a line that waited is not written later";
}

TEST_F(AuditLogTest, AClientThatWaitsForAShorterTimeIsNoFailureOfTheLog) {
  const auto log = Open();
  HangingDisk disk(path_);
  log->Post(Event("writing"));
  disk.AwaitWriter();
  EXPECT_EQ(log->Append(Event("a"), kLong, kShort).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(log->failed(), 0);
  EXPECT_EQ(log_.str(), "");
  EXPECT_EQ(Reason(log->Append(Event("b"), kShort, kLong)), "AUDIT_UNAVAILABLE");
  EXPECT_EQ(log->failed(), 1);
  disk.Resume();
}

TEST_F(AuditLogTest, AppendWaitsForAHangingDisk) {
  const auto log = Open();
  HangingDisk disk(path_);
  std::thread resumes([&] {
    disk.AwaitWriter();
    disk.Resume();
  });
  EXPECT_TRUE(log->Append(Event("a"), kLong).ok());
  resumes.join();
  EXPECT_THAT(Ids(), ElementsAre("a"));
}

TEST_F(AuditLogTest, BoundsTheLinesThatWait) {
  const auto log = Open();
  HangingDisk disk(path_);
  log->Post(Event("writing"));
  disk.AwaitWriter();
  for (size_t i = 0; i < AuditLog::kMaxPosted; ++i) log->Post(Event("posted"));
  EXPECT_EQ(log->dropped(), 0);
  for (int i = 0; i < 7; ++i) log->Post(Event("dropped"));
  EXPECT_EQ(log->dropped(), 7);
  // Append() has room left, and is not dropped.
  std::thread appends([&] { EXPECT_TRUE(log->Append(Event("appended"), kLong).ok()); });
  disk.Resume();
  appends.join();
  log->Post(Event("after"));
  ASSERT_TRUE(log->Append(Event("last"), kLong).ok());
  const std::vector<std::string> ids = Ids();
  ASSERT_EQ(ids.size(), AuditLog::kMaxPosted + 4);
  int64_t left_out = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const json line = json::parse(Lines()[i]);
    if (!line.contains("left_out")) continue;
    left_out += line["left_out"].get<int64_t>();
    EXPECT_EQ(ids[i], "appended") << "the first line after those that were dropped";
  }
  EXPECT_EQ(left_out, 7);
  EXPECT_THAT(log_.str(), HasSubstr("[error] line of the audit log dropped: too many wait for the disk"));
}

TEST_F(AuditLogTest, AppendFailsAtOnceIfTooManyLinesWait) {
  const auto log = Open();
  HangingDisk disk(path_);
  log->Post(Event("writing"));
  disk.AwaitWriter();
  std::atomic<int> written = 0;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < AuditLog::kMaxPosted; ++i) log->Post(Event("posted"));
  constexpr size_t kThreads = AuditLog::kMaxWaiting - AuditLog::kMaxPosted + 1;
  threads.reserve(kThreads);
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      if (log->Append(Event("appended"), kLong).ok()) ++written;
    });
  }
  while (log->failed() == 0) std::this_thread::yield();
  EXPECT_EQ(log->failed(), 1);
  disk.Resume();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(written, static_cast<int>(kThreads) - 1);
}

}  // namespace
}  // namespace qconfig
