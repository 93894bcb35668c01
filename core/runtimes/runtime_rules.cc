// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/runtime_rules.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "core/embedded_files.h"
#include "core/error.h"

namespace qconfig {
namespace {

const std::vector<Runtime>& Runtimes() {
  static const auto* const kRuntimes = [] {
    auto* const runtimes = new std::vector<Runtime>;
    for (const EmbeddedFile& file : EmbeddedFiles()) {
      if (absl::StartsWith(file.path, "runtimes/")) runtimes->push_back(ReadRuntime(file.contents).value());
    }
    return runtimes;
  }();
  return *kRuntimes;
}

}  // namespace

bool IsOlderVersion(absl::string_view a, absl::string_view b) {
  const auto numbers = [](absl::string_view version) {
    std::vector<uint64_t> result;
    for (const absl::string_view part : absl::StrSplit(version, '.')) {
      uint64_t number = 0;
      result.push_back(absl::SimpleAtoi(part, &number) ? number : 0);
    }
    return result;
  };
  return numbers(a) < numbers(b);
}

absl::StatusOr<const Runtime*> FindRuntime(absl::string_view id, absl::string_view field) {
  const Runtime* found = nullptr;
  std::vector<std::string> ids;
  std::vector<absl::string_view> known;
  for (const Runtime& runtime : Runtimes()) {
    if (id == runtime.id()) return &runtime;
    if (id == runtime.name && (found == nullptr || IsOlderVersion(found->version, runtime.version))) found = &runtime;
    ids.push_back(runtime.id());
  }
  if (found != nullptr) return found;
  for (size_t i = 0; i < ids.size(); ++i) {
    known.push_back(Runtimes()[i].name);
    known.push_back(ids[i]);
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field(field)
      .Value(id)
      .Suggest(NameKind::kOther, known)
      .Allowed(known)
      .Advice("Leave the runtime out to plan without the checks of a runtime")
      .ToStatus("this server does not know a runtime with this name and version");
}

}  // namespace qconfig
