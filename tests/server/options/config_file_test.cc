// SPDX-License-Identifier: Apache-2.0
#include "server/options/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ConfigFileTest, ReadsKeysAndValues) {
  const struct {
    const char* line;
    const char* value;
  } cases[] = {
      {"key=value", "value"},
      {"  key \t=  two words  \r", "two words"},
      {"key = a,b=c", "a,b=c"},
      {"key = /a#b", "/a#b"},
      {"key = 5 # five", "5"},
      {"key = # nothing", ""},
      {"key =", ""},
      {"key = \"\"", ""},
      {"key = \" /a # b \" # comment", " /a # b "},
  };
  for (const auto& item : cases) {
    const auto lines = ParseConfig(std::string("# comment\n\n") + item.line + "\n  # another");
    ASSERT_TRUE(lines.ok()) << item.line << lines.status();
    ASSERT_EQ(lines->size(), 1u) << item.line;
    EXPECT_EQ(lines->front().key, "key") << item.line;
    EXPECT_EQ(lines->front().value, item.value) << item.line;
    EXPECT_EQ(lines->front().line, 3) << item.line;
  }
}

TEST(ConfigFileTest, RejectsMalformedLinesWithoutQuotingThem) {
  for (const char* line : {"secret", "[secret]", "key = \"secret", "key = \"secret\" more"}) {
    const std::string message(ParseConfig(std::string("a = b\n") + line).status().message());
    EXPECT_THAT(message, HasSubstr("line 2")) << line;
    EXPECT_THAT(message, Not(HasSubstr("secret"))) << line;
  }
}

TEST(ConfigFileTest, ErrorsNameTheUnreadableFile) {
  for (const char* path : {"/nonexistent/file", "/tmp", "/dev/zero"}) {
    EXPECT_THAT(std::string(ReadConfigFile(path).status().message()), HasSubstr(path));
  }
}

TEST(ConfigFileTest, ReadsOnlyTextInRegularFiles) {
  TempDirectory directory;
  const std::string file = directory.Path("file");
  WriteFile(file, "\xEF\xBB\xBFkey = value\n");
  const auto lines = ReadConfigFile(file);
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_EQ(lines->front().key, "key") << "without the byte order mark";
  WriteFile(file, std::string("key = val\0ue\n", 13));
  EXPECT_EQ(ReadConfigFile(file).status().message(),
            "the configuration file " + file + " is not a text file: it has a NUL byte");
  WriteFile(file, std::string((1u << 20) + 1, '\n'));
  EXPECT_THAT(std::string(ReadConfigFile(file).status().message()), HasSubstr("has more than 1048576 bytes"));
  const std::string pipe = directory.Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(std::string(ReadConfigFile(pipe).status().message()), HasSubstr("is not a regular file"))
      << "and does not wait for a writer";
}

}  // namespace
}  // namespace qconfig
