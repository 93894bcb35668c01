// SPDX-License-Identifier: Apache-2.0
//
// Callers without a role for a tenant learn nothing about it, whatever they call, over a real connection.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "server/auth/authenticator.h"
#include "tests/core/test_support.h"
#include "tests/server/auth/policy_test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kConfig = "/qconfig.v1.ConfigService/";
const std::string kRegistry = "/qconfig.v1.RegistryService/";

// The tenant "vault" has entries whose texts contain "zebra". The caller is the admin of acme and lab-*.
class PolicyIsolationTest : public testing::Test {
 protected:
  PolicyIsolationTest() {
    TestSettings settings;
    settings.authenticator = std::make_shared<Authenticator>(Clock());
    settings.authenticator->SetPolicy(PolicyOf(PrincipalForEachRole()));
    server_ = std::make_unique<TestServer>(std::move(settings));
    for (const char* name : {"zebra_int8", "zebra_int4"}) {
      auto scheme = Proto<v1::RegisterSchemeRequest>(
          "tenant: 'vault' scheme { description: 'zebra' spec { weight { preset { spec: 'Int8PerTensorSpec' } } } }");
      scheme.mutable_scheme()->set_name(name);
      EXPECT_EQ(As("operator", kRegistry + "RegisterScheme", scheme).error.message(), "");
    }
    const auto model = Proto<v1::RegisterTemplateRequest>(
        "tenant: 'vault' llm_template { model_type: 'zebra_model' exclude_layers_name: 'zebra' }");
    EXPECT_EQ(As("operator", kRegistry + "RegisterTemplate", model).error.message(), "");
  }

  template <typename Request>
  Answer As(const std::string& token, const std::string& method, const Request& request) {
    return CallWith(server_->channel(), "Bearer " + token, method, request.SerializeAsString());
  }

  // Everything that an answer says.
  static std::string TextOf(const Answer& answer) { return answer.bytes + answer.error.DebugString(); }

  // Calls as the admin of acme, and expects that the answer has nothing of the other tenant. It may repeat the name of
  // a tenant that the request has.
  template <typename Request>
  Answer Call(const std::string& method, const Request& request) {
    Answer answer = As("admin", method, request);
    EXPECT_THAT(TextOf(answer), Not(HasSubstr("zebra"))) << method;
    if (request.DebugString().find("vault") == std::string::npos) {
      EXPECT_THAT(TextOf(answer), Not(HasSubstr("vault"))) << method;
    }
    return answer;
  }

  std::unique_ptr<TestServer> server_;
};

