// SPDX-License-Identifier: Apache-2.0
#include "qconfig/client.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "qconfig/call_status.h"
#include "qconfig/connection_hint.h"
#include "qconfig/token_file.h"

namespace qconfig::client {
namespace {

std::shared_ptr<grpc::ChannelCredentials> MakeCredentials(const ClientOptions& options) {
  if (!options.tls.has_value()) return grpc::InsecureChannelCredentials();
  return grpc::SslCredentials({options.tls->ca, options.tls->key, options.tls->cert});
}

grpc::ChannelArguments MakeChannelArguments(const ClientOptions& options) {
  constexpr int kMaxAnswerBytes = 64 << 20;  // the server's limit for a response
  constexpr int kMaxRetriedBytes = 8 << 20;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  if (!options.service_config.empty()) arguments.SetServiceConfigJSON(options.service_config);
  // gRPC does not retry larger requests. Its default of 256 KiB is too small for large templates.
  arguments.SetInt(GRPC_ARG_PER_RPC_RETRY_BUFFER_SIZE, kMaxRetriedBytes);
  // Pings detect dead connections. gRPC sends them only while calls are in flight, such as the health watch.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // gRPC's default of one second is longer than all attempts of a call together.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  return arguments;
}

// Adds to the text of a failed connection what it probably means.
absl::Status Explained(const absl::Status& status, const ClientOptions& options) {
  if (status.code() != absl::StatusCode::kUnavailable || ErrorOf(status).reason() != v1::ERROR_REASON_UNSPECIFIED) {
    return status;
  }
  const std::string hint = ConnectionHint("cpp", status.message(), options);
  if (hint.empty()) return status;
  absl::Status explained(status.code(), absl::StrCat(status.message(), " (hint: ", hint, ")"));
  status.ForEachPayload(
      [&explained](absl::string_view type, const absl::Cord& payload) { explained.SetPayload(type, payload); });
  return explained;
}

}  // namespace

std::string TokenFileOfEnvironment() {
  const char* const path = std::getenv("QCONFIG_TOKEN_FILE");
  return path == nullptr ? "" : path;
}

bool UnencryptedTokenAllowedByEnvironment() {
  const char* const value = std::getenv("QCONFIG_ALLOW_UNENCRYPTED_TOKEN");
  return value != nullptr && absl::string_view(value) == "true";
}

Client::Client(const ClientOptions& options)
    : options_(options),
      token_file_(options.token_file.empty() ? nullptr : std::make_unique<TokenFile>(options.token_file)) {
  const auto channel =
      grpc::CreateCustomChannel(options_.server, MakeCredentials(options_), MakeChannelArguments(options_));
  config_ = v1::ConfigService::NewStub(channel);
  registry_ = v1::RegistryService::NewStub(channel);
}

Client::~Client() = default;

template <typename Request>
void Client::FillInTenant(Request& request) const {
  if (request.tenant().empty()) request.set_tenant(options_.tenant);
}

template <typename Request>
void Client::FillIn(Request& request) const {
  FillInTenant(request);
  if (request.catalog().empty()) request.set_catalog(options_.catalog);
}

template <typename Request>
void Client::FillInWrite(Request& request) const {
  FillInTenant(request);
  if (request.request_id().empty()) request.set_request_id(NewRequestId());
}

absl::Status Client::Authenticate(grpc::ClientContext& context) {
  if (token_file_ == nullptr) return absl::OkStatus();
  const auto token = token_file_->ReadToSend(
      absl::Now(), options_.tls.has_value() || options_.allow_unencrypted_token,
      "set ClientOptions::tls, or, if nobody else can read the connection, allow_unencrypted_token or "
      "QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true");
  if (!token.ok()) return token.status();
  if (options_.tls.has_value()) {
    context.set_credentials(grpc::AccessTokenCredentials(*token));
  } else {  // where gRPC rejects call credentials
    context.AddMetadata("authorization", absl::StrCat("Bearer ", *token));
  }
  return absl::OkStatus();
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Client::Call(Stub& stub,
                                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                      const Request& request, Timeout timeout) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout.value_or(options_.timeout)));
  if (absl::Status authenticated = Authenticate(context); !authenticated.ok()) return authenticated;
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return Explained(ToAbslStatus(status), options_);
  return response;
}

template <typename Request, typename Response>
absl::StatusOr<Response> Client::ReadPages(absl::StatusOr<Response> (Client::*list)(Request, Timeout), Request request,
                                           Timeout timeout) {
  Response all;
  do {
    auto page = (this->*list)(request, timeout);
    if (!page.ok()) return page.status();
    request.set_page_token(page->next_page_token());
    all.MergeFrom(*page);
  } while (!request.page_token().empty());
  all.clear_next_page_token();
  return all;
}

absl::StatusOr<v1::GetConfigResponse> Client::GetConfig(v1::GetConfigRequest request, Timeout timeout) {
  FillIn(request);
  return Call(*config_, &v1::ConfigService::Stub::GetConfig, request, timeout);
}

