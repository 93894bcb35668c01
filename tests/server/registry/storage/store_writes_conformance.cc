// SPDX-License-Identifier: Apache-2.0
//
// The part of every engine's contract that concerns RegistryStore::writes().
#include "tests/server/registry/storage/store_conformance.h"

namespace qconfig {
namespace {

TEST_P(StoreConformanceTest, CountsTheWritesOfAllTenants) {
  Open({1, absl::Hours(1)});
  EXPECT_EQ(store_->writes(), 0);
  for (int i = 0; i < 3; ++i) Commit({});
  ASSERT_TRUE(store_->Commit(Tenant("b"), WithRequest(Write(2, {PutScheme("s")}), "r")).ok());
  EXPECT_EQ(store_->writes(), 4) << "compacted writes count too";
  EXPECT_FALSE(store_->Commit(Tenant("b"), Write(2, {})).ok());
  EXPECT_FALSE(store_->Commit(Tenant("b"), WithRequest(Write(3, {}), "r")).ok());
  Loaded(*store_, "unknown");
  EXPECT_EQ(store_->writes(), 4);
  for (int i = 0; i < 2; ++i) {
    Reopen();
    EXPECT_EQ(store_->writes(), 4);
  }
  Commit({});
  EXPECT_EQ(store_->writes(), 5);
}

}  // namespace
}  // namespace qconfig
