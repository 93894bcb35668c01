// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/entry_file.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/quark_json_reader.h"
#include "qconfigctl/file_tree.h"

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

// Block style, as people write it.
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
  std::ifstream file(absl::StrCat(QCONFIG_CATALOG_DIR, "/", name));
  return ordered_json::parse(file);
}

MATCHER_P2(IsForm, message, form, "") {
  if (!arg.ok()) {
    *result_listener << arg.status();
    return false;
  }
  *result_listener << arg->entry.DebugString() << "form " << static_cast<int>(arg->form);
  return arg->form == form && google::protobuf::util::MessageDifferencer::Equals(arg->entry, message);
}

TEST(EntryFileTest, EverySchemeOfTheCatalogueReadsAlikeInEveryForm) {
  const ordered_json schemes = CatalogFile("schemes.json");
  ASSERT_GT(schemes.size(), 20u);
  for (const auto& [name, layer] : schemes.items()) {
    SCOPED_TRACE(name);
    v1::Scheme scheme;
    scheme.set_name(name);
    ASSERT_TRUE(ReadQuarkJson(layer, name, *scheme.mutable_config()).ok());
    for (auto* stages : {scheme.mutable_config()->mutable_input_tensors(), scheme.mutable_config()->mutable_weight()}) {
      for (v1::QTensorConfig& stage : *stages) {
        if (stage.observer_cls().empty()) stage.set_observer_cls("PlaceholderObserver");
      }
    }
    ordered_json flat = {{"name", name}};
    flat.update(layer);
    const ordered_json wrapped = {{"name", name}, {"config", layer}};
    for (const ordered_json& json : {flat, wrapped}) {
      EXPECT_THAT(ReadScheme(json.dump(), {}), IsForm(scheme, EntryForm::kQuark));
      EXPECT_THAT(ReadScheme(json.dump(2), {}), IsForm(scheme, EntryForm::kQuark));
      EXPECT_THAT(ReadScheme(Yaml(json), {}), IsForm(scheme, EntryForm::kQuark));
      EXPECT_THAT(ReadScheme(absl::StrReplaceAll(Yaml(json), {{"\n", "\r\n"}}), {}), IsForm(scheme, EntryForm::kQuark));
    }
    EXPECT_THAT(ReadScheme(ProtoJson(scheme, true), {}), IsForm(scheme, EntryForm::kProtoJson));
    EXPECT_THAT(ReadScheme(ProtoJson(scheme, false), {}), IsForm(scheme, EntryForm::kProtoJson));
    EXPECT_THAT(ReadScheme(Textproto(scheme), {}), IsForm(scheme, EntryForm::kTextproto));
    EXPECT_THAT(ReadScheme(scheme.ShortDebugString(), {}), IsForm(scheme, EntryForm::kTextproto));
  }
}

TEST(EntryFileTest, EveryTemplateOfTheCatalogueReadsAlikeInEveryForm) {
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
    EXPECT_THAT(ReadTemplate(Yaml(json), {}), IsForm(entry, EntryForm::kQuark));
    // Without algorithms and converters, ProtoJSON says the same in the same words.
    const bool same_words = entry.algorithm_configs().empty() && entry.f2f_weight_converters().empty();
    EXPECT_THAT(ReadTemplate(ProtoJson(entry, true), {}),
                IsForm(entry, same_words ? EntryForm::kQuark : EntryForm::kProtoJson));
    EXPECT_THAT(ReadTemplate(Textproto(entry), EntryForm::kTextproto), IsForm(entry, EntryForm::kTextproto));
    const auto textproto = ReadTemplate(Textproto(entry), {});
    ASSERT_TRUE(textproto.ok()) << textproto.status();
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(textproto->entry, entry));
  }
}

struct Refused {
  std::string name;
  std::string text;
  std::vector<std::string> lines;  // in this order
};

std::string NameOf(const testing::TestParamInfo<Refused>& info) { return info.param.name; }

void ExpectInOrder(const std::string& text, const std::vector<std::string>& parts) {
  size_t from = 0;
  for (const std::string& part : parts) {
    const size_t at = text.find(part, from);
    ASSERT_NE(at, std::string::npos) << "no " << part << " in " << text.substr(from) << "\nof: " << text;
    from = at + part.size();
  }
}

