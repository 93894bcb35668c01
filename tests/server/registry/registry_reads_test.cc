// SPDX-License-Identifier: Apache-2.0
//
// Reads of registries over a real port: past revisions, min_revision, pages and history.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/server/services/registry_service_fixture.h"

namespace qconfig {
namespace {

using RegistryReadsTest = RegistryServiceTest;

TEST_F(RegistryReadsTest, PastRevisionsKeepTheirAnswers) {
  ASSERT_TRUE(RegisterTemplate("llm_template { model_type: 'm' exclude_layers_name: 'a' }").ok());
  const auto before = GetConfig("spec { model_type: 'm' scheme: 'fp8' }");
  ASSERT_TRUE(RegisterTemplate("llm_template { model_type: 'm' exclude_layers_name: 'b' }").ok());
  const auto after = GetConfig("spec { model_type: 'm' scheme: 'fp8' }");
  EXPECT_NE(after->config_digest(), before->config_digest());
  EXPECT_EQ(GetConfig("spec { model_type: 'm' scheme: 'fp8' } revision: 2")->SerializeAsString(),
            before->SerializeAsString());
  EXPECT_EQ(ReceivedReasonAndField(GetConfig("spec { model_type: 'm' scheme: 'fp8' } revision: 1").status()),
            "TEMPLATE_NOT_FOUND at spec.model_type");
  EXPECT_EQ(ReceivedReasonAndField(GetConfig("spec { model_type: 'm' scheme: 'fp8' } revision: 4").status()),
            "REVISION_IN_FUTURE at revision");
  auto list = Proto<v1::ListTemplatesRequest>("revision: 1 page_size: 1000");
  EXPECT_EQ(server_.client().ListTemplates(list)->llm_templates_size(), 41);
  list.set_revision(2);
  EXPECT_EQ(server_.client().ListTemplates(list)->llm_templates_size(), 42);
  EXPECT_EQ(server_.client().GetTemplate(Proto<v1::GetTemplateRequest>("model_type: 'm' revision: 2"))->revision(), 2);
}

TEST(RegistryHistoryTest, RejectsCompactedRevisions) {
  TestSettings settings;
  settings.history.max_changes = 3;
  TestServer server(std::move(settings));
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(server.client()
                    .RegisterScheme(
                        Proto<v1::RegisterSchemeRequest>(absl::StrCat("scheme { name: 's", i, "' ", kInt8Weight, "}")))
                    .ok());
  }
  const auto get = [&](int revision) {
    return ReceivedReasonAndField(server.client()
                                      .GetConfig(Proto<v1::GetConfigRequest>(absl::StrCat(
                                          "spec { model_type: 'llama' scheme: 's0' } revision: ", revision)))
                                      .status());
  };
  EXPECT_EQ(get(3), "REVISION_COMPACTED at revision");
  EXPECT_EQ(get(4), "OK");
  const auto changes = server.client().ListChanges({});
  EXPECT_EQ(changes->first_revision(), 4);
  EXPECT_EQ(changes->changes_size(), 3);
}

TEST_F(RegistryReadsTest, PagesUseTheRevisionOfTheFirstPage) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(RegisterInt8(absl::StrCat("s", i)).ok());
  auto request = Proto<v1::ListSchemesRequest>("page_size: 28");
  const auto first = server_.client().ListSchemes(request);
  ASSERT_TRUE(RegisterInt8("late").ok());
  request.set_page_token(first->next_page_token());
  const auto second = server_.client().ListSchemes(request);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->revision(), 4);
  EXPECT_EQ(second->schemes_size(), 2);
  EXPECT_EQ(second->total_size(), 30);
}

TEST_F(RegistryReadsTest, MinRevisionWaitsForAWrite) {
  std::thread writer([&] { EXPECT_TRUE(RegisterInt8("mine").ok()); });
  const auto config = GetConfig("spec { model_type: 'llama' scheme: 'mine' } min_revision: 2");
  writer.join();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->revision(), 2);
}

TEST_F(RegistryReadsTest, WaitingBatchItemDoesNotDelayOthers) {
  const auto batch = Proto<v1::BatchGetConfigRequest>(
      "requests { spec { model_type: 'llama' scheme: 'fp8' } min_revision: 9 } requests { spec { model_type: 'llama' "
      "scheme: 'fp8' } } requests { spec { model_type: 'llama' scheme: 'fp8' } min_revision: 9 }");
  const auto response = server_.NewClient("", absl::Seconds(1)).BatchGetConfig(batch);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->results(0).error().reason(), v1::ERROR_REASON_REVISION_IN_FUTURE);
  EXPECT_TRUE(response->results(1).has_response());
  EXPECT_EQ(response->results(2).error().reason(), v1::ERROR_REASON_REVISION_IN_FUTURE);
}

TEST_F(RegistryReadsTest, ShutdownEndsWaitingCalls) {
  std::atomic<bool> called = false;
  std::string received;
  std::thread waiter([&] {
    called = true;
    received = ReceivedReasonAndField(GetConfig("spec { model_type: 'llama' scheme: 'fp8' } min_revision: 2").status());
  });
  while (!called) std::this_thread::yield();
  server_.server().Shutdown(absl::Hours(1));
  waiter.join();
  EXPECT_THAT(received, testing::AnyOf("SHUTTING_DOWN", ""));  // "" if the connection was already refused
}

