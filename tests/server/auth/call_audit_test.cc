// SPDX-License-Identifier: Apache-2.0
//
// The lines of the audit log about calls, over a real connection.
#include "server/auth/call_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "server/auth/audit_log.h"
#include "server/registry/storage/memory_store.h"
#include "tests/core/test_support.h"
#include "tests/server/auth/disk_faults.h"
#include "tests/server/auth/policy_test_support.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kRequestId[] = "123e4567-e89b-42d3-a456-426614174000";
constexpr char kRegister[] = "RegistryService/RegisterScheme";
constexpr char kScheme[] =
    "replace: true scheme { name: 'mine' spec { weight { preset { spec: 'Int8PerTensorSpec' } } } }";

class CallAuditTest : public testing::Test {
 protected:
  CallAuditTest() { Start(/*has_policy=*/true); }

  void Start(bool has_policy, const Clock& clock = Clock()) {
    server_.reset();
    log_.reset();
    TestSettings settings;
    settings.clock = clock;
    log_ = AuditLog::Open(path_, EventLog(logger_, LogForm::kText), Clock(absl::Now, [this] { return steady_.load(); }))
               .value();
    settings.audit_log = log_;
    if (has_policy) {
      settings.authenticator = std::make_shared<Authenticator>(Clock());
      settings.authenticator->SetPolicy(PolicyOf(PrincipalForEachRole()));
    }
    auto store = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
    store_ = store.get();
    settings.store = std::move(store);
    server_ = std::make_unique<TestServer>(std::move(settings));
  }

  // The reason of the error; "" for OK. `method` is such as "ConfigService/GetConfig"; an empty token sends none.
  std::string Call(const std::string& token, const std::string& method, const std::string& request) {
    const std::string authorization = token.empty() ? "" : "Bearer " + token;
    const v1::ItemError error = CallWith(server_->channel(), authorization, "/qconfig.v1." + method, request).error;
    if (error.code() == 0) return "";
    return error.reason() == v1::ERROR_REASON_UNSPECIFIED ? error.message() : ReasonName(error.reason());
  }
  std::string Register(const std::string& token, const std::string& tenant, const std::string& more = "") {
    auto request = Proto<v1::RegisterSchemeRequest>(kScheme + more);
    request.set_tenant(tenant);
    return Call(token, kRegister, request.SerializeAsString());
  }
  std::string GetConfig(const std::string& token, const std::string& tenant) {
    auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'int8' }");
    request.set_tenant(tenant);
    return Call(token, "ConfigService/GetConfig", request.SerializeAsString());
  }

  // The lines so far, after all lines of earlier calls are written.
  std::vector<json> Lines() {
    AuditEvent last;
    last.event = "last";
    EXPECT_TRUE(log_->Append(last, absl::Seconds(60)).ok());
    std::vector<json> lines;
    for (const absl::string_view line : absl::StrSplit(FileBytes(path_), '\n', absl::SkipEmpty())) {
      const json parsed = json::parse(line, nullptr, false);
      EXPECT_TRUE(parsed.is_object()) << line;
      if (parsed.is_object() && parsed["event"] != "last") lines.push_back(parsed);
    }
    return lines;
  }
  // Their values of a few fields, such as "write_begin alice acme allowed".
  std::vector<std::string> Events() {
    std::vector<std::string> events;
    for (const json& line : Lines()) {
      std::string text = line["event"];
      for (const char* key : {"principal", "tenant", "decision", "reason"}) {
        if (line.contains(key)) absl::StrAppend(&text, " ", line[key].get<std::string>());
      }
      if (line.contains("revision")) absl::StrAppend(&text, " ", line["revision"].get<int64_t>());
      events.push_back(text);
    }
    return events;
  }

  TempDirectory directory_;
  std::string path_ = directory_.Path("audit.jsonl");
  std::atomic<absl::Duration> steady_ = absl::Hours(1);
  std::ostringstream events_;
  spdlog::logger logger_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(events_)};
  std::shared_ptr<AuditLog> log_;
  FaultInjectingStore* store_ = nullptr;
  std::unique_ptr<TestServer> server_;
};