class SchemeRefusedTest : public testing::TestWithParam<Refused> {};
TEST_P(SchemeRefusedTest, SaysWhatEachPlausibleFormObjectsTo) {
  const auto file = ReadScheme(GetParam().text, {});
  ASSERT_FALSE(file.ok()) << file->entry.DebugString();
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
  ExpectInOrder(std::string(file.status().message()), GetParam().lines);
}
INSTANTIATE_TEST_SUITE_P(
    EntryFile, SchemeRefusedTest,
    testing::Values(
        Refused{
            "QuarkJson",
            R"({"weight": {"dtype": "int44"}})",
            {"as Quark's form: weight.dtype: \"int44\" is not a value of Dtype; did you mean int4", "as ProtoJSON:"}},
        Refused{"ProtoJson",
                R"({"name": "x", "config": {"weight": [{"dtype": "DTYPE_INT44"}]}})",
                {"as ProtoJSON: config.weight[0].dtype: \"DTYPE_INT44\"", "DTYPE_INT4", "as Quark's form:"}},
        Refused{"ProtoJsonFieldInTwoSpellings",
                R"({"name": "x", "defaultSharedScales": true, "default_shared_scales": true})",
                {"default_shared_scales: the field is given twice"}},
        Refused{"ProtoJsonBothOfAOneof",
                R"({"name": "x", "spec": {"weight": {"preset": {"spec": "A"}, "config": {}}}})",
                {"spec.weight.config: only one field of spec"}},
        Refused{"ProtoJsonEnumNumber",
                R"({"name": "x", "config": {"weight": [{"dtype": 99}]}})",
                {"as ProtoJSON: config.weight[0].dtype: Dtype has no value 99"}},
        Refused{"ProtoJsonOneInsteadOfAList",
                R"({"name": "x", "config": {"weight": {"dtype": "DTYPE_INT4"}}})",
                {"as ProtoJSON: config.weight: not a list"}},
        Refused{"Textproto",
                "name: \"x\"\nconfig {\n  weight { dtyp: DTYPE_INT4 }\n}\n",
                {"as textproto: line 3, column 16", "no field named \"dtyp\"; did you mean dtype"}},
        Refused{"TextprotoEnum",
                "name: \"x\"\nconfig { weight { dtype: DTYPE_IN4 } }\n",
                {"as textproto: line 2", "DTYPE_IN4", "did you mean DTYPE_INT4"}},
        Refused{"TextprotoTwice",
                "name: \"x\"\nname: \"x\"\nconfig {}\n",
                {"as textproto: line 2", "specified multiple times"}},
        Refused{"TextprotoEnumNumber",
                "config { weight { dtype: 99 } }",
                {"config.weight[0].dtype: Dtype has no value 99"}},
        Refused{"TextprotoMapKeyTwice",
                "config {}\nlabels { key: \"a\" value: \"1\" }\nlabels { key: \"a\" value: \"2\" }\n",
                {"labels: the key \"a\" is given twice"}},
        Refused{
            "TextprotoNotFinite",
            "spec { weight { preset { spec: \"A\" fields { fields { key: \"a\" value { number_value: inf } } } } } }",
            {"number_value: the number is not finite"}},
        Refused{"TextprotoNotUtf8", "name: \"\\377\" config {}", {"name: the string is not UTF-8"}},
        Refused{"TextprotoDeep",
                "spec { weight { preset { fields { fields { key: \"a\" value { " +
                    absl::StrReplaceAll(std::string(40, '['), {{"[", "list_value { values { "}}),
                {"recursion limit"}},
        Refused{"Yaml", "weight:\n  dtpe: int4\n", {"as Quark's form in YAML: weight.dtype: required"}},
        Refused{"YamlSyntax", "weight:\n  dtype: int4\n bias: null\n", {"as YAML: line 3"}},
        Refused{"BrokenJson", R"({"weight": {"dtype": "int4"})", {"as JSON: parse error at line 1, column 29"}},
        Refused{"KeyTwice",
                R"({"weight": {"dtype": "int4", "dtype": "int4"}})",
                {"as JSON: weight: the key \"dtype\" is given twice"}},
        Refused{"Words", "hello there\n", {"not an object"}}, Refused{"AList", "[1, 2]", {"not an object"}},
        Refused{"NoField", "{}", {"has neither", "gives no field"}},
        Refused{"Comment", "# nothing here\n", {"as YAML: has no YAML document", "as textproto: gives no field"}},
        Refused{"NotFinite",
                R"({"weight": {"dtype": "int4", "ch_axis": NaN}})",
                {"as JSON: parse error", "ch_axis: not an integer"}}),
    NameOf);

TEST(EntryFileTest, FormsThatDifferAreRefusedAsAmbiguous) {
  // A backslash in single quotes is itself in YAML, and begins an escape in textproto.
  const std::string text = "model_type: 'a\\tb'\nkv_layers_name: ['*k_proj']\n";
  EXPECT_THAT(
      std::string(ReadTemplate(text, {}).status().message()),
      AllOf(HasSubstr("can be read as Quark's form in YAML and as textproto, which differ (modified: model_type"),
            HasSubstr("say which with --format quark|proto-json|textproto")));
  const auto quark = ReadTemplate(text, EntryForm::kQuark);
  ASSERT_TRUE(quark.ok()) << quark.status();
  EXPECT_EQ(quark->entry.model_type(), "a\\tb");
  const auto textproto = ReadTemplate(text, EntryForm::kTextproto);
  ASSERT_TRUE(textproto.ok()) << textproto.status();
  EXPECT_EQ(textproto->entry.model_type(), "a\tb");
}

