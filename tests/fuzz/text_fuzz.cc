// SPDX-License-Identifier: Apache-2.0
//
// Short texts of requests: tenants, page tokens, names in messages, addresses. Input: the text.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"
#include "core/catalog.h"
#include "core/error.h"
#include "core/message_text.h"
#include "core/names/name_resolver.h"
#include "core/names/number_formats.h"
#include "core/tenant_id.h"
#include "core/utf8.h"
#include "server/rpc/wire_status.h"
#include "server/services/page.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig {
namespace {

constexpr size_t kMaxShown = 128;

const std::vector<std::string>& Names() {
  static const auto* const kNames = [] {
    auto* const names = new std::vector<std::string>;
    const Catalogs catalogs = *LoadBuiltinCatalogs();
    for (const v1::Scheme& scheme : catalogs.front()->schemes()) names->push_back(scheme.name());
    return names;
  }();
  return *kNames;
}

void CheckPrintable(absl::string_view text) {
  const std::string shown = Printable(text, kMaxShown);
  FUZZ_CHECK(IsPrintable(shown), shown);
  FUZZ_CHECK(CountCodePoints(shown) <= kMaxShown + 3, shown);
  FUZZ_CHECK(Printable(shown, 2 * kMaxShown) == shown, shown);
  FUZZ_CHECK(!IsPrintable(text) || CountCodePoints(text) > kMaxShown || shown == text, shown);
  FUZZ_CHECK(DecodeUtf8(text).size() == CountCodePoints(text), shown);
  FUZZ_CHECK(IsPrintable(Quoted(text)) && IsPrintable(Option("--exclude", text)), shown);
}

// Resolving any text is bounded, and suggests what it may.
void CheckResolution(absl::string_view text) {
  const std::vector<absl::string_view> names(Names().begin(), Names().end());
  for (const NameKind kind :
       {NameKind::kScheme, NameKind::kTemplate, NameKind::kCatalog, NameKind::kDtype, NameKind::kQScheme,
        NameKind::kAlgorithm, NameKind::kAttentionTensor, NameKind::kLayerType, NameKind::kOther}) {
    const NameResolution resolution = ResolveName(kind, text, names);
    FUZZ_CHECK(resolution.items.size() <= 3, text);
    for (const NameResolution::Item& item : resolution.items) {
      FUZZ_CHECK(std::find(names.begin(), names.end(), item.name) != names.end(), item.name);
    }
  }
  KeepsNumberFormats(text, "mxfp4_mxfp6_e2m3");
  KeepsNumberFormats("mxfp4_mxfp6_e2m3", text);
}

void CheckError(absl::string_view text) {
  const std::vector<absl::string_view> names(Names().begin(), Names().end());
  const absl::Status status = Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
                                  .Field(absl::StrCat("schemes[", Printable(text, kMaxShown), "]"))
                                  .Value(text)
                                  .Allowed({Printable(text, kMaxShown)})
                                  .Suggest(NameKind::kScheme, names)
                                  .ToStatus("no scheme has this name");
  const v1::ItemError error = ItemErrorOf(status);
  v1::ItemError again;
  FUZZ_CHECK(error.reason() == v1::ERROR_REASON_SCHEME_NOT_FOUND && again.ParseFromString(error.SerializeAsString()),
             status.ToString());
  const grpc::Status wire = ToGrpcStatus(status);
  FUZZ_CHECK(wire.error_code() == grpc::StatusCode::NOT_FOUND && ErrorBytesOnWire(wire) <= kMaxErrorBytes,
             wire.error_message());
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  const absl::string_view text = fuzz::AsText(data, size);
  CheckPrintable(text);
  CheckError(text);
  CheckResolution(text);
  const auto tenant = TenantId::Parse(text, "tenant");
  FUZZ_CHECK(!tenant.ok() || (tenant->name() == text && text.size() <= 63), text);
  const auto start = DecodePageToken(text);
  FUZZ_CHECK(!start.ok() || EncodePageToken(*start) == text, text);
  return 0;
}