TEST_F(RegistryReadsTest, ListsChangesNewestFirst) {
  ASSERT_TRUE(RegisterInt8("one", absl::StrCat("request_id: '", kUuid, "'")).ok());
  ASSERT_TRUE(RegisterTemplate("llm_template { model_type: 'm' }").ok());
  ASSERT_TRUE(UnregisterScheme("name: 'one'").ok());
  ASSERT_TRUE(UnregisterTemplate("model_type: 'm'").ok());
  const auto all = server_.client().ListChanges({});
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->changes_size(), 4);
  EXPECT_EQ(all->revision(), 5);
  EXPECT_EQ(all->first_revision(), 1);
  EXPECT_EQ(all->changes(0).changes(0).delete_template().model_type(), "m");
  EXPECT_EQ(all->changes(0).changes(0).delete_template().etag(), "3");
  EXPECT_EQ(all->changes(1).changes(0).delete_scheme().name(), "one");
  EXPECT_EQ(all->changes(2).changes(0).put_template().model_type(), "m");
  const v1::ChangeRecord& first = all->changes(3);
  EXPECT_EQ(first.revision(), 2);
  EXPECT_EQ(first.request_id(), kUuid);
  EXPECT_EQ(first.actor(), "ipv4:127.0.0.1");
  EXPECT_GT(first.time().seconds(), 0);
  EXPECT_EQ(first.changes(0).set_default_catalog(), "quark-0.12.post1");
  EXPECT_EQ(first.changes(1).put_scheme().name(), "one");
  EXPECT_FALSE(first.changes(1).put_scheme().has_config()) << "basic view";

  auto request = Proto<v1::ListChangesRequest>("page_size: 3 view: ENTRY_VIEW_FULL");
  const auto page = server_.client().ListChanges(request);
  EXPECT_EQ(page->changes_size(), 3);
  request.set_page_token(page->next_page_token());
  ASSERT_TRUE(RegisterInt8("late").ok());
  const auto rest = server_.client().ListChanges(request);
  ASSERT_EQ(rest->changes_size(), 1);
  EXPECT_TRUE(rest->changes(0).changes(1).put_scheme().has_config());
  EXPECT_EQ(rest->next_page_token(), "");
  request.set_tenant("other");
  EXPECT_EQ(ReceivedReasonAndField(server_.client().ListChanges(request).status()), "INVALID_REQUEST at page_token");
}

TEST(RegistryHistoryTest, ListingContinuesDuringCompaction) {
  TestSettings settings;
  settings.history.max_changes = 20;
  TestServer server(std::move(settings));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      const auto put =
          Proto<v1::RegisterTemplateRequest>(absl::StrCat("llm_template { model_type: 'm' description: '", i, "' }"));
      ASSERT_TRUE(server.client().RegisterTemplate(put).ok());
    }
  });
  while (server.client().ListChanges({})->first_revision() < 10) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) {
    const auto changes = server.client().ListChanges({});
    EXPECT_TRUE(changes.ok()) << changes.status();
  }
  stop = true;
  writer.join();
}

TEST_F(RegistryReadsTest, LargestEntryFitsDefaultClientLimits) {
  v1::RegisterTemplateRequest request;
  v1::LlmTemplate& entry = *request.mutable_llm_template();
  entry.set_model_type("m");
  while (entry.ByteSizeLong() < (512u << 10) - 2000) entry.add_exclude_layers_name(std::string(1000, 'x'));
  ASSERT_TRUE(server_.client().RegisterTemplate(request).ok());
  for (int i = 0; i < 3; ++i) entry.add_exclude_layers_name(std::string(1000, 'x'));
  EXPECT_EQ(ReceivedReasonAndField(server_.client().RegisterTemplate(request).status()),
            "INVALID_REQUEST at llm_template");
  entry.mutable_exclude_layers_name()->DeleteSubrange(0, 10);
  for (int i = 0; i < 6; ++i) {
    entry.set_model_type(absl::StrCat("n", i));
    ASSERT_TRUE(server_.client().RegisterTemplate(request).ok());
  }
  const auto page =
      server_.client().ListTemplates(Proto<v1::ListTemplatesRequest>("page_size: 1000 view: ENTRY_VIEW_FULL"));
  EXPECT_LT(page->ByteSizeLong(), 4u << 20);
  EXPECT_NE(page->next_page_token(), "");
  const auto changes = server_.client().ListChanges(Proto<v1::ListChangesRequest>("view: ENTRY_VIEW_FULL"));
  EXPECT_LT(changes->ByteSizeLong(), 4u << 20);
  EXPECT_EQ(changes->changes_size(), 4);
}

TEST_F(RegistryReadsTest, PagesFitDefaultClientLimits) {
  // gRPC's default limit of a client is 4 MiB.
  const std::string description(1000, 'x');
  for (int i = 0; i < 18; ++i) {
    v1::RegisterTemplateRequest request;
    request.mutable_llm_template()->set_model_type(absl::StrCat("m", i));
    for (int n = 0; n < 450; ++n) request.mutable_llm_template()->add_exclude_layers_name(description);
    ASSERT_TRUE(server_.client().RegisterTemplate(request).ok());
  }
  auto list = Proto<v1::ListTemplatesRequest>("page_size: 1000 view: ENTRY_VIEW_FULL");
  auto changes = Proto<v1::ListChangesRequest>("page_size: 1000 view: ENTRY_VIEW_FULL");
  int templates = 0;
  do {
    const auto page = server_.client().ListTemplates(list);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LT(page->ByteSizeLong(), 4u << 20);
    templates += page->llm_templates_size();
    list.set_page_token(page->next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(templates, 59);
  int records = 0;
  do {
    const auto page = server_.client().ListChanges(changes);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LT(page->ByteSizeLong(), 4u << 20);
    records += page->changes_size();
    changes.set_page_token(page->next_page_token());
  } while (!changes.page_token().empty());
  EXPECT_EQ(records, 18);
}

}  // namespace
}  // namespace qconfig
