// SPDX-License-Identifier: Apache-2.0
//
// Follows what errors say about making a scheme (`like` and `edit` of core/names/other_names.json), and compares the
// registered scheme with what the line states.
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/builtin_catalogs.h"
#include "core/names/known_names.h"
#include "core/quark_names.h"
#include "core/registration.h"

namespace qconfig {
namespace {

using Stages = google::protobuf::RepeatedPtrField<v1::QTensorConfig>;

std::vector<OtherName> Recipes() {
  std::vector<OtherName> recipes;
  for (const OtherName& line : BuiltinKnownNames().other_names().at("scheme")) {
    if (!line.like.empty()) recipes.push_back(line);
  }
  return recipes;
}

Stages* TensorOf(const std::string& name, v1::Scheme& scheme) {
  v1::QLayerConfig& config = *scheme.mutable_config();
  if (name == "weight") return config.mutable_weight();
  if (name == "input_tensors") return config.mutable_input_tensors();
  return name == "output_tensors" ? config.mutable_output_tensors() : nullptr;
}

// Fails if the tensor is not quantized or has two stages: then the edit would not say which one it changes.
bool SetField(const std::string& field, const std::string& value, Stages* tensor) {
  const auto* const descriptor = v1::QTensorConfig::descriptor()->FindFieldByName(field);
  if (tensor == nullptr || tensor->size() != 1 || descriptor == nullptr) return false;
  const bool is_string = descriptor->type() == google::protobuf::FieldDescriptor::TYPE_STRING;
  const char* const quote = is_string ? "'" : "";
  v1::QTensorConfig changed;
  if (!google::protobuf::TextFormat::ParseFromString(absl::StrCat(field, ": ", quote, value, quote), &changed)) {
    return false;
  }
  (*tensor)[0].MergeFrom(changed);
  return true;
}

// The vocabulary is that of CONTRIBUTING.md.
bool ApplyClause(const std::string& clause, const Catalog& catalog, v1::Scheme& scheme) {
  static const std::regex kRemove("remove (\\w+)");
  static const std::regex kSet("set (\\w+) of (\\w+)(?: and (\\w+))? to (\\w+)");
  static const std::regex kCopy("copy (\\w+) to (\\w+)");
  static const std::regex kReplace("replace (\\w+) with (?:that|those) of (\\w+)");
  std::smatch words;
  if (std::regex_match(clause, words, kRemove)) {
    Stages* const tensor = TensorOf(words[1], scheme);
    if (tensor == nullptr || tensor->empty()) return false;
    tensor->Clear();
    return true;
  }
  if (std::regex_match(clause, words, kSet)) {
    return SetField(words[1], words[4], TensorOf(words[2], scheme)) &&
           (!words[3].matched || SetField(words[1], words[4], TensorOf(words[3], scheme)));
  }
  if (std::regex_match(clause, words, kCopy)) {
    const Stages* const from = TensorOf(words[1], scheme);
    Stages* const to = TensorOf(words[2], scheme);
    if (from == nullptr || to == nullptr || from->empty()) return false;
    *to = *from;
    return true;
  }
  if (!std::regex_match(clause, words, kReplace)) return false;
  Stages* const to = TensorOf(words[1], scheme);
  const v1::Scheme* const other = catalog.FindScheme(words[2].str());
  if (to == nullptr || other == nullptr) return false;
  v1::Scheme copy = *other;
  *to = *TensorOf(words[1], copy);
  return !to->empty();
}

// "fp4 per_group 32 e8m0 dynamic"; the stages are separated by " + ".
std::string Describe(const Stages& stages) {
  std::string text;
  for (const v1::QTensorConfig& stage : stages) {
    absl::StrAppend(&text, text.empty() ? "" : " + ", QuarkName(stage.dtype()));
    if (stage.mx_element_dtype() != v1::DTYPE_UNSPECIFIED) {
      absl::StrAppend(&text, " ", QuarkName(stage.mx_element_dtype()));
    }
    if (stage.qscheme() != v1::Q_SCHEME_TYPE_UNSPECIFIED) absl::StrAppend(&text, " ", QuarkName(stage.qscheme()));
    if (stage.has_group_size()) absl::StrAppend(&text, " ", stage.group_size());
    if (stage.has_scale_format()) absl::StrAppend(&text, " ", stage.scale_format());
    if (stage.has_symmetric() && !stage.symmetric()) absl::StrAppend(&text, " asymmetric");
    if (stage.is_dynamic()) absl::StrAppend(&text, " dynamic");
  }
  return text;
}

std::string Describe(v1::Scheme scheme) {
  std::string text;
  for (const char* name : {"weight", "input_tensors", "output_tensors"}) {
    const Stages& stages = *TensorOf(name, scheme);
    if (!stages.empty()) absl::StrAppend(&text, text.empty() ? "" : "; ", name, ": ", Describe(stages));
  }
  return text;
}

// Registers the edited copy as a tenant whose default catalogue is `catalog`.
v1::Scheme Registered(const OtherName& recipe, const Catalog& catalog, Catalogs catalogs) {
  v1::Scheme scheme;
  const v1::Scheme* const like = catalog.FindScheme(recipe.like);
  if (like == nullptr) {
    ADD_FAILURE() << recipe.names.front() << ": no scheme " << recipe.like << " in " << catalog.name();
    return scheme;
  }
  scheme = *like;
  for (const std::string& clause : std::vector<std::string>(absl::StrSplit(recipe.edit, ", "))) {
    EXPECT_TRUE(ApplyClause(clause, catalog, scheme)) << recipe.names.front() << ": " << clause;
  }
  scheme.set_name("mine");
  std::stable_partition(catalogs.begin(), catalogs.end(), [&](const auto& known) { return known.get() == &catalog; });
  const RegistryState empty;
  const Limits limits;
  const auto change = PutScheme(scheme, PutConditions{false, ""}, {catalogs, empty, 1, limits, {}});
  EXPECT_TRUE(change.ok()) << recipe.names.front() << ": " << change.status();
  return change.ok() ? change->put_scheme() : v1::Scheme();
}

TEST(SchemeRecipesTest, MakeWhatTheyState) {
  const Catalogs catalogs = LoadBuiltinCatalogs().value();
  size_t checked = 0;
  for (const OtherName& recipe : Recipes()) {
    for (const auto& catalog : catalogs) {
      EXPECT_EQ(Describe(Registered(recipe, *catalog, catalogs)), recipe.makes)
          << recipe.names.front() << " in " << catalog->name();
      ++checked;
    }
  }
  EXPECT_GE(checked, 100u);
}

// The bits in the first data type of a tensor: "8" for "weight: fp8_e4m3 per_tensor; ...". Empty: not quantized.
std::string BitsOf(const std::string& tensor, const std::string& makes) {
  std::smatch bits;
  const std::regex first(absl::StrCat(tensor, ": [a-z ]*([0-9]+)"));
  return std::regex_search(makes, bits, first) ? bits[1].str() : "";
}

TEST(SchemeRecipesTest, HaveTheNumbersAndTheGranularityOfTheName) {
  static const std::regex kWidths("w([0-9]+)a(?:fp)?([0-9]+)(?:g([0-9]+))?");
  static const std::regex kGranularity("per_(tensor|channel|group|block)");
  size_t checked = 0;
  for (const OtherName& recipe : Recipes()) {
    for (const std::string& name : recipe.names) {
      const std::string lower = absl::AsciiStrToLower(name);
      std::smatch words;
      if (std::regex_search(lower, words, kWidths)) {
        ++checked;
        EXPECT_EQ(BitsOf("weight", recipe.makes), words[1].str()) << name << " makes " << recipe.makes;
        EXPECT_EQ(BitsOf("input_tensors", recipe.makes), words[2].str() == "16" ? "" : words[2].str()) << name;
        if (words[3].matched) {
          EXPECT_TRUE(absl::StrContains(recipe.makes, absl::StrCat("per_group ", words[3].str()))) << name;
        }
      }
      if (std::regex_search(lower, words, kGranularity) && absl::StrContains(recipe.makes, "per_")) {
        ++checked;
        EXPECT_TRUE(absl::StrContains(recipe.makes, words[0].str())) << name << " makes " << recipe.makes;
      }
    }
  }
  EXPECT_GE(checked, 30u);
}

// Quark's observers of these kinds compute no scales: PerBlock2DMinMaxObserver is a placeholder, and
// PerBlockMXObserver rejects integers.
TEST(SchemeRecipesTest, HaveObserversThatCompute) {
  const Catalogs catalogs = LoadBuiltinCatalogs().value();
  for (const OtherName& recipe : Recipes()) {
    v1::Scheme scheme = Registered(recipe, *catalogs.back(), catalogs);
    for (const char* name : {"weight", "input_tensors", "output_tensors"}) {
      for (const v1::QTensorConfig& stage : *TensorOf(name, scheme)) {
        EXPECT_NE(stage.observer_cls(), "PerBlock2DMinMaxObserver") << recipe.names.front();
        const bool is_float = absl::StartsWith(QuarkName(stage.dtype()), "fp");
        EXPECT_TRUE(is_float || stage.observer_cls() != "PerBlockMXObserver") << recipe.names.front();
      }
    }
  }
}

}  // namespace
}  // namespace qconfig
