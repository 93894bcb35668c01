// SPDX-License-Identifier: Apache-2.0
//
// Two honest tenants beside a hostile one, over real connections, on a server with few places.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "qconfig/v1/registry_service.grpc.pb.h"
#include "server/auth/authenticator.h"
#include "server/registry/storage/memory_store.h"
#include "tests/core/test_support.h"
#include "tests/server/auth/policy_test_support.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

constexpr size_t kPlaces = 16;  // for calls; half as many for writes
constexpr int kHostileCallers = 2 * kPlaces;
constexpr size_t kRequestMemory = 64u << 20;

// A caller with its own connection, who does not repeat calls.
class Caller {
 public:
  explicit Caller(const TestServer& server, std::string token = "") : token_(std::move(token)) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    arguments.SetMaxReceiveMessageSize(-1);
    const auto channel = grpc::CreateCustomChannel(server.address(), grpc::InsecureChannelCredentials(), arguments);
    config_ = v1::ConfigService::NewStub(channel);
    registry_ = v1::RegistryService::NewStub(channel);
  }

  grpc::Status Call(const v1::GetConfigRequest& request) const {
    return Call(*config_, &v1::ConfigService::Stub::GetConfig, request);
  }
  grpc::Status Call(const v1::BatchGetConfigRequest& request) const {
    return Call(*config_, &v1::ConfigService::Stub::BatchGetConfig, request);
  }
  grpc::Status Call(const v1::PlanLayersRequest& request) const {
    return Call(*config_, &v1::ConfigService::Stub::PlanLayers, request);
  }
  grpc::Status Call(const v1::ListSchemesRequest& request) const {
    return Call(*config_, &v1::ConfigService::Stub::ListSchemes, request);
  }
  grpc::Status Call(const v1::RegisterSchemeRequest& request) const {
    return Call(*registry_, &v1::RegistryService::Stub::RegisterScheme, request);
  }

 private:
  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request) const {
    constexpr std::chrono::seconds kTimeout(30);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
    Response response;
    return (stub.*method)(&context, request, &response);
  }

  const std::string token_;
  std::unique_ptr<v1::ConfigService::Stub> config_;
  std::unique_ptr<v1::RegistryService::Stub> registry_;
};

v1::GetConfigRequest ConfigRequest(const std::string& tenant, const std::string& pattern, int overrides) {
  auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
  request.set_tenant(tenant);
  for (int i = 0; i < overrides; ++i) {
    auto& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(absl::StrCat("*", pattern, i));
    entry.set_scheme("int8");
  }
  return request;
}

v1::BatchGetConfigRequest BatchRequest(const std::string& tenant, const std::string& pattern, int items,
                                       int overrides) {
  v1::BatchGetConfigRequest batch;
  for (int i = 0; i < items; ++i)
    *batch.add_requests() = ConfigRequest(tenant, absl::StrCat(pattern, i, "_"), overrides);
  return batch;
}

v1::RegisterSchemeRequest SchemeRequest(const std::string& tenant, const std::string& name) {
  auto request = Proto<v1::RegisterSchemeRequest>("scheme { config {} } replace: true");
  request.set_tenant(tenant);
  request.mutable_scheme()->set_name(name);
  return request;
}

// What one hostile caller does again and again.
using HostileCall = std::function<grpc::Status(const Caller& caller, int number)>;

grpc::Status CostlyConfig(const Caller& caller, int number) {
  return caller.Call(ConfigRequest("greedy", absl::StrCat("g", number, "_"), 4500));
}
grpc::Status LargeBatch(const Caller& caller, int number) {
  return caller.Call(BatchRequest("greedy", absl::StrCat("g", number, "_"), 200, 50));
}
grpc::Status LongPlan(const Caller& caller, int) {
  auto request = Proto<v1::PlanLayersRequest>("tenant: 'greedy' spec { model_type: 'llama' scheme: 'fp8' }");
  auto& modules = *request.add_modules();
  modules.set_name("model.layers.{0..99999}.mlp.up_proj");
  modules.set_type("Linear");
  for (int i = 0; i < 2; ++i) modules.add_shape(4096);
  return caller.Call(request);
}
grpc::Status List(const Caller& caller, int) {
  return caller.Call(Proto<v1::ListSchemesRequest>("tenant: 'greedy' view: ENTRY_VIEW_FULL"));
}
grpc::Status Write(const Caller& caller, int number) {
  return caller.Call(SchemeRequest("greedy", absl::StrCat("s", number % 10)));
}
grpc::Status WriteToManyTenants(const Caller& caller, int number) {
  return caller.Call(SchemeRequest(absl::StrCat("greedy", number % 100), "s"));
}
grpc::Status ReadForManyTenants(const Caller& caller, int number) {
  return caller.Call(ConfigRequest(absl::StrCat("greedy", number % 100), absl::StrCat("g", number, "_"), 1000));
}

struct Hostile {
  std::string name;
  HostileCall call;
};

class FairSharesTest : public testing::TestWithParam<Hostile> {
 protected:
  static TestSettings Settings(std::shared_ptr<Authenticator> authenticator = nullptr) {
    TestSettings settings;
    settings.in_flight_calls = std::make_shared<InFlightCalls>(kPlaces);
    settings.max_writing_calls = kPlaces / 2;
    settings.resources.budget = std::make_shared<MemoryBudget>(kRequestMemory);
    settings.authenticator = std::move(authenticator);
    return settings;
  }

