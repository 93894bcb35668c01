// SPDX-License-Identifier: Apache-2.0
//
// Compares the tables of names with the catalogues: every line has a source, and a meaning that a catalogue has.
#include "core/names/known_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"
#include "core/names/name_words.h"
#include "core/names/number_formats.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

const Catalogs& AllCatalogs() {
  static const auto* const kCatalogs = new Catalogs(LoadBuiltinCatalogs().value());
  return *kCatalogs;
}

// The names that a table of other_names.json may mean, of all catalogues.
std::set<std::string> MeaningsOf(const std::string& table) {
  std::set<std::string> names;
  for (const auto& catalog : AllCatalogs()) {
    const auto& enums = catalog->tensor_vocabulary().enums;
    if (table == "scheme") {
      for (const v1::Scheme& scheme : catalog->schemes()) names.insert(scheme.name());
    } else if (table == "template") {
      for (const v1::LlmTemplate& entry : catalog->templates()) names.insert(entry.model_type());
    } else if (table == "algorithm") {
      names.insert(catalog->algorithms().begin(), catalog->algorithms().end());
    } else if (table == "attention_tensor") {
      for (const auto& [name, unused] : catalog->kv_cache_schemes()) names.insert(name);
    } else if (table == "layer_type") {
      names = {"Linear", "Conv2d", "ConvTranspose2d"};
    } else if (table == "dtype") {
      const auto& known = enums.find("Dtype")->second;
      names.insert(known.begin(), known.end());
    } else if (table == "qscheme") {
      const auto& known = enums.find("QSchemeType")->second;
      names.insert(known.begin(), known.end());
    }
  }
  return names;
}

bool HasTemplate(const std::string& model_type) {
  return std::any_of(AllCatalogs().begin(), AllCatalogs().end(),
                     [&](const auto& catalog) { return catalog->FindTemplate(model_type) != nullptr; });
}

TEST(KnownNamesTest, EveryMeaningIsInACatalog) {
  for (const auto& [table, lines] : BuiltinKnownNames().other_names()) {
    const std::set<std::string> meanings = MeaningsOf(table);
    ASSERT_FALSE(meanings.empty()) << table << " is not a table that the resolver reads";
    for (const OtherName& line : lines) {
      EXPECT_FALSE(line.source.empty()) << line.names.front();
      EXPECT_LE(line.means.size(), 3u) << line.names.front();
      for (const std::string& meaning : line.means) {
        EXPECT_EQ(meanings.count(meaning), 1u) << line.names.front() << " means " << meaning;
      }
    }
  }
}

// Quark cannot run AWQ on weights that are quantized in two stages; see algorithm_rules.h.
TEST(KnownNamesTest, NoNoteAddsAwqToASchemeOfTwoStages) {
  size_t checked = 0;
  for (const OtherName& line : BuiltinKnownNames().other_names().at("scheme")) {
    for (const std::string& meaning : line.means) {
      for (const auto& catalog : AllCatalogs()) {
        const v1::Scheme* const scheme = catalog->FindScheme(meaning);
        if (scheme == nullptr || scheme->config().weight_size() <= 1) continue;
        ++checked;
        EXPECT_THAT(line.note, testing::Not(HasSubstr("add awq"))) << line.names.front() << " means " << meaning;
      }
    }
  }
  EXPECT_GE(checked, 10u);
}

// Errors put a note after a full stop, and what differs after a colon.
TEST(KnownNamesTest, TextsFitIntoErrors) {
  for (const auto& [table, lines] : BuiltinKnownNames().other_names()) {
    for (const OtherName& line : lines) {
      EXPECT_THAT(line.differs, testing::Not(HasSubstr(": "))) << line.names.front();
      EXPECT_THAT(line.note, testing::Not(testing::EndsWith("."))) << line.names.front();
      EXPECT_FALSE(!line.note.empty() && absl::ascii_islower(static_cast<unsigned char>(line.note.front())))
          << line.names.front();
      const size_t colon = line.note.find(": ");
      EXPECT_FALSE(colon != std::string::npos && absl::ascii_isupper(static_cast<unsigned char>(line.note[colon + 2])))
          << line.names.front();
    }
  }
}

TEST(KnownNamesTest, NoNameIsThatOfACatalog) {
  for (const auto& [table, lines] : BuiltinKnownNames().other_names()) {
    const std::set<std::string> meanings = MeaningsOf(table);
    for (const OtherName& line : lines) {
      for (const std::string& name : line.names) {
        EXPECT_EQ(meanings.count(name), 0u) << name << " is a name in " << table << ", so the line is never used";
      }
    }
  }
}

TEST(KnownNamesTest, HasManyNamesOfOtherTools) {
  size_t others = 0;
  for (const OtherName& line : BuiltinKnownNames().other_names().at("scheme")) {
    if (line.tool != "Quark") others += line.names.size();
  }
  EXPECT_GE(others, 150u);
}

