// SPDX-License-Identifier: Apache-2.0
#include "qconfig/error.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "qconfig/call_status.h"

namespace qconfig::client {
namespace {

google::rpc::ErrorInfo Info(const std::string& reason, const std::string& domain = "qconfig.dev") {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(domain);
  (*info.mutable_metadata())["value"] = "of the metadata";
  return info;
}

v1::ErrorDetail Detail() {
  v1::ErrorDetail detail;
  detail.set_field("spec.layer_config[3].scheme");
  detail.set_value("fp9");
  for (const char* name : {"int8", "a, b"}) detail.add_allowed(name);
  detail.set_allowed_total(27);
  detail.add_suggestions("a, b");
  detail.set_newest_revision(3'630'000'000'000);
  return detail;
}

template <typename... Details>
v1::ItemError ErrorWith(const Details&... details) {
  google::rpc::Status status;
  (status.add_details()->PackFrom(details), ...);
  return ErrorOf(ToAbslStatus({grpc::StatusCode::NOT_FOUND, "a text", status.SerializeAsString()}));
}

TEST(ErrorOfTest, HasTheServersDetails) {
  google::rpc::BadRequest bad_request;
  for (const char* field : {"first", "second"}) {
    auto& violation = *bad_request.add_field_violations();
    violation.set_field(field);
    violation.set_description(absl::StrCat(field, " is wrong"));
  }
  const v1::ItemError error = ErrorWith(Info("SCHEME_NOT_FOUND"), bad_request, Detail());
  EXPECT_EQ(error.code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(error.message(), "a text");
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
  EXPECT_EQ(ReasonName(error.reason()), "SCHEME_NOT_FOUND");
  EXPECT_EQ(error.metadata().at("value"), "of the metadata");
  ASSERT_EQ(error.field_violations_size(), 2);
  EXPECT_EQ(error.field_violations(1).field(), "second");
  EXPECT_EQ(error.field_violations(1).description(), "second is wrong");
  EXPECT_EQ(error.detail().SerializeAsString(), Detail().SerializeAsString());
}

TEST(ErrorOfTest, DoesNotDeriveTheDetailFromMetadata) {
  const v1::ItemError error = ErrorWith(Info("SCHEME_NOT_FOUND"));
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
  EXPECT_FALSE(error.has_detail());
}

TEST(ErrorOfTest, AcceptsAnyTypeUrlPrefix) {
  google::rpc::Status status;
  status.add_details()->PackFrom(Info("SCHEME_NOT_FOUND"), "types.example.com/of");
  const grpc::Status status_with_prefix(grpc::StatusCode::NOT_FOUND, "", status.SerializeAsString());
  EXPECT_EQ(ErrorOf(ToAbslStatus(status_with_prefix)).reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
}

TEST(ErrorOfTest, UnknownReasonIsUnspecified) {
  const v1::ItemError error = ErrorWith(Info("NOT_THOUGHT_OF_YET"), Detail());
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ReasonName(error.reason()), "");
  EXPECT_EQ(error.detail().suggestions(0), "a, b");
}

TEST(ErrorOfTest, UnknownReasonInABatchHasNoName) { EXPECT_EQ(ReasonName(static_cast<v1::ErrorReason>(999)), ""); }

TEST(ErrorOfTest, IgnoresDetailsOfOtherDomains) {
  for (const char* domain : {"proxy.example.com", "qconfig"}) {
    const v1::ItemError error = ErrorWith(Info("SCHEME_NOT_FOUND", domain), Detail());
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_TRUE(error.metadata().empty());
    EXPECT_FALSE(error.has_detail());
    EXPECT_EQ(error.message(), "a text");
  }
}

TEST(ErrorOfTest, WithoutDetailsHasCodeAndMessage) {
  for (const char* details : {"", "\xFF malformed message"}) {
    const v1::ItemError error = ErrorOf(ToAbslStatus({grpc::StatusCode::UNAVAILABLE, "a text", details}));
    EXPECT_EQ(error.code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(error.message(), "a text");
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_UNSPECIFIED);
  }
  EXPECT_EQ(ErrorOf(absl::AbortedError("made here")).message(), "made here");
}

}  // namespace
}  // namespace qconfig::client