TEST_F(PolicyIsolationTest, SuggestionsAndErrorsInOnesOwnTenantNameNoOther) {
  for (const char* tenant : {"", "acme", "lab-1"}) {
    auto get = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'zebr_int8' }");
    get.set_tenant(tenant);
    EXPECT_EQ(Call(kConfig + "GetConfig", get).error.reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
    get = Proto<v1::GetConfigRequest>("spec { model_type: 'zebr_model' scheme: 'int8' }");
    get.set_tenant(tenant);
    EXPECT_EQ(Call(kConfig + "GetConfig", get).error.reason(), v1::ERROR_REASON_TEMPLATE_NOT_FOUND);
    auto plan = Proto<v1::PlanLayersRequest>(
        "spec { model_type: 'llama' scheme: 'zebr_int8' } modules { name: 'm' type: 'Linear' }");
    plan.set_tenant(tenant);
    EXPECT_EQ(Call(kConfig + "PlanLayers", plan).error.reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
    auto scheme = Proto<v1::UnregisterSchemeRequest>("name: 'zebr_int8'");
    scheme.set_tenant(tenant);
    EXPECT_EQ(Call(kRegistry + "UnregisterScheme", scheme).error.reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
  }
  EXPECT_EQ(Call(kConfig + "ListSchemes", Proto<v1::ListSchemesRequest>("tenant: 'acme'")).error.code(), 0);
  EXPECT_EQ(Call(kRegistry + "ListChanges", Proto<v1::ListChangesRequest>("tenant: 'acme'")).error.code(), 0);
  EXPECT_EQ(Call(kConfig + "WhoAmI", v1::WhoAmIRequest()).error.code(), 0);
}

TEST_F(PolicyIsolationTest, TheSameCallForAnotherTenantSaysOnlyThatTheRoleIsMissing) {
  const auto denied = [](const Answer& answer) { return answer.error.reason() == v1::ERROR_REASON_PERMISSION_DENIED; };
  EXPECT_TRUE(denied(Call(kConfig + "GetConfig",
                          Proto<v1::GetConfigRequest>("tenant: 'vault' spec { model_type: 'llama' scheme: 'zebr' }"))));
  EXPECT_TRUE(denied(Call(kConfig + "PlanLayers", Proto<v1::PlanLayersRequest>(
                                                      "tenant: 'vault' spec { model_type: 'llama' scheme: 'zebr' }"))));
  EXPECT_TRUE(denied(Call(kRegistry + "ListChanges", Proto<v1::ListChangesRequest>("tenant: 'vault'"))));
  EXPECT_TRUE(
      denied(Call(kRegistry + "UnregisterScheme", Proto<v1::UnregisterSchemeRequest>("tenant: 'vault' name: 'zebr'"))));
  EXPECT_TRUE(
      denied(Call(kRegistry + "SetDefaultCatalog",
                  Proto<v1::SetDefaultCatalogRequest>("tenant: 'vault' catalog: 'none' expected_revision: 1"))));
}

TEST_F(PolicyIsolationTest, ItemsOfABatchAreCheckedOneByOne) {
  const auto batch = Proto<v1::BatchGetConfigRequest>(R"(
    requests { tenant: 'acme' spec { model_type: 'llama' scheme: 'int8' } }
    requests { tenant: 'vault' spec { model_type: 'llama' scheme: 'zebr_int8' } }
    requests { spec { model_type: 'llama' scheme: 'zebr_int8' } }
    requests { tenant: 'nowhere' spec { model_type: 'llama' scheme: 'zebr_int8' } })");
  v1::BatchGetConfigResponse response;
  ASSERT_TRUE(response.ParseFromString(Call(kConfig + "BatchGetConfig", batch).bytes));
  ASSERT_EQ(response.results_size(), 4);
  EXPECT_FALSE(response.results(0).has_error()) << response.results(0).DebugString();
  EXPECT_EQ(response.results(1).error().reason(), v1::ERROR_REASON_PERMISSION_DENIED);
  EXPECT_EQ(response.results(2).error().reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
  EXPECT_EQ(response.results(3).error().reason(), v1::ERROR_REASON_PERMISSION_DENIED);
  std::string existing = response.results(1).DebugString();
  absl::StrReplaceAll({{"vault", "nowhere"}}, &existing);
  EXPECT_EQ(existing, response.results(3).DebugString());
}

TEST_F(PolicyIsolationTest, ADeniedCallDoesNotWaitForARevision) {
  for (const char* tenant : {"vault", "nowhere"}) {
    auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'int8' } min_revision: 1000");
    request.set_tenant(tenant);
    EXPECT_EQ(Call(kConfig + "GetConfig", request).error.reason(), v1::ERROR_REASON_PERMISSION_DENIED);
  }
}

TEST_F(PolicyIsolationTest, AWaitForARevisionEndsOnlyByWritesOfItsOwnTenant) {
  Answer answer;
  std::atomic<bool> has_ended = false;
  std::thread waits([&] {
    answer =
        Call(kConfig + "GetConfig",
             Proto<v1::GetConfigRequest>("tenant: 'acme' spec { model_type: 'llama' scheme: 'int8' } min_revision: 2"));
    has_ended = true;
  });
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (server_->registry().waiting_calls() != 1 && absl::Now() < deadline) std::this_thread::yield();
  const auto other = Proto<v1::UnregisterSchemeRequest>("tenant: 'vault' name: 'zebra_int4'");
  EXPECT_EQ(As("operator", kRegistry + "UnregisterScheme", other).error.code(), 0);
  EXPECT_EQ(server_->registry().waiting_calls(), 1);
  EXPECT_FALSE(has_ended);
  const auto own = Proto<v1::RegisterSchemeRequest>("tenant: 'acme' scheme { name: 'mine' config {} }");
  EXPECT_EQ(As("admin", kRegistry + "RegisterScheme", own).error.code(), 0);
  waits.join();
  EXPECT_EQ(answer.error.code(), 0);
}

TEST_F(PolicyIsolationTest, APageTokenOfAnotherTenantIsOfNoUse) {
  v1::ListSchemesResponse page;
  const auto own = Proto<v1::ListSchemesRequest>("tenant: 'vault' page_size: 1");
  ASSERT_TRUE(page.ParseFromString(As("operator", kConfig + "ListSchemes", own).bytes));
  ASSERT_NE(page.next_page_token(), "");
  auto request = Proto<v1::ListSchemesRequest>("tenant: 'acme' page_size: 1");
  request.set_page_token(page.next_page_token());
  EXPECT_NE(Call(kConfig + "ListSchemes", request).error.code(), 0);
}

}  // namespace
}  // namespace qconfig
