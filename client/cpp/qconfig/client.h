// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "qconfig/service_config.h"
#include "qconfig/tls_options.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "qconfig/v1/error.pb.h"
#include "qconfig/v1/registry_service.grpc.pb.h"

namespace qconfig::client {

struct ClientOptions {
  // host:port, which may stand for several addresses, or any other gRPC target, such as
  // ipv4:10.0.0.1:50051,10.0.0.2:50051
  std::string server = "127.0.0.1:50051";
  std::string tenant;                           // goes into requests that name none
  std::string catalog;                          // goes into requests that name none
  absl::Duration timeout = absl::Seconds(10);   // of one call, with all its tries
  std::optional<TlsOptions> tls;                // nothing: no TLS
  std::string service_config = kServiceConfig;  // JSON; empty: one server, calls are tried once
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

  // A write without a `request_id` gets one, so that trying it again does not make it twice. After kUnavailable or
  // kDeadlineExceeded it may have been stored: who wants to repeat it gives a `request_id`, and then the same one.
  absl::StatusOr<v1::RegisterSchemeResponse> RegisterScheme(v1::RegisterSchemeRequest request);
  absl::StatusOr<v1::UnregisterSchemeResponse> UnregisterScheme(v1::UnregisterSchemeRequest request);
  absl::StatusOr<v1::RegisterTemplateResponse> RegisterTemplate(v1::RegisterTemplateRequest request);
  absl::StatusOr<v1::UnregisterTemplateResponse> UnregisterTemplate(v1::UnregisterTemplateRequest request);
  absl::StatusOr<v1::ListChangesResponse> ListChanges(v1::ListChangesRequest request);

 private:
  template <typename Request>
  void FillInTenant(Request& request) const;
  template <typename Request>
  void FillIn(Request& request) const;
  template <typename Request>
  void FillInWrite(Request& request) const;
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request);

  const ClientOptions options_;
  std::unique_ptr<v1::ConfigService::Stub> config_;
  std::unique_ptr<v1::RegistryService::Stub> registry_;
};

// What the server said of a failed call. Without a reason when the failure is not the server's word, such as
// kUnavailable.
v1::ItemError ErrorOf(const absl::Status& status);

// A random UUID (version 4).
std::string NewRequestId();

// "SCHEME_NOT_FOUND" for ERROR_REASON_SCHEME_NOT_FOUND; empty for UNSPECIFIED.
std::string ReasonName(v1::ErrorReason reason);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_
