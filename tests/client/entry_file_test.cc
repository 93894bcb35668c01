// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/entry_file.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/quark_json_reader.h"
#include "qconfigctl/output_text.h"
#include "server/base/files/file_tree.h"
#include "tests/source_files.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
std::string Textproto(const Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

template <typename Message>
std::string ProtoJson(const Message& message, bool proto_names) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = proto_names;
  std::string text;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &text, options).ok());
  return text;
}

// YAML in block style.
std::string Yaml(const ordered_json& json, const std::string& indent = "") {
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    const bool plain = !text.empty() && text.front() != '*';
    return absl::StrCat(" ", plain ? text : json.dump(), "\n");
  }
  if (!json.is_structured() || json.empty()) return absl::StrCat(" ", json.dump(), "\n");
  std::string text = "\n";
  for (const auto& [key, value] : json.items()) {
    absl::StrAppend(&text, indent, json.is_array() ? "-" : key + ":", Yaml(value, indent + "  "));
  }
  return text;
}

ordered_json CatalogFile(const std::string& name) {
  std::ifstream file(SourceFile(absl::StrCat("core/catalog/quark-0.12.post1/", name)));
  return ordered_json::parse(file);
}

MATCHER_P2(IsFormat, message, format, "") {
  if (!arg.ok()) {
    *result_listener << arg.status();
    return false;
  }
  *result_listener << arg->entry.DebugString() << "format " << static_cast<int>(arg->format);
  return arg->format == format && google::protobuf::util::MessageDifferencer::Equals(arg->entry, message);
}

TEST(EntryFileTest, ReadsEveryCatalogueSchemeInEveryFormat) {
  const ordered_json schemes = CatalogFile("schemes.json");
  ASSERT_GT(schemes.size(), 20u);
  for (const auto& [name, layer] : schemes.items()) {
    SCOPED_TRACE(name);
    v1::Scheme scheme;
    scheme.set_name(name);
    ASSERT_TRUE(ReadQuarkJson(layer, name, *scheme.mutable_config()).ok());
    ordered_json flat = {{"name", name}};
    flat.update(layer);
    const ordered_json wrapped = {{"name", name}, {"config", layer}};
    for (const ordered_json& json : {flat, wrapped}) {
      EXPECT_THAT(ReadScheme(json.dump(), {}), IsFormat(scheme, EntryFormat::kQuark));
      EXPECT_THAT(ReadScheme(json.dump(2), {}), IsFormat(scheme, EntryFormat::kQuark));
      EXPECT_THAT(ReadScheme(Yaml(json), {}), IsFormat(scheme, EntryFormat::kQuark));
      EXPECT_THAT(ReadScheme(absl::StrReplaceAll(Yaml(json), {{"\n", "\r\n"}}), {}),
                  IsFormat(scheme, EntryFormat::kQuark));
    }
    EXPECT_THAT(ReadScheme(ProtoJson(scheme, true), {}), IsFormat(scheme, EntryFormat::kProtoJson));
    EXPECT_THAT(ReadScheme(ProtoJson(scheme, false), {}), IsFormat(scheme, EntryFormat::kProtoJson));
    EXPECT_THAT(ReadScheme(Textproto(scheme), {}), IsFormat(scheme, EntryFormat::kTextproto));
    EXPECT_THAT(ReadScheme(scheme.ShortDebugString(), {}), IsFormat(scheme, EntryFormat::kTextproto));
  }
}

TEST(EntryFileTest, ReadsEveryCatalogueTemplateInEveryFormat) {
  const ordered_json algorithms = CatalogFile("algorithms.json");
  const ordered_json templates = CatalogFile("templates.json");
  ASSERT_GT(templates.size(), 40u);
  for (const auto& [model_type, fields] : templates.items()) {
    SCOPED_TRACE(model_type);
    ordered_json json = fields;
    json["algorithm_configs"] = ordered_json::object();
    for (const ordered_json& name : fields["algorithms"]) {
      json["algorithm_configs"][name.get<std::string>()] = algorithms[name.get<std::string>()][model_type];
    }
    json.erase("algorithms");
    const auto read = ReadTemplate(json.dump(), {});
    ASSERT_TRUE(read.ok()) << read.status();
    const v1::LlmTemplate& entry = read->entry;
    EXPECT_EQ(entry.algorithm_configs_size(), static_cast<int>(fields["algorithms"].size()));
    EXPECT_EQ(entry.f2f_weight_converters_size(), static_cast<int>(fields["f2f_weight_converters"].size()));
    EXPECT_THAT(ReadTemplate(Yaml(json), {}), IsFormat(entry, EntryFormat::kQuark));
    // Without algorithms and converters, the file is the same in Quark's format and in ProtoJSON.
    const bool same_words = entry.algorithm_configs().empty() && entry.f2f_weight_converters().empty();
    EXPECT_THAT(ReadTemplate(ProtoJson(entry, true), {}),
                IsFormat(entry, same_words ? EntryFormat::kQuark : EntryFormat::kProtoJson));
    EXPECT_THAT(ReadTemplate(Textproto(entry), EntryFormat::kTextproto), IsFormat(entry, EntryFormat::kTextproto));
    const auto textproto = ReadTemplate(Textproto(entry), {});
    ASSERT_TRUE(textproto.ok()) << textproto.status();
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(textproto->entry, entry));
  }
}