TEST_F(CallAuditTest, AWriteHasALineBeforeAndOneAfter) {
  ASSERT_EQ(Register("editor", "acme", absl::StrCat(" request_id: '", kRequestId, "'")), "");
  const std::vector<json> lines = Lines();
  ASSERT_EQ(lines.size(), 2u);
  for (json line : lines) {
    EXPECT_EQ(line["principal"], "editor");
    EXPECT_EQ(line["credential"], "token " + Sha256Hex("editor").substr(0, 8));
    EXPECT_THAT(line["peer"].get<std::string>(), HasSubstr("ipv4:127.0.0.1:"));
    EXPECT_EQ(line["method"], "qconfig.v1.RegistryService/RegisterScheme");
    EXPECT_EQ(line["tenant"], "acme");
    EXPECT_EQ(line["request_id"], kRequestId);
    EXPECT_EQ(line["call_id"], lines[0]["call_id"]);
    EXPECT_NE(line["call_id"], "");
  }
  EXPECT_EQ(lines[0]["event"], "write_begin");
  EXPECT_EQ(lines[0]["decision"], "allowed");
  EXPECT_FALSE(lines[0].contains("revision"));
  EXPECT_EQ(lines[1]["event"], "write_end");
  EXPECT_EQ(lines[1]["decision"], "done");
  EXPECT_EQ(lines[1]["revision"], 2);
}

TEST_F(CallAuditTest, EveryMethodThatWritesIsInTheLog) {
  const std::map<std::string, std::string> requests = {
      {"RegisterScheme", Proto<v1::RegisterSchemeRequest>(kScheme).SerializeAsString()},
      {"RegisterTemplate",
       Proto<v1::RegisterTemplateRequest>("llm_template { model_type: 'm' kv_layers_name: '*k_proj' }")
           .SerializeAsString()},
      {"SetDefaultCatalog", Proto<v1::SetDefaultCatalogRequest>("catalog: 'quark-0.13'").SerializeAsString()},
      {"UnregisterScheme", Proto<v1::UnregisterSchemeRequest>("name: 'mine'").SerializeAsString()},
      {"UnregisterTemplate", Proto<v1::UnregisterTemplateRequest>("model_type: 'm'").SerializeAsString()},
  };
  std::vector<std::string> methods;
  for (const auto* method : ServedMethods(server_->registry())) {
    const bool writes = method->options().GetExtension(v1::required_role) > v1::ROLE_READER;
    EXPECT_EQ(requests.count(method->name()), writes ? 1u : 0u) << method->full_name();
  }
  for (const auto& [method, request] : requests) {  // in this order, entries are registered before they are removed
    EXPECT_EQ(Call("admin", "RegistryService/" + method, request), "");
    methods.push_back("qconfig.v1.RegistryService/" + method);
  }
  std::vector<std::string> begun;
  std::vector<std::string> ended;
  for (const json& line : Lines()) (line["event"] == "write_begin" ? begun : ended).push_back(line["method"]);
  EXPECT_EQ(begun, methods);
  EXPECT_EQ(ended, methods);
}

TEST_F(CallAuditTest, WithoutAPolicyWritesHaveNoPrincipal) {
  Start(/*has_policy=*/false);
  ASSERT_EQ(Register("", "acme"), "");
  EXPECT_THAT(Events(), ElementsAre("write_begin acme allowed", "write_end acme done 2"));
  EXPECT_FALSE(Lines()[0].contains("credential"));
}

TEST_F(CallAuditTest, DeadlinesAreThoseOfTheServersClock) {
  const absl::Duration behind = absl::Hours(24 * 365);
  Start(/*has_policy=*/false, Clock(absl::Now, [behind] { return Clock().Steady() - behind; }));
  const auto request = Proto<v1::RegisterSchemeRequest>(kScheme);
  HangingDisk disk(path_);
  std::thread resumes([&disk] {
    disk.AwaitWriter();
    absl::SleepFor(absl::Milliseconds(50));
    disk.Resume();
  });
  const auto response = server_->NewClient("acme").RegisterScheme(request);
  EXPECT_TRUE(response.ok()) << response.status();
  resumes.join();
}

TEST_F(CallAuditTest, CallsThatChangeNothingHaveNoLines) {
  ASSERT_EQ(Register("editor", "acme", absl::StrCat(" request_id: '", kRequestId, "'")), "");
  const size_t lines = Lines().size();
  EXPECT_EQ(Register("editor", "acme", absl::StrCat(" request_id: '", kRequestId, "'")), "") << "a retry";
  EXPECT_EQ(Register("editor", "acme", " validate_only: true"), "");
  EXPECT_EQ(Register("editor", "acme", " etag: 'x'"), "ETAG_MISMATCH");
  EXPECT_EQ(GetConfig("reader", "acme"), "");
  EXPECT_EQ(GetConfig("reader", "acme"), "") << "cached";
  EXPECT_EQ(Lines().size(), lines);
}

TEST_F(CallAuditTest, AWriteThatFailsHasItsReason) {
  store_->FailBeforeStoring(absl::ResourceExhaustedError("disk full"));
  EXPECT_NE(Register("editor", "acme"), "");
  store_->FailBeforeStoring(absl::AbortedError("another writer came first"));
  EXPECT_EQ(Register("editor", "acme"), "") << "the second attempt";
  EXPECT_THAT(Events(),
              ElementsAre("write_begin editor acme allowed", testing::StartsWith("write_end editor acme failed "),
                          "write_begin editor acme allowed", "write_end editor acme done 2"));
}

