// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "qconfigctl/json_walk.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using Kind = JsonValue::Kind;

constexpr uint64_t kLengthBytes = 8;
constexpr size_t kMaxDimensions = 8;
constexpr uint64_t kMaxDimension = uint64_t{1} << 40;  // the server's limit

// An open file, which never blocks, and its size.
struct OpenFile {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file;
  uint64_t bytes;
};

absl::StatusOr<OpenFile> Open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::InvalidArgumentError(error ? absl::StrCat("cannot read the file: ", error.message())
                                            : "not a regular file");
  }
  const uint64_t bytes = std::filesystem::file_size(path, error);
  if (error) return absl::InvalidArgumentError(absl::StrCat("cannot read the file: ", error.message()));
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (file == nullptr) return absl::InvalidArgumentError(absl::StrCat("cannot open the file: ", std::strerror(errno)));
  return OpenFile{std::move(file), bytes};
}

absl::StatusOr<std::string> Read(std::FILE* file, uint64_t bytes) {
  std::string text(bytes, '\0');
  errno = 0;
  if (std::fread(text.data(), 1, text.size(), file) == text.size()) return text;
  return absl::InvalidArgumentError(
      std::ferror(file) != 0 ? absl::StrCat("cannot read the file: ", std::strerror(errno)) : "the file is truncated");
}

uint64_t LittleEndian(absl::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i > 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return number;
}

absl::Status InvalidTensor(absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("tensor ", Quoted(name), ": ", what));
}

// Reads {"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, "__metadata__": {"key": "value"}}.
class HeaderVisitor : public JsonVisitor {
 public:
  absl::Status Visit(const Path& path, const JsonValue& value) override {
    if (path.empty()) return absl::OkStatus();
    if (path[0] == "__metadata__") return VisitMetadata(path, value);
    if (path.size() == 1) return VisitTensor(path[0], value);
    if (path.size() == 2 && path[1] == "dtype") return VisitDtype(value);
    if (path.size() == 2 && path[1] == "shape") return VisitShape(value);
    if (path.size() == 2 && path[1] == "data_offsets") return VisitOffsets(value);
    return InvalidTensor(path[0], absl::StrCat("unknown key ", Quoted(path[1])));
  }

  std::vector<Tensor> Take() { return std::move(tensors_); }
  uint64_t data_bytes() const { return data_bytes_; }  // where the data of the last tensor ends

 private:
  static absl::Status VisitMetadata(const Path& path, const JsonValue& value) {
    const bool valid = path.size() == 1 ? value.kind == Kind::kObject || value.kind == Kind::kEndOfObject
                                        : value.kind == Kind::kString;
    return valid ? absl::OkStatus() : absl::InvalidArgumentError("__metadata__ is not an object with strings");
  }

  absl::Status VisitTensor(const std::string& name, const JsonValue& value) {
    if (value.kind == Kind::kObject) {
      tensor_ = {name, "", "", std::nullopt};
      offsets_.reset();
      return absl::OkStatus();
    }
    if (value.kind != Kind::kEndOfObject) return InvalidTensor(name, "not an object");
    if (tensor_.dtype.empty()) return InvalidTensor(name, "`dtype` is missing");
    if (!tensor_.shape.has_value()) return InvalidTensor(name, "`shape` is missing");
    if (!offsets_.has_value() || offsets_->size() != 2 || (*offsets_)[0] > (*offsets_)[1]) {
      return InvalidTensor(name, "`data_offsets` is not a list of two ascending numbers");
    }
    data_bytes_ = std::max(data_bytes_, (*offsets_)[1]);
    tensors_.push_back(std::move(tensor_));
    return absl::OkStatus();
  }

  absl::Status VisitDtype(const JsonValue& value) {
    if (value.kind != Kind::kString || value.text.empty()) {
      return InvalidTensor(tensor_.name, "`dtype` is not a string");
    }
    tensor_.dtype = std::string(value.text);
    return absl::OkStatus();
  }

  absl::Status VisitShape(const JsonValue& value) {
    if (value.kind == Kind::kList && !tensor_.shape.has_value()) {
      tensor_.shape.emplace();
      return absl::OkStatus();
    }
    if (value.kind != Kind::kUnsigned || !tensor_.shape.has_value() || value.number > kMaxDimension) {
      return InvalidTensor(tensor_.name, "`shape` is not a list of sizes");
    }
    if (tensor_.shape->size() == kMaxDimensions) {
      return InvalidTensor(tensor_.name, absl::StrCat("`shape` has more than ", kMaxDimensions, " dimensions"));
    }
    tensor_.shape->push_back(static_cast<int64_t>(value.number));
    return absl::OkStatus();
  }

