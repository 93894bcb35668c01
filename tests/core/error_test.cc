// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

using testing::ElementsAre;

TEST(ErrorTest, MessageNamesFieldValueSuggestionAndAllowedValues) {
  const absl::Status status = Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
                                  .Field("spec.layer_config[3].scheme")
                                  .Value("int4_wo_12")
                                  .Suggest(NameKind::kScheme, {"fp8", "int4_wo_128"})
                                  .Allowed({"fp8", "int4_wo_128"})
                                  .ToStatus("no scheme has this name");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "spec.layer_config[3].scheme: no scheme has this name: \"int4_wo_12\"; did you mean int4_wo_128? "
            "Allowed: fp8, int4_wo_128");
}

TEST(ErrorTest, DetailsSurviveTheStatus) {
  const v1::ItemError error = ItemErrorOf(Error(v1::ERROR_REASON_CATALOG_NOT_FOUND)
                                              .Field("catalog")
                                              .Value("x")
                                              .Tenant("acme")
                                              .Catalog("quark")
                                              .ToStatus("no"));
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_CATALOG_NOT_FOUND);
  EXPECT_EQ(error.code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_EQ(error.metadata().at("field"), "catalog");
  EXPECT_EQ(error.metadata().at("value"), "x");
  EXPECT_EQ(error.metadata().at("tenant"), "acme");
  EXPECT_EQ(error.metadata().at("catalog"), "quark");
  EXPECT_EQ(error.detail().ShortDebugString(), "field: \"catalog\" value: \"x\" tenant: \"acme\" catalog: \"quark\"");
  ASSERT_EQ(error.field_violations_size(), 1);
  EXPECT_EQ(error.field_violations(0).field(), "catalog");
  EXPECT_EQ(error.field_violations(0).description(), "no");
}

TEST(ErrorTest, ListsTenAllowedValuesAndCountsTheRest) {
  std::vector<std::string> names;
  for (int i = 0; i < 12; ++i) names.push_back(absl::StrCat("n", i));
  const v1::ItemError error =
      ItemErrorOf(Error(v1::ERROR_REASON_SCHEME_NOT_FOUND).Allowed({names.begin(), names.end()}).ToStatus("no"));
  EXPECT_THAT(error.detail().allowed(), ElementsAre("n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"));
  EXPECT_EQ(error.detail().allowed_total(), 12);
  EXPECT_EQ(error.message(), "no; allowed: n0, n1, n2, n3, n4, n5, n6, n7, n8, n9 and 2 more");
  EXPECT_TRUE(error.metadata().empty()) << "lists are only in the detail";
}

TEST(ErrorTest, SuggestsAtMostThreeValues) {
  const v1::ItemError error = ItemErrorOf(Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
                                              .Value("ab1")
                                              .Suggest(NameKind::kScheme, {"ab2", "ab3", "ab4", "ab5"})
                                              .ToStatus("no"));
  EXPECT_THAT(error.detail().suggestions(), ElementsAre("ab2", "ab3", "ab4"));
}

TEST(ErrorTest, SuggestionWithACommaIsOneSuggestion) {
  const v1::ItemError error = ItemErrorOf(Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
                                              .Value("a, c")
                                              .Suggest(NameKind::kScheme, {"a, b"})
                                              .Allowed({"a, b"})
                                              .ToStatus("no"));
  EXPECT_THAT(error.detail().suggestions(), ElementsAre("a, b"));
  EXPECT_THAT(error.detail().allowed(), ElementsAre("a, b"));
  EXPECT_EQ(error.message(), "no: \"a, c\"; did you mean \"a, b\"? Allowed: \"a, b\"");
}

TEST(ErrorTest, AdviceComesLast) {
  EXPECT_EQ(Error(v1::ERROR_REASON_SCHEME_EXISTS).Field("f").Value("v").Advice("Do this").ToStatus("no").message(),
            "f: no: \"v\". Do this.");
}

TEST(ErrorTest, AdviceAddsUp) {
  const v1::ItemError error = ItemErrorOf(
      Error(v1::ERROR_REASON_SCHEME_EXISTS).Field("f").Advice("Do this").Advice("").Advice("Or that").ToStatus("no"));
  EXPECT_EQ(error.message(), "f: no. Do this. Or that.");
  EXPECT_EQ(error.detail().advice(), "Do this. Or that.");
}

TEST(ErrorTest, SuggestionsHaveReasonsAndNotes) {
  const v1::ItemError error = ItemErrorOf(Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
                                              .Value("AWQ")
                                              .Suggest(NameKind::kScheme, {"uint4_wo_128", "fp8"})
                                              .Allowed({"uint4_wo_128", "fp8"})
                                              .Advice("List them")
                                              .ToStatus("no"));
  EXPECT_EQ(error.message(),
            "no: \"AWQ\"; did you mean uint4_wo_128 (the usual scheme of AWQ)? Allowed: uint4_wo_128, fp8. AWQ is an "
            "algorithm: add awq to `algorithm`, which is separate from the scheme. List them.");
  ASSERT_EQ(error.detail().suggestion_reasons_size(), 1);
  EXPECT_EQ(error.detail().suggestion_reasons(0).ShortDebugString(),
            "kind: SUGGESTION_KIND_OTHER_TOOL source: \"AWQ\" text: \"the usual scheme of AWQ\"");
}

