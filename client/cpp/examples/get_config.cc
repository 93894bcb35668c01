// SPDX-License-Identifier: Apache-2.0
#include <qconfig/client.h>

#include <iostream>
#include <string>

namespace client = qconfig::client;
namespace v1 = qconfig::v1;

int main(int argc, char** argv) {
  client::ClientOptions options;
  if (argc > 1) options.server = argv[1];
  client::Client service(options);

  v1::GetConfigRequest request;
  v1::ConfigSpec& spec = *request.mutable_spec();
  spec.set_model_type("llama");
  spec.set_scheme("fp8");
  spec.set_kv_cache_scheme("fp8");
  v1::LayerConfigEntry& mlp = *spec.add_layer_config();
  mlp.set_pattern("*mlp*");
  mlp.set_scheme("mxfp4");
  const auto response = service.GetConfig(request);
  if (!response.ok()) {
    std::cerr << "error: " << response.status().message() << '\n';
    return 1;
  }
  std::cout << "catalog: " << response->catalog() << '\n'
            << "digest: " << response->config_digest().substr(0, 12) << '\n'
            << "overrides: " << response->config().layer_quant_config_size() << '\n';

  spec.set_scheme("int4_wo_12");
  const v1::ItemError error = client::ErrorOf(service.GetConfig(request).status());
  if (error.reason() == v1::ERROR_REASON_SCHEME_NOT_FOUND) {
    std::cout << client::ReasonName(error.reason()) << ", did you mean:\n";
    for (const std::string& name : error.detail().suggestions()) std::cout << "  " << name << '\n';
  }
}
