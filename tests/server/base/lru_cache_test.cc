// SPDX-License-Identifier: Apache-2.0
#include "server/base/lru_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LruCacheTest, EvictsTheLeastRecentlyUsedEntry) {
  LruCache<int> cache(3);
  cache.Put("a", 1, 1);
  cache.Put("b", 2, 1);
  cache.Put("c", 3, 1);
  ASSERT_NE(cache.Find("a"), nullptr);
  EXPECT_THAT(cache.Put("d", 4, 1), ElementsAre(2)) << "b is the least recently used";
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_EQ(*cache.Find("a"), 1);
  EXPECT_EQ(*cache.Find("d"), 4);
}

TEST(LruCacheTest, CountsBytes) {
  LruCache<int> cache(10);
  cache.Put("a", 1, 4);
  cache.Put("b", 2, 4);
  EXPECT_EQ(cache.bytes(), 8u);
  EXPECT_THAT(cache.Put("c", 3, 10), ElementsAre(1, 2));
  EXPECT_EQ(cache.bytes(), 10u);
  EXPECT_THAT(cache.Put("d", 4, 11), IsEmpty()) << "larger than the cache";
  EXPECT_EQ(cache.Find("d"), nullptr);
  EXPECT_THAT(cache.Put("c", 5, 1), ElementsAre(3)) << "replaced";
  EXPECT_EQ(cache.bytes(), 1u);
  EXPECT_THAT(cache.Erase("c"), ElementsAre(5));
  EXPECT_THAT(cache.Erase("c"), IsEmpty());
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(LruCacheTest, SurvivesManyInsertionsAndEvictions) {
  LruCache<std::string> cache(100);
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = std::to_string(i);
    cache.Put(key, key, 7);
    ASSERT_EQ(*cache.Find(key), key);
    ASSERT_LE(cache.bytes(), 100u);
  }
  EXPECT_EQ(cache.bytes(), 98u);
}

}  // namespace
}  // namespace qconfig
