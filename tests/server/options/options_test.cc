// SPDX-License-Identifier: Apache-2.0
#include "server/options/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>

namespace qconfig {
namespace {

using testing::HasSubstr;

constexpr const char* kNoAddresses[] = {"127.0.0.1",       "127.0.0.1:",   ":1",           "9464",
                                        "127.0.0.1:65536", "127.0.0.1:x",  "127.0.0.1:-1", "127.0.0.1: 5",
                                        "127.0.0.1:5 ",    "127.0.0.1:+5", "::1:9464",     "::9464",
                                        "a:b:9",           "[]:9",         "[::1:9",       "::1]:9",
                                        "[127.0.0.1]:9",   "a b:9",        "[::1]9",       "127.0.0.1:99999999999"};

// Checks the options with the built-in catalogues.
absl::Status CheckOptions(const Options& options) {
  static const auto* const kCatalogs = new Catalogs(LoadBuiltinCatalogs().value());
  return qconfig::CheckOptions(options, *kCatalogs);
}

TEST(OptionsTest, EveryOptionHasHelpAGroupAndAnEnvironmentName) {
  Options options;
  CLI::App app;
  AddOptions(app, options);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_name() == "--help") continue;
    EXPECT_FALSE(option->get_description().empty()) << option->get_name();
    EXPECT_NE(option->get_group(), "Options") << option->get_name();
    std::string expected = "QCONFIG_";
    for (const char c : option->get_name().substr(2)) expected += c == '-' ? '_' : static_cast<char>(std::toupper(c));
    EXPECT_EQ(EnvironmentVariable(option->get_name()), expected);
  }
}

TEST(OptionsTest, StorageDefaultsToAFileInTheDataDirectory) {
  const char* const home = std::getenv("HOME");
  const std::string home_before = home == nullptr ? "/" : home;
  setenv("XDG_DATA_HOME", "/xdg", 1);
  setenv("HOME", "/home/me", 1);
  Options options;
  EXPECT_EQ(*ResolveStorage(options), "sqlite:/xdg/qconfig/registry.db");
  setenv("XDG_DATA_HOME", "relative", 1);
  EXPECT_EQ(*ResolveStorage(options), "sqlite:/home/me/.local/share/qconfig/registry.db");
  options.data_dir = "data";
  EXPECT_EQ(*ResolveStorage(options), "sqlite:data/registry.db");
  unsetenv("XDG_DATA_HOME");
  unsetenv("HOME");
  options.data_dir = "";
  EXPECT_EQ(ResolveStorage(options).status().code(), absl::StatusCode::kInvalidArgument);
  setenv("HOME", home_before.c_str(), 1);
  for (const char* storage : {"memory", "sqlite:x"}) {
    options.storage = storage;
    EXPECT_EQ(*ResolveStorage(options), storage);
  }
  for (const char* storage : {"", "sqlite:", "etcd", "/var/lib/x.db"}) {
    options.storage = storage;
    EXPECT_EQ(CheckOptions(options).code(), absl::StatusCode::kInvalidArgument) << storage;
  }
}

TEST(OptionsTest, RecognizesLoopbackAddresses) {
  for (const char* listen : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/tmp/socket"}) {
    EXPECT_TRUE(IsLoopback(listen)) << listen;
  }
  for (const char* listen : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.0.0.1.example.com:1", "example.com:1"}) {
    EXPECT_FALSE(IsLoopback(listen)) << listen;
  }
}

TEST(OptionsTest, ListenIsAHostAndPort) {
  Options options;
  options.insecure = true;
  for (const char* listen : {"127.0.0.1:0", "[::1]:65535", "[fe80::1%eth0]:1", "unix:/tmp/socket", "unix:///tmp/socket",
                             "unix-abstract:name", "example.com:1"}) {
    options.listen = listen;
    EXPECT_TRUE(CheckOptions(options).ok()) << listen;
  }
  for (const char* listen : kNoAddresses) {
    options.listen = listen;
    EXPECT_THAT(std::string(CheckOptions(options).message()), HasSubstr("--listen \"")) << listen;
    EXPECT_THAT(std::string(CheckOptions(options).message()), HasSubstr("is not host:port")) << listen;
  }
  for (const char* listen : {"", "unix:", "unix://", "unix-abstract:"}) {
    options.listen = listen;
    EXPECT_THAT(std::string(CheckOptions(options).message()), HasSubstr("--listen")) << listen;
  }
}

TEST(OptionsTest, AdminListenIsAHostAndPortOrEmpty) {
  Options options;
  for (const char* listen : {"", "127.0.0.1:0", "[::]:9464", "0.0.0.0:9464"}) {
    options.admin_listen = listen;
    EXPECT_TRUE(CheckOptions(options).ok()) << listen;
  }
  options.admin_listen = "unix:/tmp/socket";
  EXPECT_THAT(std::string(CheckOptions(options).message()), HasSubstr("--admin-listen"));
  for (const char* listen : kNoAddresses) {
    options.admin_listen = listen;
    EXPECT_THAT(std::string(CheckOptions(options).message()), HasSubstr("--admin-listen")) << listen;
  }
}

