// SPDX-License-Identifier: Apache-2.0
//
// The JSON and YAML of scheme and template files. Input: the text.
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "server/base/files/file_tree.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/text_file.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

void CheckTree(const ordered_json& tree) {
  const std::string text = tree.dump();  // throws if a string is not UTF-8
  if (text.size() > kMaxFileBytes) return;
  const auto again = qconfig::ParseStrictJson(text);
  FUZZ_CHECK(again.ok() && again->root.dump() == text, absl::StrCat(again.status().ToString(), "\n", text));
}

}  // namespace
}  // namespace qconfig::client

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig::client;  // NOLINT(google-build-using-namespace)
  const std::string text(qconfig::fuzz::AsText(data, size));
  if (!qconfig::fuzz::IsEntryText(text)) return 0;
  const auto json = qconfig::ParseStrictJson(text);
  const auto yaml = qconfig::ParseStrictYaml(text);
  for (const auto* tree : {&json, &yaml}) {
    if (tree->ok()) {
      CheckTree((*tree)->root);
    } else {
      FUZZ_CHECK(absl::IsInvalidArgument(tree->status()) && !tree->status().message().empty(), text);
    }
  }
  // The strict reader accepts less than the library that it uses, and never anything else.
  if (json.ok()) {
    const auto plain =
        nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false, /*ignore_comments=*/true);
    FUZZ_CHECK(!plain.is_discarded() && plain == json->root, text);
  }
  return 0;
}
