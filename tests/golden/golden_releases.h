// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_GOLDEN_GOLDEN_RELEASES_H_
#define QCONFIG_TESTS_GOLDEN_GOLDEN_RELEASES_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"
#include "core/catalog.h"

namespace qconfig {

// A golden file and the number of its cases.
struct GoldenFile {
  const char* release;
  const char* name;
  size_t cases;
};

// The name of a parameterized test, such as "matrix_0_13".
inline std::string NameOfGoldenFile(const testing::TestParamInfo<GoldenFile>& file) {
  std::string name = absl::StrCat(file.param.name, "_", file.param.release);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

// The built-in catalogue of a release, or null if there is none.
inline std::shared_ptr<const Catalog> FindCatalog(const std::string& release) {
  const auto catalogs = LoadBuiltinCatalogs().value();
  const auto it = std::find_if(catalogs.begin(), catalogs.end(),
                               [&release](const auto& catalog) { return catalog->quark_release() == release; });
  return it == catalogs.end() ? nullptr : *it;
}

}  // namespace qconfig

#endif  // QCONFIG_TESTS_GOLDEN_GOLDEN_RELEASES_H_
