// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/unary_dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

TEST(UnaryDispatcherTest, TheTurnOfAMalformedRequestEndsBeforeTheCallIsLogged) {
  constexpr char kReason[] = "INVALID_REQUEST";
  std::unique_ptr<TestServer> server;
  std::atomic<int> times = 0;  // a turn asks for the time when it begins and when it ends
  std::atomic<bool> was_logged = false;
  TestSettings settings;
  settings.resources.turns = std::make_shared<FairTurns>(2, Clock(), [&] {
    ++times;
    if (absl::StrContains(server->log(), kReason)) was_logged = true;
    return absl::ZeroDuration();
  });
  server = std::make_unique<TestServer>(std::move(settings));
  const grpc::Status status = server->CallWithBytes("GetConfig", std::string(16u << 10, '\xff'));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(times, 2);
  EXPECT_FALSE(was_logged);
  EXPECT_THAT(server->log(), testing::HasSubstr(kReason));
}

}  // namespace
}  // namespace qconfig
