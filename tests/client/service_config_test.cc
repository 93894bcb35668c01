// SPDX-License-Identifier: Apache-2.0
//
// Behaviour of a client with client/service_config.json.
#include "qconfig/service_config.h"

#include <gmock/gmock.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "qconfig/client.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using client::Client;
using testing::MatchesRegex;

// The result of one attempt of a call.
struct Answer {
  grpc::StatusCode code;
  std::string pushback_ms = {};
};

// Returns the scripted results, one per attempt, and OK after that.
class ScriptedServer final : v1::ConfigService::Service, v1::RegistryService::Service {
 public:
  ScriptedServer() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<v1::ConfigService::Service*>(this));
    builder.RegisterService(static_cast<v1::RegistryService::Service*>(this));
    server_ = builder.BuildAndStart();
  }

  void Script(std::vector<Answer> answers) {
    absl::MutexLock lock(&mutex_);
    answers_ = std::move(answers);
    attempts_ = 0;
  }
  void SetHealthy(bool healthy) { server_->GetHealthCheckService()->SetServingStatus(healthy); }

  int attempts() const {
    absl::MutexLock lock(&mutex_);
    return attempts_;
  }
  std::vector<std::string> request_ids() const {
    absl::MutexLock lock(&mutex_);
    return request_ids_;
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  grpc::Status Next(grpc::ServerContext& context) {
    absl::MutexLock lock(&mutex_);
    const size_t i = static_cast<size_t>(attempts_++);
    if (i >= answers_.size()) return grpc::Status::OK;
    if (!answers_[i].pushback_ms.empty()) {
      context.AddTrailingMetadata("grpc-retry-pushback-ms", answers_[i].pushback_ms);
    }
    return {answers_[i].code, "scripted"};
  }

  grpc::Status ListCatalogs(grpc::ServerContext* context, const v1::ListCatalogsRequest*,
                            v1::ListCatalogsResponse*) override {
    return Next(*context);
  }
  grpc::Status UnregisterScheme(grpc::ServerContext* context, const v1::UnregisterSchemeRequest* request,
                                v1::UnregisterSchemeResponse*) override {
    {
      absl::MutexLock lock(&mutex_);
      request_ids_.push_back(request->request_id());
    }
    return Next(*context);
  }

  mutable absl::Mutex mutex_;
  std::vector<Answer> answers_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> request_ids_ ABSL_GUARDED_BY(mutex_);
  int attempts_ ABSL_GUARDED_BY(mutex_) = 0;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

client::ClientOptions OptionsFor(const std::string& server) {
  client::ClientOptions options;
  options.server = server;
  options.timeout = absl::Seconds(60);
  return options;
}

class ServiceConfigTest : public testing::Test {
 protected:
  absl::StatusCode Call() { return client_.ListCatalogs({}).status().code(); }

  ScriptedServer server_;
  Client client_{OptionsFor(server_.address())};
};

TEST_F(ServiceConfigTest, IsValidForGrpc) {
  EXPECT_EQ(Call(), absl::StatusCode::kOk);
  client::ClientOptions options = OptionsFor(server_.address());
  for (const char* wrong : {"{", R"({"loadBalancingConfig": [{"no_such_policy": {}}]})",
                            R"({"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 1}}]})"}) {
    options.service_config = wrong;
    EXPECT_NE(Client(options).ListCatalogs({}).status().code(), absl::StatusCode::kOk) << wrong;
  }
}

