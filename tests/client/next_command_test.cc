// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/next_command.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
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

TEST(NextCommandTest, TheLatestCatalogueIsTheNewest) {
  const std::string newest = R"(field: "catalog" value: "latest" suggestions: "quark-0.13" suggestion_reasons {
                                kind: SUGGESTION_KIND_OTHER_RELEASE text: "the newest release on this server" })";
  EXPECT_EQ(Next("set-default-catalog latest", newest), "qconfigctl set-default-catalog quark-0.13");
  const std::string other = absl::StrReplaceAll(newest, {{"latest", "0.14"}});
  EXPECT_EQ(Next("set-default-catalog 0.14", other), "") << "another release";
}

TEST(NextCommandTest, ARemovedEntryComesBeforeSimilarNames) {
  const std::string removed = R"(field: "spec.model_type" value: "my_llama" suggestions: "my_llama" suggestions: "llama"
                                 suggestion_reasons { kind: SUGGESTION_KIND_REMOVED revision: 3 }
                                 suggestion_reasons { kind: SUGGESTION_KIND_SIMILAR_NAME })";
  EXPECT_EQ(Next("get-config my_llama --scheme fp8", removed),
            "qconfigctl get-config my_llama --scheme fp8 --revision 3");
  EXPECT_EQ(Next("unregister template my_llama", removed), "") << "a write has no revision";
}

TEST(NextCommandTest, NamesTheAlgorithm) {
  const auto detail = [](const std::string& field) {
    return "field: '" + field +
           "' value: 'x' suggestions: 'int4_wo_128' suggestion_reasons { kind: SUGGESTION_KIND_OTHER_TOOL } advice: "
           "'AWQ is an algorithm: add awq to `algorithm`. ListSchemes lists all schemes.'";
  };
  EXPECT_EQ(Next("get-config llama --scheme x", detail("spec.scheme")),
            "qconfigctl get-config llama --scheme int4_wo_128 --algorithm awq");
  EXPECT_EQ(Next("get-config llama --scheme awq", absl::StrReplaceAll(detail("spec.scheme"), {{"'x'", "'awq'"}})),
            "qconfigctl get-config llama --scheme int4_wo_128 --algorithm awq");
  EXPECT_EQ(Next("get-config llama --scheme x --algorithm awq", detail("spec.scheme")),
            "qconfigctl get-config llama --scheme int4_wo_128 --algorithm awq");
  EXPECT_EQ(Next("get-config llama --scheme fp8 --layer *a*=x", detail("spec.layer_config[0].scheme")), "");
}

TEST(NextCommandTest, IsCertainAboutModelTypesOnlyByArchitectureOrId) {
  const auto detail = [](const std::string& rest) {
    return "field: 'spec.model_type' value: 'x' suggestions: 'llama' suggestion_reasons { kind: SUGGESTION_KIND_" +
           rest + " }";
  };
  const std::string line = "get-config x --scheme fp8";
  EXPECT_EQ(Next(line, detail("RELATED_MODEL text: 'the model_type of this architecture'")),
            "qconfigctl get-config llama --scheme fp8");
  EXPECT_EQ(Next(line, detail("RELATED_MODEL text: 'a related model to start from'")), "");
  EXPECT_EQ(Next(line, detail("SPELLING")), "");
  EXPECT_EQ(Next("list schemes --catalog quark-0.12",
                 "field: 'catalog' value: 'quark-0.12' suggestions: 'quark-0.12.post1' suggestion_reasons { kind: "
                 "SUGGESTION_KIND_SIMILAR_NAME }"),
            "qconfigctl list schemes --catalog quark-0.12.post1");
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
