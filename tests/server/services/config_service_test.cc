// SPDX-License-Identifier: Apache-2.0
//
// The methods of ConfigService over a real port.
#include "server/services/config_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/error.h"
#include "server/base/processors.h"
#include "tests/core/test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

TestSettings OnlyTiny() {
  TestSettings settings;
  settings.catalogs = {Catalog::Load(TinyTexts().files()).value()};
  settings.default_catalog = "tiny";
  return settings;
}

TestSettings WithClock(Clock clock) {
  TestSettings settings;
  settings.clock = std::move(clock);
  return settings;
}

class ConfigServiceTest : public testing::Test {
 protected:
  absl::StatusOr<v1::GetConfigResponse> GetConfig(const std::string& request) {
    return server_.client().GetConfig(Proto<v1::GetConfigRequest>(request));
  }

  TestServer server_;
};

TEST_F(ConfigServiceTest, GetConfigReturnsItsSources) {
  const auto response = GetConfig("spec { model_type: 'llama' scheme: 'fp8' }");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->catalog(), "quark-0.12.post1");
  EXPECT_EQ(response->revision(), 1);
  EXPECT_EQ(response->config_digest().size(), 64u);
}

TEST_F(ConfigServiceTest, EveryTenantSeesBuiltInEntries) {
  const auto first = GetConfig("spec { model_type: 'llama' scheme: 'fp8' } tenant: 'acme'");
  const auto second = GetConfig("spec { model_type: 'llama' scheme: 'fp8' } tenant: 'other-1'");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
}

TEST_F(ConfigServiceTest, TenantWithoutWritesHasRevisionsZeroAndOne) {
  const std::string request = "spec { model_type: 'llama' scheme: 'fp8' } ";
  EXPECT_EQ(ReceivedReasonAndField(GetConfig(request + "revision: 1 min_revision: 1").status()), "OK");
  EXPECT_EQ(ReceivedReasonAndField(GetConfig(request + "revision: 2").status()), "REVISION_IN_FUTURE at revision");
  const auto hasty = Proto<v1::GetConfigRequest>(request + "min_revision: 2");
  EXPECT_EQ(ReceivedReasonAndField(server_.NewClient("", absl::Milliseconds(200)).GetConfig(hasty).status()),
            "REVISION_IN_FUTURE at min_revision");
  EXPECT_EQ(GetConfig(request + "revision: 2").status().code(), absl::StatusCode::kOutOfRange);
}