struct Rejected {
  std::string name;
  std::string text;
  std::vector<std::string> lines;  // in this order
};

std::string CaseName(const testing::TestParamInfo<Rejected>& info) { return info.param.name; }

void ExpectInOrder(const std::string& text, const std::vector<std::string>& parts) {
  size_t from = 0;
  for (const std::string& part : parts) {
    const size_t at = text.find(part, from);
    ASSERT_NE(at, std::string::npos) << "no " << part << " in " << text.substr(from) << "\nof: " << text;
    from = at + part.size();
  }
}

class SchemeRejectedTest : public testing::TestWithParam<Rejected> {};
TEST_P(SchemeRejectedTest, ReportsTheErrorsOfPlausibleFormats) {
  const auto file = ReadScheme(GetParam().text, {});
  ASSERT_FALSE(file.ok()) << file->entry.DebugString();
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
  ExpectInOrder(std::string(file.status().message()), GetParam().lines);
}
INSTANTIATE_TEST_SUITE_P(
    EntryFile, SchemeRejectedTest,
    testing::Values(
        Rejected{
            "QuarkJson",
            R"({"weight": {"dtype": "int44"}})",
            {"not a valid scheme as Quark JSON: weight.dtype, line 1: \"int44\" is not a value of Dtype; allowed: "}},
        Rejected{"QuarkJsonAroundTheConfig",
                 R"({"config": {"weight": {"dtype": "int44", "is_scale_quant": false}}})",
                 {"as Quark JSON: config.weight.dtype, line 1:", "as ProtoJSON: config.weight, line 1: not a list"}},
        Rejected{"ProtoJsonScaleQuant",
                 R"({"spec": {"weight": {"scale_quant": {"first": {}}}}})",
                 {"as ProtoJSON: spec.weight.scale_quant.first, line 1: TwoStageSpec", "as Quark JSON:"}},
        Rejected{"ProtoJson",
                 R"({"name": "x", "config": {"weight": [{"dtype": "DTYPE_INT44"}]}})",
                 {"as ProtoJSON: config.weight[0].dtype, line 1: \"DTYPE_INT44\"", "DTYPE_INT4", "as Quark JSON:"}},
        Rejected{"ProtoJsonFieldInBothSpellings",
                 R"({"name": "x", "defaultSharedScales": true, "default_shared_scales": true})",
                 {"default_shared_scales, line 1: duplicate field"}},
        Rejected{"ProtoJsonBothOfAOneof",
                 R"({"name": "x", "spec": {"weight": {"preset": {"spec": "A"}, "config": {}}}})",
                 {"spec.weight.config, line 1: only one field of spec"}},
        Rejected{"ProtoJsonEnumNumber",
                 R"({"name": "x", "config": {"weight": [{"dtype": 99}]}})",
                 {"as ProtoJSON: config.weight[0].dtype, line 1: Dtype has no value 99"}},
        Rejected{"ProtoJsonMessageInsteadOfAList",
                 R"({"name": "x", "config": {"weight": {"dtype": "DTYPE_INT4"}}})",
                 {"as ProtoJSON: config.weight, line 1: not a list"}},
        Rejected{"Textproto",
                 "name: \"x\"\nconfig {\n  weight { dtyp: DTYPE_INT4 }\n}\n",
                 {"as textproto: line 3, column 16", "no field named \"dtyp\"; did you mean dtype"}},
        Rejected{"TextprotoEnum",
                 "name: \"x\"\nconfig { weight { dtype: DTYPE_IN4 } }\n",
                 {"as textproto: line 2", "DTYPE_IN4", "did you mean DTYPE_INT4"}},
        Rejected{"TextprotoOfAWholeQConfig",
                 "global_quant_config {\n}\n",
                 {"as textproto: line 1", "; a scheme describes one layer: register the value of global_quant_config"}},
        Rejected{"TextprotoTwice",
                 "name: \"x\"\nname: \"x\"\nconfig {}\n",
                 {"as textproto: line 2", "specified multiple times"}},
        Rejected{"TextprotoEnumNumber",
                 "config { weight { dtype: 99 } }",
                 {"config.weight[0].dtype, line 1: Dtype has no value 99"}},
        Rejected{"TextprotoMapKeyTwice",
                 "config {}\nlabels { key: \"a\" value: \"1\" }\nlabels { key: \"a\" value: \"2\" }\n",
                 {"labels, line 2: duplicate key \"a\""}},
        Rejected{
            "TextprotoNotFinite",
            "spec { weight { preset { spec: \"A\" fields { fields { key: \"a\" value { number_value: inf } } } } } }",
            {"number_value, line 1: the number is not finite"}},
        Rejected{"TextprotoNotUtf8", "name: \"\\377\" config {}", {"name, line 1: the string is not valid UTF-8"}},
        Rejected{"TextprotoDeep",
                 "spec { weight { preset { fields { fields { key: \"a\" value { " +
                     absl::StrReplaceAll(std::string(40, '['), {{"[", "list_value { values { "}}),
                 {"recursion limit"}},
        Rejected{"Yaml",
                 "weight:\n  dtpe: int4\n",
                 {"as Quark YAML:\n  weight.dtype, line 1: required\n  weight.dtpe, line 2: QTensorConfig has no such "
                  "field; did you mean "
                  "dtype"}},
        Rejected{"YamlSyntax", "weight:\n  dtype: int4\n bias: null\n", {"as YAML: line 3"}},
        Rejected{"BrokenJson", R"({"weight": {"dtype": "int4"})", {"as JSON: parse error at line 1, column 29"}},
        Rejected{"KeyTwice",
                 R"({"weight": {"dtype": "int4", "dtype": "int4"}})",
                 {"as JSON: weight, line 1: duplicate key \"dtype\""}},
        Rejected{"PlainText", "hello there\n", {"not an object"}}, Rejected{"AList", "[1, 2]", {"the file is a list"}},
        Rejected{"NoField", "{}", {"no configuration", "no field is set"}},
        Rejected{"Comment", "# nothing here\n", {"not a valid scheme as YAML: no YAML document"}},
        Rejected{"NotFinite",
                 R"({"weight": {"dtype": "int4", "ch_axis": NaN}})",
                 {"as JSON: line 1: JSON has no NaN", "ch_axis, line 1: not an integer"}}),
    CaseName);

