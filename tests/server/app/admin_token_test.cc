// SPDX-License-Identifier: Apache-2.0
#include "server/app/admin_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <filesystem>
#include <memory>
#include <sstream>

#include "server/base/event_log.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

TEST(AdminTokenTest, IsReadFromItsFileForEachRequest) {
  const TempDirectory directory;
  const std::string path = directory.Path("token");
  std::ostringstream text;
  spdlog::logger logger("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  LimitedLog log(EventLog(logger, LogForm::kText));
  EXPECT_THAT(std::string(ReadAdminToken(path).status().message()), HasSubstr("--admin-token-file " + path));
  WriteFile(path, " \n");
  EXPECT_EQ(ReadAdminToken(path).status().message(), "--admin-token-file " + path + " is empty");
  WriteFile(path, "secret\n");
  EXPECT_EQ(ReadAdminToken(path).value(), "secret");
  EXPECT_TRUE(HasAdminToken(path, "Bearer secret", log));
  EXPECT_FALSE(HasAdminToken(path, "Bearer other", log));
  EXPECT_FALSE(HasAdminToken(path, "secret", log));
  EXPECT_EQ(text.str(), "");
  std::filesystem::remove(path);
  EXPECT_FALSE(HasAdminToken(path, "Bearer secret", log));
  EXPECT_THAT(text.str(), HasSubstr("requests for metrics are rejected error=\"--admin-token-file " + path));
}

}  // namespace
}  // namespace qconfig