TEST(KnownNamesTest, ModelsLeadToTemplates) {
  const KnownNames& names = BuiltinKnownNames();
  for (const ModelName& model : names.models()) {
    EXPECT_FALSE(model.source.empty()) << model.model_type;
    if (HasTemplate(model.model_type)) {
      EXPECT_TRUE(model.relatives.empty()) << model.model_type << " has a template";
    } else if (model.relatives.empty()) {
      EXPECT_FALSE(model.architectures.empty()) << model.model_type << " leads nowhere";
    }
    if (!model.start_from.empty()) {
      EXPECT_TRUE(model.relatives.empty()) << model.model_type << " has a better template to start from";
      for (const auto& catalog : AllCatalogs()) {
        EXPECT_NE(catalog->FindTemplate(model.start_from), nullptr) << model.model_type << ": " << model.start_from;
      }
    }
    for (const std::string& relative : model.relatives) {
      EXPECT_TRUE(HasTemplate(relative)) << model.model_type << " is related to " << relative;
    }
  }
  for (const ModelId& id : names.ids()) {
    EXPECT_FALSE(id.source.empty()) << id.id;
    EXPECT_TRUE(HasTemplate(id.model_type) || names.FindModel(id.model_type) != nullptr) << id.id;
  }
}

TEST(KnownNamesTest, IgnoresLetterCaseAndSeparators) {
  const KnownNames& names = BuiltinKnownNames();
  EXPECT_EQ(names.Find("scheme", "fp8-dynamic").name, "FP8_DYNAMIC");
  EXPECT_EQ(names.Find("dtype", "fp8-dynamic").line, nullptr);
  EXPECT_EQ(names.FindArchitecture("LlamaForCausalLM")->model_type, "llama");
}

TEST(KnownNamesTest, LongestIdWins) {
  const KnownNames& names = BuiltinKnownNames();
  EXPECT_EQ(names.FindId("Qwen/Qwen3-8B")->model_type, "qwen3");
  EXPECT_EQ(names.FindId("Qwen/Qwen3-30B-A3B-FP8")->model_type, "qwen3_moe");
  EXPECT_EQ(names.FindId("deepseek-ai/DeepSeek-R1-Distill-Llama-70B")->model_type, "llama");
  EXPECT_EQ(names.FindId("deepseek-ai/DeepSeek-R1-0528")->model_type, "deepseek_v3");
  EXPECT_EQ(names.FindId("llama"), nullptr);
  EXPECT_EQ(names.FindId("Llama-30"), nullptr) << "an ID ends where a word ends";
}

TEST(KnownNamesTest, RejectsMalformedTables) {
  const std::string models = R"({"models": [], "ids": []})";
  const auto problem = [&](const std::string& other_names, const std::string& model_lines) {
    return std::string(KnownNames::Read(other_names, model_lines).status().message());
  };
  EXPECT_TRUE(KnownNames::Read("{}", models).ok());
  EXPECT_THAT(problem("[]", models), HasSubstr("not a JSON object"));
  EXPECT_THAT(problem(R"({"scheme": [{"names": ["a"], "means": ["b"]}]})", models), HasSubstr("has no source"));
  EXPECT_THAT(problem(R"({"scheme": [{"names": ["a"], "source": "s"}]})", models), HasSubstr("no meaning and no note"));
  for (const char* line : {R"("note": "n", "like": "b", "edit": "e")", R"("note": "n", "like": "b", "makes": "m")",
                           R"("note": "n", "edit": "e", "makes": "m")"}) {
    EXPECT_THAT(problem(absl::StrCat(R"({"scheme": [{"names": ["a"], "source": "s", )", line, "}]}"), models),
                HasSubstr("only some of like, edit and makes"));
  }
  EXPECT_THAT(problem(R"({"scheme": [{"names": ["a"], "means": ["c"], "like": "b", "edit": "e", "makes": "m",
                                      "source": "s"}]})",
                      models),
              HasSubstr("has like but no note"));
  EXPECT_THAT(problem(R"({"scheme": [{"names": ["a_b", "A-B"], "means": ["b"], "source": "s"}]})", models),
              HasSubstr("is listed twice"));
  EXPECT_THAT(problem(R"({"scheme": [{"names": ["a"], "mean": ["b"], "note": "n", "source": "s"}]})", models),
              HasSubstr("scheme[0].mean: unknown key"));
  EXPECT_THAT(problem(R"({"scheme": [{"names": ["a"], "means": "b", "note": "n", "source": "s"}]})", models),
              HasSubstr("scheme[0].means: unknown key, or not of its type"));
  EXPECT_THAT(problem("{}", R"({"models": [{"model_type": "m", "relatives": [1], "source": "s"}], "ids": []})"),
              HasSubstr("models[0].relatives"));
  EXPECT_THAT(problem("{}", "{}"), HasSubstr("models and ids"));
  EXPECT_THAT(problem("{}", R"({"models": [{"source": "s"}], "ids": []})"), HasSubstr("has no model_type"));
}

}  // namespace
}  // namespace qconfig
