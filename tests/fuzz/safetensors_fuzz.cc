// SPDX-License-Identifier: Apache-2.0
//
// The files of a model: safetensors headers and indexes. Input: in the first byte, bit 0: whether the rest is the whole
// file; otherwise it is the JSON of the header, in a file that is large enough for its data.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "qconfigctl/safetensors.h"
#include "qconfigctl/tensor_list.h"
#include "qconfigctl/tree_checks.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/model_check.h"

namespace qconfig {
namespace {

// A file in memory.
class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("input", MFD_CLOEXEC)), path_(absl::StrCat("/proc/self/fd/", fd_)) {}

  // Replaces the content by `bytes` and zeros up to `size`.
  void Set(const std::string& bytes, size_t size) const {
    if (ftruncate(fd_, 0) != 0 || ftruncate(fd_, static_cast<off_t>(size)) != 0 ||
        pwrite(fd_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
  }

  const std::string& path() const { return path_; }

 private:
  const int fd_;
  const std::string path_;
};

std::string LittleEndian(uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
  return bytes;
}

void CheckError(const absl::Status& status) {
  FUZZ_CHECK(absl::IsInvalidArgument(status) && IsUtf8(status.message()), status.ToString());
}

void CheckTensors(const std::vector<client::Tensor>& tensors) {
  client::TensorList list;
  for (const client::Tensor& tensor : tensors) {
    if (const absl::Status status = list.Add(tensor); !status.ok()) return CheckError(status);
  }
  client::ModelFacts facts;
  facts.model_type = "qwen3_moe";
  facts.experts = 4;
  fuzz::CheckModel(list, facts);
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  static const auto* const kFile = new MemoryFile;
  constexpr size_t kDataBytes = size_t{1} << 30;
  absl::string_view text = fuzz::AsText(data, size);
  const bool whole_file = (fuzz::TakeByte(text) & 1) != 0;
  if (whole_file) {
    kFile->Set(std::string(text), text.size());
  } else {
    const std::string bytes = absl::StrCat(LittleEndian(text.size()), text);
    kFile->Set(bytes, bytes.size() + kDataBytes);
  }
  const auto tensors = client::ReadSafetensorsHeader(kFile->path());
  tensors.ok() ? CheckTensors(*tensors) : CheckError(tensors.status());
  const auto index = client::ParseSafetensorsIndex(text);
  if (!index.ok()) CheckError(index.status());
  return 0;
}
