// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/model_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/client/module_summaries.h"

namespace qconfig::client {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ModelReaderTest : public ::testing::Test {
 protected:
  ModelReaderTest() {
    std::string folder = std::filesystem::temp_directory_path() / "qconfig-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  ~ModelReaderTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& content) const {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  static std::string WithLength(const std::string& header) {
    std::string bytes;
    for (size_t i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(header.size() >> (8 * i) & 0xFF));
    return bytes + header;
  }

  // Writes a file whose tensors have one byte each.
  std::string WriteTensors(const std::string& name, const std::vector<Tensor>& tensors) const {
    json header = {{"__metadata__", {{"format", "pt"}}}};
    for (const Tensor& tensor : tensors) {
      header[tensor.name] = {{"dtype", tensor.dtype}, {"shape", *tensor.shape}, {"data_offsets", {0, 1}}};
    }
    return Write(name, WithLength(header.dump()) + "x");
  }

  std::string ErrorOf(const std::string& header) const {
    const auto model = ReadModel(Write("model.safetensors", WithLength(header) + "x"), "llama");
    EXPECT_EQ(model.status().code(), absl::StatusCode::kInvalidArgument) << header;
    EXPECT_THAT(std::string(model.status().message()), HasSubstr("model.safetensors: "));
    return std::string(model.status().message());
  }

