// SPDX-License-Identifier: Apache-2.0
//
// Effects of a new epoch on clients, over a real port.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/memory_store.h"
#include "server/services/page.h"
#include "tests/core/test_support.h"
#include "tests/server/services/registry_service_fixture.h"

namespace qconfig {
namespace {

// A tenant that is at revision 3 when the next epoch starts.
class RegistryEpochTest : public testing::Test {
 protected:
  // Writes directly to the store: an epoch starts before the server does, so the server must not have read anything.
  explicit RegistryEpochTest(const HistoryLimits& history = {}) : store_(new MemoryStore(history)) {
    const TenantId tenant = TenantId::Parse("default", "").value();
    const std::string default_catalog = absl::StrCat("changes { set_default_catalog: '", kDefaultCatalog, "' } ");
    for (const std::string& record :
         {absl::StrCat("revision: 2 ", default_catalog, "changes { put_scheme { name: 'a' config {} } }"),
          std::string("revision: 3 changes { put_scheme { name: 'b' config {} } }")}) {
      RegistryCommit commit{Proto<v1::ChangeRecord>(record), ""};
      commit.record.mutable_time()->set_seconds(
          absl::ToUnixSeconds(absl::Now()));  // recent, so that it is not compacted
      EXPECT_TRUE(store_->Commit(tenant, commit).ok());
    }
    first_ = store_->BeginEpoch().value();
  }

  static TestSettings SettingsWith(std::unique_ptr<RegistryStore> store) {
    TestSettings settings;
    settings.store = std::move(store);
    return settings;
  }