  absl::Status VisitOffsets(const JsonValue& value) {
    if (value.kind == Kind::kList && !offsets_.has_value()) {
      offsets_.emplace();
      return absl::OkStatus();
    }
    if (value.kind != Kind::kUnsigned || !offsets_.has_value() || offsets_->size() == 2) {
      return InvalidTensor(tensor_.name, "`data_offsets` is not a list of two ascending numbers");
    }
    offsets_->push_back(value.number);
    return absl::OkStatus();
  }

  std::vector<Tensor> tensors_;
  uint64_t data_bytes_ = 0;
  // Of the tensor that is being read.
  Tensor tensor_;
  std::optional<std::vector<uint64_t>> offsets_;
};

// Reads {"metadata": ..., "weight_map": {"tensor": "file"}}.
class IndexVisitor : public JsonVisitor {
 public:
  absl::Status Visit(const Path& path, const JsonValue& value) override {
    if (path.empty() || path[0] != "weight_map") return absl::OkStatus();
    if (path.size() == 1 && (value.kind == Kind::kObject || value.kind == Kind::kEndOfObject)) {
      found_ = true;
      return absl::OkStatus();
    }
    if (path.size() != 2 || value.kind != Kind::kString) {
      return absl::InvalidArgumentError("`weight_map` is not an object with file names");
    }
    if (value.text.empty() || value.text[0] == '.' || value.text.find('/') != absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("`weight_map` has ", Quoted(value.text),
                                                     ", which is not the name of a file in the same folder"));
    }
    index_.emplace_back(path[1], value.text);
    return absl::OkStatus();
  }

  absl::StatusOr<SafetensorsIndex> Take() {
    if (!found_) return absl::InvalidArgumentError("the file is not an index: it has no `weight_map`");
    return std::move(index_);
  }

 private:
  SafetensorsIndex index_;
  bool found_ = false;
};

}  // namespace

absl::StatusOr<std::vector<Tensor>> ReadSafetensorsHeader(const std::string& path) {
  const auto file = Open(path);
  if (!file.ok()) return file.status();
  if (file->bytes < kLengthBytes) return absl::InvalidArgumentError("the file is truncated: it has no header");
  const auto length_bytes = Read(file->file.get(), kLengthBytes);
  if (!length_bytes.ok()) return length_bytes.status();
  const uint64_t length = LittleEndian(*length_bytes);
  if (length > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat("not a safetensors file: the header would have ", length,
                                                   " bytes; the format allows up to ", kMaxHeaderBytes));
  }
  if (length > file->bytes - kLengthBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the file is truncated: the header has ", length, " bytes, and the file ", file->bytes));
  }
  const auto header = Read(file->file.get(), length);
  if (!header.ok()) return header.status();
  HeaderVisitor visitor;
  const absl::Status status = WalkJson(*header, visitor);
  if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat("invalid header: ", status.message()));
  const uint64_t data_bytes = file->bytes - kLengthBytes - length;
  if (visitor.data_bytes() > data_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("the file is truncated: the tensors need ", visitor.data_bytes(),
                                                   " bytes, and the file has ", data_bytes, " after its header"));
  }
  return visitor.Take();
}

absl::StatusOr<SafetensorsIndex> ParseSafetensorsIndex(absl::string_view text) {
  IndexVisitor visitor;
  const absl::Status status = WalkJson(text, visitor);
  if (!status.ok()) return status;
  return visitor.Take();
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, uint64_t max_bytes) {
  const auto too_large = absl::InvalidArgumentError(absl::StrCat("the file is larger than ", max_bytes >> 20, " MiB"));
  if (path == "-") {
    std::string text;
    std::string part(1u << 16, '\0');
    while (const size_t size = std::fread(part.data(), 1, part.size(), stdin)) {
      text.append(part, 0, size);
      if (text.size() > max_bytes) return too_large;
    }
    if (std::ferror(stdin) != 0) return absl::InvalidArgumentError("cannot read standard input");
    return text;
  }
  const auto file = Open(path);
  if (!file.ok()) return file.status();
  if (file->bytes > max_bytes) return too_large;
  return Read(file->file.get(), file->bytes);
}

}  // namespace qconfig::client