TEST(ErrorTest, RemovedEntryIsTheOnlySuggestion) {
  const absl::Status error = Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
                                 .Field("name")
                                 .Value("ab1")
                                 .Suggest(NameKind::kScheme, {"ab2", "ab3", "ab4"})
                                 .Allowed({"ab2", "ab3", "ab4"})
                                 .ToStatus("no");
  const absl::Status removed = SuggestRemoved(error, 7);
  EXPECT_EQ(removed.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(removed.message(),
            "name: no; it was removed after revision 7: \"ab1\"; allowed: ab2, ab3, ab4. Register it again, or set "
            "`revision` to 7 to read it as it was then.");
  const v1::ErrorDetail detail = ItemErrorOf(removed).detail();
  EXPECT_THAT(detail.suggestions(), ElementsAre("ab1")) << "similar names may have other numbers";
  ASSERT_EQ(detail.suggestion_reasons_size(), 1);
  EXPECT_EQ(detail.suggestion_reasons(0).kind(), v1::SUGGESTION_KIND_REMOVED);
  EXPECT_EQ(detail.suggestion_reasons(0).revision(), 7);
  EXPECT_EQ(ItemErrorOf(removed).message(), removed.message());
  EXPECT_EQ(detail.advice(), "Register it again, or set `revision` to 7 to read it as it was then.");
  EXPECT_EQ(ItemErrorOf(removed).field_violations(0).description(), "no; it was removed after revision 7");
}

TEST(ErrorTest, AdviceAboutARemovedEntryComesFirst) {
  const auto removed = [](const std::vector<absl::string_view>& names) {
    return ItemErrorOf(SuggestRemoved(Error(v1::ERROR_REASON_TEMPLATE_NOT_FOUND)
                                          .Value("ab1")
                                          .Suggest(NameKind::kOther, names)
                                          .Advice("List them")
                                          .ToStatus("no"),
                                      1));
  };
  EXPECT_EQ(
      removed({}).message(),
      "no; it was removed after revision 1: \"ab1\". Register it again, or set `revision` to 1 to read it as it was "
      "then. List them.");
  EXPECT_EQ(removed({"ab2"}).message(), removed({}).message());
  EXPECT_EQ(removed({}).detail().advice(),
            "Register it again, or set `revision` to 1 to read it as it was then. List them.");
}

TEST(ErrorTest, MessageNamesTheRequiredField) {
  const absl::Status status = Error(v1::ERROR_REASON_INVALID_REQUEST).Field("spec.scheme").ToRequiredStatus();
  EXPECT_EQ(status.message(), "spec.scheme is required");
  EXPECT_EQ(ItemErrorOf(status).detail().field(), "spec.scheme");
  EXPECT_EQ(ItemErrorOf(status).field_violations(0).description(), "required");
}

TEST(ErrorTest, DetailHasTheReadableRevisions) {
  const v1::ItemError error =
      ItemErrorOf(Error(v1::ERROR_REASON_REVISION_LOST).Revisions(2, 3'000'000'000'000).ToStatus("lost"));
  EXPECT_EQ(error.code(), static_cast<int>(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(error.detail().first_revision(), 2);
  EXPECT_EQ(error.detail().newest_revision(), 3'000'000'000'000);
}

TEST(ErrorTest, TruncatesValuesAndMakesThemPrintable) {
  const v1::ItemError error =
      ItemErrorOf(Error(v1::ERROR_REASON_INVALID_REQUEST).Value("\n" + std::string(1000, 'x')).ToStatus("no"));
  EXPECT_EQ(CountCodePoints(error.metadata().at("value")), 128u);
  EXPECT_EQ(error.metadata().at("value").substr(0, 8), "\\u000axx");
}

TEST(ErrorTest, KeepsTheFindingsThatFit) {
  v1::Finding finding;
  finding.set_message("no module matches");
  for (int i = 0; i < 10; ++i) finding.add_modules(std::string(300, 'm'));
  finding.set_module_count(10);
  const v1::ErrorDetail detail =
      ItemErrorOf(Error(v1::ERROR_REASON_PLAN_HAS_FINDINGS).Findings({finding, finding}, 2).ToStatus("no")).detail();
  ASSERT_EQ(detail.findings_size(), 1);
  EXPECT_EQ(detail.finding_total(), 2);
  EXPECT_EQ(detail.findings(0).message(), "no module matches");
  EXPECT_LT(detail.findings(0).modules_size(), 10);
  EXPECT_GT(detail.findings(0).modules_size(), 1);
  EXPECT_EQ(detail.findings(0).module_count(), 10);
}

TEST(ErrorTest, StatusWithoutErrorHasNoReason) {
  const v1::ItemError error = ItemErrorOf(absl::CancelledError("gone"));
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(error.code(), static_cast<int>(absl::StatusCode::kCancelled));
  EXPECT_EQ(error.message(), "gone");
}

TEST(ErrorTest, EveryReasonHasAStatusCode) {
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason = static_cast<v1::ErrorReason>(reasons->value(i)->number());
    if (reason == v1::ERROR_REASON_UNSPECIFIED) continue;
    const absl::StatusCode code = Error(reason).ToStatus("no").code();
    EXPECT_NE(code, absl::StatusCode::kOk) << ReasonName(reason);
    EXPECT_NE(code, absl::StatusCode::kInternal) << ReasonName(reason) << " has no status code";
    EXPECT_NE(code, absl::StatusCode::kUnknown) << ReasonName(reason);
  }
}

}  // namespace
}  // namespace qconfig