TEST_F(ServiceConfigTest, RetriesUnavailableUpToFourAttempts) {
  server_.Script({{grpc::StatusCode::UNAVAILABLE}});
  EXPECT_EQ(Call(), absl::StatusCode::kOk);
  EXPECT_EQ(server_.attempts(), 2);
  server_.Script(std::vector<Answer>(10, {grpc::StatusCode::UNAVAILABLE}));
  EXPECT_EQ(Call(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_.attempts(), 4);
}

TEST_F(ServiceConfigTest, RetriesNoOtherCode) {
  for (int code = grpc::StatusCode::CANCELLED; code <= grpc::StatusCode::UNAUTHENTICATED; ++code) {
    if (code == grpc::StatusCode::UNAVAILABLE) continue;
    server_.Script({{static_cast<grpc::StatusCode>(code)}});
    EXPECT_EQ(Call(), static_cast<absl::StatusCode>(code));
    EXPECT_EQ(server_.attempts(), 1) << code;
  }
}

TEST_F(ServiceConfigTest, HonoursTheServersPushback) {
  ASSERT_EQ(Call(), absl::StatusCode::kOk);
  server_.Script({{grpc::StatusCode::UNAVAILABLE, "700"}});
  const absl::Time start = absl::Now();
  EXPECT_EQ(Call(), absl::StatusCode::kOk);
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(600)) << "the client's own backoff is at most 120 ms";
  server_.Script({{grpc::StatusCode::UNAVAILABLE, "-1"}});
  EXPECT_EQ(Call(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_.attempts(), 1);
}

TEST_F(ServiceConfigTest, AttemptsOfAWriteShareTheRequestId) {
  server_.Script({{grpc::StatusCode::UNAVAILABLE}});
  EXPECT_TRUE(client_.UnregisterScheme({}).ok());
  EXPECT_TRUE(client_.UnregisterScheme({}).ok());
  v1::UnregisterSchemeRequest request;
  request.set_request_id("mine");
  EXPECT_TRUE(client_.UnregisterScheme(request).ok());
  const std::vector<std::string> ids = server_.request_ids();
  ASSERT_EQ(ids.size(), 4u);
  const std::string h = "[0-9a-f]";
  EXPECT_THAT(ids[0], MatchesRegex(absl::StrCat(h, "{8}-", h, "{4}-4", h, "{3}-[89ab]", h, "{3}-", h, "{12}")));
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_NE(ids[0], ids[2]) << "another write";
  EXPECT_EQ(ids[3], "mine");
}

TEST_F(ServiceConfigTest, RetriesLargeWrites) {
  server_.Script({{grpc::StatusCode::UNAVAILABLE}});
  v1::UnregisterSchemeRequest request;
  request.set_name(std::string(3u << 20, 'x'));
  EXPECT_TRUE(client_.UnregisterScheme(request).ok());
  EXPECT_EQ(server_.attempts(), 2);
}

TEST_F(ServiceConfigTest, BalancesCallsOverHealthyServers) {
  ScriptedServer other;
  Client client(OptionsFor(absl::StrCat("ipv4:", server_.address(), ",", other.address())));
  const auto until = [&](const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (!condition() && absl::Now() < deadline) EXPECT_TRUE(client.ListCatalogs({}).ok());
    EXPECT_TRUE(condition());
  };
  until([&] { return server_.attempts() > 0 && other.attempts() > 0; });
  server_.SetHealthy(false);
  const auto receives_no_calls = [&] {
    server_.Script({});
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(client.ListCatalogs({}).ok());
    return server_.attempts() == 0;
  };
  until(receives_no_calls);
  server_.SetHealthy(true);
  until([&] { return server_.attempts() > 0; });
}

// Calls a server from several threads. Each call must succeed.
class Load {
 public:
  explicit Load(Client& client) {
    for (int i = 0; i < 4; ++i) {
      callers_.emplace_back([&] {
        while (!stop_) {
          const absl::Status status = client.ListCatalogs({}).status();
          EXPECT_TRUE(status.ok()) << status;
          ++calls_;
        }
      });
    }
  }
  ~Load() {
    stop_ = true;
    for (std::thread& caller : callers_) caller.join();
  }

  void AwaitCalls(int more) const {
    const int enough = calls_ + more;
    while (calls_ < enough) std::this_thread::yield();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<int> calls_ = 0;
  std::vector<std::thread> callers_;
};

TEST(MultiServerServiceConfigTest, NoCallFailsWhenAServerBecomesUnhealthyAndShutsDown) {
  auto leaving = std::make_unique<ScriptedServer>();
  ScriptedServer staying;
  Client client(OptionsFor(absl::StrCat("ipv4:", leaving->address(), ",", staying.address())));
  const Load load(client);
  while (leaving->attempts() < 20 || staying.attempts() < 20) std::this_thread::yield();
  leaving->SetHealthy(false);
  int before = 0;
  do {
    before = leaving->attempts();
    load.AwaitCalls(100);
  } while (leaving->attempts() != before);
  leaving.reset();
  load.AwaitCalls(100);
}

TEST(MultiServerServiceConfigTest, CallsContinueOnTheOtherServerAfterAShutdown) {
  TestServer ending;
  TestServer staying;
  Client client(OptionsFor(absl::StrCat("ipv4:", ending.address(), ",", staying.address())));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(client.ListCatalogs({}).ok());
  ending.server().Shutdown(absl::ZeroDuration());
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(client.ListCatalogs({}).ok());
}

TEST(MultiServerServiceConfigTest, FailsFastIfNoServerIsReachable) {
  std::string address;
  {
    TestServer server;
    address = server.address();
  }
  Client client(OptionsFor(address));
  const absl::Time start = absl::Now();
  EXPECT_EQ(client.ListCatalogs({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - start, absl::Seconds(10)) << "the timeout is 60 s";
}

}  // namespace
}  // namespace qconfig
