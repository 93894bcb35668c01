// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/error_text.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace qconfig::client {
namespace {

v1::ErrorDetail Detail(const std::string& text) {
  v1::ErrorDetail detail;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &detail)) << text;
  return detail;
}

TEST(DetailTextTest, HasALineForEachField) {
  EXPECT_EQ(DetailText(Detail(R"(field: "spec.scheme" value: "fp9" allowed: ["int8", "fp8"] allowed_total: 27
                                 suggestions: ["fp8", "mxfp4"] rule: "a_rule" tenant: "acme" catalog: "quark-0.13")")),
            "  field:        spec.scheme\n"
            "  value:        fp9\n"
            "  did you mean: fp8, mxfp4\n"
            "  allowed:      int8, fp8 and 25 more\n"
            "  rule:         a_rule\n"
            "  catalogue:    quark-0.13\n"
            "  tenant:       acme\n");
}

TEST(DetailTextTest, NamesTheOptionOfAField) {
  EXPECT_EQ(DetailText(Detail(R"(field: "spec.layer_config[1].pattern")")),
            "  field:        spec.layer_config[1].pattern (--layer)\n");
  EXPECT_EQ(DetailText(Detail(R"(field: "spec.exclude_layers.patterns[0]")")),
            "  field:        spec.exclude_layers.patterns[0] (--exclude)\n");
  EXPECT_EQ(DetailText(Detail(R"(field: "spec.algo_configs[0].config.gptq")")),
            "  field:        spec.algo_configs[0].config.gptq (--algo-config)\n");
  EXPECT_EQ(DetailText(Detail(R"(field: "spec.layer_type_config[0].layer_type")")),
            "  field:        spec.layer_type_config[0].layer_type (--layer-type)\n");
  EXPECT_EQ(DetailText(Detail(R"(field: "runtimes[0]")")), "  field:        runtimes[0] (--runtime)\n");
}

TEST(DetailTextTest, SaysWhySuggestionsAreMade) {
  EXPECT_EQ(DetailText(Detail(R"(suggestions: ["qwen3_5", "qwen3", "qwen2"]
                                 suggestion_reasons { kind: SUGGESTION_KIND_OTHER_CATALOG catalog: "quark-0.13"
                                                      text: "quark-0.13 on this server has it" }
                                 suggestion_reasons { kind: SUGGESTION_KIND_SIMILAR_NAME }
                                 suggestion_reasons { kind: SUGGESTION_KIND_SIMILAR_NAME }
                                 advice: "Register a template.")")),
            "  did you mean: qwen3_5 (quark-0.13 on this server has it; add --catalog quark-0.13)\n"
            "                qwen3, qwen2\n"
            "  advice:       Register a template.\n");
  EXPECT_EQ(DetailText(Detail(R"(suggestions: ["a", "b"]
                                 suggestion_reasons { kind: SUGGESTION_KIND_OTHER_TOOL text: "as llm-compressor's W4A16" }
                                 suggestion_reasons { kind: SUGGESTION_KIND_OTHER_TOOL text: "as llm-compressor's W4A16" })")),
            "  did you mean: a, b (as llm-compressor's W4A16)\n");
  EXPECT_EQ(DetailText(Detail(R"(suggestions: ["mine", "mime"] advice: "Register it again."
                                 suggestion_reasons { kind: SUGGESTION_KIND_REMOVED revision: 7 text: "removed" }
                                 suggestion_reasons { kind: SUGGESTION_KIND_SPELLING })")),
            "  did you mean: mime\n"
            "  advice:       Register it again.\n")
      << "a removed entry is not another name";
}

TEST(DetailTextTest, EmptyDetailHasNoLines) { EXPECT_EQ(DetailText({}), ""); }

TEST(DetailTextTest, OmitsTheCountIfAllAllowedValuesAreListed) {
  EXPECT_EQ(DetailText(Detail(R"(allowed: ["int8", "fp8"] allowed_total: 2)")), "  allowed:      int8, fp8\n");
}

TEST(DetailTextTest, CountsAllowedValuesThatAreNotListed) {
  EXPECT_EQ(DetailText(Detail("allowed_total: 27")), "  allowed:      27 values, too many to list\n");
}

TEST(DetailTextTest, QuotesNamesWithCommas) {
  EXPECT_EQ(DetailText(Detail(R"(suggestions: ["a, b", "a", "say \"b\"", "c\\, d"])")),
            "  did you mean: \"a, b\", a, \"say \\\"b\\\"\", \"c\\\\, d\"\n");
}

TEST(DetailTextTest, PrintsAvailableRevisionsAsARange) {
  EXPECT_EQ(DetailText(Detail("first_revision: 3 newest_revision: 3630000000000")),
            "  revisions:    3 to 3630000000000\n");
}

TEST(DetailTextTest, PrintsTheNewestRevisionAlone) {
  EXPECT_EQ(DetailText(Detail("newest_revision: 2")), "  newest:       2\n");
}

TEST(DetailTextTest, ListsFindings) {
  EXPECT_EQ(DetailText(Detail(R"(tenant: "acme" finding_total: 3
                                 findings { code: FINDING_CODE_GROUP_SIZE_MISMATCH severity: FINDING_SEVERITY_ERROR
                                            message: "128 does not divide 64" modules: ["a", "b", "c", "d"] module_count: 7 }
                                 findings { message: "newer than this client" severity: 9 code: 999 })")),
            "  tenant:       acme\n"
            "ERROR: 128 does not divide 64 (GROUP_SIZE_MISMATCH)\n"
            "  modules: a, b, c and 4 more\n"
            "FINDING: newer than this client\n"
            "and 1 more findings\n");
}

TEST(FindingTextTest, HasALineForEachField) {
  v1::Finding finding;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(code: FINDING_CODE_RUNTIME_NEEDS_OPTION severity: FINDING_SEVERITY_INFO message: "needs an option"
         field: "spec.kv_cache_scheme" runtime: "vllm@0.33.0" fix: "--kv-cache-dtype fp8")",
      &finding));
  EXPECT_EQ(FindingText(finding),
            "INFO: vllm@0.33.0: needs an option (RUNTIME_NEEDS_OPTION)\n"
            "  field:   spec.kv_cache_scheme\n"
            "  fix:     --kv-cache-dtype fp8\n");
}

TEST(WarningTextTest, QuotesTheValue) {
  v1::Warning warning;
  warning.set_field("spec.scheme");
  warning.set_message("is an older name of nvfp4");
  EXPECT_EQ(WarningText(warning), "spec.scheme: is an older name of nvfp4");
  warning.set_value("fp4_block16");
  EXPECT_EQ(WarningText(warning), "spec.scheme: \"fp4_block16\" is an older name of nvfp4");
}

}  // namespace
}  // namespace qconfig::client