TEST(EntryFileTest, RejectsFilesThatDifferBetweenFormats) {
  // In single quotes, a backslash is literal in YAML and starts an escape sequence in textproto.
  const std::string text = "model_type: 'a\\tb'\nkv_layers_name: ['*k_proj']\n";
  EXPECT_THAT(
      std::string(ReadTemplate(text, {}).status().message()),
      AllOf(
          HasSubstr("ambiguous: the file has different contents as Quark YAML and as textproto (modified: model_type"),
          HasSubstr("choose one with --format quark|proto-json|textproto")));
  const auto quark = ReadTemplate(text, EntryFormat::kQuark);
  ASSERT_TRUE(quark.ok()) << quark.status();
  EXPECT_EQ(quark->entry.model_type(), "a\\tb");
  const auto textproto = ReadTemplate(text, EntryFormat::kTextproto);
  ASSERT_TRUE(textproto.ok()) << textproto.status();
  EXPECT_EQ(textproto->entry.model_type(), "a\tb");
}

TEST(EntryFileTest, AcceptsFilesThatAreTheSameInSeveralFormats) {
  v1::LlmTemplate entry;
  entry.set_model_type("mine");
  entry.add_kv_layers_name("*k_proj");
  EXPECT_THAT(ReadTemplate("model_type: \"mine\"\nkv_layers_name: [\"*k_proj\"]\n", {}),
              IsFormat(entry, EntryFormat::kQuark));
}

