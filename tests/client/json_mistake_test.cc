// SPDX-License-Identifier: Apache-2.0
//
// JSON as people write it by hand.
#include "server/base/files/json_mistake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "server/base/files/file_tree.h"

namespace qconfig {
namespace {

TEST(JsonMistakeTest, NamesTheMistakeAndTheLine) {
  const std::pair<std::string, std::string> cases[] = {
      {"{\"a\": 1,\n}", "line 2: trailing comma; remove the comma before }"},
      {"{\"a\": {\"b\": 1 , },\n\"c\": 2}", "line 1: trailing comma; remove the comma before }"},
      {"[1, 2,\n]", "line 2: trailing comma; remove the comma before ]"},
      {"{'a': 1}", "line 1: JSON has double quotes, not single quotes"},
      {"{\"a\":\n 'b'}", "line 2: JSON has double quotes, not single quotes"},
      {"{\"a\": True}", "line 1: JSON has true, not True"},
      {"{\"a\": 1,\n\"b\": False}", "line 2: JSON has false, not False"},
      {"{\"a\": None}", "line 1: JSON has null, not None"},
      {"[NaN]", "line 1: JSON has no NaN"},
      {"{\"a\": 1\n\"b\": 2}", "line 2: missing comma before \"b\""},
      {"{\"a\": {}\n\"b\": 2}", "line 2: missing comma before \"b\""},
      {"[{} {}]", "line 1: missing comma before {"},
      {"{a: 1}", "line 1: the key a needs double quotes"},
      {"{\"a\": 1, dtype : 1}", "line 1: the key dtype needs double quotes"},
      {"{\"dtype\": int4}", "line 1: the string int4 needs double quotes"},
      {"{\"dtype\": fp8_e4m3}", "line 1: the string fp8_e4m3 needs double quotes"},
      {"{\n# comment\n\"a\": 1}", "line 2: a comment begins with //, not with #"},
      {"{\"a\": \"b\n}", "line 1: a string does not end; add the closing double quote"},
      {"{\r\n\"a\": \"b\r\n}\r\n", "line 2: a string does not end; add the closing double quote"},
      {"{\"a\": 1,\r\n}\r\n", "line 2: trailing comma; remove the comma before }"},
  };
  for (const auto& [text, mistake] : cases) {
    EXPECT_EQ(std::string(ParseStrictJson(text).status().message()), mistake) << text;
  }
}

TEST(JsonMistakeTest, OtherErrorsKeepTheTextOfTheParser) {
  for (const char* text : {"{", "{\"a\" 1}", "{\"a\": 01}", "]", "{\"a\": 1}}", "[\"\\x\"]"}) {
    EXPECT_THAT(std::string(ParseStrictJson(text).status().message()), testing::HasSubstr("parse error at line 1"))
        << text;
  }
  EXPECT_EQ(JsonMistake("", 0, ""), "");
  EXPECT_EQ(JsonMistake("{", 5, ""), "");
}

}  // namespace
}  // namespace qconfig
