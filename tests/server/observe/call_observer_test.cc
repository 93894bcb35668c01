// SPDX-License-Identifier: Apache-2.0
#include "server/observe/call_observer.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/error.h"
#include "server/registry/storage/memory_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kGetConfig[] = "qconfig.v1.ConfigService/GetConfig";

// An observer that logs to memory.
class ObserverTest : public testing::Test {
 protected:
  explicit ObserverTest(LogForm form = LogForm::kJson) { settings_.form = form; }

  // Reports a call that took `elapsed`.
  void Finish(const absl::Status& status, absl::Duration elapsed = absl::Milliseconds(1)) {
    if (observer_ == nullptr) {
      SetLogForm(*log_, settings_.form);
      observer_ = std::make_unique<CallObserver>(metrics_, log_, settings_);
    }
    observer_->Finished(observer_->Method(call_.method), call_, status, elapsed);
  }

  std::vector<json> Lines() const {
    std::vector<json> lines;
    const std::vector<std::string> texts = absl::StrSplit(out_.str(), '\n', absl::SkipEmpty());
    lines.reserve(texts.size());
    for (const std::string& text : texts) lines.push_back(json::parse(text));
    return lines;
  }

  static CallContext Call() {
    CallContext call;
    call.method = kGetConfig;
    call.peer = "ipv4:127.0.0.1:1";
    call.request_id = "r1";
    call.trace_id = "t1";
    call.notes->tenants = {"a"};
    return call;
  }

  std::ostringstream out_;
  const std::shared_ptr<spdlog::logger> log_ =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_));
  const std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>(1);
  CallLogSettings settings_;
  CallContext call_ = Call();
  std::unique_ptr<CallObserver> observer_;
};

TEST_F(ObserverTest, LogsEveryField) {
  settings_.sample = 1;
  Principal farm;
  farm.name = "farm";
  call_.principal = std::make_shared<const Principal>(farm);
  call_.credential = "token 1a2b3c4d";
  Finish(absl::OkStatus(), absl::Microseconds(1234));
  ASSERT_EQ(Lines().size(), 1u);
  json line = Lines()[0];
  line.erase("time");
  EXPECT_EQ(line, json({{"level", "info"},
                        {"msg", "call"},
                        {"method", kGetConfig},
                        {"tenant", "a"},
                        {"code", "OK"},
                        {"reason", ""},
                        {"latency_us", 1234},
                        {"request_id", "r1"},
                        {"trace_id", "t1"},
                        {"principal", "farm"},
                        {"credential", "token 1a2b3c4d"},
                        {"peer", "ipv4:127.0.0.1:1"}}));
}

TEST_F(ObserverTest, LogsReasonAndFieldOfARejectedCallButNoValue) {
  Finish(Error(v1::ERROR_REASON_SCHEME_NOT_FOUND).Field("layer_config[3].scheme").Value("secret").ToStatus("secret"));
  ASSERT_EQ(Lines().size(), 1u);
  EXPECT_EQ(Lines()[0]["code"], "NOT_FOUND");
  EXPECT_EQ(Lines()[0]["reason"], "SCHEME_NOT_FOUND");
  EXPECT_EQ(Lines()[0]["field"], "layer_config[3].scheme");
  EXPECT_EQ(Lines()[0]["level"], "info");
  EXPECT_THAT(out_.str(), Not(HasSubstr("secret")));
}

TEST_F(ObserverTest, LogsTheCauseOfAServerError) {
  Finish(StorageUnavailable("the disk \"x\"\nis gone"));
  Finish(absl::InternalError("\xff"));
  Finish(StorageFull("no room"));
  ASSERT_EQ(Lines().size(), 3u);
  EXPECT_THAT(std::string(Lines()[0]["error"]), HasSubstr("the disk \"x\"\\u000ais gone"));
  for (const json& line : Lines()) {
    EXPECT_EQ(line["level"], "error");
    EXPECT_TRUE(line.contains("error"));
  }
}

TEST_F(ObserverTest, LogsTheItemsOfABatch) {
  call_.notes->items = 5;
  call_.notes->failed_items = {{v1::ERROR_REASON_SCHEME_NOT_FOUND, 2}, {v1::ERROR_REASON_UNSPECIFIED, 1}};
  settings_.sample = 1;
  Finish(absl::OkStatus());
  EXPECT_EQ(Lines()[0]["items"], 5);
  EXPECT_EQ(Lines()[0]["failed_items"], 3);
}

