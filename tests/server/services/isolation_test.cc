// SPDX-License-Identifier: Apache-2.0
//
// No method reveals anything about another tenant. Each is called as another tenant, with names similar to those of the
// owner's entries, and must answer like a server on which the owner does not exist.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

// A part of every text that the owner writes.
constexpr char kSecret[] = "zebra";
constexpr char kUuid[] = "123e4567-e89b-42d3-a456-426614174000";

class IsolationTest : public testing::Test {
 protected:
  IsolationTest() {
    auto scheme = Proto<v1::RegisterSchemeRequest>(
        "scheme { name: 'zebra_int8' description: 'zebra' labels { key: 'zebra' value: 'zebra' } "
        "spec { weight { preset { spec: 'Int8PerTensorSpec' } } } }");
    scheme.set_request_id(kUuid);
    auto owner = server_.NewClient("owner");
    scheme_ = owner.RegisterScheme(scheme).value();
    template_ = owner
                    .RegisterTemplate(Proto<v1::RegisterTemplateRequest>(
                        "llm_template { model_type: 'zebra_model' exclude_layers_name: 'zebra' }"))
                    .value();
    EXPECT_TRUE(owner
                    .RegisterTemplate(Proto<v1::RegisterTemplateRequest>(
                        "llm_template { model_type: 'llama' exclude_layers_name: 'zebra' description: 'zebra' }"))
                    .ok());
    auto list = Proto<v1::ListChangesRequest>("page_size: 1");
    page_token_ = owner.ListChanges(list)->next_page_token();
  }

  TestServer server_;
  TestServer untouched_;
  v1::RegisterSchemeResponse scheme_;
  v1::RegisterTemplateResponse template_;
  std::string page_token_;
};

// Calls by method name. Calls with unknown names use the owner's names without one letter, so that the requests
// themselves do not contain the secret.
using Calls = std::multimap<std::string, std::function<std::string(client::Client&)>>;

template <typename Request, typename Response>
std::function<std::string(client::Client&)> Call(absl::StatusOr<Response> (client::Client::*method)(Request,
                                                                                                    client::Timeout),
                                                 const std::string& request) {
  return [method, request](client::Client& client) {
    const auto response = (client.*method)(Proto<Request>(request), {});
    return response.ok() ? response->DebugString() : client::ErrorOf(response.status()).DebugString();
  };
}

Calls ReadingCalls() {
  using client::Client;
  return {
      {"GetConfig",
       Call(&Client::GetConfig, "spec { model_type: 'llama' scheme: 'fp8' } include_canonical_json: true")},
      {"GetConfig", Call(&Client::GetConfig, "spec { model_type: 'llama' scheme: 'zebr_int8' }")},
      {"GetConfig", Call(&Client::GetConfig, "spec { model_type: 'zebr_model' scheme: 'fp8' }")},
      {"GetConfig", Call(&Client::GetConfig, "spec { model_type: 'llama' scheme: 'fp8' } revision: 2")},
      {"GetConfig", Call(&Client::GetConfig, "spec { model_type: 'llama' scheme: 'fp8' } catalog: 'quark-0.13'")},
      {"BatchGetConfig", Call(&Client::BatchGetConfig,
                              "requests { spec { model_type: 'llama' scheme: 'fp8' } } requests { spec { model_type: "
                              "'llama' scheme: 'zebr_int8' } }")},
      {"PlanLayers", Call(&Client::PlanLayers,
                          "spec { model_type: 'llama' scheme: 'int4_wo_128' } modules { name: 'zebr.k_proj' type: "
                          "'Linear' shape: [64, 80] } runtimes: 'vllm'")},
      {"PlanLayers", Call(&Client::PlanLayers,
                          "spec { model_type: 'llama' scheme: 'zebr_int8' } modules { name: 'a' type: 'Linear' }")},
      {"ListTemplates", Call(&Client::ListTemplates, "page_size: 1000 view: ENTRY_VIEW_FULL")},
      {"GetTemplate", Call(&Client::GetTemplate, "model_type: 'zebr_model'")},
      {"GetTemplate", Call(&Client::GetTemplate, "model_type: 'llama'")},
      {"ListSchemes", Call(&Client::ListSchemes, "page_size: 1000 view: ENTRY_VIEW_FULL")},
      {"GetScheme", Call(&Client::GetScheme, "name: 'zebr_int8'")},
      {"ListCatalogs", Call(&Client::ListCatalogs, "")},
      {"RegisterScheme", Call(&Client::RegisterScheme, "scheme { name: 'fp8' config {} } validate_only: true")},
      {"UnregisterScheme", Call(&Client::UnregisterScheme, "name: 'zebr_int8'")},
      {"RegisterTemplate", Call(&Client::RegisterTemplate, "llm_template { model_type: 'm' } etag: '3'")},
      {"UnregisterTemplate", Call(&Client::UnregisterTemplate, "model_type: 'zebr_model'")},
      {"UnregisterTemplate", Call(&Client::UnregisterTemplate, "model_type: 'llama'")},
      {"SetDefaultCatalog", Call(&Client::SetDefaultCatalog, "catalog: 'quark-0.13' validate_only: true")},
      {"ListChanges", Call(&Client::ListChanges, "view: ENTRY_VIEW_FULL")},
      {"WhoAmI", [](Client& client) { return client.WhoAmI()->DebugString(); }},
  };
}