TEST(MinRevisionWaitTest, CallWithoutADeadlineWaitsUpToTheLimitOfTheServer) {
  TestSettings settings;
  settings.max_wait = absl::ZeroDuration();
  TestServer server(std::move(settings));
  const auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' } min_revision: 2");
  const absl::Time start = absl::Now();
  EXPECT_EQ(server.CallWithBytes("GetConfig", request.SerializeAsString()).error_code(),
            grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_LT(absl::Now() - start, absl::Seconds(20)) << "the default is 30 seconds";
}

// A slow request within all limits: its patterns almost match the projections of a template.
v1::GetConfigRequest SlowRequest(TestServer& server) {
  v1::RegisterTemplateRequest registration;
  registration.mutable_llm_template()->set_model_type("slow");
  for (int i = 0; i < 20; ++i) {
    registration.mutable_llm_template()->add_kv_layers_name(std::string(1000, 'a') + std::to_string(i));
  }
  EXPECT_EQ(ReceivedReasonAndField(server.client().RegisterTemplate(registration).status()), "OK");
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("slow");
  request.mutable_spec()->set_scheme("fp8");
  request.mutable_spec()->set_kv_cache_scheme("fp8");
  for (int i = 0; i < 50; ++i) {
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern("*" + std::string(500, 'a') + "b" + std::to_string(i) + "*");
    entry.set_scheme("fp8");
  }
  return request;
}

TEST_F(ConfigServiceTest, ComputationStopsSoonAfterTheDeadline) {
  const v1::GetConfigRequest request = SlowRequest(server_);
  const absl::Duration start = Clock().Steady() + absl::Hours(1);  // time limits of waits use the real clock
  int ticks = 0;
  const ConfigService service(server_.registry(), Limits(),
                              Clock(absl::Now, [&] { return start + absl::Milliseconds(++ticks); }),
                              std::make_shared<FairTurns>());
  CallContext call;
  call.is_cancelled = [] { return false; };
  call.deadline = absl::InfiniteDuration();
  ASSERT_TRUE(service.GetConfig(call, request).ok());
  const int checks = ticks;
  ASSERT_GT(checks, 100);
  ticks = 0;
  call.deadline = start + absl::Milliseconds(10);
  EXPECT_EQ(service.GetConfig(call, request).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ticks, 10);
}

TEST_F(ConfigServiceTest, ComputationStopsSoonAfterTheCallIsCancelled) {
  const v1::GetConfigRequest request = SlowRequest(server_);
  const ConfigService service(server_.registry(), Limits(), Clock(), std::make_shared<FairTurns>());
  int calls = 0;
  CallContext call;
  call.is_cancelled = [&calls] { return ++calls > 10; };
  call.deadline = absl::InfiniteDuration();
  EXPECT_EQ(service.GetConfig(call, request).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(calls, 11);
}

// More large computations than there are turns stop in the middle, and a small one is computed meanwhile.
TEST_F(ConfigServiceTest, LargeComputationsLeaveATurnToSmallOnes) {
  const v1::GetConfigRequest large = SlowRequest(server_);
  const ConfigService service(server_.registry(), Limits(), Clock(), std::make_shared<FairTurns>());
  const size_t turns = std::max<size_t>(2, Processors());
  absl::Mutex mutex;
  size_t stopped = 0;
  bool may_go_on = false;
  CallContext call;
  call.peer = "ipv4:127.0.0.1:1";
  call.deadline = absl::InfiniteDuration();
  std::vector<std::thread> callers;
  for (size_t i = 0; i < turns + 2; ++i) {
    callers.emplace_back([&, call, checks = 0]() mutable {
      call.notes = std::make_shared<CallNotes>();
      call.is_cancelled = [&] {
        if (++checks <= 1) return false;  // the first check is before the computation
        absl::MutexLock lock(&mutex);
        ++stopped;
        mutex.Await(absl::Condition(&may_go_on));
        return true;
      };
      EXPECT_EQ(service.GetConfig(call, large).status().code(), absl::StatusCode::kCancelled);
    });
  }
  {
    absl::MutexLock lock(&mutex);
    const auto all_stopped = [&] { return stopped >= turns; };
    mutex.Await(absl::Condition(&all_stopped));
  }
  call.is_cancelled = [] { return false; };
  call.deadline = Clock().Steady() + absl::Seconds(10);
  call.peer = "ipv4:127.0.0.1:2";
  const auto small = Proto<v1::GetConfigRequest>("tenant: 'other' spec { model_type: 'llama' scheme: 'fp8' }");
  EXPECT_TRUE(service.GetConfig(call, small).ok());
  {
    absl::MutexLock lock(&mutex);
    EXPECT_EQ(stopped, turns) << "one of the turns is not for large computations";
    may_go_on = true;
  }
  for (std::thread& caller : callers) caller.join();
}

// A batch that computes for long lets others compute between its items.
TEST_F(ConfigServiceTest, ItemsOfABatchShareTheirSnapshotAndTakeTurns) {
  const auto turns = std::make_shared<FairTurns>(1);
  const ConfigService service(server_.registry(), Limits(), Clock(), turns);
  CallContext call;
  call.is_cancelled = [] { return false; };
  call.deadline = absl::InfiniteDuration();
  v1::BatchGetConfigRequest batch;
  for (const char* tenant : {"", "a", "a", "", "b"}) {
    auto& request = *batch.add_requests();
    request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
    request.set_tenant(tenant);
  }
  *batch.add_requests() = SlowRequest(server_);
  batch.add_requests()->mutable_spec()->set_scheme("unknown");
  *batch.add_requests() = batch.requests(0);
  const auto response = service.BatchGetConfig(call, batch);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->results_size(), 8);
  for (const int i : {0, 1, 2, 3, 4, 5, 7}) EXPECT_TRUE(response->results(i).has_response()) << i;
  EXPECT_EQ(response->results(6).error().reason(), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(turns->running(), 1u) << "until the answer is in bytes";
  call.notes->turn.End();
  EXPECT_EQ(turns->running(), 0u);
}

// Otherwise a client could not tell such a batch from one whose items are all wrong, and would not retry it.
TEST_F(ConfigServiceTest, ABatchWithoutATurnFailsAsAWhole) {
  constexpr size_t kMaxWaiting = 64;  // calls of a tenant
  std::atomic<int64_t> cpu_ms = 0;
  const auto turns = std::make_shared<FairTurns>(1, Clock(), [&cpu_ms] { return absl::Milliseconds(cpu_ms.load()); });
  const ConfigService service(server_.registry(), Limits(), Clock(), turns);
  auto busy = turns->Begin("busy", "busy", absl::InfiniteDuration()).value();
  for (int i = 0; i < 10; ++i) {  // so that the tenant has used too much for an extra turn
    cpu_ms += 10;
    ASSERT_TRUE(busy.Continue(absl::InfiniteDuration()).ok());
  }
  std::vector<std::thread> waiting;
  for (size_t i = 0; i < kMaxWaiting; ++i) {
    waiting.emplace_back([&] { EXPECT_TRUE(turns->Begin("busy", "busy", absl::InfiniteDuration()).ok()); });
  }
  while (turns->waiting() < kMaxWaiting) std::this_thread::yield();

  CallContext call;
  call.peer = "busy";
  call.is_cancelled = [] { return false; };
  call.deadline = absl::InfiniteDuration();
  v1::BatchGetConfigRequest batch;
  for (const char* scheme : {"fp8", "unknown"}) {
    *batch.add_requests() =
        Proto<v1::GetConfigRequest>(absl::StrCat("tenant: 'busy' spec { model_type: 'llama' scheme: '", scheme, "' }"));
  }
  EXPECT_EQ(ItemErrorOf(service.BatchGetConfig(call, batch).status()).reason(), v1::ERROR_REASON_OVERLOADED);

  busy.End();
  for (std::thread& thread : waiting) thread.join();
}

// Each request fails the named check and all checks after it.
TEST_F(ConfigServiceTest, ChecksShapeThenCatalogueThenRevision) {
  const std::string rest = "spec { model_type: 'bad' scheme: 'bad' } ";
  EXPECT_EQ(ReceivedReasonAndField(GetConfig(rest + "tenant: 'A' revision: -1 catalog: 'bad'").status()),
            "INVALID_REQUEST at tenant");
  const std::string shapeless = "spec { model_type: 'bad' scheme: 'bad' min_kv_scale: nan } ";
  EXPECT_EQ(ReceivedReasonAndField(GetConfig(shapeless + "revision: 9 catalog: 'bad'").status()),
            "INVALID_REQUEST at spec.min_kv_scale");
  EXPECT_EQ(ReceivedReasonAndField(GetConfig(rest + "revision: 9 catalog: 'bad'").status()),
            "CATALOG_NOT_FOUND at catalog");
  EXPECT_EQ(ReceivedReasonAndField(GetConfig(rest + "revision: 9").status()), "REVISION_IN_FUTURE at revision");
  EXPECT_EQ(ReceivedReasonAndField(GetConfig(rest).status()), "TEMPLATE_NOT_FOUND at spec.model_type");
}

TEST_F(ConfigServiceTest, AnswersOverTheLimitAreRejected) {
  Limits limits;
  limits.answer_bytes = 1'000;
  TestServer server(limits);
  auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
  EXPECT_TRUE(server.client().GetConfig(request).ok());
  request.set_include_quark_json(true);
  EXPECT_EQ(ReceivedReasonAndField(server.client().GetConfig(request).status()), "ANSWER_TOO_LARGE");
}

TEST_F(ConfigServiceTest, ReturnsWarnings) {
  TestServer server(OnlyTiny());
  const auto response = server.client().GetConfig(Proto<v1::GetConfigRequest>(
      "spec { model_type: 'bare' scheme: 'alias' kv_cache_scheme: 'fp8' attention_scheme: 'fp8' }"));
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->warnings_size(), 3);
  EXPECT_EQ(response->warnings(1).code(), v1::WARNING_CODE_KV_CACHE_WITHOUT_LAYERS);
}

TEST_F(ConfigServiceTest, ListsPagesInRegistrationOrder) {
  std::vector<std::string> names;
  v1::ListTemplatesRequest request;
  request.set_page_size(10);
  int pages = 0;
  do {
    const auto page = server_.client().ListTemplates(request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->total_size(), 41);
    EXPECT_EQ(page->revision(), 1);
    for (const auto& entry : page->llm_templates()) names.push_back(entry.model_type());
    request.set_page_token(page->next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 5);
  ASSERT_EQ(names.size(), 41u);
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(names[i], Builtins().templates()[i]->model_type());
}

TEST_F(ConfigServiceTest, PageSizeHasADefaultAndAMaximum) {
  EXPECT_EQ(server_.client().ListSchemes({})->schemes_size(), 27);
  v1::ListSchemesRequest request;
  request.set_page_size(2'000'000'000);
  EXPECT_EQ(server_.client().ListSchemes(request)->schemes_size(), 27);
  request.set_page_size(-1);
  EXPECT_EQ(ReceivedReasonAndField(server_.client().ListSchemes(request).status()), "INVALID_REQUEST at page_size");
}

TEST_F(ConfigServiceTest, PageTokensAreValidForOneListing) {
  v1::ListTemplatesRequest request;
  request.set_page_size(1);
  const std::string token = server_.client().ListTemplates(request)->next_page_token();
  v1::ListSchemesRequest schemes;
  schemes.set_page_token(token);
  EXPECT_EQ(ReceivedReasonAndField(server_.client().ListSchemes(schemes).status()), "INVALID_REQUEST at page_token");
  request.set_tenant("acme");
  request.set_page_token(token);
  EXPECT_EQ(ReceivedReasonAndField(server_.client().ListTemplates(request).status()), "INVALID_REQUEST at page_token");
  for (const std::string& garbage : {std::string("!"), std::string("AAAA"), token + "x", std::string(3'000'000, 'A')}) {
    request.set_tenant("");
    request.set_page_token(garbage);
    EXPECT_EQ(ReceivedReasonAndField(server_.client().ListTemplates(request).status()), "INVALID_REQUEST at page_token")
        << garbage;
  }
}

TEST_F(ConfigServiceTest, BasicViewOmitsConfigurations) {
  v1::ListTemplatesRequest templates;
  const auto basic = server_.client().ListTemplates(templates);
  templates.set_view(v1::ENTRY_VIEW_FULL);
  const auto full = server_.client().ListTemplates(templates);
  ASSERT_TRUE(basic.ok() && full.ok());
  EXPECT_EQ(basic->llm_templates(0).algorithm_configs(0).algorithm(), "awq");
  EXPECT_FALSE(basic->llm_templates(0).algorithm_configs(0).has_config());
  EXPECT_TRUE(full->llm_templates(0).algorithm_configs(0).has_config());
  EXPECT_FALSE(server_.client().ListSchemes({})->schemes(0).has_config());
}

TEST_F(ConfigServiceTest, GetTemplateAndGetScheme) {
  v1::GetTemplateRequest llm_template;
  llm_template.set_model_type("qwen3_5_moe");
  const auto found = server_.client().GetTemplate(llm_template);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->llm_template().f2f_weight_converters(0).operations(0).split_fused_experts().split_axis(), 0);
  EXPECT_EQ(found->llm_template().origin(), v1::REGISTRY_ORIGIN_BUILTIN);
  llm_template.set_model_type("qwen3_5_mo");
  EXPECT_EQ(ReceivedReasonAndField(server_.client().GetTemplate(llm_template).status()),
            "TEMPLATE_NOT_FOUND at model_type");
  llm_template.set_model_type(std::string(129, 'x'));
  EXPECT_EQ(ReceivedReasonAndField(server_.client().GetTemplate(llm_template).status()),
            "INVALID_REQUEST at model_type");

  v1::GetSchemeRequest scheme;
  scheme.set_name("nvfp4");
  const auto nvfp4 = server_.client().GetScheme(scheme);
  ASSERT_TRUE(nvfp4.ok()) << nvfp4.status();
  EXPECT_EQ(nvfp4->scheme().config().weight_size(), 2);
  EXPECT_TRUE(nvfp4->scheme().default_shared_scales());
  scheme.set_name("nvfp");
  EXPECT_EQ(ReceivedReasonAndField(server_.client().GetScheme(scheme).status()), "SCHEME_NOT_FOUND at name");
}

TEST_F(ConfigServiceTest, ListCatalogsReturnsAllCatalogues) {
  const auto response = server_.client().ListCatalogs({});
  ASSERT_TRUE(response.ok()) << response.status();
  const v1::Catalog& catalog = response->catalogs(0);
  EXPECT_EQ(catalog.name(), "quark-0.12.post1");
  EXPECT_TRUE(catalog.is_default());
  EXPECT_EQ(catalog.template_count(), 41);
  EXPECT_EQ(catalog.scheme_count(), 27);
  EXPECT_THAT(catalog.traits(), testing::ElementsAre("exclude_patterns_expanded"));
  EXPECT_THAT(catalog.observers(), testing::ElementsAreArray(Builtins().catalog().observers()));
  v1::ListCatalogsRequest request;
  request.set_tenant("No");
  EXPECT_EQ(ReceivedReasonAndField(server_.client().ListCatalogs(request).status()), "INVALID_REQUEST at tenant");
}

TEST(BatchGetConfigTest, AnswersInOrderDespiteFailedItems) {
  TestServer server;
  const auto response = server.client().BatchGetConfig(Proto<v1::BatchGetConfigRequest>(
      "requests { spec { model_type: 'llama' scheme: 'fp8' } } requests { spec { model_type: 'nope' scheme: 'fp8' } "
      "}requests { spec { model_type: 'qwen2' scheme: 'int8' } }"));
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->results_size(), 3);
  EXPECT_TRUE(response->results(0).has_response());
  EXPECT_EQ(response->results(1).error().reason(), v1::ERROR_REASON_TEMPLATE_NOT_FOUND);
  EXPECT_EQ(response->results(2).response().SerializeAsString(),
            server.client()
                .GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'qwen2' scheme: 'int8' }"))
                ->SerializeAsString());
}

