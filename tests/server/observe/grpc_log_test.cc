// SPDX-License-Identifier: Apache-2.0
#include "server/observe/grpc_log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

class GrpcLogTest : public testing::Test {
 protected:
  GrpcLogTest() {
    spdlog::logger log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    SetLogForm(log, LogForm::kText);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);  // gRPC's default after initialization
    ReadGrpcLog(std::make_shared<LimitedLog>(EventLog(log, LogForm::kText)));
  }

  ~GrpcLogTest() override { gpr_set_log_function(nullptr); }  // restores gRPC's own

  std::ostringstream text_;
};

TEST_F(GrpcLogTest, LinesAreNeverErrors) {
  gpr_log(GPR_ERROR, "the %s broke", "pipe");
  EXPECT_THAT(text_.str(), HasSubstr("[warn] grpc error=\"the pipe broke\"\n"));
  gpr_log(GPR_ERROR, "Handshake failed with a client");
  EXPECT_THAT(text_.str(), HasSubstr("[info] grpc error=\"Handshake failed with a client\"\n"));
}

TEST_F(GrpcLogTest, PeersCannotFillTheLog) {
  for (int i = 0; i < 100; ++i) gpr_log(GPR_ERROR, "Handshake failed with client %d", i);
  EXPECT_THAT(text_.str(), HasSubstr("client 0"));
  EXPECT_THAT(text_.str(), Not(HasSubstr("client 50")));
}

}  // namespace
}  // namespace qconfig
