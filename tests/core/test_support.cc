// SPDX-License-Identifier: Apache-2.0
#include "tests/core/test_support.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"

namespace qconfig {

std::string ReasonAndField(const absl::Status& status) {
  if (status.ok()) return "OK";
  const v1::ItemError error = ItemErrorOf(status);
  const auto field = error.metadata().find("field");
  return absl::StrCat(ReasonName(error.reason()), field == error.metadata().end() ? "" : " at " + field->second);
}

v1::ErrorDetail GetDetail(const absl::Status& status) { return ItemErrorOf(status).detail(); }

CatalogTexts BuiltinTexts() {
  const CatalogFiles files = BuiltinCatalogFiles().front();
  return {std::string(files.catalog),    std::string(files.schemes),    std::string(files.templates),
          std::string(files.algorithms), std::string(files.vocabulary), std::string(files.spec_presets)};
}

CatalogTexts TinyTexts() {
  CatalogTexts texts = BuiltinTexts();
  texts.catalog = R"({"name": "tiny", "quark_release": "0", "traits": ["exclude_patterns_expanded"],
                      "scheme_aliases": {"alias": "plain"}, "schemes_with_default_shared_scales": [],
                      "kv_cache_schemes": {"fp8": {"dtype": "fp8_e4m3"}},
                      "attention_schemes": {"fp8": {"dtype": "fp8_e4m3"}}})";
  texts.schemes = R"({"plain": {"weight": {"dtype": "int8"}}, "alias": {"weight": {"dtype": "int8"}}})";
  texts.templates =
      R"({"model": {"kv_layers_name": ["*k", "*v"], "q_layer_name": "*q", "exclude_layers_name": ["head"]},
                        "bare": {"kv_layers_name": null, "q_layer_name": null, "exclude_layers_name": []}})";
  texts.algorithms = "{}";
  texts.spec_presets = "{}";
  return texts;
}

const Catalog& CatalogOfRelease(absl::string_view release) {
  static const auto* const kCatalogs = new Catalogs(LoadBuiltinCatalogs().value());
  return **std::find_if(kCatalogs->begin(), kCatalogs->end(),
                        [release](const auto& catalog) { return catalog->quark_release() == release; });
}

const Snapshot& Builtins() {
  static const auto* const kSnapshot = new Snapshot(LoadBuiltinCatalogs().value().front());
  return *kSnapshot;
}

const Snapshot& Tiny() {
  static const auto* const kSnapshot = new Snapshot(Catalog::Load(TinyTexts().files()).value());
  return *kSnapshot;
}

}  // namespace qconfig
