// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/descriptor.h>
#include <qconfig/client.h>

#include <iostream>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

// Prints the reason of an error of the server, and a message of google.rpc.
int main(int, char** argv) {
  qconfig::client::ClientOptions options;
  options.server = argv[1];
  qconfig::client::Client client(options);
  qconfig::v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("lama");
  request.mutable_spec()->set_scheme("fp8");
  const auto error = qconfig::client::ErrorOf(client.GetConfig(request).status());
  std::cout << qconfig::client::ReasonName(error.reason()) << ' ' << error.detail().suggestions(0) << '\n';

  google::rpc::ErrorInfo info;
  info.set_domain("own");
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  std::cout << status.ShortDebugString() << '\n';
}