  std::filesystem::path folder_;
};

TEST_F(ModelReaderTest, ReadsHeadersOfShards) {
  Write("config.json", R"({"model_type": "llama", "text_config": {"model_type": "other"}})");
  Write(
      "model.safetensors.index.json",
      R"({"metadata": {"total_size": 1}, "weight_map": {"a.q_proj.weight": "1.safetensors", "a.k_proj.weight": "2.safetensors"}})");
  WriteTensors("1.safetensors", {{"a.q_proj.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  WriteTensors("2.safetensors", {{"a.k_proj.weight", "", "F16", std::vector<int64_t>{2, 8}}});
  WriteTensors("consolidated.safetensors", {{"other.weight", "", "F16", std::vector<int64_t>{2, 8}}});
  for (const std::string& path :
       {folder_.string(), (folder_ / "config.json").string(), (folder_ / "model.safetensors.index.json").string()}) {
    const auto model = ReadModel(path, "");
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_EQ(model->model_type, "llama");
    EXPECT_THAT(Summaries(*model), UnorderedElementsAre("a.q_proj Linear [4,8] BF16", "a.k_proj Linear [2,8] F16"));
    EXPECT_THAT(model->notes, IsEmpty());
  }
}

TEST_F(ModelReaderTest, SizesOfMissingShardsAreUnknown) {
  Write(
      "model.safetensors.index.json",
      R"({"weight_map": {"a.q_proj.weight": "1.safetensors", "a.k_proj.weight": "2.safetensors", "a.norm.weight": "2.safetensors"}})");
  WriteTensors("1.safetensors", {{"a.q_proj.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  const auto model = ReadModel(folder_.string(), "llama");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(Summaries(*model), UnorderedElementsAre("a.q_proj Linear [4,8] BF16", "a.k_proj Linear [] "));
  EXPECT_THAT(model->notes, ElementsAre("the size of 1 of 2 modules is unknown; totals leave it out"));
}

TEST_F(ModelReaderTest, SizesOfTensorsThatAShardLacksAreUnknown) {
  Write("model.safetensors.index.json",
        R"({"weight_map": {"a.q_proj.weight": "1.safetensors", "a.k_proj.weight": "1.safetensors"}})");
  WriteTensors("1.safetensors", {{"a.q_proj.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  const auto model = ReadModel(folder_.string(), "llama");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(Summaries(*model), ElementsAre("a.q_proj Linear [4,8] BF16", "a.k_proj Linear [] "));
}

TEST_F(ModelReaderTest, FollowsLinksAndRejectsPipes) {
  WriteTensors("blob", {{"a.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  std::filesystem::create_symlink("blob", folder_ / "model.safetensors");
  const auto model = ReadModel(folder_.string(), "llama");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(Summaries(*model), ElementsAre("a Linear [4,8] BF16"));
  const std::string pipe = folder_ / "pipe.safetensors";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(std::string(ReadModel(pipe, "llama").status().message()), HasSubstr("not a regular file"));
}

TEST_F(ModelReaderTest, ReadsFilesWithoutIndex) {
  WriteTensors("b.safetensors", {{"b.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  WriteTensors("a.safetensors", {{"a.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  auto model = ReadModel(folder_.string(), "llama");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(Summaries(*model), ElementsAre("a Linear [4,8] BF16", "b Linear [4,8] BF16"));
  WriteTensors("model.safetensors", {{"c.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  model = ReadModel(folder_.string(), "llama");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(Summaries(*model), ElementsAre("c Linear [4,8] BF16"));
}

TEST_F(ModelReaderTest, ModelTypeOfTheCallerTakesPrecedence) {
  Write("config.json", R"({"model_type": "llama"})");
  WriteTensors("model.safetensors", {{"a.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  EXPECT_EQ(ReadModel(folder_.string(), "mine")->model_type, "mine");
}

TEST_F(ModelReaderTest, BrokenConfigIsIgnoredOnlyWithAModelType) {
  WriteTensors("model.safetensors", {{"a.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  for (const char* config : {R"({"time_step_limit": [0.0, Infinity]})", R"({"model_type": 3})",
                             R"({"model_type": ["llama"]})", R"({"a": 1, "a": 2})", "[]", ""}) {
    Write("config.json", config);
    EXPECT_THAT(std::string(ReadModel(folder_.string(), "").status().message()),
                AllOf(HasSubstr("config.json: "), HasSubstr("--model-type")))
        << config;
    const auto model = ReadModel(folder_.string(), "llama");
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_THAT(model->notes, ElementsAre(AllOf(HasSubstr("ignored "), HasSubstr("config.json"))));
  }
}

TEST_F(ModelReaderTest, SaysWhyThereIsNoModelType) {
  WriteTensors("model.safetensors", {{"a.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  const auto problem = [this] { return std::string(ReadModel(folder_.string(), "").status().message()); };
  EXPECT_THAT(problem(), HasSubstr(": has no config.json; pass --model-type"));
  Write("config.json", R"({"architectures": ["LlamaForCausalLM"]})");
  EXPECT_THAT(problem(),
              HasSubstr(": config.json has no `model_type` (its architecture is LlamaForCausalLM); pass --model-type"));
  Write("config.json", "{}");
  EXPECT_THAT(problem(), HasSubstr(": config.json has no `model_type`; pass --model-type"));
}

TEST_F(ModelReaderTest, NeedsAModelTypeAndModules) {
  EXPECT_THAT(std::string(ReadModel(Write("names", "a Linear"), "").status().message()),
              HasSubstr("pass --model-type"));
  EXPECT_THAT(std::string(ReadModel(Write("names", "a LlamaRMSNorm"), "llama").status().message()),
              HasSubstr("has no modules"));
  EXPECT_THAT(std::string(ReadModel(folder_.string(), "llama").status().message()), HasSubstr("has no *.safetensors"));
  EXPECT_THAT(std::string(ReadModel(folder_ / "absent", "llama").status().message()),
              HasSubstr("absent: no such file or folder; plan reads a local model folder"));
  EXPECT_THAT(std::string(ReadModel(Write("model.gguf", "GGUF\x03"), "llama").status().message()),
              AllOf(HasSubstr("is a GGUF file"), HasSubstr("model.safetensors.index.json")));
  EXPECT_THAT(std::string(ReadModel("/dev/null", "llama").status().message()), HasSubstr("not a regular file"));
}

TEST_F(ModelReaderTest, SaysWhichFilesAModelNeeds) {
  const std::string config = Write("config.json", R"({"model_type": "llama"})");
  EXPECT_THAT(std::string(ReadModel(config, "").status().message()),
              AllOf(HasSubstr(config + ": the folder of this file has no *.safetensors and no model.safetensors"),
                    HasSubstr("hf download MODEL_ID config.json model.safetensors.index.json --local-dir FOLDER")));
  EXPECT_THAT(std::string(ReadModel("meta-llama/Llama-3.1-8B", "").status().message()),
              HasSubstr("hf download meta-llama/Llama-3.1-8B config.json model.safetensors.index.json"));
  EXPECT_THAT(std::string(ReadModel("./models/llama/config.json", "").status().message()),
              HasSubstr("hf download MODEL_ID config.json"));
  Write("model.Q4_K_M.gguf", "GGUF\x03");
  EXPECT_THAT(std::string(ReadModel(folder_.string(), "").status().message()), HasSubstr("*.gguf are converted"));
}

TEST_F(ModelReaderTest, SaysWhatToDoWithFilesThatOnlyPythonReads) {
  const auto advice = AllOf(HasSubstr("pytorch_model.bin is a file of PyTorch, which plan cannot read. Save the model"),
                            HasSubstr("print(n, type(m).__name__)"), HasSubstr("run: qconfigctl plan FILE"),
                            Not(HasSubstr("hf download")));
  const std::string file = Write("pytorch_model.bin", "PK\x03\x04");
  for (const char* name : {"optimizer.pt", "scheduler.pt", "training_args.bin"}) {
    Write(name, "PK\x03\x04");
  }
  EXPECT_THAT(std::string(ReadModel(Write("config.json", "{}"), "").status().message()), advice);
  EXPECT_THAT(std::string(ReadModel(folder_.string(), "llama").status().message()), advice);
  EXPECT_THAT(std::string(ReadModel(file, "llama").status().message()), advice);
  std::filesystem::rename(file, folder_ / "consolidated.00.pth");
  EXPECT_THAT(std::string(ReadModel(folder_.string(), "llama").status().message()),
              HasSubstr("no *.safetensors; consolidated.00.pth is a file of PyTorch"));
  std::filesystem::resize_file(Write("large.gguf", "GGUF"), 65u << 20);
  EXPECT_THAT(std::string(ReadModel(folder_.string(), "llama").status().message()),
              AllOf(HasSubstr("weights in *.gguf are converted already; "), Not(HasSubstr("PyTorch"))));
  EXPECT_THAT(std::string(ReadModel(folder_ / "large.gguf", "llama").status().message()), HasSubstr("is a GGUF file"));
}

TEST_F(ModelReaderTest, RejectsIndexesThatLeaveTheFolder) {
  for (const char* shard : {"../x.safetensors", "/etc/passwd", "", "..", "a/b"}) {
    Write("model.safetensors.index.json", absl::StrCat(R"({"weight_map": {"a.weight": ")", shard, R"("}})"));
    EXPECT_THAT(
        std::string(ReadModel(folder_.string(), "llama").status().message()),
        AllOf(HasSubstr("model.safetensors.index.json: "), HasSubstr("not the name of a file in the same folder")));
  }
  for (const char* index :
       {"{}", R"({"weight_map": []})", R"({"weight_map": {"a": 1}})", R"({"weight_map": {"a": {"b": "c"}}})"}) {
    Write("model.safetensors.index.json", index);
    EXPECT_THAT(std::string(ReadModel(folder_.string(), "llama").status().message()), HasSubstr("weight_map")) << index;
  }
}

TEST_F(ModelReaderTest, RejectsMalformedHeaders) {
  const auto tensor = [](const std::string& rest) { return absl::StrCat(R"({"a.weight": {)", rest, "}}"); };
  const std::string good = R"("dtype": "BF16", "shape": [1], "data_offsets": [0, 1])";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "invalid JSON"},
      {"[]", "expected a JSON object"},
      {"{\"a\": 1}", "tensor \"a\": not an object"},
      {"{\"a\": ", "invalid JSON"},
      {"{\"a\": {}}", "`dtype` is missing"},
      {tensor(R"("dtype": "BF16")"), "`shape` is missing"},
      {tensor(R"("dtype": "BF16", "shape": [1])"), "`data_offsets` is not"},
      {tensor(R"("dtype": 1)"), "`dtype` is not a string"},
      {tensor(R"("dtype": "")"), "`dtype` is not a string"},
      {tensor(R"("dtype": "BF16", "shape": 1)"), "`shape` is not a list of sizes"},
      {tensor(R"("dtype": "BF16", "shape": [-1])"), "`shape` is not a list of sizes"},
      {tensor(R"("dtype": "BF16", "shape": [1.5])"), "`shape` is not a list of sizes"},
      {tensor(R"("dtype": "BF16", "shape": [[1]])"), "`shape` is not a list of sizes"},
      {tensor(R"("dtype": "BF16", "shape": ["1"])"), "`shape` is not a list of sizes"},
      {tensor(R"("dtype": "BF16", "shape": [18446744073709551615])"), "`shape` is not a list of sizes"},
      {tensor(R"("dtype": "BF16", "shape": [99999999999999999999999])"), "`shape` is not a list of sizes"},
      {tensor(R"("dtype": "BF16", "shape": [1e999])"), "invalid JSON"},
      {tensor(R"("dtype": "BF16", "shape": [1,1,1,1,1,1,1,1,1])"), "more than 8 dimensions"},
      {tensor(R"("dtype": "BF16", "shape": [1099511627776, 1099511627776], "data_offsets": [0, 1])"), "is too large"},
      {tensor(R"("dtype": "BF16", "shape": [1], "data_offsets": [1, 0])"), "`data_offsets` is not"},
      {tensor(R"("dtype": "BF16", "shape": [1], "data_offsets": [0, 1, 1])"), "`data_offsets` is not"},
      {tensor(R"("dtype": "BF16", "shape": [1], "data_offsets": [[0, 1]])"), "`data_offsets` is not"},
      {tensor(R"("dtype": "BF16", "shape": [1], "data_offsets": 0)"), "`data_offsets` is not"},
      {tensor(R"("dtype": "BF16", "shape": [1], "data_offsets": [0, 2])"), "the file is truncated"},
      {tensor(good + R"(, "dtype": "F16")"), "duplicate key \"dtype\""},
      {tensor(good + R"(, "extra": 1)"), "unknown key \"extra\""},
      {absl::StrCat("{\"a\": {", good, "}, \"a\": {", good, "}}"), "duplicate key \"a\""},
      {absl::StrCat("{\"\": {", good, "}}"), "a name is empty"},
      {absl::StrCat("{\"a.{0..1}\": {", good, "}}"), "has braces"},
      {R"({"__metadata__": 1})", "__metadata__ is not an object with strings"},
      {R"({"__metadata__": {"a": {}}})", "__metadata__ is not an object with strings"},
      {"{\"a\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}", "tensor \"a\": not an object"},
      {"{\"a\xFF\": {}}", "invalid JSON"},
  };
  for (const auto& [header, expected] : cases)
    EXPECT_THAT(ErrorOf(header), HasSubstr(expected)) << header.substr(0, 200);
}

TEST_F(ModelReaderTest, RejectsTruncatedFiles) {
  const std::string whole = WithLength(R"({"a.weight": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})") + "x";
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto model = ReadModel(Write("model.safetensors", whole.substr(0, size)), "llama");
    EXPECT_THAT(std::string(model.status().message()), HasSubstr("model.safetensors: the file is truncated")) << size;
  }
}

TEST_F(ModelReaderTest, RejectsHeadersThatAreTooLongWithoutReadingThem) {
  const std::string too_long("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10);
  EXPECT_THAT(std::string(ReadModel(Write("a.safetensors", too_long), "llama").status().message()),
              HasSubstr("the header would have 18446744073709551615 bytes; the format allows up to 100000000"));
  const std::string claim("\x00\xE1\xF5\x05\x00\x00\x00\x00{}", 10);  // 100,000,000 bytes
  EXPECT_THAT(std::string(ReadModel(Write("a.safetensors", claim), "llama").status().message()),
              HasSubstr("the file is truncated: the header has 100000000 bytes"));
}

TEST_F(ModelReaderTest, RejectsATensorInTwoFiles) {
  WriteTensors("1.safetensors", {{"a.weight", "", "BF16", std::vector<int64_t>{4, 8}}});
  WriteTensors("2.safetensors", {{"a.weight", "", "F16", std::vector<int64_t>{4, 8}}});
  EXPECT_THAT(std::string(ReadModel(folder_.string(), "llama").status().message()),
              HasSubstr("2.safetensors: the name \"a.weight\" appears twice"));
}

}  // namespace
}  // namespace qconfig::client
