// SPDX-License-Identifier: Apache-2.0
//
// Checks the annotations of all request fields over a real port.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/field_behavior.h"
#include "google/rpc/status.pb.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/registry_service.pb.h"
#include "tests/core/test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A request for each method that sets every required field. "" if the method has none.
const std::map<std::string, std::string>& Examples() {
  static const auto* const kExamples = new std::map<std::string, std::string>{
      {"GetConfig",
       "spec { model_type: 'llama' scheme: 'fp8' layer_config { pattern: 'a' scheme: 'fp8' } "
       "layer_type_config { layer_type: 'Linear' scheme: 'fp8' } algorithm: ['qronos', 'rotation'] "
       "algo_configs { algorithm: 'qronos' config { qronos { model_decoder_layers: 'model.layers' } } } "
       "algo_configs { algorithm: 'rotation' config { rotation { r1: true online_r1_rotation: true "
       "scaling_layers { position: 'first_layer' } online_config { shared_parallel: true } } } } }"},
      {"BatchGetConfig", "requests { spec { model_type: 'llama' scheme: 'fp8' } }"},
      {"PlanLayers", "spec { model_type: 'llama' scheme: 'fp8' } modules { name: 'lm_head' type: 'Linear' }"},
      {"ListTemplates", ""},
      {"GetTemplate", "model_type: 'llama'"},
      {"ListSchemes", ""},
      {"GetScheme", "name: 'fp8'"},
      {"ListCatalogs", ""},
      {"WhoAmI", ""},
      {"RegisterScheme",
       "scheme { name: 'x' spec { weight { progressive { first_stage { preset { spec: 'FP8E4M3PerTensorSpec' fields { "
       "fields { key: 'is_dynamic' value { bool_value: false } } } } } second_stage { preset { spec: "
       "'Int4PerChannelSpec' fields { fields { key: 'ch_axis' value { number_value: 0 } } fields { key: 'is_dynamic' "
       "value { bool_value: false } } } } } } } } } validate_only: true"},
      {"UnregisterScheme", "name: 'mine' validate_only: true"},
      {"RegisterTemplate",
       "llm_template { model_type: 'm' algorithm_configs { algorithm: 'qronos' config { qronos { "
       "model_decoder_layers: 'model.layers' } } } } validate_only: true"},
      {"UnregisterTemplate", "model_type: 'mine' validate_only: true"},
      {"SetDefaultCatalog", "catalog: 'quark-0.13' validate_only: true"},
      {"ListChanges", ""},
  };
  return *kExamples;
}

std::vector<const google::protobuf::MethodDescriptor*> Methods() {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const auto* file : {v1::GetConfigRequest::descriptor()->file(), v1::RegisterSchemeRequest::descriptor()->file()})
    for (int i = 0; i < file->service(0)->method_count(); ++i) methods.push_back(file->service(0)->method(i));
  return methods;
}

std::unique_ptr<Message> NewRequest(const google::protobuf::MethodDescriptor& method) {
  const Message* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.input_type());
  std::unique_ptr<Message> request(prototype->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(Examples().at(method.name()), request.get()));
  return request;
}

// A field in a message: its path, the message that contains it, and its descriptor.
struct Place {
  std::string path;
  Message* message;
  const FieldDescriptor* field;
};

void FindPlaces(const std::string& path, Message& message, std::vector<Place>& places) {
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const std::string field_path = absl::StrCat(path, path.empty() ? "" : ".", field->name());
    places.push_back({field_path, &message, field});
    if (field->message_type() == nullptr || field->is_map()) continue;
    if (field->is_repeated()) {
      for (int n = 0; n < reflection->FieldSize(message, field); ++n) {
        FindPlaces(absl::StrCat(field_path, "[", n, "]"), *reflection->MutableRepeatedMessage(&message, field, n),
                   places);
      }
    } else if (reflection->HasField(message, field)) {
      FindPlaces(field_path, *reflection->MutableMessage(&message, field), places);
    }
  }
}

// The field that an error names.
std::string ErrorField(const grpc::Status& status) {
  google::rpc::Status details;
  v1::ErrorDetail detail;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  if (!details.details().empty()) details.details().rbegin()->UnpackTo(&detail);
  return detail.field();
}

void FindRequired(const Descriptor& type, std::set<const Descriptor*>& seen, std::set<std::string>& fields) {
  if (!seen.insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (HasBehavior(field, v1::FIELD_BEHAVIOR_REQUIRED)) fields.insert(field.full_name());
    if (field.message_type() != nullptr) FindRequired(*field.message_type(), seen, fields);
  }
}

class ContractWireTest : public testing::Test {
 protected:
  ContractWireTest() {
    EXPECT_TRUE(
        server_.client().RegisterScheme(Proto<v1::RegisterSchemeRequest>("scheme { name: 'mine' config {} }")).ok());
    EXPECT_TRUE(server_.client()
                    .RegisterTemplate(Proto<v1::RegisterTemplateRequest>("llm_template { model_type: 'mine' }"))
                    .ok());
  }