TEST_F(CallAuditTest, OnlyAWriteThatMayBeStoredIsUnknown) {
  store_->FailBeforeStoring(absl::UnavailableError("disk does not answer"));
  EXPECT_NE(Register("editor", "acme"), "");
  store_->FailBeforeStoring(absl::ResourceExhaustedError("disk full"));
  EXPECT_NE(Register("editor", "acme"), "");
  EXPECT_THAT(Events(),
              ElementsAre("write_begin editor acme allowed", testing::StartsWith("write_end editor acme unknown "),
                          "write_begin editor acme allowed", testing::StartsWith("write_end editor acme failed ")));
  const CallAudit audit(log_);
  CallContext call;
  const auto end = [&](const absl::Status& status) { audit.EndWrite(call, TenantId::Default(), "", status); };
  end(Error(v1::ERROR_REASON_STORAGE_UNAVAILABLE).ToStatus(""));
  end(absl::DeadlineExceededError(""));
  end(Error(v1::ERROR_REASON_ETAG_MISMATCH).ToStatus(""));
  const std::vector<std::string> events = Events();
  EXPECT_THAT(std::vector<std::string>(events.end() - 3, events.end()),
              ElementsAre("write_end default unknown STORAGE_UNAVAILABLE",
                          "write_end default unknown DEADLINE_EXCEEDED", "write_end default failed ETAG_MISMATCH"));
}

TEST_F(CallAuditTest, RejectedCallersHaveLines) {
  EXPECT_EQ(GetConfig("", "acme"), "CREDENTIALS_MISSING");
  EXPECT_EQ(GetConfig("stranger", "acme"), "CREDENTIALS_INVALID");
  EXPECT_EQ(GetConfig("reader", "other"), "PERMISSION_DENIED");
  EXPECT_EQ(Register("reader", "acme"), "PERMISSION_DENIED");
  EXPECT_EQ(Register("editor", "lab-new"), "PERMISSION_DENIED") << "may not create it";
  EXPECT_EQ(GetConfig("reader", "not a name"), "INVALID_REQUEST");
  const auto batch = Proto<v1::BatchGetConfigRequest>(
      "requests { tenant: 'acme' spec { model_type: 'llama' scheme: 'int8' } } requests { tenant: 'other' }");
  EXPECT_EQ(Call("reader", "ConfigService/BatchGetConfig", batch.SerializeAsString()), "");
  EXPECT_THAT(Events(), ElementsAre("rejected denied CREDENTIALS_MISSING", "rejected denied CREDENTIALS_INVALID",
                                    "rejected reader other denied PERMISSION_DENIED",
                                    "rejected reader acme denied PERMISSION_DENIED",
                                    "rejected editor lab-new denied PERMISSION_DENIED",
                                    "rejected reader other denied PERMISSION_DENIED"));
  for (const json& line : Lines()) EXPECT_FALSE(line.contains("count")) << line;
  EXPECT_EQ(Lines().back()["method"], "qconfig.v1.ConfigService/BatchGetConfig");
  EXPECT_EQ(Lines()[1]["rule"], "unknown");
  EXPECT_EQ(Lines()[1]["credential"], "token " + Sha256Hex("stranger").substr(0, 8));
}

TEST_F(CallAuditTest, ABatchHasTheFirstRejectedTenantAndTheNumberOfRejectedItems) {
  const auto batch = [](const std::vector<std::string>& tenants) {
    v1::BatchGetConfigRequest request;
    for (const std::string& tenant : tenants) {
      *request.add_requests() = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'int8' }");
      request.mutable_requests()->rbegin()->set_tenant(tenant);
    }
    return request.SerializeAsString();
  };
  EXPECT_EQ(Call("reader", "ConfigService/BatchGetConfig", batch({"beta", "gamma", "acme"})), "");
  EXPECT_EQ(Call("reader", "ConfigService/BatchGetConfig", batch({"acme", "not a name", "gamma"})), "");
  EXPECT_EQ(Call("reader", "ConfigService/BatchGetConfig", batch({"acme", "acme"})), "");
  const std::vector<json> lines = Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(Events(), ElementsAre("rejected reader beta denied PERMISSION_DENIED",
                                    "rejected reader gamma denied PERMISSION_DENIED"));
  EXPECT_EQ(lines[0].value("count", 0), 2);
  EXPECT_FALSE(lines[1].contains("count")) << lines[1];
}

