// SPDX-License-Identifier: Apache-2.0
//
// The file with options of qconfigd. Input: its text.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/host_and_port.h"
#include "server/options/config_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  const absl::string_view text = fuzz::AsText(data, size);
  const auto lines = ParseConfig(text);
  if (!lines.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(lines.status()) && !lines.status().message().empty(), "");
    return 0;
  }
  // Written again with quotes, the lines must have the same meaning.
  std::string written = "\n";  // a byte order mark counts in the first line only
  for (const ConfigLine& line : *lines) {
    FUZZ_CHECK(!absl::StrContains(line.key, "=") && !absl::StrContains(line.value, "\n"), line.key);
    const auto address = ParseHostAndPort("--listen", line.value);
    FUZZ_CHECK(!address.ok() || (address->port >= 0 && address->port <= 65535), line.value);
    // A value without quotes may have them inside.
    const char* const quote = absl::StrContains(line.value, "\"") ? "" : "\"";
    absl::StrAppend(&written, line.key, " = ", quote, line.value, quote, "  # comment\n");
  }
  const auto again = ParseConfig(written);
  FUZZ_CHECK(again.ok() && again->size() == lines->size(), written);
  for (size_t i = 0; i < lines->size(); ++i) {
    FUZZ_CHECK((*again)[i].key == (*lines)[i].key && (*again)[i].value == (*lines)[i].value, written);
  }
  return 0;
}
