// SPDX-License-Identifier: Apache-2.0
#include "core/canonical_json.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "core/get_config.h"
#include "qconfig/v1/quantization.pb.h"
#include "tests/core/test_support.h"
#include "tests/golden/golden_cases.h"

namespace qconfig {
namespace {

std::string Number(double number) {
  v1::QConfig config;
  config.set_min_kv_scale(number);
  const std::string json = CanonicalJson(config);
  constexpr size_t kPrefix = sizeof("{\"min_kv_scale\":") - 1;
  return json.size() > kPrefix ? json.substr(kPrefix, json.size() - kPrefix - 1) : json;
}

// Numbers from appendix B of RFC 8785 and boundary values of its rules.
TEST(CanonicalJsonTest, PrintsNumbersLikeEcmaScript) {
  EXPECT_EQ(Number(5e-324), "5e-324");
  EXPECT_EQ(Number(-5e-324), "-5e-324");
  EXPECT_EQ(Number(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(Number(9007199254740992), "9007199254740992");
  EXPECT_EQ(Number(295147905179352830000.0), "295147905179352830000");
  EXPECT_EQ(Number(9.999999999999997e22), "9.999999999999997e+22");
  EXPECT_EQ(Number(1e23), "1e+23");
  EXPECT_EQ(Number(999999999999999700000.0), "999999999999999700000");
  EXPECT_EQ(Number(1e21), "1e+21");
  EXPECT_EQ(Number(9.999999999999997e-7), "9.999999999999997e-7");
  EXPECT_EQ(Number(0.000001), "0.000001");
  EXPECT_EQ(Number(1e-7), "1e-7");
  EXPECT_EQ(Number(333333333.3333332), "333333333.3333332");
  EXPECT_EQ(Number(-0.0000033333333333333333), "-0.0000033333333333333333");
  EXPECT_EQ(Number(1), "1");
  EXPECT_EQ(Number(-1.5), "-1.5");
  EXPECT_EQ(Number(0.25), "0.25");
}

TEST(CanonicalJsonTest, PrintsMinusZeroAsZero) {
  v1::GptqConfig config;
  config.set_damp_percent(-0.0);
  EXPECT_EQ(CanonicalJson(config), R"({"damp_percent":0})");
}

TEST(CanonicalJsonTest, SortsKeysAndOmitsDefaultsWithoutPresence) {
  v1::QTensorConfig tensor;
  tensor.set_is_dynamic(false);  // has presence
  tensor.set_is_scale_quant(false);
  tensor.set_dtype(v1::DTYPE_FP4);
  tensor.add_block_size(128);
  EXPECT_EQ(CanonicalJson(tensor), R"({"block_size":[128],"dtype":"DTYPE_FP4","is_dynamic":false})");
}

TEST(CanonicalJsonTest, EscapesOnlyRequiredCharacters) {
  v1::QConfig config;
  config.add_exclude("\"\\/\b\f\n\r\t\x1f\x7f é😀\u2028");
  EXPECT_EQ(CanonicalJson(config), "{\"exclude\":[\"\\\"\\\\/\\b\\f\\n\\r\\t\\u001f\x7f é😀\u2028\"]}");
}

// Visits all message types that are reachable from QConfig.
void FindUnsupportedFields(const google::protobuf::Descriptor* message, std::set<const void*>& seen,
                           std::string& found) {
  using google::protobuf::FieldDescriptor;
  if (!seen.insert(message).second) return;
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor* field = message->field(i);
    const bool supported =
        !field->is_map() && field->type() != FieldDescriptor::TYPE_BYTES &&
        (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL || field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
         field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE || field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM ||
         field->cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
         field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) &&
        (!field->is_repeated() || field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
         field->cpp_type() == FieldDescriptor::CPPTYPE_STRING || field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE);
    if (!supported) found += field->full_name() + "\n";
    if (field->message_type() != nullptr) FindUnsupportedFields(field->message_type(), seen, found);
  }
}

TEST(CanonicalJsonTest, SupportsTheTypeOfEveryFieldOfQConfig) {
  std::set<const void*> seen;
  std::string found;
  FindUnsupportedFields(v1::QConfig::descriptor(), seen, found);
  EXPECT_EQ(found, "");
}

// Does what a client without this code does: serializes with Protobuf's ProtoJSON and canonicalizes with a JSON
// library. The library sorts ASCII keys like RFC 8785. Numbers are compared by value.
TEST(CanonicalJsonTest, EqualsProtoJsonByValue) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  const auto cases = ReadGoldenCases("0.12.post1", "overrides");
  for (size_t i = 0; i < cases.size(); i += 20) {
    const auto response = GetConfig(Builtins(), ReadRequest(cases[i]["request"]));
    if (!response.ok()) continue;
    std::string proto_json;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(response->config(), &proto_json, options).ok());
    ASSERT_EQ(nlohmann::json::parse(CanonicalJson(response->config())), nlohmann::json::parse(proto_json));
  }
}

TEST(Sha256HexTest, MatchesKnownDigests) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace qconfig
