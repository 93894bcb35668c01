// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/next_command.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"

namespace qconfig::client {
namespace {

std::string Next(const std::string& line, const std::string& text) {
  v1::ErrorDetail detail;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &detail)) << text;
  return NextCommand(absl::StrSplit(line, ' '), detail);
}

TEST(NextCommandTest, HasTheSuggestionInsteadOfTheValue) {
  const std::string detail =
      R"(value: "W8A8" suggestions: "int8" suggestion_reasons { kind: SUGGESTION_KIND_OTHER_TOOL })";
  EXPECT_EQ(Next("get-config llama --scheme W8A8", detail), "qconfigctl get-config llama --scheme int8");
  EXPECT_EQ(Next("get-config llama --scheme=W8A8", detail), "qconfigctl get-config llama --scheme=int8");
  EXPECT_EQ(Next("get-config llama --scheme fp8 --layer *a*=W8A8", detail),
            "qconfigctl get-config llama --scheme fp8 --layer '*a*=int8'");
}

TEST(NextCommandTest, NamesTheCatalogueOrTheRevision) {
  const std::string other = R"(value: "qwen3_5" suggestions: "qwen3_5"
                               suggestion_reasons { kind: SUGGESTION_KIND_OTHER_CATALOG catalog: "quark-0.13" })";
  EXPECT_EQ(Next("get-config qwen3_5 --scheme fp8", other),
            "qconfigctl get-config qwen3_5 --scheme fp8 --catalog quark-0.13");
  EXPECT_EQ(Next("get-config qwen3_5 --catalog quark-0.12.post1 --scheme fp8", other),
            "qconfigctl get-config qwen3_5 --catalog quark-0.13 --scheme fp8");
  EXPECT_EQ(Next("--catalog=quark-0.12.post1 get-config qwen3_5 --scheme fp8", other),
            "qconfigctl --catalog=quark-0.13 get-config qwen3_5 --scheme fp8");
  EXPECT_EQ(Next("describe scheme mine", R"(value: "mine" suggestions: "mine"
                                            suggestion_reasons { kind: SUGGESTION_KIND_REMOVED revision: 7 })"),
            "qconfigctl describe scheme mine --revision 7");
}

TEST(NextCommandTest, IsEmptyIfTheSuggestionIsNotCertain) {
  const std::string line = "get-config llama --scheme int4";
  EXPECT_EQ(Next(line, R"(value: "int4" suggestions: ["a", "b"]
                          suggestion_reasons { kind: SUGGESTION_KIND_SPELLING }
                          suggestion_reasons { kind: SUGGESTION_KIND_SPELLING })"),
            "");
  for (const char* kind : {"RELATED_MODEL", "SIMILAR_NAME", "OTHER_RELEASE", "UNSPECIFIED"}) {
    EXPECT_EQ(Next(line, std::string(R"(value: "int4" suggestions: "a" suggestion_reasons { kind: SUGGESTION_KIND_)") +
                             kind + " }"),
              "");
  }
  const std::string spelling =
      R"(value: "int4" suggestions: "a" suggestion_reasons { kind: SUGGESTION_KIND_SPELLING })";
  EXPECT_EQ(Next("register scheme -f file", spelling), "");
  EXPECT_EQ(Next("get-config int4 --scheme int4", spelling), "");
  EXPECT_EQ(Next(line, R"(value: "int4" suggestions: "a" suggestion_reasons { kind: 99 })"), "");
}

TEST(ShellTextTest, QuotesWhereNecessary) {
  EXPECT_EQ(ShellText({"a", "*b*", "it's", "", "a=b"}), R"(a '*b*' 'it'\''s' '' a=b)");
}

}  // namespace
}  // namespace qconfig::client
