// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/sync_adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "tests/server/rpc/test_transport.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

constexpr char kPath[] = "qconfig.v1.ConfigService/ListSchemes";

absl::StatusOr<std::string> Echo(const CallContext& call, absl::string_view request) {
  return absl::StrCat(call.method, ": ", request);
}

HandlerTable Table(BytesMethod handler) {
  HandlerTable handlers;
  handlers.sync = {{kPath, std::move(handler)}};
  return handlers;
}

TEST(SyncAdapterTest, PassesBytesToTheHandlerAndBack) {
  const TestTransport transport(Table(Echo));
  const std::string request("a\0\xff", 3);
  const auto response = transport.Call(kPath, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(*response, absl::StrCat(kPath, ": ", request));
}

TEST(SyncAdapterTest, ReturnsTheStatusOfTheHandler) {
  const TestTransport transport(Table([](const CallContext&, absl::string_view) -> absl::StatusOr<std::string> {
    return Error(v1::ERROR_REASON_SCHEME_NOT_FOUND).ToStatus("no such scheme");
  }));
  const auto response = transport.Call(kPath, "");
  EXPECT_EQ(response.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(response.status().message()), HasSubstr("no such scheme"));
  EXPECT_THAT(transport.log(), HasSubstr(absl::StrCat("method=", kPath)));
  EXPECT_THAT(transport.log(), HasSubstr("reason=SCHEME_NOT_FOUND"));
}

TEST(SyncAdapterTest, OversizedRequestsDoNotReachTheHandler) {
  const TestTransport transport(Table(Echo));
  EXPECT_TRUE(transport.Call(kPath, std::string(TestTransport::kMaxRequestBytes, 'x')).ok());
  const auto response = transport.Call(kPath, std::string(TestTransport::kMaxRequestBytes + 1, 'x'));
  EXPECT_THAT(std::string(response.status().message()), HasSubstr("more than the 1048576 allowed"));
}

TEST(SyncAdapterTest, RejectedCallsDoNotReachTheHandler) {
  const auto calls = std::make_shared<InFlightCalls>(1);
  const TestTransport transport(Table(Echo), calls);
  const auto other = calls->Enter([] { return "peer"; });
  EXPECT_EQ(transport.Call(kPath, "").status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace qconfig
