// SPDX-License-Identifier: Apache-2.0
#include "server/options/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/options/removed_options.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CommandLineTest : public testing::Test {
 protected:
  ~CommandLineTest() override {
    for (const std::string& name : variables_) unsetenv(name.c_str());
  }

  void Set(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    variables_.push_back(name);
  }

  void Write(const std::string& text) { std::ofstream(file_) << text; }

  absl::StatusOr<CommandLine> Parse(const std::vector<std::string>& words) {
    std::vector<const char*> arguments = {"qconfigd"};
    for (const std::string& word : words) arguments.push_back(word.c_str());
    options_ = Options();
    CLI::App app;
    AddOptions(app, options_);
    return ParseCommandLine(app, static_cast<int>(arguments.size()), arguments.data());
  }

  // The error message for `words`. Empty if they are valid.
  std::string ErrorMessage(const std::vector<std::string>& words) {
    return std::string(Parse(words).status().message());
  }

  TempDirectory directory_;
  const std::string file_ = directory_.Path("qconfigd.conf");
  Options options_;
  std::vector<std::string> variables_;
};

TEST_F(CommandLineTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  Write("max-message-bytes = 3\nmax-in-flight = 4\nmax-tenant-bytes = 5\ninsecure = true\n");
  Set("QCONFIG_MAX_MESSAGE_BYTES", "6");
  Set("QCONFIG_MAX_IN_FLIGHT", "7");
  Set("QCONFIG_CONFIG", file_);
  const auto line = Parse({"--max-message-bytes", "8"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(options_.limits.message_bytes, 8u);
  EXPECT_EQ(options_.max_in_flight, 7u);
  EXPECT_EQ(options_.limits.tenant_bytes, 5u);
  EXPECT_EQ(options_.limits.tenant_entries, Options().limits.tenant_entries);
  EXPECT_TRUE(options_.insecure);
  std::vector<std::string> given;
  for (const GivenOption& option : line->given) given.push_back(option.flag + " " + option.value + " " + option.source);
  EXPECT_THAT(given, ElementsAre("--config " + file_ + " environment: QCONFIG_CONFIG",
                                 "--insecure true file: " + file_ + ", line 4",
                                 "--max-in-flight 7 environment: QCONFIG_MAX_IN_FLIGHT",
                                 "--max-tenant-bytes 5 file: " + file_ + ", line 3", "--max-message-bytes 8 flag"));
}

TEST_F(CommandLineTest, EveryOptionSetsItsField) {
  struct Field {
    std::string flag;
    std::string value;
    std::string (*of)(const Options&);
  };
  const std::vector<Field> fields = {
      {"--listen", "a:1", [](const Options& o) { return o.listen; }},
      {"--admin-listen", "a:2", [](const Options& o) { return o.admin_listen; }},
      {"--default-catalog", "b", [](const Options& o) { return o.default_catalog; }},
      {"--tls-cert", "c", [](const Options& o) { return o.tls_cert; }},
      {"--tls-key", "d", [](const Options& o) { return o.tls_key; }},
      {"--tls-client-ca", "e", [](const Options& o) { return o.tls_client_ca; }},
      {"--tls-client-auth", "optional", [](const Options& o) { return o.tls_client_auth; }},
      {"--auth-policy", "g", [](const Options& o) { return o.auth_policy; }},
      {"--audit-log", "h", [](const Options& o) { return o.audit_log; }},
      {"--admin-token-file", "i", [](const Options& o) { return o.admin_token_file; }},
      {"--storage", "memory", [](const Options& o) { return o.storage; }},
      {"--data-dir", "f", [](const Options& o) { return o.data_dir; }},
      {"--log-level", "error", [](const Options& o) { return o.log_level; }},
      {"--log-format", "json", [](const Options& o) { return o.log_format; }},
      {"--history-changes", "11", [](const Options& o) { return absl::StrCat(o.history_changes); }},
      {"--history-days", "12", [](const Options& o) { return absl::StrCat(o.history_days); }},
      {"--history-bytes", "13", [](const Options& o) { return absl::StrCat(o.history_bytes); }},
      {"--tenant-disk-bytes", "40", [](const Options& o) { return absl::StrCat(o.tenant_disk_bytes); }},
      {"--cache-bytes", "13", [](const Options& o) { return absl::StrCat(o.cache_bytes); }},
      {"--answer-cache-bytes", "35", [](const Options& o) { return absl::StrCat(o.answer_cache_bytes); }},
      {"--log-slow-ms", "14", [](const Options& o) { return absl::StrCat(o.log_slow_ms); }},
      {"--metrics-tenants", "15", [](const Options& o) { return absl::StrCat(o.metrics_tenants); }},
      {"--shutdown-delay-seconds", "16", [](const Options& o) { return absl::StrCat(o.shutdown_delay_seconds); }},
      {"--shutdown-grace-seconds", "17", [](const Options& o) { return absl::StrCat(o.shutdown_grace_seconds); }},
      {"--keepalive-seconds", "18", [](const Options& o) { return absl::StrCat(o.keepalive_seconds); }},
      {"--max-connection-age-seconds", "19",
       [](const Options& o) { return absl::StrCat(o.max_connection_age_seconds); }},
      {"--max-in-flight", "20", [](const Options& o) { return absl::StrCat(o.max_in_flight); }},
      {"--max-tenants", "21", [](const Options& o) { return absl::StrCat(o.max_tenants); }},
      {"--max-connections", "38", [](const Options& o) { return absl::StrCat(o.max_connections); }},
      {"--max-connections-per-peer", "39", [](const Options& o) { return absl::StrCat(o.max_connections_per_peer); }},
      {"--max-memory-bytes", "36", [](const Options& o) { return o.max_memory_bytes; }},
      {"--request-memory-bytes", "37", [](const Options& o) { return absl::StrCat(o.request_memory_bytes); }},
      {"--max-tenant-entries", "22", [](const Options& o) { return absl::StrCat(o.limits.tenant_entries); }},
      {"--max-tenant-bytes", "24", [](const Options& o) { return absl::StrCat(o.limits.tenant_bytes); }},
      {"--max-message-bytes", "25", [](const Options& o) { return absl::StrCat(o.limits.message_bytes); }},
      {"--max-answer-bytes", "30", [](const Options& o) { return absl::StrCat(o.limits.answer_bytes); }},
      {"--log-sample", "0.5", [](const Options& o) { return absl::StrCat(o.log_sample); }},
      {"--reflection", "off", [](const Options& o) { return o.reflection; }},
      {"--insecure", "true", [](const Options& o) { return std::string(o.insecure ? "true" : "false"); }},
      {"--config", file_, [](const Options& o) { return o.config; }},
  };
  Write("");
  CLI::App app;
  Options options;
  AddOptions(app, options);
  EXPECT_EQ(fields.size() + 1, app.get_options().size());  // and --help
  std::vector<std::string> words;
  for (const Field& field : fields) words.push_back(absl::StrCat(field.flag, "=", field.value));
  const auto line = Parse({words.begin(), words.end()});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->given.size(), fields.size());
  for (const Field& field : fields) EXPECT_EQ(field.of(options_), field.value) << field.flag;
}

TEST_F(CommandLineTest, EnvironmentCanDisableAFlagOfTheFile) {
  Write("insecure = 1\n");
  Set("QCONFIG_INSECURE", "false");
  ASSERT_TRUE(Parse({"--config", file_}).ok());
  EXPECT_FALSE(options_.insecure);
}

TEST_F(CommandLineTest, ConfigFlagBeatsTheEnvironmentVariable) {
  Write("log-level = debug\n");
  Set("QCONFIG_CONFIG", "/nonexistent");
  ASSERT_TRUE(Parse({"--config", file_}).ok());
  EXPECT_EQ(options_.log_level, "debug");
  ASSERT_TRUE(Parse({"--config", ""}).ok());
  EXPECT_EQ(options_.log_level, "info");
}

TEST_F(CommandLineTest, EmptyVariableIsAValueOnlyForOptionsThatMayBeEmpty) {
  Write(
      "admin-listen = 127.0.0.1:1\ntls-cert = file\ndata-dir = directory\nmax-message-bytes = 3\nlisten = 127.0.0.1:2\n"
      "insecure = true\n");
  for (const char* name : {"QCONFIG_ADMIN_LISTEN", "QCONFIG_TLS_CERT", "QCONFIG_DATA_DIR", "QCONFIG_MAX_MESSAGE_BYTES",
                           "QCONFIG_LISTEN", "QCONFIG_INSECURE"}) {
    Set(name, "");
  }
  const auto line = Parse({"--config", file_});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(options_.admin_listen, "");
  EXPECT_EQ(options_.tls_cert, "");
  EXPECT_EQ(options_.data_dir, "");
  EXPECT_EQ(options_.limits.message_bytes, 3u);
  EXPECT_EQ(options_.listen, "127.0.0.1:2");
  EXPECT_TRUE(options_.insecure);
}

TEST_F(CommandLineTest, NumbersAreDecimal) {
  ASSERT_TRUE(Parse({"--max-message-bytes", "010"}).ok());
  EXPECT_EQ(options_.limits.message_bytes, 10u);
  for (const std::string value : {"0x10", "1e3", "-1", "1.5", "", " ", "99999999999999999999"}) {
    EXPECT_THAT(ErrorMessage({"--max-message-bytes", value}), HasSubstr("whole number from 1 to 2147483647")) << value;
  }
  for (const std::string value : {"nan", "inf", "-0.1", "1.1", "x"}) {
    EXPECT_THAT(ErrorMessage({"--log-sample", value}), HasSubstr("is not a number from 0 to 1")) << value;
  }
}

TEST_F(CommandLineTest, ReportsErrorsOnTheCommandLine) {
  EXPECT_EQ(ErrorMessage({"--max-message-bytes", "x"}),
            "--max-message-bytes \"x\" is not a whole number from 1 to 2147483647");
  EXPECT_EQ(ErrorMessage({"--log-level", "loud"}), "--log-level \"loud\" is not one of debug, info, warn, error");
  EXPECT_EQ(ErrorMessage({"--insecure=maybe"}), "--insecure \"maybe\" is not one of true, false, 1, 0");
  EXPECT_EQ(ErrorMessage({"--max-message-byte=3"}),
            "--max-message-byte=3 is not an option; did you mean --max-message-bytes?");
  EXPECT_EQ(ErrorMessage({"serve"}), "serve is not a subcommand; qconfigd serves without a subcommand");
  EXPECT_EQ(ErrorMessage({"frobnicate"}), "frobnicate is not a subcommand");
  EXPECT_EQ(ErrorMessage({"--port=50051"}),
            "--port=50051 is not an option; set --listen, such as --listen 127.0.0.1:50051");
  EXPECT_EQ(ErrorMessage({"--data_dir", "x"}), "--data_dir is not an option; did you mean --data-dir?");
  EXPECT_EQ(ErrorMessage({"--listen"}), "--listen requires a value");
  EXPECT_EQ(ErrorMessage({"--data-dir", "--insecure"}),
            "--data-dir requires a value, but --insecure looks like an option");
  EXPECT_EQ(ErrorMessage({"--config", "--insecure"}), "--config requires a value, but --insecure looks like an option");
  EXPECT_EQ(ErrorMessage({"--listen", "a:1", "--listen", "a:2"}), "--listen is given twice");
}

TEST_F(CommandLineTest, ErrorsNameTheVariable) {
  Set("QCONFIG_LOG_SLOW_MS", "1x\n");
  EXPECT_EQ(ErrorMessage({}), "QCONFIG_LOG_SLOW_MS \"1x\\u000a\" is not a whole number from 0 to 3600000");
}

TEST_F(CommandLineTest, ErrorsNameTheFileAndLine) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"\nmax-message-byte = 3\n", ", line 2: unknown option \"max-message-byte\"; did you mean max-message-bytes?"},
      {"--listen = 3\n", ", line 1: unknown option \"--listen\"; did you mean listen?"},
      {"config = x\n", ", line 1: unknown option \"config\""},
      {"help = true\n", ", line 1: unknown option \"help\""},
      {"listen = a:1\n\nlisten = a:1\n", ", line 3: listen is given twice, first in line 1"},
      {"log-format = xml", ", line 1: log-format \"xml\" is not one of auto, json, text"},
      {"max-in-flight =", ", line 1: max-in-flight \"\" is not a whole number from 1 to 100000"},
      {"insecure =", ", line 1: insecure requires a value, true or false"},
      {"listen", ", line 1 must be `key = value`, such as: listen = 127.0.0.1:50051"},
  };
  for (const auto& item : cases) {
    Write(item.text);
    EXPECT_EQ(ErrorMessage({"--config", file_}), file_ + item.message);
  }
  EXPECT_EQ(ErrorMessage({"--config", "/nonexistent"}),
            "the configuration file /nonexistent cannot be opened: No such file or directory");
}

