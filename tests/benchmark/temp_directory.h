// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_BENCHMARK_TEMP_DIRECTORY_H_
#define QCONFIG_TESTS_BENCHMARK_TEMP_DIRECTORY_H_

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// A directory under TMPDIR that the destructor removes.
class TempDirectory {
 public:
  TempDirectory() : path_(std::filesystem::temp_directory_path() / "qconfig-benchmark-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TempDirectory() { std::filesystem::remove_all(path_); }
  std::string Path(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

 private:
  std::string path_;
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_BENCHMARK_TEMP_DIRECTORY_H_