  grpc::Status Call(const google::protobuf::MethodDescriptor& method, const Message& request,
                    std::string* response = nullptr) {
    return server_.CallWithBytes(method.name(), request.SerializeAsString(), method.service()->name(), response);
  }

  TestServer server_;
};

TEST_F(ContractWireTest, RequestWithoutARequiredFieldIsRejected) {
  std::set<std::string> tried;
  for (const auto* method : Methods()) {
    const grpc::Status whole = Call(*method, *NewRequest(*method));
    ASSERT_TRUE(whole.ok()) << method->name() << ": " << whole.error_message();
    std::unique_ptr<Message> request = NewRequest(*method);
    std::vector<Place> places;
    FindPlaces("", *request, places);
    for (size_t i = 0; i < places.size(); ++i) {
      if (!HasBehavior(*places[i].field, v1::FIELD_BEHAVIOR_REQUIRED)) continue;
      std::unique_ptr<Message> lacking = NewRequest(*method);
      std::vector<Place> own;
      FindPlaces("", *lacking, own);
      own[i].message->GetReflection()->ClearField(own[i].message, own[i].field);
      tried.insert(own[i].field->full_name());
      std::string bytes;
      grpc::Status status = Call(*method, *lacking, &bytes);
      if (method->name() == "BatchGetConfig" && status.ok()) {
        v1::BatchGetConfigResponse response;
        ASSERT_TRUE(response.ParseFromString(bytes));
        EXPECT_EQ(response.results(0).error().code(), grpc::StatusCode::INVALID_ARGUMENT) << places[i].path;
        continue;
      }
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method->name() << " " << places[i].path;
      EXPECT_EQ(ErrorField(status), places[i].path) << status.error_message();
    }
  }
  std::set<const Descriptor*> seen;
  std::set<std::string> required;
  for (const auto* method : Methods()) FindRequired(*method->input_type(), seen, required);
  EXPECT_EQ(tried, required) << "an example request lacks a required field";
}

// A response as text, without its times, which differ between two calls. Checks that the server set them.
std::string WithoutTimes(const google::protobuf::MethodDescriptor& method, const std::string& bytes) {
  const Message* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.output_type());
  std::unique_ptr<Message> response(prototype->New());
  EXPECT_TRUE(response->ParseFromString(bytes));
  std::vector<Place> places;
  FindPlaces("", *response, places);
  for (const Place& place : places) {
    if (place.field->name() == "seconds") {
      EXPECT_GT(place.message->GetReflection()->GetInt64(*place.message, place.field), 0) << place.path;
    }
  }
  for (const Place& place : places) {
    if (place.field->name() == "seconds" || place.field->name() == "nanos") {
      place.message->GetReflection()->ClearField(place.message, place.field);
    }
  }
  return response->DebugString();
}

TEST_F(ContractWireTest, OutputOnlyFieldsOfRequestsAreIgnored) {
  int tried = 0;
  for (const auto* method : Methods()) {
    std::unique_ptr<Message> request = NewRequest(*method);
    std::string expected;
    ASSERT_TRUE(Call(*method, *request, &expected).ok()) << method->name();
    std::vector<Place> places;
    FindPlaces("", *request, places);
    bool has_output_only = false;
    for (const Place& place : places) {
      if (!HasBehavior(*place.field, v1::FIELD_BEHAVIOR_OUTPUT_ONLY)) continue;
      has_output_only = true;
      ++tried;
      const auto* reflection = place.message->GetReflection();
      switch (place.field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING:
          reflection->SetString(place.message, place.field, "forged");
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
          reflection->SetBool(place.message, place.field, true);
          break;
        case FieldDescriptor::CPPTYPE_ENUM:
          reflection->SetEnumValue(place.message, place.field, 1);
          break;
        case FieldDescriptor::CPPTYPE_MESSAGE: {
          Message* timestamp = reflection->MutableMessage(place.message, place.field);
          const FieldDescriptor* seconds = timestamp->GetDescriptor()->FindFieldByName("seconds");
          timestamp->GetReflection()->SetInt64(timestamp, seconds, -1);
          break;
        }
        default:
          FAIL() << place.path << " has a type that this test does not set";
      }
    }
    if (!has_output_only) continue;
    std::string bytes;
    ASSERT_TRUE(Call(*method, *request, &bytes).ok()) << method->name();
    EXPECT_EQ(WithoutTimes(*method, bytes), WithoutTimes(*method, expected)) << method->name();
  }
  EXPECT_EQ(tried, 10) << "five fields of a scheme and five of a template";
}

}  // namespace
}  // namespace qconfig
