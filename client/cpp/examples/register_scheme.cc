// SPDX-License-Identifier: Apache-2.0
#include <qconfig/client.h>

#include <iostream>

namespace client = qconfig::client;
namespace v1 = qconfig::v1;

namespace {

int Fail(const absl::Status& status) {
  std::cerr << "error: " << status.message() << '\n';
  return 1;
}

// Registers a scheme, and then replaces it.
int RegisterScheme(client::Client& service) {
  v1::RegisterSchemeRequest request;
  v1::Scheme& scheme = *request.mutable_scheme();
  scheme.set_name("my_int4");
  v1::SpecPreset& weight = *scheme.mutable_spec()->mutable_weight()->mutable_preset();
  weight.set_spec("Int4PerGroupSpec");
  (*weight.mutable_fields()->mutable_fields())["ch_axis"].set_number_value(-1);
  (*weight.mutable_fields()->mutable_fields())["group_size"].set_number_value(64);
  const auto added = service.RegisterScheme(request);
  if (!added.ok()) return Fail(added.status());  // SCHEME_EXISTS if the tenant already has my_int4

  (*weight.mutable_fields()->mutable_fields())["group_size"].set_number_value(32);
  request.set_etag(added->scheme().etag());  // replaces only this version; set_replace(true) replaces any
  const auto replaced = service.RegisterScheme(request);
  if (!replaced.ok()) return Fail(replaced.status());
  for (const v1::Warning& warning : replaced->warnings()) {
    std::cerr << warning.value() << ' ' << warning.message() << '\n';
  }
  std::cout << "replaced: " << std::boolalpha << replaced->replaced() << '\n';
  return 0;
}

int SetDefaultCatalog(client::Client& service) {
  v1::SetDefaultCatalogRequest request;
  request.set_catalog("quark-0.13");
  const auto changed = service.SetDefaultCatalog(request);
  if (!changed.ok()) return Fail(changed.status());
  std::cout << "default catalog: " << changed->previous_catalog() << " -> " << request.catalog() << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  client::ClientOptions options;
  if (argc > 1) options.server = argv[1];
  options.tenant = "acme";
  client::Client service(options);
  const int code = RegisterScheme(service);
  return code != 0 ? code : SetDefaultCatalog(service);
}
