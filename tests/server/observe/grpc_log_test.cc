// SPDX-License-Identifier: Apache-2.0
#include "server/observe/grpc_log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

namespace qconfig {
namespace {

using testing::HasSubstr;

class GrpcLogTest : public testing::Test {
 protected:
  GrpcLogTest() {
    spdlog::logger log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    SetLogForm(log, LogForm::kText);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);  // gRPC's default after initialization
    ReadGrpcLog(EventLog(log, LogForm::kText), [this] { ++ports_lost_; });
  }

  ~GrpcLogTest() override { gpr_set_log_function(nullptr); }  // restores gRPC's own

  std::ostringstream text_;
  int ports_lost_ = 0;
};

TEST_F(GrpcLogTest, LinesKeepTheirSeverity) {
  gpr_log(GPR_ERROR, "the %s broke", "pipe");
  EXPECT_THAT(text_.str(), HasSubstr("[error] grpc error=\"the pipe broke\"\n"));
  gpr_log(GPR_ERROR, "Handshake failed with a client");
  EXPECT_THAT(text_.str(), HasSubstr("[info] grpc error=\"Handshake failed with a client\"\n"))
      << "clients must not cause errors";
  EXPECT_EQ(ports_lost_, 0);
}

TEST_F(GrpcLogTest, ReportsALostPortOnce) {
  gpr_log(GPR_ERROR, "Failed accept4: %s", "Too many open files");
  gpr_log(GPR_ERROR, "Failed accept4: %s", "Too many open files");
  EXPECT_EQ(ports_lost_, 1);
  EXPECT_THAT(text_.str(), HasSubstr("[critical] gRPC port lost error=\"Failed accept4: Too many open files\"\n"));
}

}  // namespace
}  // namespace qconfig