TEST(OptionsTest, DefaultCatalogMustBeACatalogueOfTheServer) {
  Options options;
  EXPECT_TRUE(CheckOptions(options).ok());
  options.default_catalog = "quark-0.14";
  EXPECT_THAT(std::string(CheckOptions(options).message()), HasSubstr("--default-catalog quark-0.14"));
  options.default_catalog = "quark-0.13";
  EXPECT_TRUE(CheckOptions(options).ok());
  EXPECT_EQ(qconfig::CheckOptions(options, {}).code(), absl::StatusCode::kInvalidArgument);
}

TEST(OptionsTest, OtherHostsNeedInsecureOrMutualTls) {
  struct Case {
    const char* listen;
    bool tls, requires_client_cert, insecure;
    const char* error;    // part of the error, or null
    const char* warning;  // part of the warning, or null
  };
  const char* const kOpen = "neither encrypted nor authenticated";
  const Case cases[] = {
      {"0.0.0.0:1", false, false, false, "Set --tls-cert, --tls-key and --tls-client-ca, listen on 127.0.0.1", nullptr},
      {"0.0.0.0:1", false, false, true, nullptr, kOpen},
      {"0.0.0.0:1", true, false, false, "clients are not authenticated. Set --tls-client-ca", nullptr},
      {"0.0.0.0:1", true, false, true, nullptr, "encrypted, but clients are not authenticated"},
      {"0.0.0.0:1", true, true, false, nullptr, nullptr},
      {"0.0.0.0:1", true, true, true, nullptr, nullptr},
      {"127.0.0.1:1", false, false, false, nullptr, nullptr},
      {"127.0.0.1:1", false, false, true, nullptr, nullptr},
      {"127.0.0.1:1", true, false, false, nullptr, nullptr},
  };
  for (const Case& c : cases) {
    Options options;
    options.listen = c.listen;
    if (c.tls) options.tls_cert = options.tls_key = "file";
    if (c.requires_client_cert) options.tls_client_ca = "file";
    options.insecure = c.insecure;
    const std::string error(CheckOptions(options).message());
    if (c.error == nullptr) {
      EXPECT_EQ(error, "");
      EXPECT_THAT(InsecureExposureWarning(options), HasSubstr(c.warning == nullptr ? "" : c.warning));
      EXPECT_EQ(InsecureExposureWarning(options).empty(), c.warning == nullptr);
    } else {
      EXPECT_THAT(error, HasSubstr(c.error));
      EXPECT_THAT(error, HasSubstr("or set --insecure"));
    }
  }
}

TEST(OptionsTest, APolicyAuthenticatesCallersOverTls) {
  Options options;
  options.listen = "0.0.0.0:1";
  options.auth_policy = "policy.yaml";
  EXPECT_THAT(std::string(CheckOptions(options).message()),
              HasSubstr("tokens and answers are not encrypted. Set --tls-cert and --tls-key"));
  options.insecure = true;
  EXPECT_TRUE(CheckOptions(options).ok());
  EXPECT_THAT(InsecureExposureWarning(options), HasSubstr("tokens and answers are not encrypted"));
  options.insecure = false;
  options.tls_cert = options.tls_key = "file";
  EXPECT_TRUE(CheckOptions(options).ok());
  EXPECT_EQ(InsecureExposureWarning(options), "");
}

TEST(OptionsTest, OptionalClientCertificatesRequireAPolicy) {
  Options options;
  options.tls_cert = options.tls_key = options.tls_client_ca = "file";
  options.tls_client_auth = "optional";
  EXPECT_THAT(std::string(CheckOptions(options).message()),
              HasSubstr("--tls-client-auth optional requires --tls-client-ca and --auth-policy"));
  options.auth_policy = "policy.yaml";
  EXPECT_TRUE(CheckOptions(options).ok());
  options.tls_client_ca = "";
  EXPECT_FALSE(CheckOptions(options).ok());
}

TEST(OptionsTest, ReflectionIsOffWithAPolicyUnlessItIsSwitchedOn) {
  Options options;
  EXPECT_TRUE(ResolveReflection(options));
  options.auth_policy = "policy.yaml";
  EXPECT_FALSE(ResolveReflection(options));
  options.reflection = "on";
  EXPECT_TRUE(ResolveReflection(options));
  options.auth_policy = "";
  options.reflection = "off";
  EXPECT_FALSE(ResolveReflection(options));
}

TEST(OptionsTest, TlsRequiresCertificateAndKey) {
  const auto error_message = [](const char* cert, const char* key, const char* ca) {
    Options options;
    options.tls_cert = cert;
    options.tls_key = key;
    options.tls_client_ca = ca;
    return std::string(CheckOptions(options).message());
  };
  EXPECT_THAT(error_message("file", "", ""), HasSubstr("--tls-cert and --tls-key must be set together"));
  EXPECT_THAT(error_message("", "file", "file"), HasSubstr("--tls-cert and --tls-key must be set together"));
  EXPECT_THAT(error_message("", "", "file"), HasSubstr("--tls-client-ca requires TLS"));
  EXPECT_EQ(error_message("file", "file", "file"), "");
}

}  // namespace
}  // namespace qconfig
