// SPDX-License-Identifier: Apache-2.0
#include "qconfig/connection_hint.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>

#include "qconfig/connection_hints_json.h"
#include "tests/server/test_server.h"

namespace qconfig::client {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

ClientOptions Options(const std::string& server, bool tls = false, const std::string& cert = "") {
  ClientOptions options;
  options.server = server;
  options.timeout = absl::Seconds(20);
  if (tls) options.tls = TlsOptions{"", cert, ""};
  return options;
}

TEST(ConnectionHintTest, TheSharedFileIsComplete) {
  google::protobuf::Struct data;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(kConnectionHintsJson, &data).ok());
  const auto& messages = data.fields().at("messages").struct_value().fields();
  for (const google::protobuf::Value& hint : data.fields().at("hints").list_value().values()) {
    const auto& fields = hint.struct_value().fields();
    EXPECT_FALSE(fields.at("text").string_value().empty());
    for (const auto& [name, value] : fields) {
      EXPECT_THAT(name, testing::AnyOf("server_begins", "server_has_port", "tls", "cert", "message", "text"));
      const bool is_known = name != "message" || messages.count(value.string_value()) == 1;
      EXPECT_TRUE(is_known) << value.string_value();
    }
  }
  for (const auto& [program, names] : data.fields().at("options").struct_value().fields()) {
    for (const char* name : {"tls", "ca", "cert"}) EXPECT_EQ(names.struct_value().fields().count(name), 1u) << program;
  }
}

TEST(ConnectionHintTest, NamesTheOptionsOfTheProgram) {
  EXPECT_EQ(ConnectionHint("cpp", "Socket closed", Options("a:1")),
            "the server closed the connection; if it uses TLS, set ClientOptions::tls; if this is the admin port of "
            "qconfigd, use the port of --listen, by default 50051");
  EXPECT_EQ(
      ConnectionHint("qconfigctl", "Socket closed", Options("a:1")),
      "the server closed the connection; if it uses TLS, set --tls or --tls-ca FILE; if this is the admin port of "
      "qconfigd, use the port of --listen, by default 50051");
}

TEST(ConnectionHintTest, DependsOnTheOptionsOfTheClient) {
  EXPECT_THAT(ConnectionHint("cpp", "Socket closed", Options("a:1", /*tls=*/true)),
              AllOf(HasSubstr("the server closed the connection; if no call has succeeded yet"),
                    EndsWith("it requires a client certificate, set TlsOptions::cert and key")));
  EXPECT_THAT(ConnectionHint("cpp", "remote error: tls: x", Options("a:1", /*tls=*/true)),
              HasSubstr("during the TLS handshake; if it requires a client certificate, set "));
  EXPECT_THAT(ConnectionHint("cpp", "Socket closed", Options("a:1", /*tls=*/true, "a certificate")),
              HasSubstr("may not trust the authority that issued the certificate in TlsOptions::cert"));
  EXPECT_THAT(ConnectionHint("cpp", "", Options("https://a:1")), HasSubstr("leave out https://"));
  for (const char* message : {"Connection refused", "DNS resolution failed", "http1.x server", "Socket closed"}) {
    EXPECT_THAT(ConnectionHint("cpp", message, Options("a")), HasSubstr("the server has no port")) << message;
  }
  EXPECT_EQ(ConnectionHint("cpp", "an unknown text", Options("a")), "");
  EXPECT_EQ(ConnectionHint("cpp", "an unknown text", Options("a:1")), "");
}

TEST(ConnectionHintTest, TheStatusOfAFailedConnectionHasTheHint) {
  Client client(Options("127.0.0.1:1"));
  const absl::Status status = client.ListCatalogs({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("(hint: no server listens on this address;")));
  EXPECT_THAT(ErrorOf(status).message(), Not(HasSubstr("hint")));
}

TEST(ConnectionHintTest, KnowsWhetherAServerWasReached) {
  for (const char* message : {"Connection refused", "DNS resolution failed", "WRONG_VERSION_NUMBER"}) {
    EXPECT_TRUE(ReachedNoServer(message)) << message;
  }
  for (const char* message : {"Socket closed", "Connection reset by peer", ""}) {
    EXPECT_FALSE(ReachedNoServer(message)) << message;
  }
}

TEST(ConnectionHintTest, OtherErrorsHaveNoHint) {
  TestServer server;
  Client client(Options(server.address()));
  v1::GetSchemeRequest request;
  request.set_name("fp9");
  const absl::Status status = client.GetScheme(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hint")));
}

}  // namespace
}  // namespace qconfig::client
