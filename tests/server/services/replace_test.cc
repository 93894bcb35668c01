// SPDX-License-Identifier: Apache-2.0
//
// Replacement of entries, and the default catalogue, over a real port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/memory_store.h"
#include "tests/server/services/registry_service_fixture.h"

namespace qconfig {
namespace {

constexpr absl::string_view kRequestId = "request_id: '123e4567-e89b-42d3-a456-426614174000'";

class ReplaceTest : public RegistryServiceTest {};

TEST_F(ReplaceTest, ReplacedSchemeKeepsItsPlaceAndCreateTime) {
  const auto first = RegisterInt8("a");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->replaced());
  ASSERT_TRUE(RegisterInt8("b").ok());
  EXPECT_EQ(ReceivedReasonAndField(RegisterInt8("a").status()), "SCHEME_EXISTS at scheme.name");

  const auto second = RegisterInt8("a", "replace: true");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->replaced());
  EXPECT_EQ(second->scheme().create_time().ShortDebugString(), first->scheme().create_time().ShortDebugString());
  EXPECT_NE(second->scheme().etag(), first->scheme().etag());
  const auto listed = server_.client().ListAllSchemes(v1::ListSchemesRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->schemes(listed->schemes_size() - 2).name(), "a");
  EXPECT_EQ(listed->schemes(listed->schemes_size() - 1).name(), "b");
}

TEST_F(ReplaceTest, EtagOfAnOlderVersionDoesNotReplace) {
  const auto first = RegisterInt8("a");
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string etag = absl::StrCat("etag: '", first->scheme().etag(), "'");
  const auto second = RegisterInt8("a", etag);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->replaced());
  EXPECT_EQ(ReceivedReasonAndField(RegisterInt8("a", etag).status()), "ETAG_MISMATCH at etag");
  EXPECT_EQ(ReceivedReasonAndField(RegisterInt8("a", "replace: true " + etag).status()), "ETAG_MISMATCH at etag");
}

TEST_F(ReplaceTest, RepeatedRequestReturnsTheFirstAnswer) {
  ASSERT_TRUE(RegisterInt8("a").ok());
  const std::string rest = absl::StrCat("replace: true ", kRequestId);
  const auto first = RegisterInt8("a", rest);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(RegisterInt8("a", "replace: true").ok());
  const auto again = RegisterInt8("a", rest);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ShortDebugString(), first->ShortDebugString());
}

TEST_F(ReplaceTest, ReadersAlwaysSeeTheOldOrTheNewScheme) {
  constexpr int kReplacements = 1'000;
  constexpr int kReaders = 4;
  constexpr int kReads = 10'000;
  const auto put = [this](bool is_int8, const std::string& rest) {
    return RegisterScheme(
        absl::StrCat("scheme { name: 'mine' config { weight { dtype: ", is_int8 ? "DTYPE_INT8" : "DTYPE_INT4",
                     " is_dynamic: false observer_cls: 'PerTensorMinMaxObserver' "
                     "qscheme: Q_SCHEME_TYPE_PER_TENSOR symmetric: true round_method: "
                     "ROUND_TYPE_ROUND scale_type: SCALE_TYPE_FLOAT } } } ",
                     rest));
  };
  std::set<std::string> whole;
  for (const bool is_int8 : {false, true}) {
    ASSERT_TRUE(put(is_int8, "replace: true").ok());
    const auto config = GetConfig("spec { model_type: 'llama' scheme: 'mine' }");
    ASSERT_TRUE(config.ok()) << config.status();
    whole.insert(config->config_digest());
  }
  ASSERT_EQ(whole.size(), 2u);

  std::atomic<bool> writing = true;
  std::atomic<int> reads = 0;
  std::atomic<int> failures = 0;
  std::vector<std::set<int64_t>> revisions(kReaders);
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&, i] {
      std::set<int64_t>& seen = revisions[static_cast<size_t>(i)];
      while (writing || reads < kReads) {
        const auto config = GetConfig("spec { model_type: 'llama' scheme: 'mine' }");
        const bool is_whole = config.ok() && whole.count(config->config_digest()) == 1;
        const bool is_older = config.ok() && !seen.empty() && config->revision() < *seen.rbegin();
        if (!is_whole || is_older) ++failures;
        if (config.ok()) seen.insert(config->revision());
        ++reads;
      }
    });
  }
  int failed_writes = 0;
  for (int i = 0; i < kReplacements; ++i) failed_writes += put(i % 2 == 0, "replace: true").ok() ? 0 : 1;
  writing = false;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(failed_writes, 0);
  EXPECT_EQ(failures, 0);
  EXPECT_GE(reads, kReads);
  for (const std::set<int64_t>& seen : revisions) EXPECT_GT(seen.size(), 100u) << "reads and writes must alternate";
}

