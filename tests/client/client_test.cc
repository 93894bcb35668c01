// SPDX-License-Identifier: Apache-2.0
#include "qconfig/client.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/server/test_server.h"

namespace qconfig::client {
namespace {

class ClientTest : public testing::Test {
 protected:
  void RegisterSchemes(int count) {
    for (int i = 0; i < count; ++i) {
      v1::RegisterSchemeRequest request;
      request.mutable_scheme()->set_name(absl::StrCat("mine", i));
      request.mutable_scheme()->mutable_config();
      ASSERT_TRUE(client_.RegisterScheme(request).ok());
    }
  }

  TestServer server_;
  Client& client_ = server_.client();
};

v1::GetConfigRequest LlamaFp8() {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->set_scheme("fp8");
  return request;
}

TEST_F(ClientTest, CallTimeoutOverridesClientTimeout) {
  v1::GetConfigRequest waiting = LlamaFp8();
  waiting.set_min_revision(1'000'000);
  const absl::Time start = absl::Now();
  EXPECT_FALSE(server_.NewClient("default", absl::Seconds(60)).GetConfig(waiting, absl::Milliseconds(200)).ok());
  EXPECT_LT(absl::Now() - start, absl::Seconds(30));
  EXPECT_EQ(client_.GetConfig(LlamaFp8(), absl::ZeroDuration()).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(server_.NewClient("default", absl::ZeroDuration()).GetConfig(LlamaFp8(), absl::Seconds(60)).ok());
}

TEST_F(ClientTest, ListAllSchemesReadsAllPages) {
  RegisterSchemes(3);
  v1::ListSchemesRequest request;
  request.set_page_size(7);
  const auto schemes = client_.ListAllSchemes(request);
  ASSERT_TRUE(schemes.ok()) << schemes.status();
  EXPECT_GT(schemes->schemes_size(), 7);
  EXPECT_EQ(schemes->schemes_size(), schemes->total_size());
  EXPECT_EQ(schemes->schemes(schemes->schemes_size() - 1).name(), "mine2");
  EXPECT_EQ(schemes->next_page_token(), "");
  EXPECT_EQ(schemes->revision(), 4);

  const auto first = client_.ListSchemes(request);
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(first->schemes_size(), 7);
  request.set_page_token(first->next_page_token());
  const auto rest = client_.ListAllSchemes(request);
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->schemes_size(), schemes->schemes_size() - 7);
}

TEST_F(ClientTest, ListAllTemplatesAndListAllChangesReadAllPages) {
  RegisterSchemes(3);
  v1::ListTemplatesRequest templates;
  templates.set_page_size(5);
  const auto all_templates = client_.ListAllTemplates(templates);
  ASSERT_TRUE(all_templates.ok());
  EXPECT_GT(all_templates->llm_templates_size(), 5);
  EXPECT_EQ(all_templates->llm_templates_size(), all_templates->total_size());
  v1::ListChangesRequest changes;
  changes.set_page_size(2);
  const auto all_changes = client_.ListAllChanges(changes);
  ASSERT_TRUE(all_changes.ok());
  ASSERT_EQ(all_changes->changes_size(), 3);
  EXPECT_EQ(all_changes->changes(0).revision(), 4);
  EXPECT_EQ(all_changes->changes(2).revision(), 2);
}

TEST_F(ClientTest, FailedPageFailsTheWholeList) {
  v1::ListSchemesRequest request;
  request.set_page_token("no token");
  const auto schemes = client_.ListAllSchemes(request);
  EXPECT_EQ(ErrorOf(schemes.status()).detail().field(), "page_token");
}

TEST_F(ClientTest, VerifyDigestChecksTheCanonicalJson) {
  v1::GetConfigRequest request = LlamaFp8();
  request.set_include_canonical_json(true);
  auto answer = client_.GetConfig(request);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(VerifyDigest(*answer), absl::OkStatus());
  answer->mutable_canonical_json()->append(" ");
  EXPECT_EQ(VerifyDigest(*answer).code(), absl::StatusCode::kDataLoss);
  answer->clear_canonical_json();
  EXPECT_EQ(VerifyDigest(*answer).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ClientTest, FailedBatchItemHasTheSameErrorAsACall) {
  v1::BatchGetConfigRequest batch;
  *batch.add_requests() = LlamaFp8();
  batch.mutable_requests(0)->mutable_spec()->set_scheme("fp9");
  const auto answer = client_.BatchGetConfig(batch);
  ASSERT_TRUE(answer.ok());
  const v1::ItemError& error = answer->results(0).error();
  EXPECT_EQ(ReasonName(error.reason()), "SCHEME_NOT_FOUND");
  EXPECT_EQ(error.detail().field(), "spec.scheme");
  EXPECT_EQ(error.detail().value(), "fp9");
}

TEST_F(ClientTest, FillsTenantAndCatalogIntoRequestsWithoutThem) {
  ClientOptions options;
  options.server = server_.address();
  options.tenant = "acme";
  options.catalog = "quark-0.13";
  Client client(options);
  EXPECT_EQ(client.GetConfig(LlamaFp8())->catalog(), "quark-0.13");
  v1::GetConfigRequest request = LlamaFp8();
  request.set_catalog("quark-0.12.post1");
  EXPECT_EQ(client.GetConfig(request)->catalog(), "quark-0.12.post1");
  RegisterSchemes(1);
  EXPECT_EQ(client.ListChanges({})->revision(), 1);
  v1::ListChangesRequest others;
  others.set_tenant("default");
  EXPECT_EQ(client.ListChanges(others)->revision(), 2);
}

TEST_F(ClientTest, SetDefaultCatalogUsesTheClientsTenantButNotItsCatalog) {
  ClientOptions options;
  options.server = server_.address();
  options.tenant = "acme";
  options.catalog = "quark-0.13";
  Client client(options);
  EXPECT_EQ(ErrorOf(client.SetDefaultCatalog({}).status()).detail().field(), "catalog");
  v1::SetDefaultCatalogRequest request;
  request.set_catalog("quark-0.13");
  const auto response = client.SetDefaultCatalog(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->previous_catalog(), "quark-0.12.post1");
  const auto changes = client.ListChanges({});
  ASSERT_TRUE(changes.ok());
  EXPECT_EQ(changes->revision(), response->revision());
  EXPECT_NE(changes->changes(0).request_id(), "");
}

}  // namespace
}  // namespace qconfig::client