absl::StatusOr<v1::BatchGetConfigResponse> Client::BatchGetConfig(v1::BatchGetConfigRequest request, Timeout timeout) {
  for (v1::GetConfigRequest& item : *request.mutable_requests()) FillIn(item);
  return Call(*config_, &v1::ConfigService::Stub::BatchGetConfig, request, timeout);
}

absl::StatusOr<v1::PlanLayersResponse> Client::PlanLayers(v1::PlanLayersRequest request, Timeout timeout) {
  FillIn(request);
  return Call(*config_, &v1::ConfigService::Stub::PlanLayers, request, timeout);
}

absl::StatusOr<v1::ListTemplatesResponse> Client::ListTemplates(v1::ListTemplatesRequest request, Timeout timeout) {
  FillIn(request);
  return Call(*config_, &v1::ConfigService::Stub::ListTemplates, request, timeout);
}

absl::StatusOr<v1::GetTemplateResponse> Client::GetTemplate(v1::GetTemplateRequest request, Timeout timeout) {
  FillIn(request);
  return Call(*config_, &v1::ConfigService::Stub::GetTemplate, request, timeout);
}

absl::StatusOr<v1::ListSchemesResponse> Client::ListSchemes(v1::ListSchemesRequest request, Timeout timeout) {
  FillIn(request);
  return Call(*config_, &v1::ConfigService::Stub::ListSchemes, request, timeout);
}

absl::StatusOr<v1::GetSchemeResponse> Client::GetScheme(v1::GetSchemeRequest request, Timeout timeout) {
  FillIn(request);
  return Call(*config_, &v1::ConfigService::Stub::GetScheme, request, timeout);
}

absl::StatusOr<v1::ListCatalogsResponse> Client::ListCatalogs(v1::ListCatalogsRequest request, Timeout timeout) {
  FillInTenant(request);
  return Call(*config_, &v1::ConfigService::Stub::ListCatalogs, request, timeout);
}

absl::StatusOr<v1::WhoAmIResponse> Client::WhoAmI(const v1::WhoAmIRequest& request, Timeout timeout) {
  return Call(*config_, &v1::ConfigService::Stub::WhoAmI, request, timeout);
}

absl::StatusOr<v1::RegisterSchemeResponse> Client::RegisterScheme(v1::RegisterSchemeRequest request, Timeout timeout) {
  FillInWrite(request);
  return Call(*registry_, &v1::RegistryService::Stub::RegisterScheme, request, timeout);
}

absl::StatusOr<v1::UnregisterSchemeResponse> Client::UnregisterScheme(v1::UnregisterSchemeRequest request,
                                                                      Timeout timeout) {
  FillInWrite(request);
  return Call(*registry_, &v1::RegistryService::Stub::UnregisterScheme, request, timeout);
}

absl::StatusOr<v1::RegisterTemplateResponse> Client::RegisterTemplate(v1::RegisterTemplateRequest request,
                                                                      Timeout timeout) {
  FillInWrite(request);
  return Call(*registry_, &v1::RegistryService::Stub::RegisterTemplate, request, timeout);
}

absl::StatusOr<v1::UnregisterTemplateResponse> Client::UnregisterTemplate(v1::UnregisterTemplateRequest request,
                                                                          Timeout timeout) {
  FillInWrite(request);
  return Call(*registry_, &v1::RegistryService::Stub::UnregisterTemplate, request, timeout);
}

absl::StatusOr<v1::SetDefaultCatalogResponse> Client::SetDefaultCatalog(v1::SetDefaultCatalogRequest request,
                                                                        Timeout timeout) {
  FillInWrite(request);
  return Call(*registry_, &v1::RegistryService::Stub::SetDefaultCatalog, request, timeout);
}

absl::StatusOr<v1::ListChangesResponse> Client::ListChanges(v1::ListChangesRequest request, Timeout timeout) {
  FillInTenant(request);
  return Call(*registry_, &v1::RegistryService::Stub::ListChanges, request, timeout);
}

absl::StatusOr<v1::ListTemplatesResponse> Client::ListAllTemplates(v1::ListTemplatesRequest request, Timeout timeout) {
  return ReadPages(&Client::ListTemplates, std::move(request), timeout);
}

absl::StatusOr<v1::ListSchemesResponse> Client::ListAllSchemes(v1::ListSchemesRequest request, Timeout timeout) {
  return ReadPages(&Client::ListSchemes, std::move(request), timeout);
}

absl::StatusOr<v1::ListChangesResponse> Client::ListAllChanges(v1::ListChangesRequest request, Timeout timeout) {
  return ReadPages(&Client::ListChanges, std::move(request), timeout);
}

std::string NewRequestId() {
  std::random_device random;
  const auto word = [&random] { return static_cast<uint32_t>(random()); };
  const uint32_t version_4 = (word() & 0x0FFFu) | 0x4000u;
  const uint32_t variant = (word() & 0x3FFFu) | 0x8000u;
  return absl::StrFormat("%08x-%04x-%04x-%04x-%04x%08x", word(), word() & 0xFFFFu, version_4, variant, word() & 0xFFFFu,
                         word());
}

}  // namespace qconfig::client
