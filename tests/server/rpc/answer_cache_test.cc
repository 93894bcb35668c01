// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/answer_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/core/test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

TenantId Tenant(const std::string& name) { return TenantId::Parse(name, "tenant").value(); }

void Put(AnswerCache& cache, const std::string& request, const std::string& tenant, const std::string& answer) {
  cache.Put(cache.Begin(), request, tenant, answer);
}

// Empty if the cache has no answer.
std::string Find(AnswerCache& cache, const std::string& request) {
  const auto found = cache.Find(request);
  if (found == nullptr) return "";
  grpc::Slice bytes;
  EXPECT_TRUE(found->bytes.DumpToSingleSlice(&bytes).ok());
  return absl::StrCat(found->tenant, ": ", std::string(bytes.begin(), bytes.end()));
}

TEST(AnswerCacheTest, LooksUpByAllBytesOfTheRequest) {
  AnswerCache cache(1 << 20);
  Put(cache, std::string("a\0b", 3), "t", "answer");
  EXPECT_EQ(Find(cache, std::string("a\0b", 3)), "t: answer");
  EXPECT_EQ(Find(cache, std::string("a\0c", 3)), "");
  EXPECT_EQ(Find(cache, "a"), "");
  EXPECT_EQ(Find(cache, ""), "");
}

TEST(AnswerCacheTest, InvalidatesOnlyTheAnswersOfOneTenant) {
  AnswerCache cache(1 << 20);
  Put(cache, "1", "a", "one");
  Put(cache, "2", "a", "two");
  Put(cache, "3", "b", "three");
  cache.Forget(Tenant("a"));
  EXPECT_EQ(Find(cache, "1"), "");
  EXPECT_EQ(Find(cache, "2"), "");
  EXPECT_EQ(Find(cache, "3"), "b: three");
  Put(cache, "1", "a", "newer");
  EXPECT_EQ(Find(cache, "1"), "a: newer");
}

TEST(AnswerCacheTest, DoesNotCacheAnswersComputedBeforeAChange) {
  AnswerCache cache(1 << 20);
  const int64_t began = cache.Begin();
  cache.Forget(Tenant("a"));
  cache.Put(began, "1", "a", "old");
  EXPECT_EQ(Find(cache, "1"), "");
}

