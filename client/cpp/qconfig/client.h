// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "qconfig/digest.h"
#include "qconfig/error.h"
#include "qconfig/service_config.h"
#include "qconfig/tls_options.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "qconfig/v1/registry_service.grpc.pb.h"

namespace qconfig::client {

class TokenFile;

// The defaults of ClientOptions that come from the environment.
std::string TokenFileOfEnvironment();
bool UnencryptedTokenAllowedByEnvironment();

struct ClientOptions {
  // host:port, where the host may resolve to several addresses, or any other gRPC target, such as
  // ipv4:10.0.0.1:50051,10.0.0.2:50051
  std::string server = "localhost:50051";
  std::string tenant;                           // for requests that do not set one; empty: the caller's default tenant
  std::string catalog;                          // for requests that do not set one
  absl::Duration timeout = absl::Seconds(10);   // of a call, including its retries
  std::optional<TlsOptions> tls;                // not set: no TLS
  std::string service_config = kServiceConfig;  // JSON; empty: one server, no retries

  // File with the token that authenticates each call; empty: none. Default: the environment variable
  // QCONFIG_TOKEN_FILE. A new token in the file is used within a second.
  std::string token_file = TokenFileOfEnvironment();
  // Send the token even if `tls` is not set, so that everyone on the way to the server can read it. Default: whether
  // the environment variable QCONFIG_ALLOW_UNENCRYPTED_TOKEN is true.
  bool allow_unencrypted_token = UnencryptedTokenAllowedByEnvironment();
};

// The timeout of a call, including its retries. Not set: that of ClientOptions.
using Timeout = std::optional<absl::Duration>;

// Calls a qconfig server. Thread-safe; a process needs only one client.
// The status of a failed call has gRPC's code and the server's message; ErrorOf() returns the details. If the
// connection failed, the message also says what it probably means, such as TLS that only one side uses.
// Nothing is sent, and the call fails with kFailedPrecondition, if the token file is invalid, or if there is one
// without TLS or `allow_unencrypted_token`. No status has a part of the token.
class Client {
 public:
  // Does not connect: if the server is unreachable, the first call fails with kUnavailable.
  explicit Client(const ClientOptions& options);
  // Closes the connections. REQUIRES: no calls are in flight.
  ~Client();

  absl::StatusOr<v1::GetConfigResponse> GetConfig(v1::GetConfigRequest request, Timeout timeout = {});
  absl::StatusOr<v1::BatchGetConfigResponse> BatchGetConfig(v1::BatchGetConfigRequest request, Timeout timeout = {});
  absl::StatusOr<v1::PlanLayersResponse> PlanLayers(v1::PlanLayersRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListTemplatesResponse> ListTemplates(v1::ListTemplatesRequest request, Timeout timeout = {});
  absl::StatusOr<v1::GetTemplateResponse> GetTemplate(v1::GetTemplateRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListSchemesResponse> ListSchemes(v1::ListSchemesRequest request, Timeout timeout = {});
  absl::StatusOr<v1::GetSchemeResponse> GetScheme(v1::GetSchemeRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListCatalogsResponse> ListCatalogs(v1::ListCatalogsRequest request, Timeout timeout = {});
  // Returns for whom the server takes the caller, and what its policy allows the caller to do.
  absl::StatusOr<v1::WhoAmIResponse> WhoAmI(const v1::WhoAmIRequest& request = {}, Timeout timeout = {});

  // Read all pages, starting at the request's, and return them as one response. The timeout applies to each page.
  absl::StatusOr<v1::ListTemplatesResponse> ListAllTemplates(v1::ListTemplatesRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListSchemesResponse> ListAllSchemes(v1::ListSchemesRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListChangesResponse> ListAllChanges(v1::ListChangesRequest request, Timeout timeout = {});

  // The client sets a random `request_id` on writes that have none, so that its retries are idempotent. After
  // kUnavailable or kDeadlineExceeded the write may have been applied: to retry it safely, set your own `request_id`
  // and reuse it.
  absl::StatusOr<v1::RegisterSchemeResponse> RegisterScheme(v1::RegisterSchemeRequest request, Timeout timeout = {});
  absl::StatusOr<v1::UnregisterSchemeResponse> UnregisterScheme(v1::UnregisterSchemeRequest request,
                                                                Timeout timeout = {});
  absl::StatusOr<v1::RegisterTemplateResponse> RegisterTemplate(v1::RegisterTemplateRequest request,
                                                                Timeout timeout = {});
  absl::StatusOr<v1::UnregisterTemplateResponse> UnregisterTemplate(v1::UnregisterTemplateRequest request,
                                                                    Timeout timeout = {});
  // `catalog` is the new default and is required; the catalogue of ClientOptions is not used.
  absl::StatusOr<v1::SetDefaultCatalogResponse> SetDefaultCatalog(v1::SetDefaultCatalogRequest request,
                                                                  Timeout timeout = {});
  absl::StatusOr<v1::ListChangesResponse> ListChanges(v1::ListChangesRequest request, Timeout timeout = {});

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
                                const Request& request, Timeout timeout);
  template <typename Request, typename Response>
  absl::StatusOr<Response> ReadPages(absl::StatusOr<Response> (Client::*list)(Request, Timeout), Request request,
                                     Timeout timeout);

  // Adds the token to the call, if there is one.
  absl::Status Authenticate(grpc::ClientContext& context);

  const ClientOptions options_;
  const std::unique_ptr<TokenFile> token_file_;  // null: no token
  std::unique_ptr<v1::ConfigService::Stub> config_;
  std::unique_ptr<v1::RegistryService::Stub> registry_;
};

// Returns a random UUID (version 4).
std::string NewRequestId();

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_