TEST_F(ReplaceTest, MustBeNewRejectsExistingTemplates) {
  ASSERT_TRUE(RegisterTemplate("llm_template { model_type: 'llama' } must_be_new: true").ok());
  EXPECT_EQ(ReceivedReasonAndField(RegisterTemplate("llm_template { model_type: 'llama' } must_be_new: true").status()),
            "TEMPLATE_EXISTS at llm_template.model_type");
  EXPECT_EQ(ReceivedReasonAndField(
                RegisterTemplate("llm_template { model_type: 'llama' } must_be_new: true etag: '2'").status()),
            "INVALID_REQUEST at must_be_new");
}

TEST_F(ReplaceTest, WritesReturnWarnings) {
  const auto hides = RegisterTemplate("llm_template { model_type: 'qwen3_5' } validate_only: true");
  ASSERT_TRUE(hides.ok()) << hides.status();
  ASSERT_EQ(hides->warnings_size(), 1);
  EXPECT_EQ(hides->warnings(0).code(), v1::WARNING_CODE_SHADOWS_BUILTIN);

  v1::GetSchemeRequest get;
  get.set_name("nvfp4");
  const auto nvfp4 = server_.client().GetScheme(get);
  ASSERT_TRUE(nvfp4.ok()) << nvfp4.status();
  v1::RegisterSchemeRequest copy;
  copy.mutable_scheme()->set_name("nv_copy");
  *copy.mutable_scheme()->mutable_config() = nvfp4->scheme().config();
  const auto registered = server_.client().RegisterScheme(copy);
  ASSERT_TRUE(registered.ok()) << registered.status();
  ASSERT_EQ(registered->warnings_size(), 1);
  EXPECT_EQ(registered->warnings(0).code(), v1::WARNING_CODE_SHARED_SCALES_DROPPED);
}

class DefaultCatalogTest : public RegistryServiceTest {
 protected:
  std::string CatalogUsed(const std::string& rest = "") {
    const auto config = GetConfig("spec { model_type: 'llama' scheme: 'fp8' } " + rest);
    return config.ok() ? config->catalog() : ReceivedReasonAndField(config.status());
  }
};

TEST_F(DefaultCatalogTest, ChangesTheCatalogOfLaterRevisionsOnly) {
  const auto set = SetDefaultCatalog("catalog: 'quark-0.13'");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->revision(), 2);
  EXPECT_EQ(set->previous_catalog(), "quark-0.12.post1");
  EXPECT_EQ(CatalogUsed(), "quark-0.13");
  EXPECT_EQ(CatalogUsed("revision: 1"), "quark-0.12.post1");

  const auto back = SetDefaultCatalog("catalog: 'quark-0.12.post1' expected_revision: 2");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->revision(), 3);
  EXPECT_EQ(back->previous_catalog(), "quark-0.13");
  EXPECT_EQ(CatalogUsed(), "quark-0.12.post1");
  EXPECT_EQ(CatalogUsed("revision: 2"), "quark-0.13");
}

