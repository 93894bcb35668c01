// SPDX-License-Identifier: Apache-2.0
#include "core/runtime_rules.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "core/embedded_runtimes.h"
#include "core/error.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

absl::StatusOr<std::vector<Runtime>> LoadRuntimes() {
  std::vector<Runtime> runtimes;
  for (const absl::string_view json : EmbeddedRuntimes()) {
    QCONFIG_ASSIGN_OR_RETURN(Runtime runtime, ReadRuntime(json));
    runtimes.push_back(std::move(runtime));
  }
  return runtimes;
}

const absl::StatusOr<std::vector<Runtime>>& Runtimes() {
  static const auto* const kRuntimes = new absl::StatusOr<std::vector<Runtime>>(LoadRuntimes());
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

absl::Status CheckRuntimeData() {
  QCONFIG_RETURN_IF_ERROR(Runtimes().status());
  return FusedGroupTable::Read(EmbeddedFusedGroups()).status();
}

absl::StatusOr<const Runtime*> FindRuntime(absl::string_view id, absl::string_view field) {
  const Runtime* found = nullptr;
  std::vector<std::string> ids;
  std::vector<absl::string_view> known;
  for (const Runtime& runtime : *Runtimes()) {
    if (id == runtime.id()) return &runtime;
    if (id == runtime.name && (found == nullptr || IsOlderVersion(found->version, runtime.version))) found = &runtime;
    ids.push_back(runtime.id());
  }
  if (found != nullptr) return found;
  for (size_t i = 0; i < ids.size(); ++i) {
    known.push_back((*Runtimes())[i].name);
    known.push_back(ids[i]);
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field(field)
      .Value(id)
      .SuggestNearest(known)
      .Allowed(known)
      .ToStatus("this server does not know a runtime with this name and version");
}

}  // namespace qconfig