TEST(EntryFileTest, ReadsOnlyTheRequestedFormat) {
  const std::string quark = R"({"weight": {"dtype": "int4"}})";
  EXPECT_TRUE(ReadScheme(quark, EntryFormat::kQuark).ok());
  EXPECT_THAT(std::string(ReadScheme(quark, EntryFormat::kProtoJson).status().message()),
              AllOf(HasSubstr("as ProtoJSON: weight, line 1: Scheme has no such field"), Not(HasSubstr("Quark"))));
  EXPECT_THAT(std::string(ReadScheme(quark, EntryFormat::kTextproto).status().message()),
              AllOf(HasSubstr("as textproto: line 1"), Not(HasSubstr("Quark"))));
  EXPECT_THAT(std::string(ReadScheme("weight: x", EntryFormat::kProtoJson).status().message()), HasSubstr("as JSON:"));
}

std::string SchemeProblem(const std::string& text) { return std::string(ReadScheme(text, {}).status().message()); }

TEST(EntryFileTest, ReportsErrorsOfPlausibleFormatsOnly) {
  for (const char* text : {R"({"weight": {"dtype": "int44"}})", R"({"target_device": "gpu"})",
                           R"({"name": "x", "global_quant_config": {"weight": 1}})", "weight:\n  dtype: int44\n",
                           "weight: {dtype: int44}\n"}) {
    EXPECT_THAT(SchemeProblem(text),
                AllOf(HasSubstr("as Quark "), Not(HasSubstr("ProtoJSON")), Not(HasSubstr("textproto"))));
  }
  EXPECT_THAT(SchemeProblem("wieght: {dtype: int4}\n"), Not(HasSubstr("textproto")));
  EXPECT_THAT(SchemeProblem("name: 'x' wieght {}"), AllOf(HasSubstr("textproto"), Not(HasSubstr("YAML"))));
  for (const char* text : {R"({"model_type": "x", "algorithm_configs": {"gptx": {}}})",
                           R"({"model_type": "x", "q_layer_name": "q", "kv_layer_name": []})",
                           R"({"model_type": "x", "awq_config": {}})"}) {
    EXPECT_THAT(std::string(ReadTemplate(text, {}).status().message()),
                AllOf(HasSubstr("as Quark "), Not(HasSubstr("ProtoJSON"))));
  }
}

TEST(EntryFileTest, SuggestsOnlyFieldsAndValuesOfRequests) {
  EXPECT_THAT(SchemeProblem(R"({"name": "x", "origins": 1})"),
              AllOf(HasSubstr("Scheme has no such field; allowed: name, config"), Not(HasSubstr("origin,")),
                    Not(HasSubstr("did you mean origin")), Not(HasSubstr("etag")), Not(HasSubstr("update_time"))));
  EXPECT_THAT(SchemeProblem(R"({"name": "x", "config": {"target_device": "DEVICE_TYPE_UNSPECIFIE"}})"),
              AllOf(HasSubstr("DEVICE_TYPE_CPU"), Not(HasSubstr("DEVICE_TYPE_UNSPECIFIED"))));
}

TEST(EntryFileTest, ReadsTheOutputOfDescribe) {
  v1::Scheme scheme;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "x" config { weight { dtype: DTYPE_INT4 } } etag: "1" origin: REGISTRY_ORIGIN_TENANT
         labels { key: "a" value: "b" } create_time { seconds: 1700000000 })",
      &scheme));
  EXPECT_THAT(ReadScheme(ProtoJson(scheme, true), {}), IsFormat(scheme, EntryFormat::kProtoJson));
  EXPECT_THAT(ReadScheme(Textproto(scheme), {}), IsFormat(scheme, EntryFormat::kTextproto));
}

TEST(DropComputedConfigTest, DropsOnlyWhatTheServerComputed) {
  const struct {
    std::string text;
    bool drops;
  } kCases[] = {
      {"spec {} config {} origin: REGISTRY_ORIGIN_TENANT", true}, {"spec {} config {} etag: \"1\"", true},
      {"spec {} config {} create_time { seconds: 1 }", true},     {"spec {} config {}", false},
      {"config {} origin: REGISTRY_ORIGIN_TENANT", false},        {"spec {} origin: REGISTRY_ORIGIN_TENANT", false}};
  for (const auto& [text, drops] : kCases) {
    SCOPED_TRACE(text);
    v1::Scheme scheme;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &scheme));
    const v1::Scheme before = scheme;
    EXPECT_EQ(DropComputedConfig(scheme), drops);
    EXPECT_EQ(scheme.has_config(), before.has_config() && !drops);
    EXPECT_EQ(scheme.has_spec(), before.has_spec());
  }
}