TEST(AnswerCacheTest, EvictsAnswersAboveItsSize) {
  AnswerCache cache(10'000);
  for (int i = 0; i < 100; ++i) Put(cache, absl::StrCat(i), "t", std::string(1000, 'x'));
  const AnswerCache::Counts counts = cache.counts();
  EXPECT_LE(counts.bytes, 10'000u);
  EXPECT_GE(counts.answers, 3u);
  EXPECT_EQ(counts.evictions, 100 - static_cast<int64_t>(counts.answers));
  EXPECT_EQ(Find(cache, "0"), "");
  EXPECT_NE(Find(cache, "99"), "");
  Put(cache, "large", "t", std::string(10'000, 'x'));
  EXPECT_EQ(Find(cache, "large"), "");
  EXPECT_NE(Find(cache, "99"), "") << "an answer that does not fit must not evict others";
}

TEST(AnswerCacheTest, CountsHitsAndMisses) {
  AnswerCache cache(1 << 20);
  Find(cache, "1");
  Put(cache, "1", "t", "one");
  Find(cache, "1");
  Find(cache, "1");
  EXPECT_EQ(cache.counts().hits, 2);
  EXPECT_EQ(cache.counts().misses, 1);
}

TEST(AnswerCacheTest, DoesNotCacheLargeRequestsAndAnswers) {
  AnswerCache cache(64 << 20);
  const std::string request(AnswerCache::kMaxRequestBytes, 'x');
  Put(cache, request, "t", "one");
  EXPECT_EQ(Find(cache, request), "t: one");
  Put(cache, request + "x", "t", "two");
  EXPECT_EQ(Find(cache, request + "x"), "");
  Put(cache, "1", "t", std::string(AnswerCache::kMaxAnswerBytes + 1, 'x'));
  EXPECT_EQ(Find(cache, "1"), "");
}

TEST(AnswerCacheTest, InvalidationIsNotAnEviction) {
  AnswerCache cache(3'000);
  Put(cache, "1", "t", std::string(1000, 'x'));
  cache.Forget(Tenant("t"));
  for (const char* request : {"2", "3"}) Put(cache, request, "u", std::string(1000, 'x'));
  EXPECT_EQ(Find(cache, "1"), "");
  EXPECT_EQ(cache.counts().evictions, 1) << "the invalidated answer does not count";
}

TEST(AnswerCacheTest, SizeZeroCachesNothing) {
  AnswerCache cache(0);
  Put(cache, "1", "t", "one");
  EXPECT_EQ(Find(cache, "1"), "");
}

// The cache of a real server.

v1::RegisterTemplateRequest Template(const std::string& exclude) {
  v1::RegisterTemplateRequest request;
  request.mutable_llm_template()->set_model_type("mine");
  request.mutable_llm_template()->add_exclude_layers_name(exclude);
  return request;
}

v1::GetConfigRequest Mine(const std::string& catalog = "") {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("mine");
  request.mutable_spec()->set_scheme("fp8");
  request.set_catalog(catalog);
  return request;
}

std::string ExcludedFor(client::Client& client, const v1::GetConfigRequest& request) {
  const auto answer = client.GetConfig(request);
  if (!answer.ok() || answer->config().exclude_size() == 0) return "";
  return std::string(absl::StripSuffix(answer->config().exclude(0), ".*"));
}

class CachedAnswersTest : public testing::Test {
 protected:
  static TestSettings MakeSettings(size_t answer_cache_bytes) {
    TestSettings settings;
    settings.answer_cache_bytes = answer_cache_bytes;
    return settings;
  }
};

TEST_F(CachedAnswersTest, WritesAreVisibleToTheNextCallOfAnyConnection) {
  TestServer server;
  auto writer = server.NewClient("a");
  auto reader = server.NewClient("a");
  for (int i = 0; i < 20; ++i) {
    const std::string exclude = absl::StrCat("layer", i);
    ASSERT_TRUE(writer.RegisterTemplate(Template(exclude)).ok());
    for (const char* catalog : {"", "quark-0.12.post1", "quark-0.13"}) {
      EXPECT_EQ(ExcludedFor(reader, Mine(catalog)), exclude);
      EXPECT_EQ(ExcludedFor(writer, Mine(catalog)), exclude);
    }
  }
  EXPECT_GE(server.answer_cache().counts().hits, 50);
}

TEST_F(CachedAnswersTest, TenantsDoNotShareAnswers) {
  TestServer server;
  auto a = server.NewClient("a");
  auto b = server.NewClient("b");
  ASSERT_TRUE(a.RegisterTemplate(Template("of_a")).ok());
  ASSERT_TRUE(b.RegisterTemplate(Template("of_b")).ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ExcludedFor(a, Mine()), "of_a");
    EXPECT_EQ(ExcludedFor(b, Mine()), "of_b");
    EXPECT_EQ(ReceivedReasonAndField(server.client().GetConfig(Mine()).status()),
              "TEMPLATE_NOT_FOUND at spec.model_type");
  }
}

TEST_F(CachedAnswersTest, PastRevisionsKeepTheirAnswers) {
  TestServer server;
  auto client = server.NewClient("a");
  ASSERT_TRUE(client.RegisterTemplate(Template("second")).ok());
  v1::GetConfigRequest at_second = Mine();
  at_second.set_revision(2);
  EXPECT_EQ(ExcludedFor(client, at_second), "second");
  ASSERT_TRUE(client.RegisterTemplate(Template("third")).ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ExcludedFor(client, at_second), "second");
    EXPECT_EQ(ExcludedFor(client, Mine()), "third");
  }
}

TEST_F(CachedAnswersTest, CompactedRevisionsAreRejected) {
  TestSettings settings;
  settings.history.max_changes = 2;
  TestServer server(std::move(settings));
  auto client = server.NewClient("a");
  ASSERT_TRUE(client.RegisterTemplate(Template("second")).ok());
  v1::GetConfigRequest at_second = Mine();
  at_second.set_revision(2);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ExcludedFor(client, at_second), "second");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.RegisterTemplate(Template("later")).ok());
  EXPECT_EQ(ReceivedReasonAndField(client.GetConfig(at_second).status()), "REVISION_COMPACTED at revision");
}

TEST_F(CachedAnswersTest, RespectsMinRevisionAndIfDigest) {
  TestServer server;
  auto client = server.NewClient("a", absl::Milliseconds(500));
  ASSERT_TRUE(client.RegisterTemplate(Template("second")).ok());
  v1::GetConfigRequest request = Mine();
  request.set_min_revision(2);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ExcludedFor(client, request), "second");
  request.set_min_revision(3);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ReceivedReasonAndField(client.GetConfig(request).status()), "REVISION_IN_FUTURE at min_revision");
  }
  v1::GetConfigRequest same = Mine();
  same.set_if_digest(client.GetConfig(Mine())->config_digest());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(client.GetConfig(same)->not_modified());
  ASSERT_TRUE(client.RegisterTemplate(Template("third")).ok());
  EXPECT_FALSE(client.GetConfig(same)->not_modified());
}