TEST_F(ObserverTest, TenantIsEmptyUnlessThereIsExactlyOne) {
  settings_.sample = 1;
  for (const std::vector<std::string>& tenants :
       {std::vector<std::string>{}, {"a", "a"}, {"a", "b"}, {"a", "b", "a"}}) {
    call_.notes->tenants = tenants;
    Finish(absl::OkStatus());
  }
  std::vector<std::string> logged;
  for (const json& line : Lines()) logged.push_back(line["tenant"]);
  EXPECT_THAT(logged, ElementsAre("", "a", "", ""));
}

TEST_F(ObserverTest, SampleOfZeroLogsOnlyErrorsAndSlowCalls) {
  settings_.slow = absl::Milliseconds(20);
  for (int i = 0; i < 1000; ++i) Finish(absl::OkStatus(), absl::Microseconds(19'999));
  EXPECT_TRUE(Lines().empty());
  Finish(absl::OkStatus(), absl::Milliseconds(20));
  Finish(absl::NotFoundError("x"), absl::ZeroDuration());
  EXPECT_EQ(Lines().size(), 2u);
}

TEST_F(ObserverTest, SampleOfOneLogsEveryCall) {
  settings_.sample = 1;
  for (int i = 0; i < 1000; ++i) Finish(absl::OkStatus(), absl::ZeroDuration());
  EXPECT_EQ(Lines().size(), 1000u);
}

TEST_F(ObserverTest, SampleLogsAboutItsFraction) {
  settings_.sample = 0.25;
  for (int i = 0; i < 10'000; ++i) Finish(absl::OkStatus(), absl::ZeroDuration());
  EXPECT_NEAR(static_cast<double>(Lines().size()), 2500, 400) << "nine standard deviations";
}

TEST_F(ObserverTest, ErrorsAreLoggedRegardlessOfTheSample) {
  for (int i = 0; i < 1000; ++i) Finish(absl::InvalidArgumentError(""), absl::ZeroDuration());
  EXPECT_EQ(Lines().size(), 1000u);
}

TEST_F(ObserverTest, WritesAreLoggedRegardlessOfTheSample) {
  call_.notes->has_written = true;
  for (int i = 0; i < 1000; ++i) Finish(absl::OkStatus(), absl::ZeroDuration());
  EXPECT_EQ(Lines().size(), 1000u);
}

TEST_F(ObserverTest, RespectsTheLogLevel) {
  settings_.sample = 1;
  log_->set_level(spdlog::level::err);
  Finish(absl::OkStatus());
  Finish(absl::NotFoundError(""));
  Finish(absl::InternalError("x"));
  EXPECT_EQ(Lines().size(), 1u);
}

class TextObserverTest : public ObserverTest {
 protected:
  TextObserverTest() : ObserverTest(LogForm::kText) {}
};

TEST_F(TextObserverTest, TextFormatHasTheSameFields) {
  call_.notes->items = 2;
  Finish(Error(v1::ERROR_REASON_STORAGE_UNAVAILABLE).Field("f").ToStatus("gone"), absl::Microseconds(7));
  EXPECT_THAT(out_.str(),
              HasSubstr("[error] call method=qconfig.v1.ConfigService/GetConfig tenant=a code=UNAVAILABLE "
                        "reason=STORAGE_UNAVAILABLE latency_us=7 request_id=r1 trace_id=t1 "
                        "principal= credential= peer=ipv4:127.0.0.1:1 field=f items=2 failed_items=0 error=\""));
}

// A real server that logs every call.
class LoggedServer {
 public:
  LoggedServer() : server_(Settings()) {}

  TestServer& server() { return server_; }
  json LastLine() const {
    const std::vector<std::string> lines = absl::StrSplit(server_.log(), '\n', absl::SkipEmpty());
    return lines.empty() ? json() : json::parse(lines.back());
  }

 private:
  static TestSettings Settings() {
    TestSettings settings;
    settings.call_log = {LogForm::kJson, 1, absl::Milliseconds(500)};
    return settings;
  }

  TestServer server_;
};

TEST(LoggedCallsTest, LogsTheTenantOfTheRequest) {
  LoggedServer logged;
  client::Client& client = logged.server().client();
  const auto tenant_of = [&](const std::string& tenant) {
    client.GetScheme(Proto<v1::GetSchemeRequest>("name: 'fp8' tenant: '" + tenant + "'")).IgnoreError();
    return std::string(logged.LastLine()["tenant"]);
  };
  EXPECT_EQ(tenant_of(""), "default");
  EXPECT_EQ(tenant_of("team-7"), "team-7");
  EXPECT_EQ(tenant_of("Not a tenant"), "");
  client.RegisterScheme(Proto<v1::RegisterSchemeRequest>("tenant: 'b' scheme { name: 'x' config {} }")).IgnoreError();
  EXPECT_EQ(logged.LastLine()["tenant"], "b");
  client.ListChanges(Proto<v1::ListChangesRequest>("tenant: 'c'")).IgnoreError();
  EXPECT_EQ(logged.LastLine()["tenant"], "c");
  logged.server().CallWithBytes("GetConfig", "\xff");
  EXPECT_EQ(logged.LastLine()["tenant"], "") << "malformed message";
  client
      .BatchGetConfig(Proto<v1::BatchGetConfigRequest>("requests { spec { model_type: 'llama' scheme: 'fp8' } tenant: "
                                                       "'d' } requests { spec { scheme: 'x' } tenant: 'd' }"))
      .IgnoreError();
  EXPECT_EQ(logged.LastLine()["tenant"], "d");
  EXPECT_EQ(logged.LastLine()["items"], 2);
  EXPECT_EQ(logged.LastLine()["failed_items"], 1);
}

// Sets every string in `message` to `secret` and adds one element to every list, to a limited depth.
void FillWith(const std::string& secret, google::protobuf::Message& message, int depth = 6) {
  const auto* descriptor = message.GetDescriptor();
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    using Type = google::protobuf::FieldDescriptor;
    if (field->cpp_type() == Type::CPPTYPE_STRING && field->is_repeated()) {
      reflection->AddString(&message, field, secret);
    } else if (field->cpp_type() == Type::CPPTYPE_STRING) {
      reflection->SetString(&message, field, secret);
    } else if (field->cpp_type() == Type::CPPTYPE_MESSAGE && depth > 0) {
      FillWith(secret,
               field->is_repeated() ? *reflection->AddMessage(&message, field)
                                    : *reflection->MutableMessage(&message, field),
               depth - 1);
    }
  }
}

// Requests with all fields, without each field, and with each field alone, so that later checks are reached too.
template <typename Request>
std::vector<std::string> SecretRequests(const std::string& secret) {
  Request full;
  FillWith(secret, full);
  std::vector<std::string> requests = {full.SerializeAsString()};
  const auto* descriptor = Request::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    Request without = full;
    without.GetReflection()->ClearField(&without, field);
    requests.push_back(without.SerializeAsString());
    Request only = full;
    for (int other = 0; other < descriptor->field_count(); ++other) {
      if (other != i) only.GetReflection()->ClearField(&only, descriptor->field(other));
    }
    requests.push_back(only.SerializeAsString());
  }
  return requests;
}

TEST(LoggedCallsTest, LogsNoRequestContents) {
  LoggedServer logged;
  // Has capitals, so it is not a valid tenant name. Tenant names may be logged.
  const std::string secret = "SeCrEt-MaRkEr";
  const auto call = [&](const std::string& service, const std::string& method, const std::vector<std::string>& bytes) {
    for (const std::string& request : bytes) logged.server().CallWithBytes(method, request, service);
  };
  call("ConfigService", "GetConfig", SecretRequests<v1::GetConfigRequest>(secret));
  call("ConfigService", "BatchGetConfig", SecretRequests<v1::BatchGetConfigRequest>(secret));
  call("ConfigService", "PlanLayers", SecretRequests<v1::PlanLayersRequest>(secret));
  call("ConfigService", "ListTemplates", SecretRequests<v1::ListTemplatesRequest>(secret));
  call("ConfigService", "GetTemplate", SecretRequests<v1::GetTemplateRequest>(secret));
  call("ConfigService", "ListSchemes", SecretRequests<v1::ListSchemesRequest>(secret));
  call("ConfigService", "GetScheme", SecretRequests<v1::GetSchemeRequest>(secret));
  call("ConfigService", "ListCatalogs", SecretRequests<v1::ListCatalogsRequest>(secret));
  call("RegistryService", "RegisterScheme", SecretRequests<v1::RegisterSchemeRequest>(secret));
  call("RegistryService", "UnregisterScheme", SecretRequests<v1::UnregisterSchemeRequest>(secret));
  call("RegistryService", "RegisterTemplate", SecretRequests<v1::RegisterTemplateRequest>(secret));
  call("RegistryService", "UnregisterTemplate", SecretRequests<v1::UnregisterTemplateRequest>(secret));
  call("RegistryService", "SetDefaultCatalog", SecretRequests<v1::SetDefaultCatalogRequest>(secret));
  call("RegistryService", "ListChanges", SecretRequests<v1::ListChangesRequest>(secret));
  const std::vector<std::string> lines = absl::StrSplit(logged.server().log(), '\n', absl::SkipEmpty());
  EXPECT_GT(lines.size(), 50u);
  for (const std::string& line : lines) {
    EXPECT_TRUE(json::accept(line)) << line;
    EXPECT_THAT(line, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(logged.server().metrics().Text(), Not(HasSubstr(secret)));
}

}  // namespace
}  // namespace qconfig