TEST_F(CommandLineTest, RemovedOptionsAreRejectedWithAdvice) {
  const std::string name_chars =
      " was removed: the API fixes this limit at 128 characters. Remove it from your configuration";
  const std::string quota =
      " was removed: --max-tenant-entries replaces it, and limits schemes and templates together. Set that instead";
  EXPECT_EQ(ErrorMessage({"--max-name-chars", "5"}), "--max-name-chars" + name_chars);
  EXPECT_EQ(ErrorMessage({"--max-name-chars=5"}), "--max-name-chars" + name_chars);
  EXPECT_EQ(ErrorMessage({"--max-tenant-templates=5"}), "--max-tenant-templates" + quota);
  Write("\nmax-name-chars = 5\n");
  EXPECT_EQ(ErrorMessage({"--config", file_}), file_ + ", line 2: max-name-chars" + name_chars);
  Set("QCONFIG_MAX_TENANT_SCHEMES", "");
  EXPECT_EQ(ErrorMessage({}), "");
  Set("QCONFIG_MAX_TENANT_SCHEMES", "5");
  EXPECT_EQ(ErrorMessage({}), "QCONFIG_MAX_TENANT_SCHEMES" + quota);
}

TEST_F(CommandLineTest, EveryRemovedOptionHasAReason) {
  CLI::App app;
  AddOptions(app, options_);
  EXPECT_EQ(RemovedOptions().size(), 8u);
  for (const RemovedOption& removed : RemovedOptions()) {
    EXPECT_EQ(app.get_option_no_throw("--" + removed.name), nullptr) << removed.name;
    EXPECT_THAT(ErrorMessage({absl::StrCat("--", removed.name, "=1")}), HasSubstr("was removed: ")) << removed.name;
  }
}

TEST_F(CommandLineTest, ReportsUnknownVariables) {
  EXPECT_THAT(UnknownVariables(), IsEmpty());
  for (const char* name : {"QCONFIG_SERVER", "QCONFIG_BIN", "QCONFIG_SERVICE_PORT_GRPC", "QCONFIG_PORT_9464_TCP",
                           "QCONFIG_INSECURE", "QCONFIG_CONFIG", "NO_QCONFIG"}) {
    Set(name, "1");
  }
  EXPECT_THAT(UnknownVariables(), IsEmpty());
  Set("QCONFIG_MAX_MESSAGE_BYTE", "1");
  EXPECT_THAT(UnknownVariables(), ElementsAre("unknown environment variable QCONFIG_MAX_MESSAGE_BYTE; did you mean "
                                              "QCONFIG_MAX_MESSAGE_BYTES?"));
}

}  // namespace
}  // namespace qconfig
