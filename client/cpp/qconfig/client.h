// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig::client {

struct ClientOptions {
  std::string server = "127.0.0.1:50051";      // host:port, or any other gRPC target
  std::string tenant;                          // goes into requests that name none
  std::string catalog;                         // goes into requests that name none
  absl::Duration timeout = absl::Seconds(10);  // of one call
};

// Calls a qconfig server. Thread-safe; one client for a process is enough.
// A failed call's status has gRPC's code and the server's text; ErrorOf() has what a program needs.
class Client {
 public:
  // Does not connect yet: a server that cannot be reached is kUnavailable at the first call.
  explicit Client(const ClientOptions& options);

  absl::StatusOr<v1::GetConfigResponse> GetConfig(v1::GetConfigRequest request);
  absl::StatusOr<v1::BatchGetConfigResponse> BatchGetConfig(v1::BatchGetConfigRequest request);
  absl::StatusOr<v1::ListTemplatesResponse> ListTemplates(v1::ListTemplatesRequest request);
  absl::StatusOr<v1::GetTemplateResponse> GetTemplate(v1::GetTemplateRequest request);
  absl::StatusOr<v1::ListSchemesResponse> ListSchemes(v1::ListSchemesRequest request);
  absl::StatusOr<v1::GetSchemeResponse> GetScheme(v1::GetSchemeRequest request);
  absl::StatusOr<v1::ListCatalogsResponse> ListCatalogs(v1::ListCatalogsRequest request);

 private:
  template <typename Request>
  void FillIn(Request& request) const;
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::ConfigService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                                Response*),
                                const Request& request);

  const ClientOptions options_;
  std::unique_ptr<v1::ConfigService::Stub> stub_;
};

// What the server said of a failed call. Without a reason when the failure is not the server's word, such as
// kUnavailable.
v1::ItemError ErrorOf(const absl::Status& status);

// "SCHEME_NOT_FOUND" for ERROR_REASON_SCHEME_NOT_FOUND; empty for UNSPECIFIED.
std::string ReasonName(v1::ErrorReason reason);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_
