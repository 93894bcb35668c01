// SPDX-License-Identifier: Apache-2.0
//
// The data files of a catalogue. Input: the files in the order of CatalogFiles, with a line "---" between them. Files
// that are missing are empty objects.
#include <google/protobuf/stubs/logging.h>

#include <string>

#include "absl/strings/match.h"
#include "core/catalog.h"
#include "core/quark_json.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig {
namespace {

absl::string_view TakeFile(absl::string_view& text) {
  const absl::string_view file = fuzz::TakeUntil("\n---\n", text);
  return file.empty() ? "{}" : file;
}

void CheckCatalog(const Catalog& catalog) {
  FUZZ_CHECK(catalog.digest().size() == 64, catalog.digest());
  for (const v1::Scheme& scheme : catalog.schemes()) {
    FUZZ_CHECK(catalog.FindScheme(scheme.name()) != nullptr, scheme.name());
  }
  for (const v1::LlmTemplate& entry : catalog.templates()) {
    FUZZ_CHECK(catalog.FindTemplate(entry.model_type()) != nullptr, entry.model_type());
    for (const auto& algorithm : entry.algorithm_configs()) {
      FUZZ_CHECK(catalog.FindAlgorithm(algorithm.algorithm()) != nullptr, algorithm.algorithm());
      (void)QuarkJson(algorithm.config(), catalog);
    }
  }
  for (const SpecClass& spec : catalog.spec_classes()) {
    FUZZ_CHECK(catalog.FindSpecClass(spec.name) != nullptr, spec.name);
  }
  FUZZ_CHECK(!catalog.observers().empty(), catalog.name());
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  static const auto kSilent = google::protobuf::SetLogHandler(nullptr);
  (void)kSilent;
  absl::string_view text = fuzz::AsText(data, size);
  CatalogFiles files;
  for (absl::string_view CatalogFiles::*file :
       {&CatalogFiles::catalog, &CatalogFiles::schemes, &CatalogFiles::templates, &CatalogFiles::algorithms,
        &CatalogFiles::vocabulary, &CatalogFiles::spec_presets}) {
    files.*file = TakeFile(text);
  }
  const auto catalog = Catalog::Load(files);
  if (catalog.ok()) {
    CheckCatalog(**catalog);
  } else {
    FUZZ_CHECK(absl::IsInvalidArgument(catalog.status()) && absl::StrContains(catalog.status().message(), ".json: "),
               catalog.status().ToString());
  }
  return 0;
}