TEST_F(IsolationTest, EveryMethodAnswersAsIfTheOwnerDidNotExist) {
  const Calls calls = ReadingCalls();
  for (const auto* service : {v1::GetConfigRequest::descriptor()->file()->FindServiceByName("ConfigService"),
                              v1::RegisterSchemeRequest::descriptor()->file()->FindServiceByName("RegistryService")}) {
    for (int i = 0; i < service->method_count(); ++i) {
      EXPECT_GT(calls.count(service->method(i)->name()), 0u) << service->method(i)->name() << " is not covered";
    }
  }
  for (const auto& [method, call] : calls) {
    for (const char* tenant : {"", "default", "other", "owne", "owner-2", "owner2"}) {
      auto here = server_.NewClient(tenant);
      auto there = untouched_.NewClient(tenant);
      const std::string answer = call(here);
      EXPECT_EQ(answer, call(there)) << method << " as " << tenant;
      EXPECT_THAT(answer, Not(HasSubstr(kSecret))) << method << " as " << tenant;
    }
  }
}

TEST_F(IsolationTest, OtherTenantsCannotReadTheOwnersEntries) {
  auto other = server_.NewClient("other");
  EXPECT_EQ(
      ReceivedReasonAndField(
          other.GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'zebra_int8' }")).status()),
      "SCHEME_NOT_FOUND at spec.scheme");
  EXPECT_EQ(
      ReceivedReasonAndField(other.GetTemplate(Proto<v1::GetTemplateRequest>("model_type: 'zebra_model'")).status()),
      "TEMPLATE_NOT_FOUND at model_type");
  v1::UnregisterSchemeRequest unregister;
  unregister.set_name("zebra_int8");
  unregister.set_etag(scheme_.scheme().etag());
  EXPECT_EQ(ReceivedReasonAndField(other.UnregisterScheme(unregister).status()), "SCHEME_NOT_FOUND at name");
}

TEST_F(IsolationTest, OtherTenantsCanUseTheSameNamesAndRequestIds) {
  auto other = server_.NewClient("other");
  auto request = Proto<v1::RegisterSchemeRequest>("scheme { name: 'zebra_int8' config {} }");
  request.set_request_id(kUuid);
  const auto registered = other.RegisterScheme(request);
  ASSERT_TRUE(registered.ok()) << registered.status();
  EXPECT_EQ(registered->revision(), 2);
  auto owner = server_.NewClient("owner");
  const auto kept = owner.GetScheme(Proto<v1::GetSchemeRequest>("name: 'zebra_int8'"));
  EXPECT_EQ(kept->scheme().config().weight_size(), 1) << "another tenant's write changed the scheme";
  EXPECT_EQ(owner.ListChanges({})->revision(), 4);
}

TEST_F(IsolationTest, OtherTenantsCannotUseTheOwnersPageToken) {
  auto other = server_.NewClient("other");
  for (int i = 0; i < 4; ++i) {  // so that the tenant has the token's revision
    ASSERT_TRUE(other.RegisterTemplate(Proto<v1::RegisterTemplateRequest>("llm_template { model_type: 'm' }")).ok());
  }
  v1::ListChangesRequest request;
  request.set_page_token(page_token_);
  EXPECT_EQ(ReceivedReasonAndField(other.ListChanges(request).status()), "INVALID_REQUEST at page_token");
}

TEST_F(IsolationTest, ReadingCreatesNothing) {
  for (int i = 0; i < 100; ++i) {
    auto unused = server_.NewClient(absl::StrCat("unused-", i));
    EXPECT_TRUE(unused.GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }")).ok());
    EXPECT_EQ(unused.ListChanges({})->revision(), 1);
  }
  EXPECT_EQ(server_.registry().tenants_in_memory(), 1u);
}

TEST_F(IsolationTest, WritesOfOtherTenantsDoNotEndTheOwnersWaits) {
  auto other = server_.NewClient("other", absl::Milliseconds(300));
  EXPECT_EQ(
      ReceivedReasonAndField(
          other.GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' } min_revision: 3"))
              .status()),
      "REVISION_IN_FUTURE at min_revision");
}

}  // namespace
}  // namespace qconfig