TEST(BatchGetConfigTest, AcceptsUpToAThousandItems) {
  TestServer server;
  v1::BatchGetConfigRequest batch;
  for (int i = 0; i < 1000; ++i)
    *batch.add_requests() = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' }");
  const auto response = server.client().BatchGetConfig(batch);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->results_size(), 1000);
  batch.add_requests();
  EXPECT_EQ(ReceivedReasonAndField(server.client().BatchGetConfig(batch).status()), "INVALID_REQUEST at requests");
}

TEST(BatchGetConfigTest, ItemsOverTheLimitFail) {
  Limits limits;
  limits.answer_bytes = 10'000;
  TestServer server(limits);
  v1::BatchGetConfigRequest batch;
  for (int i = 0; i < 20; ++i) {
    *batch.add_requests() =
        Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8' }");
  }
  const auto response = server.client().BatchGetConfig(batch);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_LE(response->ByteSizeLong(), 10'000u);
  EXPECT_TRUE(response->results(0).has_response());
  EXPECT_EQ(response->results(19).error().reason(), v1::ERROR_REASON_ANSWER_TOO_LARGE);
  EXPECT_EQ(response->results(19).error().code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
}

TEST(BatchGetConfigTest, LongErrorsStayWithinTheLimit) {
  Limits limits;
  limits.answer_bytes = 2'000;
  TestServer server(limits);
  std::string emoji;
  for (int i = 0; i < 128; ++i) emoji.append("😀");
  v1::BatchGetConfigRequest batch;
  for (int i = 0; i < 5; ++i) batch.add_requests()->mutable_spec()->set_model_type(emoji);
  const auto response = server.client().BatchGetConfig(batch);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_LE(response->ByteSizeLong(), 2'000u);
  EXPECT_EQ(response->results(4).error().reason(), v1::ERROR_REASON_ANSWER_TOO_LARGE);
}

TEST(BatchGetConfigTest, SmallMessagesCountWithTheirSizeInMemory) {
  Limits limits;
  limits.answer_bytes = 1 << 20;
  TestServer server(limits);
  v1::BatchGetConfigRequest batch;
  for (int i = 0; i < 20; ++i) {
    v1::GetConfigRequest& item = *batch.add_requests();
    item = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' algorithm: 'awq' }");
    v1::AlgoConfigEntry& entry = *item.mutable_spec()->add_algo_configs();
    entry.set_algorithm("awq");
    for (int n = 0; n < 10'000; ++n) entry.mutable_config()->mutable_awq()->add_scaling_layers();
  }
  const auto response = server.client().BatchGetConfig(batch);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->results(0).has_response());
  EXPECT_EQ(response->results(19).error().reason(), v1::ERROR_REASON_ANSWER_TOO_LARGE);
}

TEST(BatchGetConfigTest, StopsAfterTheDeadline) {
  // The server's clock advances by an hour at each reading.
  std::atomic<int> hours = 0;
  TestServer server(WithClock(Clock(absl::Now, [&hours] { return Clock().Steady() + absl::Hours(++hours); })));
  v1::BatchGetConfigRequest batch;
  batch.add_requests();
  EXPECT_EQ(server.client().BatchGetConfig(batch).status().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace qconfig
