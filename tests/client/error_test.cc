// SPDX-License-Identifier: Apache-2.0
#include "qconfig/error.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "qconfig/call_status.h"

namespace qconfig::client {
namespace {

google::rpc::ErrorInfo Info(const std::string& reason, const std::string& domain = "qconfig") {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(domain);
  (*info.mutable_metadata())["field"] = "layer_config[3].scheme";
  (*info.mutable_metadata())["value"] = "fp9";
  (*info.mutable_metadata())["allowed"] = "fp8, int8";
  (*info.mutable_metadata())["suggestion"] = "fp8";
  (*info.mutable_metadata())["rule"] = "a_rule";
  return info;
}

template <typename... Details>
v1::ItemError ErrorWith(const Details&... details) {
  google::rpc::Status status;
  (status.add_details()->PackFrom(details), ...);
  return ErrorOf(ToAbslStatus({grpc::StatusCode::NOT_FOUND, "a text", status.SerializeAsString()}));
}

TEST(ErrorOfTest, HasWhatTheServerSaid) {
  google::rpc::BadRequest bad_request;
  for (const char* field : {"first", "second"}) {
    auto& violation = *bad_request.add_field_violations();
    violation.set_field(field);
    violation.set_description(absl::StrCat(field, " is wrong"));
  }
  const v1::ItemError error = ErrorWith(Info("SCHEME_NOT_FOUND"), bad_request);
  EXPECT_EQ(error.code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(error.message(), "a text");
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
  EXPECT_EQ(ReasonName(error.reason()), "SCHEME_NOT_FOUND");
  EXPECT_EQ(FieldOf(error), "layer_config[3].scheme");
  EXPECT_EQ(ValueOf(error), "fp9");
  EXPECT_EQ(AllowedOf(error), "fp8, int8");
  EXPECT_EQ(SuggestionOf(error), "fp8");
  EXPECT_EQ(error.metadata().at("rule"), "a_rule");
  ASSERT_EQ(error.field_violations_size(), 2);
  EXPECT_EQ(error.field_violations(1).field(), "second");
  EXPECT_EQ(error.field_violations(1).description(), "second is wrong");
}

TEST(ErrorOfTest, KnowsTheDetailsByAnyPrefixOfTheirType) {
  google::rpc::Status status;
  status.add_details()->PackFrom(Info("SCHEME_NOT_FOUND"), "types.example.com/of");
  const grpc::Status told(grpc::StatusCode::NOT_FOUND, "", status.SerializeAsString());
  EXPECT_EQ(ErrorOf(ToAbslStatus(told)).reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
}

TEST(ErrorOfTest, AReasonOfANewerServerIsUnspecified) {
  const v1::ItemError error = ErrorWith(Info("NOT_THOUGHT_OF_YET"));
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ReasonName(error.reason()), "");
  EXPECT_EQ(SuggestionOf(error), "fp8");
}

TEST(ErrorOfTest, AReasonOfANewerServerInABatchHasNoName) {
  EXPECT_EQ(ReasonName(static_cast<v1::ErrorReason>(999)), "");
}

TEST(ErrorOfTest, WhatOthersSayIsNotTheServersWord) {
  const v1::ItemError error = ErrorWith(Info("SCHEME_NOT_FOUND", "proxy.example.com"));
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(FieldOf(error), "");
  EXPECT_EQ(error.message(), "a text");
}

TEST(ErrorOfTest, WithoutDetailsThereAreCodeAndText) {
  for (const char* details : {"", "\xFF no message"}) {
    const v1::ItemError error = ErrorOf(ToAbslStatus({grpc::StatusCode::UNAVAILABLE, "a text", details}));
    EXPECT_EQ(error.code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(error.message(), "a text");
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_UNSPECIFIED);
  }
  EXPECT_EQ(ErrorOf(absl::AbortedError("made here")).message(), "made here");
}

}  // namespace
}  // namespace qconfig::client