  void StartHostileCallers(const TestServer& server, const HostileCall& call, const std::string& token = "") {
    const auto caller = std::make_shared<Caller>(server, token);
    EXPECT_TRUE(call(*caller, 0).ok());  // credentials that no call has had count for the connection
    for (int i = 0; i < kHostileCallers; ++i) {
      threads_.emplace_back([this, caller, call, i] {
        for (int n = i; !done_; n += kHostileCallers) {
          ++(call(*caller, n).ok() ? succeeded_ : rejected_);
        }
      });
    }
    while (succeeded_ == 0 || rejected_ == 0) std::this_thread::yield();  // they have their share, and ask for more
  }

  // Each of the two honest tenants makes calls of all kinds.
  static void ExpectHonestCallsSucceed(const TestServer& server, const std::vector<std::string>& tokens = {"", ""}) {
    std::vector<std::thread> callers;
    for (size_t i = 0; i < tokens.size(); ++i) {
      callers.emplace_back([&, tenant = absl::StrCat("honest", i), token = tokens[i]] {
        const Caller caller(server, token);
        const auto expect_ok = [&](const char* call, const grpc::Status& status) {
          EXPECT_TRUE(status.ok()) << tenant << " " << call << ": " << status.error_message();
        };
        for (int n = 0; n < 5; ++n) {
          expect_ok("reads", caller.Call(ConfigRequest(tenant, absl::StrCat("n", n, "_"), 1)));
          expect_ok("lists", caller.Call(Proto<v1::ListSchemesRequest>("page_size: 10 tenant: '" + tenant + "'")));
          expect_ok("writes", caller.Call(SchemeRequest(tenant, absl::StrCat("s", n))));
          expect_ok("batches", caller.Call(BatchRequest(tenant, absl::StrCat("n", n, "_"), 100, 2)));  // 2.5 MiB
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
  }

  void StopHostileCallers() {
    done_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  ~FairSharesTest() override { StopHostileCallers(); }

  std::atomic<bool> done_ = false;
  std::atomic<int> succeeded_ = 0;
  std::atomic<int> rejected_ = 0;
  std::vector<std::thread> threads_;
};

TEST_P(FairSharesTest, HonestTenantsAreServedBesideAHostileOne) {
  TestServer server(Settings());
  StartHostileCallers(server, GetParam().call);
  ExpectHonestCallsSucceed(server);
}

INSTANTIATE_TEST_SUITE_P(AllKinds, FairSharesTest,
                         testing::Values(Hostile{"Configurations", CostlyConfig}, Hostile{"Batches", LargeBatch},
                                         Hostile{"Plans", LongPlan}, Hostile{"Lists", List}, Hostile{"Writes", Write},
                                         Hostile{"WritesToManyTenants", WriteToManyTenants},
                                         Hostile{"ReadsForManyTenants", ReadForManyTenants}),
                         [](const auto& kind) { return kind.param.name; });

// Shares are those of names, so a policy that replaces another neither resets nor doubles them.
TEST_F(FairSharesTest, HonestPrincipalsAreServedWhileThePolicyChanges) {
  const auto authenticator = std::make_shared<Authenticator>(Clock());
  const auto reload = [&authenticator](int number) {
    std::string principals = PrincipalWith(absl::StrCat("unused", number), "role: operator");
    for (const char* name : {"greedy", "first", "second"}) principals += PrincipalWith(name, "role: operator");
    authenticator->SetPolicy(PolicyOf(principals));
  };
  reload(0);
  TestServer server(Settings(authenticator));
  StartHostileCallers(server, CostlyConfig, "greedy");
  std::atomic<bool> served = false;
  std::thread reloads([&] {
    for (int number = 1; !served; ++number) reload(number);
  });
  ExpectHonestCallsSucceed(server, {"first", "second"});
  served = true;
  reloads.join();
}

// The places that a principal has taken are still its own after a reload.
TEST_F(FairSharesTest, AReloadOfThePolicyGivesNoNewPlaces) {
  const auto authenticator = std::make_shared<Authenticator>(Clock());
  const std::string principals = PrincipalWith("greedy", "role: operator") + PrincipalWith("other", "role: operator");
  authenticator->SetPolicy(PolicyOf(principals));
  auto faults = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
  FaultInjectingStore* const store = faults.get();
  TestSettings settings = Settings(authenticator);
  settings.store = std::move(faults);
  TestServer server(std::move(settings));
  const Caller greedy(server, "greedy");
  const Caller other(server, "other");
  // Credentials that are not known yet count for the connection.
  for (const Caller* const caller : {&greedy, &other}) EXPECT_TRUE(caller->Call(ConfigRequest("t", "known", 1)).ok());
  store->HoldCommits();
  constexpr size_t kHeld = kPlaces / 2 - 2;  // all places for writes but the last ones, which are for others
  for (size_t i = 0; i < kHeld; ++i) {
    threads_.emplace_back([&, i] { EXPECT_TRUE(greedy.Call(SchemeRequest(absl::StrCat("t", i), "s")).ok()); });
  }
  store->WaitForHeldCommits(kHeld);
  authenticator->SetPolicy(PolicyOf(principals));
  EXPECT_THAT(greedy.Call(SchemeRequest("t", "s")).error_message(), HasSubstr("the caller has 6 of"));
  threads_.emplace_back([&] { EXPECT_TRUE(other.Call(SchemeRequest("t", "s")).ok()); });
  store->WaitForHeldCommits(kHeld + 1);
  store->ReleaseCommits();
  StopHostileCallers();
}

}  // namespace
}  // namespace qconfig
