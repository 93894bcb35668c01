// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/model_reader.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "qconfigctl/json_walk.h"
#include "qconfigctl/module_rules.h"
#include "qconfigctl/safetensors.h"

namespace qconfig::client {
namespace {

namespace fs = std::filesystem;
using Kind = JsonValue::Kind;

constexpr uint64_t kMaxConfigBytes = 16u << 20;
constexpr uint64_t kMaxListBytes = 64u << 20;
constexpr const char* kIndexNames[] = {"model.safetensors.index.json", "pytorch_model.bin.index.json"};

absl::Status InFile(const fs::path& file, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat(Printable(file.string(), 300), ": ", status.message()));
}

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

class ConfigVisitor : public JsonVisitor {
 public:
  absl::Status Visit(const Path& path, const JsonValue& value) override {
    if (path.size() == 1 && path[0] == "model_type") {
      if (value.kind != Kind::kString) return absl::InvalidArgumentError("`model_type` is not a string");
      facts_.model_type = std::string(value.text);
    } else if (path.size() == 1 && path[0] == "architectures" && value.kind == Kind::kString) {
      facts_.architecture = std::string(value.text);
    } else if (value.kind == Kind::kUnsigned && !path.empty() &&
               (path.size() == 1 || (path.size() == 2 && path[0] == "text_config")) &&
               Contains(BuiltinModuleRules().expert_counts, path.back())) {
      facts_.experts = value.number;
    }
    return absl::OkStatus();
  }

  ModelFacts Take() { return std::move(facts_); }

 private:
  ModelFacts facts_;
};

// Returns no facts if there is no such file.
absl::StatusOr<ModelFacts> ReadConfig(const fs::path& file) {
  if (!Exists(file)) return ModelFacts();
  const auto text = ReadWholeFile(file.string(), kMaxConfigBytes);
  if (!text.ok()) return InFile(file, text.status());
  ConfigVisitor visitor;
  const absl::Status status = WalkJson(*text, visitor);
  if (!status.ok()) return InFile(file, status);
  return visitor.Take();
}

constexpr absl::string_view kSmallFiles =
    "plan needs config.json and, beside it, model.safetensors.index.json, which names all tensors (a model in a single "
    "file has model.safetensors instead); both are in the model's repository on Hugging Face: ";

// The command that downloads what plan reads of a model.
std::string DownloadCommand(absl::string_view id) {
  return absl::StrCat("hf download ", id, " config.json model.safetensors.index.json --local-dir FOLDER");
}

bool IsPickle(const fs::path& file) {
  const fs::path extension = file.extension();
  return extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".ckpt";
}

// What is wrong with a file that only Python can read, and what to do instead.
std::string PickleText(absl::string_view name) {
  return absl::StrCat(
      Printable(name, 100),
      " is a file of PyTorch, which plan cannot read. Save the model as safetensors (`model.save_pretrained(FOLDER)` "
      "in transformers), or write its modules to a file, a line for each (`for n, m in model.named_modules(): print(n, "
      "type(m).__name__)` in Python), and run: qconfigctl plan FILE --model-type MODEL_TYPE --scheme SCHEME");
}

// The file that probably has the weights, instead of, for example, the state of the optimizer. `names` is not empty.
std::string Weights(const std::vector<std::string>& names) {
  return *std::min_element(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    const auto is_other = [](const std::string& name) {
      return !absl::StartsWith(name, "pytorch_model") && !absl::StartsWith(name, "consolidated");
    };
    return std::make_pair(is_other(a), a) < std::make_pair(is_other(b), b);
  });
}

// Whether the path looks like the ID of a model, "meta-llama/Llama-3.1-8B".
bool IsModelId(const std::string& path) {
  const size_t slash = path.find('/');
  const auto is_id_char = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("/-_.", absl::string_view(&c, 1));
  };
  return slash != std::string::npos && slash > 0 && path.find('/', slash + 1) == std::string::npos &&
         slash + 1 < path.size() && path[0] != '.' && std::all_of(path.begin(), path.end(), is_id_char) &&
         !absl::EndsWith(path, ".json") && !absl::EndsWith(path, ".txt") && !absl::EndsWith(path, ".safetensors");
}

// Reads the tensors of one model. `folder` has its files; `given` is the path that the user named.
class CheckpointReader {
 public:
  CheckpointReader(fs::path folder, fs::path given) : folder_(std::move(folder)), given_(std::move(given)) {}