TEST_F(DefaultCatalogTest, CreatesNoRevisionIfUnchangedOrOnlyValidated) {
  const auto validated = SetDefaultCatalog("catalog: 'quark-0.13' validate_only: true");
  ASSERT_TRUE(validated.ok()) << validated.status();
  EXPECT_EQ(validated->revision(), 1);
  ASSERT_TRUE(SetDefaultCatalog("catalog: 'quark-0.13'").ok());
  const auto again = SetDefaultCatalog("catalog: 'quark-0.13'");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->revision(), 2);
  EXPECT_EQ(again->previous_catalog(), "quark-0.13");
}

TEST_F(DefaultCatalogTest, FirstWriteCanPinTheDefaultOfTheServer) {
  const auto set = SetDefaultCatalog("catalog: 'quark-0.12.post1'");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->revision(), 2);
  const auto listed = server_.client().ListAllChanges(v1::ListChangesRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->changes_size(), 1);
  EXPECT_EQ(listed->changes(0).changes_size(), 1);
}

TEST_F(DefaultCatalogTest, UnexpectedRevisionIsRejected) {
  ASSERT_TRUE(RegisterInt8("a").ok());
  const auto set = SetDefaultCatalog("catalog: 'quark-0.13' expected_revision: 1");
  EXPECT_EQ(ReceivedReasonAndField(set.status()), "REVISION_MISMATCH at expected_revision");
  EXPECT_EQ(set.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(client::ErrorOf(set.status()).detail().newest_revision(), 2);
}

TEST_F(DefaultCatalogTest, RequestIsAppliedOnce) {
  const std::string request = absl::StrCat("catalog: 'quark-0.13' ", kRequestId);
  ASSERT_TRUE(SetDefaultCatalog(request).ok());
  ASSERT_TRUE(SetDefaultCatalog("catalog: 'quark-0.12.post1'").ok());
  const auto again = SetDefaultCatalog(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->revision(), 2);
  EXPECT_EQ(again->previous_catalog(), "quark-0.12.post1");
  EXPECT_EQ(CatalogUsed(), "quark-0.12.post1");
}

// A server whose binary no longer contains the tenant's default catalogue.
TEST(LostCatalogTest, OtherCataloguesWorkAndErrorsExplainHowToMigrate) {
  const auto catalogs = LoadBuiltinCatalogs().value();
  TestSettings settings;
  settings.catalogs = {catalogs.back()};
  settings.default_catalog = catalogs.back()->name();
  auto store = std::make_unique<MemoryStore>(HistoryLimits());
  v1::ChangeRecord record;
  record.set_revision(2);
  record.add_changes()->set_set_default_catalog("quark-0.12.post1");
  ASSERT_TRUE(store->Commit(TenantId::Parse("default", "").value(), {record, ""}).ok());
  settings.store = std::move(store);
  TestServer server(std::move(settings));
  const auto get = [&server](const std::string& rest) {
    return server.client().GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' } " + rest));
  };

  const auto lost = get("");
  EXPECT_EQ(ReceivedReasonAndField(lost.status()), "CATALOG_NOT_FOUND at catalog");
  EXPECT_THAT(std::string(lost.status().message()), testing::HasSubstr("SetDefaultCatalog"));
  EXPECT_EQ(client::ErrorOf(lost.status()).detail().value(), "quark-0.12.post1");
  EXPECT_THAT(client::ErrorOf(lost.status()).detail().allowed(), testing::ElementsAre("quark-0.13"));
  EXPECT_TRUE(get("catalog: 'quark-0.13'").ok());
  EXPECT_TRUE(server.client().ListSchemes(Proto<v1::ListSchemesRequest>("catalog: 'quark-0.13'")).ok());
  const auto listed = server.client().ListCatalogs(v1::ListCatalogsRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_FALSE(listed->catalogs(0).is_default());

  const auto written =
      server.client().RegisterScheme(Proto<v1::RegisterSchemeRequest>("scheme { name: 'a' config {} }"));
  EXPECT_TRUE(written.ok()) << written.status();
  const auto moved = server.client().SetDefaultCatalog(Proto<v1::SetDefaultCatalogRequest>("catalog: 'quark-0.13'"));
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->previous_catalog(), "quark-0.12.post1");
  EXPECT_TRUE(get("").ok());
}

}  // namespace
}  // namespace qconfig