TEST_F(CachedAnswersTest, ErrorsAreNotCached) {
  TestServer server;
  auto client = server.NewClient("a");
  EXPECT_EQ(ExcludedFor(client, Mine()), "");
  ASSERT_TRUE(client.RegisterTemplate(Template("mine")).ok());
  EXPECT_EQ(ExcludedFor(client, Mine()), "mine");
}

TEST_F(CachedAnswersTest, FragmentedRequestsHitTheCache) {
  TestServer server;
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->set_scheme("fp8");
  for (int i = 0; i < 1000; ++i) {
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(absl::StrCat("model.layers.", i, ".mlp.*"));
    entry.set_scheme("ptpc_fp8");
  }
  constexpr size_t kFrameBytes = 16 << 10;
  ASSERT_GT(request.ByteSizeLong(), 2 * kFrameBytes);
  const auto first = server.client().GetConfig(request);
  const auto second = server.client().GetConfig(request);
  ASSERT_TRUE(first.ok() && second.ok()) << first.status();
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
  EXPECT_EQ(server.answer_cache().counts().hits, 1);
}

// The cache holds only a few answers, so that it evicts constantly.
TEST_F(CachedAnswersTest, NoStaleOrForeignAnswersDuringWritesAndEvictions) {
  TestServer server(MakeSettings(10'000));
  constexpr int kTenants = 4;
  constexpr int kWrites = 50;
  std::atomic<int> written[kTenants] = {};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kTenants; ++t) {
    threads.emplace_back([&, t] {
      auto client = server.NewClient(absl::StrCat("tenant", t));
      for (int i = 1; i <= kWrites; ++i) {
        ASSERT_TRUE(client.RegisterTemplate(Template(absl::StrCat("tenant", t, "-", i))).ok());
        written[t] = i;
      }
    });
  }
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      auto client = server.NewClient("");
      while (!stop) {
        for (int t = 0; t < kTenants; ++t) {
          const int at_least = written[t];
          if (at_least == 0) continue;
          const std::string mark = absl::StrCat("tenant", t, "-");
          for (const char* catalog : {"", "quark-0.13"}) {
            v1::GetConfigRequest request = Mine(catalog);
            request.set_tenant(absl::StrCat("tenant", t));
            const std::string seen = ExcludedFor(client, request);
            ASSERT_EQ(seen.substr(0, mark.size()), mark);
            ASSERT_GE(std::stoi(seen.substr(mark.size())), at_least);
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  for (std::thread& thread : readers) thread.join();
  const AnswerCache::Counts counts = server.answer_cache().counts();
  EXPECT_GT(counts.hits, 0);
  EXPECT_LE(counts.bytes, 10'000u);
}

TEST_F(CachedAnswersTest, CacheHitsAreCountedAndLogged) {
  TestSettings settings;
  settings.call_log.sample = 1;
  TestServer server(std::move(settings));
  for (int i = 0; i < 3; ++i) {
    v1::GetConfigRequest request;
    request.mutable_spec()->set_model_type("llama");
    request.mutable_spec()->set_scheme("fp8");
    ASSERT_TRUE(server.client().GetConfig(request).ok());
  }
  EXPECT_EQ(server.answer_cache().counts().hits, 2);
  server.server().Shutdown(absl::ZeroDuration());
  const std::vector<std::string> lines = absl::StrSplit(server.log(), '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 3u);
  for (const std::string& line : lines) {
    EXPECT_THAT(line, testing::HasSubstr("method=qconfig.v1.ConfigService/GetConfig tenant=default code=OK"));
    EXPECT_THAT(line, testing::ContainsRegex("request_id=[0-9a-f]{32} "));
    EXPECT_THAT(line, testing::HasSubstr("peer=ipv4:127.0.0.1:"));
  }
  const std::string text = server.metrics().Text();
  EXPECT_THAT(text, testing::HasSubstr("qconfig_tenant_calls_total{tenant=\"default\"} 3"));
  EXPECT_THAT(text, testing::ContainsRegex("grpc_server_handled_total.*GetConfig.*\"OK\".* 3"));
}

}  // namespace
}  // namespace qconfig
