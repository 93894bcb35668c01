// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/files/file_tree.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;

std::string Repeat(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

// Returns an object with `count` distinct keys: `{"k0": 0,"k1": 0}`.
std::string ManyKeys(int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) absl::StrAppend(&text, i == 0 ? "" : ",", "\"k", i, "\": 0");
  return text + "}";
}

struct Accepted {
  std::string name;
  std::string text;
  std::string json;
};

struct Rejected {
  std::string name;
  std::string text;
  std::string problem;
};

template <typename Case>
std::string CaseName(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

class JsonAcceptedTest : public testing::TestWithParam<Accepted> {};
TEST_P(JsonAcceptedTest, Reads) {
  const auto tree = ParseStrictJson(GetParam().text);
  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_EQ(tree->root.dump(), GetParam().json);
}
INSTANTIATE_TEST_SUITE_P(
    Json, JsonAcceptedTest,
    testing::Values(Accepted{"KeepsTheOrderOfKeys", R"({"b": 1, "a": [true, null]})", R"({"b":1,"a":[true,null]})"},
                    Accepted{"CarriageReturns", "{\r\n\"a\":\r\n1}\r\n", R"({"a":1})"},
                    Accepted{"Comments", "// a\n{\"a\": /* b */ 1 // c\n}", R"({"a":1})"},
                    Accepted{"SameKeyElsewhere", R"({"a": {"x": 1}, "b": {"x": 2}})", R"({"a":{"x":1},"b":{"x":2}})"},
                    Accepted{"Numbers", "[0, -1, 1.5, 1e3, 18446744073709551615]",
                             "[0,-1,1.5,1000.0,18446744073709551615]"},
                    Accepted{"DeepestAllowed", Repeat("[", 64) + Repeat("]", 64), Repeat("[", 64) + Repeat("]", 64)}),
    CaseName<Accepted>);

class JsonRejectedTest : public testing::TestWithParam<Rejected> {};
TEST_P(JsonRejectedTest, ReportsTheProblem) {
  const auto tree = ParseStrictJson(GetParam().text);
  ASSERT_FALSE(tree.ok()) << tree->root.dump();
  EXPECT_EQ(tree.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(tree.status().message()), HasSubstr(GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    Json, JsonRejectedTest,
    testing::Values(Rejected{"DuplicateKey", R"({"a": {"x": 1, "y": 2, "x": 1}})", R"(a, line 1: duplicate key "x")"},
                    Rejected{"DuplicateKeyInAList", R"([0, {"x": 1, "\u0078": 1}])",
                             R"([1], line 1: duplicate key "x")"},
                    Rejected{"TextAfterIt", R"({"a": 1} {"a": 2})", "line 1, column 10"},
                    Rejected{"Comma", "{\"a\": 1,\n}", "line 2: trailing comma; remove the comma before }"},
                    Rejected{"NotANumber", R"({"a": NaN})", "line 1: JSON has no NaN"},
                    Rejected{"LargerThanFits", R"({"a": 18446744073709551616})", "does not fit in 64 bits"},
                    Rejected{"SmallerThanFits", R"({"a": -9223372036854775809})", "does not fit in 64 bits"},
                    Rejected{"TooLargeForADouble", R"({"a": 1e400})", "number overflow"},
                    Rejected{"HalfASurrogatePair", R"({"a": "\ud800"})", "surrogate"},
                    Rejected{"HalfAComment", "{} /* none", "line 1"}, Rejected{"Empty", "", "line 1, column 1"},
                    Rejected{"Cut", R"({"a": [1, )", "unexpected end of input"},
                    Rejected{"TooDeep", Repeat("[", 65) + Repeat("]", 65), "more than 64 nested objects and lists"},
                    Rejected{"VeryDeep", Repeat("[", 1'000'000), "more than 64 nested objects and lists"},
                    Rejected{"TooManyValues", "[" + Repeat("0,", 100'000) + "0]", "more than 100000 values"}),
    CaseName<Rejected>);

class YamlAcceptedTest : public testing::TestWithParam<Accepted> {};
TEST_P(YamlAcceptedTest, Reads) {
  const auto tree = ParseStrictYaml(GetParam().text);
  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_EQ(tree->root.dump(), GetParam().json);
}
INSTANTIATE_TEST_SUITE_P(
    Yaml, YamlAcceptedTest,
    testing::Values(
        Accepted{"KeepsTheOrderOfKeys", "b: 1\na:\n  - true\n  - x\n", R"({"b":1,"a":[true,"x"]})"},
        Accepted{"CarriageReturns", "a: 1\r\nb:\r\n  - x\r\n", R"({"a":1,"b":["x"]})"},
        Accepted{"Json", R"({"a": [1, "x", null]})", R"({"a":[1,"x",null]})"},
        Accepted{"Nulls", "[~, null, Null, NULL, , nul]", R"([null,null,null,null,null,"nul"])"},
        Accepted{"EmptyValue", "a:\nb: 1\n", R"({"a":null,"b":1})"},
        Accepted{"Booleans", "[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]"},
        Accepted{"YesAndNoAreStrings", "[yes, no, on, off, y, n, Yes, tRUE]",
                 R"(["yes","no","on","off","y","n","Yes","tRUE"])"},
        Accepted{
            "Integers",
            "[0, -1, +12, -0, 0o17, 0x1F, 0xff, 0o010, 0xffffffffffffffff, -9223372036854775808, 18446744073709551615]",
            "[0,-1,12,0,15,31,255,8,18446744073709551615,-9223372036854775808,18446744073709551615]"},
        Accepted{"Floats", "[1.5, -.5, 1., 1e3, +1.5E-1, 0.5, 0e1, 18446744073709551616.0]",
                 "[1.5,-0.5,1.0,1000.0,0.15,0.5,0.0,1.8446744073709552e+19]"},
        Accepted{"NotNumbers", "[0b1, 1_000, 0x, 0o8, 1e, ., -, 1:30, 2026-01-31, NaN, inf]",
                 R"(["0b1","1_000","0x","0o8","1e",".","-","1:30","2026-01-31","NaN","inf"])"},
        Accepted{"QuotedAreStrings", R"(["1", 'true', "null", '~', "", "017", "*x", {"<<": 1}])",
                 R"(["1","true","null","~","","017","*x",{"<<":1}])"},
        Accepted{"BlockText", "a: |\n  x\n  1\n", R"({"a":"x\n1\n"})"},
        Accepted{"Anchors", "a: &x {k: [1, 2]}\nb: *x\nc: &y 5\nd: *y\n",
                 R"({"a":{"k":[1,2]},"b":{"k":[1,2]},"c":5,"d":5})"},
        Accepted{"RedefinedAnchor", "a: &x 1\nb: &x 2\nc: *x\n", R"({"a":1,"b":2,"c":2})"},
        Accepted{"CoreTags", "[!!str 1, !!int \"3\", !!float 2, !!bool true, !!null ~, !!map {a: 1}, !!seq [1], ! 5]",
                 R"(["1",3,2,true,null,{"a":1},[1],"5"])"},
        Accepted{"DocumentMarks", "%YAML 1.2\n---\na: 1\n...\n# the end\n", R"({"a":1})"},
        Accepted{"DeepestAllowed", Repeat("[", 64) + Repeat("]", 64), Repeat("[", 64) + Repeat("]", 64)}),
    CaseName<Accepted>);

// Each list repeats the one before it ten times.
std::string BillionLaughs() {
  std::string text = "a0: &a0 [lol]\n";
  for (int i = 1; i <= 9; ++i) {
    absl::StrAppend(&text, "a", i, ": &a", i, " [", Repeat(absl::StrCat("*a", i - 1, ","), 10), "]\n");
  }
  return text;
}

class YamlRejectedTest : public testing::TestWithParam<Rejected> {};
TEST_P(YamlRejectedTest, ReportsTheProblem) {
  const auto tree = ParseStrictYaml(GetParam().text);
  ASSERT_FALSE(tree.ok()) << tree->root.dump();
  EXPECT_EQ(tree.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(tree.status().message()), HasSubstr(GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    Yaml, YamlRejectedTest,
    testing::Values(
        Rejected{"DuplicateKey", "a: 1\nb:\n  x: 1\n  x: 2\n", R"(b, line 4: duplicate key "x")"},
        Rejected{"TwoDocuments", "a: 1\n---\na: 2\n", "more than one YAML document"},
        Rejected{"TextAfterIt", "{a: 1} b", "more than one YAML document, or text after the document"},
        Rejected{"BracketAfterIt", "[1] ]", "line 1, column 5: illegal flow end"},
        Rejected{"NoDocument", "# nothing\n", "no YAML document"}, Rejected{"NotFinite", "a: .nan", "not finite"},
        Rejected{"Infinite", "a: -.INF", "not finite"}, Rejected{"TooLargeForADouble", "a: 1e400", "not finite"},
        Rejected{"OwnTag", "a: !!python/object 1", "not one of YAML's core types"},
        Rejected{"OtherTag", "a: !x 1", "not one of YAML's core types"},
        Rejected{"BinaryTag", "a: !!binary aGk=", "not one of YAML's core types"},
        Rejected{"TagOfAnotherKind", "a: !!map [1]", "not one of YAML's core types"},
        Rejected{"ValueThatDoesNotMatchItsTag", "a: !!int x", "\"x\" is not a valid int"},
        Rejected{"EscapedControlCharacter", "a: \"\\\x01\"", "unknown escape character: \\u0001"},
        Rejected{"NumberAsKey", "1: x", "must be a string"}, Rejected{"NullAsKey", "~: x", "must be a string"},
        Rejected{"ListAsKey", "? [a]\n: x\n", "must be a string"},
        Rejected{"AliasAsKey", "a: &x b\n*x : c\n", "alias cannot be a key"},
        Rejected{"AliasInsideItself", "a: &x [*x]", "refers to a node that contains it"},
        Rejected{"UnknownAlias", "a: [*lm_head]", "line 1, column 5: the referenced anchor is not defined"},
        Rejected{"PatternOfOneWord", "a: [*lm_head]", "; quote patterns that start with *"},
        Rejected{"PatternInTheMiddle", "a: [*mlp*]", "; quote patterns that start with *"},
        Rejected{"PatternOfOneCharacter", "a: [*]", "; quote patterns that start with *"},
        Rejected{"MergeKey", "a: &x {k: 1}\nb:\n  <<: *x\n", "line 3, column 3: merge keys are not supported"},
        Rejected{"LeadingZero", "a: 017", "the number 017 has a leading zero, which YAML 1.1 reads as octal"},
        Rejected{"LeadingZeroAndSign", "a: !!int -08", "the number -08 has a leading zero"},
        Rejected{"LeadingZeros", "a: 00", "the number 00 has a leading zero"},
        Rejected{"LargeHexadecimal", "a: 0x1fffffffffffffffffff",
                 "line 1, column 4: the integer 0x1fffffffffffffffffff does not fit in 64 bits"},
        Rejected{"LargerThanFits", "a: 18446744073709551616", "18446744073709551616 does not fit in 64 bits"},
        Rejected{"SmallerThanFits", "a: -9223372036854775809", "-9223372036854775809 does not fit in 64 bits"},
        Rejected{"LargeOctal", "a: 0o2000000000000000000000", "does not fit in 64 bits"},
        Rejected{"HalfASurrogatePair", R"(a: "\ud800")", "line 1, column 11: invalid unicode: 55296"},
        Rejected{"BillionLaughs", BillionLaughs(), "more than 100000 values"},
        Rejected{"LongTextRepeatedByAliases",
                 "a: &a " + std::string(100'000, 'x') + "\nb: [" + Repeat("*a,", 1000) + "]\n", "bytes of text"},
        Rejected{"TooDeep", Repeat("[", 65) + Repeat("]", 65), "more than 64 nested objects and lists"},
        Rejected{
            "TooDeepByAliases",
            absl::StrCat("a: &a ", Repeat("[", 40), Repeat("]", 40), "\nb: ", Repeat("[", 40), "*a", Repeat("]", 40)),
            "more than 64 nested objects and lists"},
        Rejected{"VeryDeep", Repeat("[", 100'000), "line 1, column 1: a key must be a string"},
        Rejected{"MillionsOfBrackets", Repeat("[", 4'000'000), "more than 100000 values"},
        Rejected{"VeryDeepBlocks", Repeat("- ", 100'000), "more than 64 nested objects and lists"},
        Rejected{"VeryDeepKeys", Repeat("? ", 100'000), "line 1, column 3: a key must be a string"},
        Rejected{"TooManyValues", Repeat("- 0\n", 100'001), "more than 100000 values"}),
    CaseName<Rejected>);

// The lines of all values in the order of the file, such as "1 2 2".
std::string Lines(const FileLines& lines) {
  std::string text = absl::StrCat(lines.line);
  for (const FileLines& item : lines.items) absl::StrAppend(&text, " ", Lines(item));
  return text;
}

TEST(StrictTreeTest, ValuesHaveTheLineOfTheirKeyOrBeginning) {
  const auto json = ParseStrictJson("// x\n{\"a\": 1,\n\"b\":\n [\n1\n,\ntrue, \"x\",\n{}], \"c\"\n: 2}");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(Lines(json->lines), "2 2 3 5 7 7 8 8");
  const auto yaml = ParseStrictYaml("# x\na: 1\nb:\n  - 1\n  - c: &d\n      e: 2\nf: *d\n");
  ASSERT_TRUE(yaml.ok()) << yaml.status();
  EXPECT_EQ(Lines(yaml->lines), "2 2 3 4 5 5 6 7");
}

TEST(StrictTreeTest, ManyKeysTakeLinearTime) {
  const std::string text = ManyKeys(90'000);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(ParseStrictJson(text).ok());
  EXPECT_TRUE(ParseStrictYaml(text).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace qconfig::client