  absl::Status ReadFolder() {
    for (const char* name : kIndexNames) {
      if (Exists(folder_ / name)) return ReadIndex(folder_ / name);
    }
    if (Exists(folder_ / "model.safetensors")) return ReadHeader(folder_ / "model.safetensors");
    std::vector<fs::path> files;
    std::vector<std::string> pickles;
    bool has_gguf = false;
    std::error_code error;
    for (fs::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->path().extension() == ".safetensors") files.push_back(entry->path());
      if (IsPickle(entry->path())) pickles.push_back(entry->path().filename().string());
      has_gguf = has_gguf || entry->path().extension() == ".gguf";
    }
    if (error) {
      return InFile(folder_, absl::InvalidArgumentError(absl::StrCat("cannot read the folder: ", error.message())));
    }
    if (files.empty() && !has_gguf && !pickles.empty()) {
      return InFile(given_,
                    absl::InvalidArgumentError(absl::StrCat("no *.safetensors; ", PickleText(Weights(pickles)))));
    }
    if (files.empty()) {
      const bool is_folder = folder_ == given_;
      return InFile(given_, absl::InvalidArgumentError(absl::StrCat(
                                is_folder ? "" : "the folder of this file ", "has no *.safetensors and no ",
                                kIndexNames[0], has_gguf ? ", and weights in *.gguf are converted already; " : "; ",
                                kSmallFiles, DownloadCommand("MODEL_ID"))));
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      if (absl::Status status = ReadHeader(file); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status ReadIndex(const fs::path& file) {
    const auto text = ReadWholeFile(file.string(), kMaxHeaderBytes);
    if (!text.ok()) return InFile(file, text.status());
    const auto index = ParseSafetensorsIndex(*text);
    if (!index.ok()) return InFile(file, index.status());
    absl::flat_hash_set<std::string> shards;
    for (const auto& [tensor, shard] : *index) {
      if (!shards.insert(shard).second || !absl::EndsWith(shard, ".safetensors") || !Exists(folder_ / shard)) continue;
      if (absl::Status status = ReadHeader(folder_ / shard); !status.ok()) return status;
    }
    for (const auto& [tensor, shard] : *index) {
      if (tensors_.Has(tensor)) continue;
      if (absl::Status status = tensors_.Add({tensor, "", "", std::nullopt}); !status.ok()) return InFile(file, status);
    }
    return absl::OkStatus();
  }

  absl::Status ReadHeader(const fs::path& file) {
    const auto tensors = ReadSafetensorsHeader(file.string());
    if (!tensors.ok()) return InFile(file, tensors.status());
    for (const Tensor& tensor : *tensors) {
      if (absl::Status status = tensors_.Add(tensor); !status.ok()) return InFile(file, status);
    }
    return absl::OkStatus();
  }

  const TensorList& tensors() const { return tensors_; }

 private:
  const fs::path folder_;
  const fs::path given_;
  TensorList tensors_;
};

absl::StatusOr<Model> ReadCheckpoint(const fs::path& path, const fs::path& folder, const std::string& model_type) {
  CheckpointReader reader(folder, path);
  absl::Status status;
  if (absl::EndsWith(path.string(), ".index.json")) {
    status = reader.ReadIndex(path);
  } else if (path.extension() == ".safetensors") {
    status = reader.ReadHeader(path);
  } else {
    status = reader.ReadFolder();
  }
  if (!status.ok()) return status;

  const absl::StatusOr<ModelFacts> read = ReadConfig(folder / "config.json");
  if (!read.ok() && model_type.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(read.status().message(), "; pass --model-type to ignore the file"));
  }
  ModelFacts facts = read.value_or(ModelFacts());
  // The template that the caller names may have another name than the model that decides about shapes.
  if (facts.model_type.empty()) facts.model_type = model_type;
  Model model = MakeModel(reader.tensors(), facts, BuiltinModuleRules());
  if (!model_type.empty()) model.model_type = model_type;
  if (!read.ok()) model.notes.push_back(absl::StrCat("ignored ", read.status().message()));
  return model;
}

// Why the model type is unknown, and what to do. `folder` is that of a checkpoint; empty for a list of modules.
std::string NoModelTypeText(const fs::path& folder) {
  if (folder.empty()) return "a list of modules has no model type; pass --model-type";
  const fs::path config = folder / "config.json";
  if (!Exists(config)) return "has no config.json; pass --model-type";
  const absl::StatusOr<ModelFacts> facts = ReadConfig(config);
  const std::string architecture = facts.ok() ? facts->architecture : "";
  return absl::StrCat(
      "config.json has no `model_type`",
      architecture.empty() ? "" : absl::StrCat(" (its architecture is ", Printable(architecture, 100), ")"),
      "; pass --model-type");
}

absl::StatusOr<Model> ReadList(const fs::path& file, const std::string& model_type) {
  if (IsPickle(file)) return absl::InvalidArgumentError(PickleText(file.string()));
  const auto text = ReadWholeFile(file.string(), kMaxListBytes);
  if (file.extension() == ".gguf" || (text.ok() && absl::StartsWith(*text, "GGUF"))) {
    return InFile(file, absl::InvalidArgumentError(absl::StrCat(
                            "is a GGUF file, whose weights are converted already; read the original model instead: ",
                            kSmallFiles, DownloadCommand("MODEL_ID"))));
  }
  if (!text.ok()) return InFile(file, text.status());
  TensorList tensors;
  if (absl::Status status = AddModuleList(*text, tensors); !status.ok()) return InFile(file, status);
  return MakeModel(tensors, {model_type, "", 0}, BuiltinModuleRules());
}

}  // namespace

absl::StatusOr<Model> ReadModel(const std::string& path, const std::string& model_type) {
  std::error_code error;
  const fs::path file(path);
  if (path != "-" && !fs::exists(file, error)) {
    return InFile(file, absl::InvalidArgumentError(absl::StrCat(
                            "no such file or folder; plan reads a local model folder, its config.json, or a list of "
                            "modules; ",
                            kSmallFiles, DownloadCommand(IsModelId(path) ? path : "MODEL_ID"))));
  }
  const bool is_folder = fs::is_directory(file, error);
  const bool is_checkpoint = is_folder || file.filename() == "config.json" || file.extension() == ".safetensors" ||
                             absl::EndsWith(path, ".index.json");
  const fs::path parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
  auto model = is_checkpoint ? ReadCheckpoint(file, is_folder ? file : parent, model_type) : ReadList(file, model_type);
  if (!model.ok()) return model;
  if (model->modules.empty()) {
    return InFile(file, absl::InvalidArgumentError("has no modules that can be quantized"));
  }
  if (model->model_type.empty()) {
    return InFile(
        file, absl::InvalidArgumentError(NoModelTypeText(is_checkpoint ? (is_folder ? file : parent) : fs::path())));
  }
  return model;
}

}  // namespace qconfig::client
