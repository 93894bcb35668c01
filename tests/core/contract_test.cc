// SPDX-License-Identifier: Apache-2.0
//
// Checks the annotations of all fields and methods in the descriptors.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "core/field_behavior.h"
#include "qconfig/v1/annotations.pb.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/registry_service.pb.h"

namespace qconfig {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::MethodOptions;
using google::protobuf::ServiceDescriptor;

std::vector<const MethodDescriptor*> Methods() {
  std::vector<const MethodDescriptor*> methods;
  for (const char* name : {"qconfig.v1.ConfigService", "qconfig.v1.RegistryService"}) {
    v1::GetConfigRequest::descriptor();  // loads the files into the pool
    v1::RegisterSchemeRequest::descriptor();
    const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i));
  }
  return methods;
}

bool IsRead(const MethodDescriptor& method) {
  return absl::StartsWith(method.name(), "Get") || absl::StartsWith(method.name(), "List") ||
         absl::StartsWith(method.name(), "BatchGet") || method.name() == "PlanLayers" || method.name() == "WhoAmI";
}

// Calls `visit` for every field of `type` and of the messages that it contains.
void Visit(const Descriptor& type, std::set<const Descriptor*>& seen,
           const std::function<void(const FieldDescriptor&)>& visit) {
  if (!seen.insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    visit(*type.field(i));
    if (type.field(i)->message_type() != nullptr) Visit(*type.field(i)->message_type(), seen, visit);
  }
}

TEST(ContractTest, EveryMethodHasARole) {
  for (const MethodDescriptor* method : Methods()) {
    ASSERT_TRUE(method->options().HasExtension(v1::required_role)) << method->full_name();
    EXPECT_EQ(method->options().GetExtension(v1::required_role) <= v1::ROLE_READER, IsRead(*method))
        << method->full_name();
  }
}

TEST(ContractTest, ExactlyTheReadsHaveNoSideEffects) {
  for (const MethodDescriptor* method : Methods()) {
    EXPECT_EQ(method->options().idempotency_level() == MethodOptions::NO_SIDE_EFFECTS, IsRead(*method))
        << method->full_name();
  }
}

TEST(ContractTest, EveryWriteHasRequestIdAndValidateOnly) {
  for (const MethodDescriptor* method : Methods()) {
    if (IsRead(*method)) continue;
    EXPECT_NE(method->input_type()->FindFieldByName("request_id"), nullptr) << method->full_name();
    EXPECT_NE(method->input_type()->FindFieldByName("validate_only"), nullptr) << method->full_name();
  }
}

TEST(ContractTest, ResponsesHaveNoInputOnlyFields) {
  std::set<const Descriptor*> seen;
  for (const MethodDescriptor* method : Methods()) {
    Visit(*method->output_type(), seen, [&](const FieldDescriptor& field) {
      const bool is_known = field.full_name() == "qconfig.v1.AutoSmoothQuantConfig.compute_scale_loss_none";
      EXPECT_TRUE(is_known || !HasBehavior(field, v1::FIELD_BEHAVIOR_INPUT_ONLY)) << field.full_name();
    });
  }
}

TEST(ContractTest, NoFieldIsBothRequiredAndOutputOnly) {
  std::set<const Descriptor*> seen;
  for (const MethodDescriptor* method : Methods()) {
    Visit(*method->input_type(), seen, [&](const FieldDescriptor& field) {
      EXPECT_FALSE(HasBehavior(field, v1::FIELD_BEHAVIOR_REQUIRED) &&
                   HasBehavior(field, v1::FIELD_BEHAVIOR_OUTPUT_ONLY))
          << field.full_name();
      EXPECT_FALSE(HasBehavior(field, v1::FIELD_BEHAVIOR_UNSPECIFIED)) << field.full_name();
    });
  }
}

}  // namespace
}  // namespace qconfig
