// SPDX-License-Identifier: Apache-2.0
#include "core/fused_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qconfig {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> FusedNames(const std::vector<FusedGroup>& groups) {
  std::vector<std::string> names;
  for (const FusedGroup& group : groups) names.push_back(group.fused);
  return names;
}

TEST(FusedGroupsTest, ModelTypesHaveTheirGroups) {
  EXPECT_THAT(FusedNames(FusedGroupsOf("llama")), ElementsAre("qkv_proj", "gate_up_proj"));
  EXPECT_THAT(FusedNames(FusedGroupsOf("mixtral")), ElementsAre("qkv_proj"));
  EXPECT_THAT(FusedNames(FusedGroupsOf("qwen3_5")),
              ElementsAre("qkv_proj", "gate_up_proj", "in_proj_qkvz", "in_proj_ba"));
}

TEST(FusedGroupsTest, UnknownModelTypesHaveTheDefaultGroups) {
  const std::vector<FusedGroup>& groups = FusedGroupsOf("no_such_model");
  EXPECT_THAT(FusedNames(groups), ElementsAre("qkv_proj", "gate_up_proj"));
  EXPECT_THAT(groups.front().parts, ElementsAre("q_proj", "k_proj", "v_proj"));
}

TEST(FusedGroupsTest, MalformedDataIsAnError) {
  const struct {
    const char* json;
    const char* problem;
  } kCases[] = {
      {"[]", "not a JSON object"},
      {R"({"default": [], "by_model_type": []})", "expert_list: not a name"},
      {R"({"expert_list": "e", "by_model_type": []})", "default: not a list"},
      {R"({"expert_list": "e", "default": [{}], "by_model_type": []})", "a group has no name"},
      {R"({"expert_list": "e", "default": [{"fused": "a", "parts": ["b"]}], "by_model_type": []})",
       "at least two parts"},
      {R"({"expert_list": "e", "default": [{"fused": "a", "parts": ["b", "b"]}], "by_model_type": []})",
       "at least two parts"},
      {R"({"expert_list": "e", "default": []})", "by_model_type: not a list"},
      {R"({"expert_list": "e", "default": [], "by_model_type": [1]})", "not a list of objects"},
      {R"({"expert_list": "e", "default": [], "by_model_type": [{"groups": []}]})", "no model types"},
      {R"({"expert_list": "e", "default": [], "by_model_type": [{"model_types": ["m", "m"], "groups": []}]})",
       "m: listed twice"},
  };
  for (const auto& [json, problem] : kCases) {
    EXPECT_THAT(FusedGroupTable::Read(json).status().message(), HasSubstr(problem)) << json;
  }
}

}  // namespace
}  // namespace qconfig