TEST(NameSchemeTest, FileAndCommandLineMustAgree) {
  v1::Scheme scheme;
  EXPECT_THAT(std::string(NameScheme("", scheme).message()), HasSubstr("set one with --name"));
  EXPECT_TRUE(NameScheme("x", scheme).ok());
  EXPECT_EQ(scheme.name(), "x");
  EXPECT_TRUE(NameScheme("x", scheme).ok());
  EXPECT_TRUE(NameScheme("", scheme).ok());
  EXPECT_THAT(std::string(NameScheme("y", scheme).message()),
              HasSubstr("the file names the scheme \"x\", but --name is \"y\""));
  EXPECT_EQ(scheme.name(), "x");
}

TEST(OutputTextTest, FailsForUnrepresentableResponses) {
  v1::Scheme scheme;
  scheme.set_name("x");
  EXPECT_EQ(*JsonText(scheme), "{\n \"name\": \"x\"\n}\n");
  EXPECT_EQ(*TextprotoText(scheme), "name: \"x\"\n");
  scheme.mutable_create_time()->set_seconds(1'000'000'000'000);  // after the year 9999
  EXPECT_THAT(std::string(JsonText(scheme).status().message()), HasSubstr("cannot write the response as JSON: "));
  EXPECT_EQ(*IndentedJson(R"({"b": [1], "a": null})"), "{\n  \"b\": [\n    1\n  ],\n  \"a\": null\n}\n");
  for (const char* text : {"", "{", "<html>"}) {
    EXPECT_EQ(IndentedJson(text).status().code(), absl::StatusCode::kInternal) << text;
  }
}

class EntryTextTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> Read(const std::string& bytes) {
    // A unique name, because tests run in parallel.
    std::string path = testing::TempDir() + "/entry_text_XXXXXX";
    const int descriptor = mkstemp(path.data());
    EXPECT_GE(descriptor, 0);
    close(descriptor);
    std::ofstream(path, std::ios::binary) << bytes;
    auto text = ReadEntryText(path);
    std::remove(path.c_str());
    return text;
  }
  std::string Problem(const std::string& bytes) { return std::string(Read(bytes).status().message()); }
};

TEST_F(EntryTextTest, RemovesTheByteOrderMark) { EXPECT_EQ(*Read("\xEF\xBB\xBF{}"), "{}"); }
TEST_F(EntryTextTest, KeepsCarriageReturns) { EXPECT_EQ(*Read("a: 1\r\n\tb"), "a: 1\r\n\tb"); }
TEST_F(EntryTextTest, AcceptsUpToFourMebibytes) {
  EXPECT_TRUE(Read(std::string(kMaxFileBytes, 'a')).ok());
  EXPECT_EQ(Problem(std::string(kMaxFileBytes + 1, 'a')), "the file is larger than 4 MiB");
}
TEST_F(EntryTextTest, RejectsFilesThatAreNotText) {
  EXPECT_EQ(Problem(""), "the file is empty");
  EXPECT_EQ(Problem(" \r\n\t"), "the file is empty");
  EXPECT_EQ(Problem("\xEF\xBB\xBF"), "the file is empty");
  EXPECT_EQ(Problem("a\n\xFF\xFE"), "the file is not valid UTF-8");
  EXPECT_EQ(Problem("\xED\xA0\x80"), "the file is not valid UTF-8");
  EXPECT_EQ(Problem(std::string("a\n\0b", 4)), "not a text file: control character on line 2");
  EXPECT_EQ(Problem("a: 1\n\x04ignored: 2"), "not a text file: control character on line 2");
  EXPECT_EQ(Problem("\x7F"
                    "ELF\x02\x01\x01"),
            "not a text file: control character on line 1");
}
TEST_F(EntryTextTest, ReportsUnreadableFiles) {
  EXPECT_EQ(ReadEntryText("/nonexistent/file").status().message(), "cannot open the file: No such file or directory");
  EXPECT_THAT(std::string(ReadEntryText(testing::TempDir()).status().message()),
              AllOf(HasSubstr("a directory; name a file in it"), HasSubstr("qconfigctl register scheme -f \"$file\"")));
}

}  // namespace
}  // namespace qconfig::client