TEST_F(CallAuditTest, APeerCausesTenLinesInASecondAndThenACount) {
  for (int i = 0; i < 25; ++i) EXPECT_EQ(GetConfig("stranger", "acme"), "CREDENTIALS_INVALID");
  EXPECT_EQ(Lines().size(), 10u);
  EXPECT_EQ(Register("editor", "acme"), "") << "writes are not affected";
  EXPECT_EQ(Lines().size(), 12u);
  steady_ = steady_.load() + absl::Seconds(1);
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (Lines().size() == 12u && absl::Now() < deadline) continue;
  const json count = Lines().back();
  EXPECT_EQ(count["event"], "rejections_left_out");
  EXPECT_EQ(count["peer"], "ipv4:127.0.0.1");
  EXPECT_EQ(count["count"], 15);
  EXPECT_EQ(GetConfig("stranger", "acme"), "CREDENTIALS_INVALID");
  EXPECT_EQ(Lines().size(), 14u);
}

TEST_F(CallAuditTest, TheCountIsNotLostWhenTheServerStops) {
  for (int i = 0; i < 11; ++i) EXPECT_EQ(GetConfig("", "acme"), "CREDENTIALS_MISSING");
  server_.reset();
  log_.reset();
  EXPECT_THAT(FileBytes(path_), HasSubstr(R"("event":"rejections_left_out","peer":"ipv4:127.0.0.1","count":1})"));
}

TEST_F(CallAuditTest, AFullDiskStopsWritesAndNothingElse) {
  ASSERT_EQ(Register("editor", "acme"), "");
  Lines();  // waits until the file has the line after the write
  const int64_t writes = store_->writes();
  {
    const FileLimit limit(std::filesystem::file_size(path_) + 30);
    EXPECT_EQ(Register("operator", "second"), "AUDIT_UNAVAILABLE");
    EXPECT_EQ(GetConfig("reader", "acme"), "");
    EXPECT_EQ(GetConfig("reader", "other"), "PERMISSION_DENIED");
    EXPECT_EQ(Register("operator", "second"), "AUDIT_UNAVAILABLE") << "after the line of the rejection";
  }
  EXPECT_EQ(store_->writes(), writes) << "nothing was written";
  EXPECT_EQ(Register("operator", "second"), "");
  EXPECT_THAT(Events(), ElementsAre("write_begin editor acme allowed", "write_end editor acme done 2",
                                    "write_begin operator second allowed", "write_end operator second done 2"));
}

TEST_F(CallAuditTest, ARemovedFolderStopsWritesUntilItIsBack) {
  const std::filesystem::path folder = directory_.Path("logs");
  std::filesystem::create_directory(folder);
  path_ = folder / "audit.jsonl";
  Start(/*has_policy=*/true);
  std::filesystem::remove_all(folder);
  steady_ = steady_.load() + absl::Seconds(1);
  const Answer answer = CallWith(server_->channel(), "Bearer operator", absl::StrCat("/qconfig.v1.", kRegister),
                                 Proto<v1::RegisterSchemeRequest>(kScheme).SerializeAsString());
  EXPECT_EQ(answer.error.reason(), v1::ERROR_REASON_AUDIT_UNAVAILABLE);
  EXPECT_EQ(answer.error.code(), static_cast<int>(absl::StatusCode::kUnavailable));
  EXPECT_THAT(answer.error.message(), Not(HasSubstr(folder.string())));
  EXPECT_EQ(store_->writes(), 0);
  EXPECT_EQ(GetConfig("reader", "acme"), "");
  std::filesystem::create_directory(folder);
  EXPECT_EQ(Register("operator", "acme"), "");
}

TEST_F(CallAuditTest, AHangingDiskStopsWritesAfterASecondAndNothingElse) {
  ASSERT_EQ(Register("editor", "acme"), "");
  Lines();
  const int64_t writes = store_->writes();
  HangingDisk disk(path_);
  EXPECT_EQ(Register("operator", "second"), "AUDIT_UNAVAILABLE");
  EXPECT_EQ(GetConfig("reader", "acme"), "");
  EXPECT_EQ(GetConfig("stranger", "acme"), "CREDENTIALS_INVALID");
  EXPECT_EQ(store_->writes(), writes);
  disk.Resume();
  EXPECT_EQ(Register("operator", "second"), "");
}

TEST_F(CallAuditTest, NoLineHasATokenOrContents) {
  const std::string contents =
      "scheme { name: 'secret-name' spec { weight { preset { spec: 'Int8PerTensorSpec' } } "
      "} }";
  for (const std::string token : {"editor", "secret-token"}) {
    auto request = Proto<v1::RegisterSchemeRequest>(contents);
    request.set_tenant("acme");
    Call(token, kRegister, request.SerializeAsString());
  }
  EXPECT_EQ(Lines().size(), 3u);
  EXPECT_THAT(FileBytes(path_), Not(HasSubstr("secret")));
  EXPECT_THAT(FileBytes(path_), Not(HasSubstr(Sha256Hex("editor"))));
}

}  // namespace
}  // namespace qconfig
