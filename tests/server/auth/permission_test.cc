// SPDX-License-Identifier: Apache-2.0
//
// Who may call what, over a real connection. The methods are those of the descriptors, so a new one is in the table.
#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "server/auth/authenticator.h"
#include "server/rpc/call_credentials.h"
#include "tests/core/test_support.h"
#include "tests/server/auth/policy_test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kRoles[] = {"none", "reader", "editor", "admin", "operator"};

class PermissionTest : public testing::Test {
 protected:
  PermissionTest() {
    authenticator_->SetPolicy(PolicyOf(PrincipalForEachRole()));
    TestSettings settings;
    settings.authenticator = authenticator_;
    settings.call_log.sample = 1;
    server_ = std::make_unique<TestServer>(std::move(settings));
  }

  std::vector<const MethodDescriptor*> Methods() { return ServedMethods(server_->registry()); }

  static bool HasTenant(const MethodDescriptor& method) {
    return method.name() == "BatchGetConfig" || method.input_type()->FindFieldByName("tenant") != nullptr;
  }

  // A request for `tenant`, without anything else.
  static std::string RequestFor(const MethodDescriptor& method, const std::string& tenant) {
    if (method.name() == "BatchGetConfig") {
      v1::BatchGetConfigRequest batch;
      batch.add_requests()->set_tenant(tenant);
      return batch.SerializeAsString();
    }
    if (!HasTenant(method)) return "";
    google::protobuf::DynamicMessageFactory factory;
    const std::unique_ptr<Message> request(factory.GetPrototype(method.input_type())->New());
    request->GetReflection()->SetString(request.get(), method.input_type()->FindFieldByName("tenant"), tenant);
    return request->SerializeAsString();
  }

  Answer CallWith(const std::string& authorization, const std::string& path, const std::string& request) {
    return qconfig::CallWith(server_->channel(), authorization, path, request);
  }

  Answer Call(const std::string& token, const MethodDescriptor& method, const std::string& tenant) {
    const std::string path = absl::StrCat("/", method.service()->full_name(), "/", method.name());
    Answer answer = CallWith(token.empty() ? "" : "Bearer " + token, path, RequestFor(method, tenant));
    v1::BatchGetConfigResponse batch;
    if (method.name() == "BatchGetConfig" && batch.ParseFromString(answer.bytes) && batch.results_size() == 1) {
      answer.error = batch.results(0).error();
    }
    return answer;
  }

  Answer GetConfig(const std::string& token, const std::string& tenant) {
    auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'int8' }");
    request.set_tenant(tenant);
    return CallWith("Bearer " + token, "/qconfig.v1.ConfigService/GetConfig", request.SerializeAsString());
  }

  Answer Register(const std::string& token, const std::string& tenant) {
    auto request = Proto<v1::RegisterSchemeRequest>(
        "replace: true scheme { name: 'mine' spec { weight { preset { spec: 'Int8PerTensorSpec' } } } }");
    request.set_tenant(tenant);
    return CallWith("Bearer " + token, "/qconfig.v1.RegistryService/RegisterScheme", request.SerializeAsString());
  }

  const std::shared_ptr<Authenticator> authenticator_ = std::make_shared<Authenticator>(Clock());
  std::unique_ptr<TestServer> server_;
};

TEST_F(PermissionTest, EveryMethodHasARole) {
  for (const MethodDescriptor* method : Methods()) {
    ASSERT_TRUE(method->options().HasExtension(v1::required_role)) << method->full_name();
    const v1::Role role = method->options().GetExtension(v1::required_role);
    EXPECT_EQ(role >= v1::ROLE_READER, HasTenant(*method)) << method->full_name();
  }
}

// A method that forgets to declare its role is for operators only.
TEST_F(PermissionTest, AMethodWithoutARoleIsForOperators) {
  EXPECT_EQ(RequiredRole("grpc.health.v1.Health/Check"), v1::ROLE_OPERATOR);
  EXPECT_EQ(RequiredRole("qconfig.v1.ConfigService/WhoAmI"), v1::ROLE_UNSPECIFIED) << "declares it";
}

TEST_F(PermissionTest, ATenantRequiresTheRoleReaderInEveryMethod) {
  CallContext call;
  Principal none;
  none.name = "none";
  call.principal = std::make_shared<const Principal>(std::move(none));
  call.required_role = v1::ROLE_UNSPECIFIED;
  EXPECT_EQ(ItemErrorOf(GetTenant(call, "acme").status()).reason(), v1::ERROR_REASON_PERMISSION_DENIED);
}