  absl::StatusOr<v1::RegisterSchemeResponse> Register(const std::string& name, const std::string& rest = "") {
    return server_.client().RegisterScheme(
        Proto<v1::RegisterSchemeRequest>(absl::StrCat("scheme { name: '", name, "' ", kInt8Weight, "} ", rest)));
  }
  absl::StatusOr<v1::GetConfigResponse> GetConfig(const std::string& rest) {
    return server_.client().GetConfig(
        Proto<v1::GetConfigRequest>(absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' } ", rest)));
  }
  std::string ReasonAndField(const std::string& rest) { return ReceivedReasonAndField(GetConfig(rest).status()); }
  // The revisions of all changes, newest first, one on each page.
  std::vector<int64_t> Changes() {
    auto request = Proto<v1::ListChangesRequest>("page_size: 1");
    std::vector<int64_t> revisions;
    do {
      const auto page = server_.client().ListChanges(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const v1::ChangeRecord& record : page->changes()) revisions.push_back(record.revision());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return revisions;
  }

  MemoryStore* const store_;
  TestServer server_{SettingsWith(std::unique_ptr<RegistryStore>(store_))};
  int64_t first_ = 0;
};

TEST_F(RegistryEpochTest, LostRevisionsFailImmediately) {
  for (int i = 0; i < 2; ++i) {  // before and after the first write of the epoch
    for (const int64_t revision : {int64_t{4}, first_ - 1}) {
      EXPECT_EQ(ReasonAndField(absl::StrCat("revision: ", revision)), "REVISION_LOST at revision");
      EXPECT_EQ(ReasonAndField(absl::StrCat("min_revision: ", revision)), "REVISION_LOST at min_revision");
      EXPECT_EQ(ReasonAndField(absl::StrCat("tenant: 'other' revision: ", revision)), "REVISION_LOST at revision");
      EXPECT_EQ(ReasonAndField(absl::StrCat("tenant: 'other' min_revision: ", revision)),
                "REVISION_LOST at min_revision");
    }
    EXPECT_EQ(ReasonAndField("revision: 3 min_revision: 3"), "OK");
    if (i == 0) {
      EXPECT_TRUE(Register("c").ok());
    }
  }
  EXPECT_EQ(ReasonAndField(absl::StrCat("min_revision: ", first_)), "OK");
  EXPECT_EQ(ReasonAndField(absl::StrCat("revision: ", first_ + 1)), "REVISION_IN_FUTURE at revision");
}

class ShortHistoryEpochTest : public RegistryEpochTest {
 protected:
  ShortHistoryEpochTest() : RegistryEpochTest({/*max_changes=*/1}) {}
};

TEST_F(ShortHistoryEpochTest, LostRevisionsStayLostAfterCompaction) {
  ASSERT_TRUE(Register("c").ok());
  ASSERT_TRUE(Register("d").ok());
  EXPECT_EQ(ReasonAndField("revision: 3"), "REVISION_COMPACTED at revision")
      << "the gap is now below the first revision";
  EXPECT_EQ(ReasonAndField("min_revision: 3"), "OK");
  for (const int64_t revision : {int64_t{4}, first_ - 1}) {
    EXPECT_EQ(ReasonAndField(absl::StrCat("revision: ", revision)), "REVISION_LOST at revision");
    EXPECT_EQ(ReasonAndField(absl::StrCat("min_revision: ", revision)), "REVISION_LOST at min_revision");
  }
}

TEST_F(RegistryEpochTest, ErrorsListTheReadableRevisions) {
  ASSERT_TRUE(Register("c").ok());
  for (const std::string& request :
       {std::string("revision: 4"), std::string("min_revision: 4"), absl::StrCat("revision: ", first_ + 1)}) {
    const v1::ErrorDetail detail = client::ErrorOf(GetConfig(request).status()).detail();
    EXPECT_EQ(detail.first_revision(), 1) << request;
    EXPECT_EQ(detail.newest_revision(), first_) << request;
    EXPECT_EQ(detail.tenant(), "default") << request;
  }
}

TEST_F(RegistryEpochTest, WritesContinueInTheNewEpoch) {
  const auto written = Register("c");
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(written->revision(), first_);
  EXPECT_EQ(written->scheme().etag(), absl::StrCat(first_));
  EXPECT_EQ(GetConfig("")->revision(), first_);
  EXPECT_EQ(Register("d")->revision(), first_ + 1);
  EXPECT_EQ(Changes(), (std::vector<int64_t>{first_ + 1, first_, 3, 2}));
}

TEST_F(RegistryEpochTest, NewTenantStartsInTheNewEpoch) {
  EXPECT_EQ(Register("c", "tenant: 'other'")->revision(), first_);
  EXPECT_EQ(GetConfig("tenant: 'other' revision: 1")->revision(), 1);
}

TEST_F(RegistryEpochTest, RepeatedWriteSeesTheStateBeforeTheGap) {
  const auto unregister = [&] {
    return server_.client().UnregisterScheme(
        Proto<v1::UnregisterSchemeRequest>(absl::StrCat("name: 'a' request_id: '", kUuid, "'")));
  };
  const auto once = unregister();
  ASSERT_TRUE(once.ok()) << once.status();
  EXPECT_EQ(once->revision(), first_);
  const auto again = unregister();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), once->SerializeAsString());
}

TEST_F(RegistryEpochTest, PageTokenOfALostRevisionFails) {
  auto request = Proto<v1::ListChangesRequest>("page_size: 1");
  const std::string token = server_.client().ListChanges(request)->next_page_token();
  PageStart start = DecodePageToken(token).value();
  start.revision = 5;  // as before the restore
  request.set_page_token(EncodePageToken(start));
  EXPECT_EQ(ReceivedReasonAndField(server_.client().ListChanges(request).status()), "REVISION_LOST at revision");
  auto schemes = Proto<v1::ListSchemesRequest>("page_size: 1");
  start = DecodePageToken(server_.client().ListSchemes(schemes)->next_page_token()).value();
  start.revision = 5;
  schemes.set_page_token(EncodePageToken(start));
  EXPECT_EQ(ReceivedReasonAndField(server_.client().ListSchemes(schemes).status()), "REVISION_LOST at revision");
}

TEST_F(RegistryEpochTest, WritesWorkInASecondEpoch) {
  ASSERT_TRUE(Register("c").ok());
  const int64_t second = store_->BeginEpoch().value();
  EXPECT_EQ(Register("d")->revision(), second) << "the cache had a different next revision";
  EXPECT_EQ(ReasonAndField(absl::StrCat("revision: ", first_ + 1)), "REVISION_LOST at revision");
  EXPECT_EQ(Changes(), (std::vector<int64_t>{second, first_, 3, 2}));
}

}  // namespace
}  // namespace qconfig
