// SPDX-License-Identifier: Apache-2.0
#include "core/tenant_id.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using std::string_literals::operator""s;

TEST(TenantIdTest, AcceptsValidNames) {
  for (const std::string& name : {"a"s, "0"s, "acme-2"s, "a--b"s, std::string(63, 'x')}) {
    EXPECT_TRUE(TenantId::Parse(name, "tenant").ok()) << name;
  }
}

TEST(TenantIdTest, RejectsInvalidNamesWithTheirField) {
  for (const std::string& name : {""s, "-a"s, "a-"s, "A"s, "a_b"s, "a.b"s, "é"s, std::string(64, 'x')}) {
    EXPECT_EQ(ReasonAndField(TenantId::Parse(name, "tenant").status()), "INVALID_REQUEST at tenant") << name;
  }
}

}  // namespace
}  // namespace qconfig