TEST_F(PermissionTest, EachRoleMayCallItsMethodsForItsTenants) {
  for (const MethodDescriptor* method : Methods()) {
    const int required = method->options().GetExtension(v1::required_role);
    for (int role = 0; role < 5; ++role) {
      for (const std::string tenant : {"acme", "lab-7", "lab", "other", "acme-1", ""}) {
        const bool is_operator = role == v1::ROLE_OPERATOR;
        const bool is_default = tenant.empty() && role != 0;
        const bool granted = is_operator || tenant == "acme" || tenant == "lab-7" || is_default;
        const bool may = (granted && role >= required) || required == v1::ROLE_UNSPECIFIED;
        const v1::ItemError error = Call(kRoles[role], *method, tenant).error;
        EXPECT_EQ(error.reason() == v1::ERROR_REASON_PERMISSION_DENIED, !may)
            << method->name() << " as " << kRoles[role] << " for \"" << tenant << "\": " << error.DebugString();
        EXPECT_NE(error.code(), static_cast<int>(absl::StatusCode::kUnauthenticated));
      }
    }
  }
}

TEST_F(PermissionTest, WhoAmISaysWhatTheCallerMayDo) {
  const auto who_am_i = [this](const std::string& token) {
    v1::WhoAmIResponse response;
    EXPECT_TRUE(response.ParseFromString(CallWith("Bearer " + token, "/qconfig.v1.ConfigService/WhoAmI", "").bytes));
    return response;
  };
  EXPECT_EQ(who_am_i("editor").ShortDebugString(),
            Proto<v1::WhoAmIResponse>(absl::StrCat(R"(
    has_policy: true principal: "editor" credential: "token )",
                                                   Sha256Hex("editor").substr(0, 8), R"("
    default_tenant: "acme" grants { role: ROLE_EDITOR tenants: "acme" tenants: "lab-*" })"))
                .ShortDebugString());
  EXPECT_EQ(who_am_i("operator").ShortDebugString(),
            Proto<v1::WhoAmIResponse>(absl::StrCat(R"(
    has_policy: true principal: "operator" credential: "token )",
                                                   Sha256Hex("operator").substr(0, 8), R"("
    default_tenant: "default" grants { role: ROLE_OPERATOR tenants: "*" create: true })"))
                .ShortDebugString());
  EXPECT_EQ(who_am_i("none").ShortDebugString(),
            Proto<v1::WhoAmIResponse>(absl::StrCat(R"(
    has_policy: true principal: "none" credential: "token )",
                                                   Sha256Hex("none").substr(0, 8), R"("
    default_tenant: "default")"))
                .ShortDebugString());
}

TEST_F(PermissionTest, EveryMethodNeedsAValidCredential) {
  for (const MethodDescriptor* method : Methods()) {
    EXPECT_EQ(Call("", *method, "acme").error.reason(), v1::ERROR_REASON_CREDENTIALS_MISSING) << method->name();
    EXPECT_EQ(Call("stranger", *method, "acme").error.reason(), v1::ERROR_REASON_CREDENTIALS_INVALID) << method->name();
  }
}

TEST_F(PermissionTest, DenialsSayWhichRoleIsMissing) {
  const v1::ItemError error = Register("reader", "acme").error;
  EXPECT_EQ(error.code(), static_cast<int>(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(error.detail().required_role(), "editor");
  EXPECT_EQ(error.detail().tenant(), "acme");
  EXPECT_THAT(error.message(),
              HasSubstr("the method requires the role editor for the tenant \"acme\", and reader has the "
                        "role reader. Ask the operators of the server for a grant"));
}

TEST_F(PermissionTest, ADenialIsTheSameForATenantThatExists) {
  ASSERT_EQ(Register("operator", "secret").error.message(), "");
  for (const MethodDescriptor* method : Methods()) {
    std::string existing = Call("admin", *method, "secret").error.DebugString();
    const std::string missing = Call("admin", *method, "absent").error.DebugString();
    absl::StrReplaceAll({{"secret", "absent"}}, &existing);
    EXPECT_EQ(existing, missing);
  }
}

TEST_F(PermissionTest, ACachedAnswerIsOnlyForThoseWhoMayReadItsTenant) {
  EXPECT_EQ(GetConfig("reader", "acme").error.message(), "");
  EXPECT_EQ(GetConfig("reader", "acme").error.message(), "");
  ASSERT_EQ(server_->answer_cache().counts().hits, 1);
  EXPECT_EQ(GetConfig("none", "acme").error.reason(), v1::ERROR_REASON_PERMISSION_DENIED);
  EXPECT_EQ(GetConfig("none", "acme").error.reason(), v1::ERROR_REASON_PERMISSION_DENIED);
  EXPECT_EQ(GetConfig("stranger", "acme").error.reason(), v1::ERROR_REASON_CREDENTIALS_INVALID);
  // The same default tenant makes the keys in the cache the same.
  EXPECT_EQ(GetConfig("operator", "acme").error.message(), "");
  EXPECT_EQ(GetConfig("operator", "acme").error.message(), "");
  EXPECT_EQ(server_->answer_cache().counts().hits, 2);
  EXPECT_EQ(GetConfig("none", "acme").error.reason(), v1::ERROR_REASON_PERMISSION_DENIED);
}

TEST_F(PermissionTest, RequestsWithoutATenantAreForTheCallersOwn) {
  authenticator_->SetPolicy(
      PolicyOf(PrincipalWith("a", "default_tenant: team-a, grants: [{role: admin, tenants: [team-a]}]") +
               PrincipalWith("b", "default_tenant: team-b, grants: [{role: admin, tenants: [team-b]}]")));
  ASSERT_EQ(Register("a", "").error.message(), "");
  auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'mine' }");
  const auto get = [&](const std::string& token) {
    return CallWith("Bearer " + token, "/qconfig.v1.ConfigService/GetConfig", request.SerializeAsString()).error;
  };
  // Twice, because the second answer comes from the cache.
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(get("a").message(), "");
    EXPECT_EQ(get("b").reason(), v1::ERROR_REASON_SCHEME_NOT_FOUND);
  }
}

TEST_F(PermissionTest, ARevokedCredentialIsRefusedAtOnce) {
  EXPECT_EQ(GetConfig("reader", "acme").error.message(), "");
  authenticator_->SetPolicy(PolicyOf(PrincipalWith("operator", "role: operator")));
  EXPECT_EQ(GetConfig("reader", "acme").error.reason(), v1::ERROR_REASON_CREDENTIALS_INVALID);
  EXPECT_EQ(GetConfig("operator", "acme").error.message(), "");
}

TEST_F(PermissionTest, FirstWritesCreateOnlyTenantsThatAGrantNames) {
  EXPECT_EQ(Register("editor", "acme").error.message(), "");
  const v1::ItemError error = Register("editor", "lab-typo").error;
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_PERMISSION_DENIED);
  EXPECT_THAT(error.message(), HasSubstr("this would be the first write to the tenant \"lab-typo\""));
  EXPECT_EQ(Register("operator", "lab-1").error.message(), "");
  EXPECT_EQ(Register("editor", "lab-1").error.message(), "");
}

TEST_F(PermissionTest, HistoryAndLogNameThePrincipal) {
  ASSERT_EQ(Register("editor", "acme").error.message(), "");
  const Answer answer = CallWith("Bearer reader", "/qconfig.v1.RegistryService/ListChanges",
                                 Proto<v1::ListChangesRequest>("tenant: 'acme'").SerializeAsString());
  v1::ListChangesResponse changes;
  ASSERT_TRUE(changes.ParseFromString(answer.bytes));
  ASSERT_EQ(changes.changes_size(), 1);
  EXPECT_EQ(changes.changes(0).actor(), "editor");
  EXPECT_EQ(changes.changes(0).peer(), "ipv4:127.0.0.1");
  EXPECT_THAT(server_->log(), HasSubstr("principal=editor"));
  EXPECT_THAT(server_->log(), HasSubstr("token " + Sha256Hex("editor").substr(0, 8)));
  EXPECT_THAT(server_->log(), Not(HasSubstr(Sha256Hex("editor"))));
}

TEST_F(PermissionTest, TheLogSaysWhyACallIsRejected) {
  GetConfig("reader", "other");
  EXPECT_THAT(server_->log(), HasSubstr("tenant=other code=PERMISSION_DENIED"));
  const std::string metrics = server_->metrics().Text();
  EXPECT_THAT(metrics, Not(HasSubstr("other\"} 1")));
  GetConfig("stranger", "acme");
  EXPECT_THAT(server_->log(), HasSubstr("rule=unknown"));
  EXPECT_THAT(server_->log(), HasSubstr("token " + Sha256Hex("stranger").substr(0, 8)));
}

TEST_F(PermissionTest, TheLogHasNoLineForACallThatChangesNothing) {
  TestSettings settings;
  settings.call_log.slow = absl::InfiniteDuration();
  TestServer server(std::move(settings));
  auto request =
      Proto<v1::RegisterSchemeRequest>("validate_only: true replace: true scheme { name: 'mine' config {} }");
  const auto call = [&] {
    return qconfig::CallWith(server.channel(), "", "/qconfig.v1.RegistryService/RegisterScheme",
                             request.SerializeAsString())
        .error.message();
  };
  EXPECT_EQ(call(), "");
  EXPECT_EQ(server.log(), "");
  request.set_validate_only(false);
  EXPECT_EQ(call(), "");
  EXPECT_THAT(server.log(), HasSubstr("RegisterScheme"));
}

TEST_F(PermissionTest, MalformedCredentialsAreRefused) {
  const std::string method = "/qconfig.v1.ConfigService/ListCatalogs";
  for (const char* authorization : {"Basic cmVhZGVyOg==", "Bearer", "Bearer ", "reader", "Bearer a.b.c"}) {
    EXPECT_EQ(CallWith(authorization, method, "").error.reason(), v1::ERROR_REASON_CREDENTIALS_INVALID)
        << authorization;
  }
  EXPECT_EQ(CallWith("bearer  operator ", method, "").error.message(), "");
}

}  // namespace
}  // namespace qconfig