TEST(EntryFileTest, FormsThatAgreeAreNotAmbiguous) {
  v1::LlmTemplate entry;
  entry.set_model_type("mine");
  entry.add_kv_layers_name("*k_proj");
  EXPECT_THAT(ReadTemplate("model_type: \"mine\"\nkv_layers_name: [\"*k_proj\"]\n", {}),
              IsForm(entry, EntryForm::kQuark));
}

TEST(EntryFileTest, AForcedFormIsTheOnlyOneThatIsTried) {
  const std::string quark = R"({"weight": {"dtype": "int4"}})";
  EXPECT_TRUE(ReadScheme(quark, EntryForm::kQuark).ok());
  EXPECT_THAT(std::string(ReadScheme(quark, EntryForm::kProtoJson).status().message()),
              AllOf(HasSubstr("as ProtoJSON: weight: Scheme has no such field"), Not(HasSubstr("Quark"))));
  EXPECT_THAT(std::string(ReadScheme(quark, EntryForm::kTextproto).status().message()),
              AllOf(HasSubstr("as textproto: line 1"), Not(HasSubstr("Quark"))));
  EXPECT_THAT(std::string(ReadScheme("weight: x", EntryForm::kProtoJson).status().message()), HasSubstr("as JSON:"));
}

TEST(EntryFileTest, OutputOfDescribeCanBeRegistered) {
  v1::Scheme scheme;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "x" config { weight { dtype: DTYPE_INT4 } } etag: "1" origin: REGISTRY_ORIGIN_TENANT
         labels { key: "a" value: "b" } create_time { seconds: 1700000000 })",
      &scheme));
  EXPECT_THAT(ReadScheme(ProtoJson(scheme, true), {}), IsForm(scheme, EntryForm::kProtoJson));
  EXPECT_THAT(ReadScheme(Textproto(scheme), {}), IsForm(scheme, EntryForm::kTextproto));
}

TEST(NameSchemeTest, FileAndCommandLineMustAgree) {
  v1::Scheme scheme;
  EXPECT_THAT(std::string(NameScheme("", scheme).message()), HasSubstr("say it with --name"));
  EXPECT_TRUE(NameScheme("x", scheme).ok());
  EXPECT_EQ(scheme.name(), "x");
  EXPECT_TRUE(NameScheme("x", scheme).ok());
  EXPECT_TRUE(NameScheme("", scheme).ok());
  EXPECT_THAT(std::string(NameScheme("y", scheme).message()),
              HasSubstr("names the scheme \"x\", but --name says \"y\""));
  EXPECT_EQ(scheme.name(), "x");
}

class EntryTextTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> Read(const std::string& bytes) {
    const std::string path = testing::TempDir() + "/entry_text";
    std::ofstream(path, std::ios::binary) << bytes;
    auto text = ReadEntryText(path);
    std::remove(path.c_str());
    return text;
  }
  std::string Problem(const std::string& bytes) { return std::string(Read(bytes).status().message()); }
};

TEST_F(EntryTextTest, LosesTheByteOrderMark) { EXPECT_EQ(*Read("\xEF\xBB\xBF{}"), "{}"); }
TEST_F(EntryTextTest, KeepsWindowsLines) { EXPECT_EQ(*Read("a: 1\r\n\tb"), "a: 1\r\n\tb"); }
TEST_F(EntryTextTest, TakesFourMebibytesAndNoMore) {
  EXPECT_TRUE(Read(std::string(kMaxFileBytes, 'a')).ok());
  EXPECT_EQ(Problem(std::string(kMaxFileBytes + 1, 'a')), "is larger than 4 MiB");
}
TEST_F(EntryTextTest, RefusesWhatIsNoText) {
  EXPECT_EQ(Problem(""), "is empty");
  EXPECT_EQ(Problem(" \r\n\t"), "is empty");
  EXPECT_EQ(Problem("\xEF\xBB\xBF"), "is empty");
  EXPECT_EQ(Problem("a\n\xFF\xFE"), "is not UTF-8");
  EXPECT_EQ(Problem("\xED\xA0\x80"), "is not UTF-8");
  EXPECT_EQ(Problem(std::string("a\n\0b", 4)), "has a control character in line 2, so it is no text");
  EXPECT_EQ(Problem("a: 1\n\x04ignored: 2"), "has a control character in line 2, so it is no text");
  EXPECT_EQ(Problem("\x7F"
                    "ELF\x02\x01\x01"),
            "has a control character in line 1, so it is no text");
}
TEST_F(EntryTextTest, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(ReadEntryText("/nonexistent/file").status().message(), "cannot be opened: No such file or directory");
  EXPECT_EQ(ReadEntryText(testing::TempDir()).status().message(), "cannot be read: Is a directory");
}

}  // namespace
}  // namespace qconfig::client
