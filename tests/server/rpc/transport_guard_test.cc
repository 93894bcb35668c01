// SPDX-License-Identifier: Apache-2.0
//
// Clients that write their own HTTP/2 frames, and a server that must serve other clients meanwhile.
#include "server/rpc/transport_guard.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/unique_fd.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/rpc/http2_frames.h"
#include "tests/server/test_certificates.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using namespace http2;  // NOLINT(google-build-using-namespace)

// A connection, with TLS or without.
class Peer {
 public:
  explicit Peer(const std::string& address, bool with_tls = false)
      : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), bio_(nullptr, BIO_free_all) {
    SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
    bio_.reset(with_tls ? BIO_new_ssl_connect(context_.get()) : BIO_new(BIO_s_connect()));
    BIO_set_conn_hostname(bio_.get(), address.c_str());
    is_open_ = BIO_do_connect(bio_.get()) == 1 && (!with_tls || BIO_do_handshake(bio_.get()) == 1);
    Send(Preface());
  }

  bool is_open() const { return is_open_; }

  // A server that has closed the connection may let the first bytes pass.
  void Send(const std::string& bytes) {
    std::signal(SIGPIPE, SIG_IGN);
    if (is_open_ && !bytes.empty()) is_open_ = BIO_write(bio_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }

  // Reads until the server has closed the connection.
  void AwaitEnd() {
    std::string bytes(4096, '\0');
    while (is_open_) is_open_ = BIO_read(bio_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }

  // Reads until the server has ended `calls` calls.
  void AwaitAnsweredCalls(int calls) {
    std::string bytes(4096, '\0');
    while (is_open_ && calls > 0) {
      const int size = BIO_read(bio_.get(), bytes.data(), static_cast<int>(bytes.size()));
      is_open_ = size > 0;
      if (!is_open_) return;
      reader_.Read(
          {reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<size_t>(size)},
          [&calls](const Http2FrameReader::Frame& frame) {
            if (frame.type == kHeaders && (frame.flags & kEndStream) != 0) --calls;
            return true;
          },
          [](const Http2FrameReader::Frame&, Http2FrameReader::Bytes, bool) { return true; });
    }
  }

  // Reads until the server has answered a PING.
  void AwaitAnswer() {
    const std::string ping = Frame(kPing, 0, 0, "12345678");
    Send(ping);
    std::string all;
    std::string bytes(4096, '\0');
    while (is_open_ && all.find("12345678") == std::string::npos) {
      const int size = BIO_read(bio_.get(), bytes.data(), static_cast<int>(bytes.size()));
      is_open_ = size > 0;
      if (is_open_) all.append(bytes, 0, static_cast<size_t>(size));
    }
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bio_;
  bool is_open_ = false;
  Http2FrameReader reader_;
};

TestSettings Guarded(const std::shared_ptr<TransportGuard>& guard) {
  TestSettings settings;
  settings.transport_guard = guard;
  return settings;
}

grpc::Status ListCatalogs(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  v1::ListCatalogsResponse response;
  return v1::ConfigService::NewStub(channel)->ListCatalogs(&context, {}, &response);
}

TEST(TransportGuardTest, IsInThePathOfTheServer) {
  TestServer server;
  EXPECT_TRUE(server.server().IsGuarded())
      << "gRPC no longer calls the guard. Was the program linked with other flags, or against another version of gRPC?";
}

struct Flood {
  const char* name;
  std::string beginning;
  // What is sent again and again; `i` counts from 0.
  std::function<std::string(uint32_t i)> next;
  const char* reason;
};

std::vector<Flood> Floods() {
  const auto same = [](int times, const std::string& frame) {
    return [bytes = Times(times, frame)](uint32_t /*i*/) { return bytes; };
  };
  const std::string large(16'384, '\x80');
  const auto cancelled_call = [](uint32_t i) {
    return OpenCall(2 * i + 1) + Frame(kData, kEndStream, 2 * i + 1, Message(0, 0)) +
           Frame(kReset, 0, 2 * i + 1, std::string("\0\0\0\x08", 4));
  };
  return {
      {"integer", Frame(kHeaders, 0, 1, CallHeaders() + std::string("\0\x7f", 2)),
       same(1, Frame(kContinuation, 0, 1, large)), "header_block"},
      {"string", Frame(kHeaders, 0, 1, CallHeaders() + std::string("\0\3abc\x7f\x81\xff\xff\xff\x03", 10)),
       same(1, Frame(kContinuation, 0, 1, large)), "header_block"},
      {"small continuations", Frame(kHeaders, 0, 1, CallHeaders() + std::string("\0\x7f", 2)),
       same(100, Frame(kContinuation, 0, 1, "\x80")), "header_block"},
      {"empty continuations", Frame(kHeaders, 0, 1, CallHeaders()), same(100, Frame(kContinuation, 0, 1)),
       "header_block"},
      {"ping", "", same(100, Frame(kPing, 0, 0, "12345678")), "too_many_frames"},
      {"ping acknowledgement", "", same(100, Frame(kPing, kAck, 0, "12345678")), "too_many_frames"},
      {"settings", "", same(100, Frame(kSettings, 0, 0, std::string("\0\4\0\0\xff\xff", 6))), "too_many_frames"},
      {"settings acknowledgement", "", same(100, Frame(kSettings, kAck, 0)), "too_many_frames"},
      {"empty data", OpenCall(1), same(100, Frame(kData, 0, 1)), "too_many_frames"},
      {"padded data", OpenCall(1), same(100, Frame(kData, kPadded, 1, std::string(1, '\0'))), "too_many_frames"},
      {"data of a stream that was never opened", "", same(100, Frame(kData, 0, 77)), "too_many_frames"},
      {"reset of streams that were never opened", "",
       [](uint32_t i) { return Times(50, Frame(kReset, 0, 2 * i + 1, std::string("\0\0\0\x08", 4))); },
       "too_many_frames"},
      {"goaway", "", same(100, Frame(kGoaway, 0, 0, std::string(8, '\0'))), "too_many_frames"},
      {"window update of a stream", OpenCall(1), same(100, Frame(kWindow, 0, 1, std::string("\0\0\0\1", 4))),
       "too_many_frames"},
      {"window update of a stream that was never opened", "",
       same(100, Frame(kWindow, 0, 77, std::string("\0\0\0\1", 4))), "too_many_frames"},
      {"priority", "", same(100, Frame(kPriority, 0, 1, std::string("\0\0\0\0\1", 5))), "too_many_frames"},
      {"window update", "", same(100, Frame(kWindow, 0, 0, std::string("\0\0\0\1", 4))), "too_many_frames"},
      {"unknown type", "", same(100, Frame(0x77, 0, 0, "x")), "too_many_frames"},
      {"rapid reset", "", cancelled_call, "too_many_frames"},
  };
}

// Sends a flood until the server closes the connection, at most 100 MB.
void Attack(const Flood& flood, Peer& peer) {
  peer.Send(flood.beginning);
  size_t sent = 0;
  for (uint32_t i = 0; peer.is_open() && sent < 100'000'000; ++i) {
    const std::string bytes = flood.next(i);
    peer.Send(bytes);
    sent += bytes.size();
  }
  EXPECT_FALSE(peer.is_open()) << "still open after " << sent << " bytes";
}

TEST(TransportGuardTest, EndsFloodsAndServesOthers) {
  for (const Flood& flood : Floods()) {
    SCOPED_TRACE(flood.name);
    const auto guard = std::make_shared<TransportGuard>(TransportGuard::Settings());
    TestServer server(Guarded(guard));
    ASSERT_TRUE(ListCatalogs(server.channel()).ok());
    Peer peer(server.address());
    Attack(flood, peer);
    EXPECT_TRUE(ListCatalogs(server.channel()).ok()) << "on its old connection";
    EXPECT_EQ(guard->ended(flood.reason), 1);
  }
}

TEST(TransportGuardTest, SeesDecryptedBytes) {
  const TestAuthority authority("authority");
  const TestPair pair = authority.Issue("server");
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs = {{pair.key, pair.cert}};
  const auto guard = std::make_shared<TransportGuard>(TransportGuard::Settings());
  TestSettings settings = Guarded(guard);
  settings.credentials = grpc::SslServerCredentials(options);
  const TestServer server(std::move(settings));
  for (const Flood& flood : Floods()) {
    SCOPED_TRACE(flood.name);
    Peer peer(server.address(), /*with_tls=*/true);
    ASSERT_TRUE(peer.is_open());
    const int64_t before = guard->ended(flood.reason);
    Attack(flood, peer);
    EXPECT_EQ(guard->ended(flood.reason), before + 1);
  }
  EXPECT_TRUE(
      ListCatalogs(grpc::CreateChannel(server.address(), grpc::SslCredentials({authority.pem(), "", ""}))).ok());
}

TEST(TransportGuardTest, SeesUnixSockets) {
  const TempDirectory directory;
  const auto guard = std::make_shared<TransportGuard>(TransportGuard::Settings());
  TestSettings settings = Guarded(guard);
  settings.listen = "unix:" + directory.Path("socket");
  const TestServer server(std::move(settings));
  const UniqueFd peer(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  directory.Path("socket").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const std::string flood = Preface() + Times(5'000, Frame(kPing, 0, 0, "12345678"));
  send(peer.get(), flood.data(), flood.size(), MSG_NOSIGNAL);
  std::string bytes(4096, '\0');
  while (recv(peer.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  EXPECT_EQ(guard->ended("too_many_frames"), 1);
}

TEST(TransportGuardTest, EndsTheConnectionThatHoldsTheMostUnfinishedBytes) {
  TransportGuard::Settings guard_settings;
  guard_settings.max_unfinished_bytes = 100'000;
  std::vector<std::string> ended;
  guard_settings.on_end = [&ended](absl::string_view /*peer*/, absl::string_view reason) {
    ended.emplace_back(reason);
  };
  const auto guard = std::make_shared<TransportGuard>(std::move(guard_settings));
  TestServer server(Guarded(guard));
  const auto send_unfinished = [](Peer& peer, int frames) {
    peer.Send(OpenCall(1) + Frame(kData, 0, 1, Message(4'000'000, 9'995)));
    for (int i = 1; i < frames; ++i) peer.Send(Frame(kData, 0, 1, std::string(10'000, 'x')));
    peer.AwaitAnswer();
  };
  Peer hog(server.address());
  send_unfinished(hog, 6);
  EXPECT_EQ(guard->unfinished_bytes(), 59'995u);
  Peer small(server.address());
  send_unfinished(small, 4);
  EXPECT_EQ(guard->unfinished_bytes(), 59'995u + 39'995u);
  Peer next(server.address());
  send_unfinished(next, 1);
  hog.AwaitEnd();
  EXPECT_THAT(ended, testing::ElementsAre("unfinished_messages"));
  EXPECT_EQ(guard->ended("unfinished_messages"), 1);
  small.AwaitAnswer();
  next.AwaitAnswer();
  EXPECT_TRUE(small.is_open() && next.is_open());
  EXPECT_TRUE(ListCatalogs(server.channel()).ok());
  while (guard->unfinished_bytes() > 60'000) std::this_thread::yield();  // gRPC destroys the connection
}

TransportGuard::Settings WithCancelledCalls(double calls) {
  TransportGuard::Settings settings;
  settings.cancelled_calls = calls;
  settings.cancelled_calls_per_second = 0;
  return settings;
}

// Sends calls, and cancels them before their messages.
void CancelCalls(Peer& peer, int calls, uint32_t first_stream) {
  for (int i = 0; i < calls; ++i) {
    const uint32_t stream = first_stream + 2 * static_cast<uint32_t>(i);
    peer.Send(OpenCall(stream) + Frame(kReset, 0, stream, std::string("\0\0\0\x08", 4)));
  }
  peer.AwaitAnswer();
}

// Sends calls that the server rejects, and waits for the answers.
void MakeCalls(Peer& peer, int calls, uint32_t first_stream) {
  for (int i = 0; i < calls; ++i) {
    const uint32_t stream = first_stream + 2 * static_cast<uint32_t>(i);
    peer.Send(OpenCall(stream) + Frame(kData, kEndStream, stream, Message(0, 0)));
  }
  peer.AwaitAnsweredCalls(calls);
}

TEST(TransportGuardTest, ConnectionsOfAHostShareTheirCanceledCalls) {
  const auto guard = std::make_shared<TransportGuard>(WithCancelledCalls(30));
  TestServer server(Guarded(guard));
  ASSERT_TRUE(ListCatalogs(server.channel()).ok());
  int connections = 0;
  for (; connections < 20 && guard->ended("cancelled_calls") == 0; ++connections) {
    Peer peer(server.address());
    CancelCalls(peer, 12, 1);
  }
  EXPECT_GT(connections, 2);
  EXPECT_EQ(guard->ended("cancelled_calls"), 1);
  for (int i = 2; i <= 4; ++i) {
    Peer next(server.address());
    CancelCalls(next, 40, 1);
    EXPECT_FALSE(next.is_open());
    EXPECT_EQ(guard->ended("cancelled_calls"), i);
  }
  EXPECT_TRUE(ListCatalogs(server.channel()).ok()) << "on its old connection";
  Peer honest(server.address());
  MakeCalls(honest, 20, 1);
  EXPECT_TRUE(honest.is_open()) << "on a new connection";
}

// As when the deadlines of all calls expire together.
TEST(TransportGuardTest, AnsweredCallsMakeUpForCanceledOnes) {
  const auto guard = std::make_shared<TransportGuard>(WithCancelledCalls(1));
  const TestServer server(Guarded(guard));
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 3; ++i) {
    Peer& peer = *peers.emplace_back(std::make_unique<Peer>(server.address()));
    for (uint32_t batch = 0; batch < 11; ++batch) MakeCalls(peer, 20, 1 + 40 * batch);
  }
  for (const auto& peer : peers) {
    CancelCalls(*peer, 90, 441);
    CancelCalls(*peer, 90, 641);
    EXPECT_TRUE(peer->is_open());
  }
  EXPECT_EQ(guard->ended("cancelled_calls"), 0);
}

// Opens calls whose messages are not complete.
void LeaveOpen(Peer& peer, int calls, uint32_t first_stream) {
  for (int i = 0; i < calls; ++i) {
    const uint32_t stream = first_stream + 2 * static_cast<uint32_t>(i);
    peer.Send(OpenCall(stream) + Frame(kData, 0, stream, Message(100, 10)));
  }
  peer.AwaitAnswer();
}

// Waits until gRPC has destroyed the connections of peers that have left calls open.
void AwaitDisconnects(const TransportGuard& guard) {
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (guard.unfinished_bytes() > 0) {
    ASSERT_LT(absl::Now(), end) << "a connection was not destroyed";
    absl::SleepFor(absl::Milliseconds(1));
  }
}

TEST(TransportGuardTest, ConnectionsOfAHostShareTheCallsThatTheyLeave) {
  const auto guard = std::make_shared<TransportGuard>(WithCancelledCalls(30));
  TestServer server(Guarded(guard));
  ASSERT_TRUE(ListCatalogs(server.channel()).ok());
  for (int i = 0; i < 3; ++i) {
    {
      Peer peer(server.address());
      LeaveOpen(peer, 12, 1);
      EXPECT_TRUE(peer.is_open());
      if (const bool makes_server_close = i == 0; makes_server_close) {
        peer.Send(Frame(kWindow, 0, 0, std::string(4, '\0')) + Frame(kPush, 0, 0));
        peer.AwaitEnd();
      }
    }
    AwaitDisconnects(*guard);
  }
  EXPECT_EQ(guard->ended("cancelled_calls"), 0);
  for (int i = 1; i <= 3; ++i) {
    Peer next(server.address());
    LeaveOpen(next, 12, 1);
    EXPECT_FALSE(next.is_open());
    EXPECT_EQ(guard->ended("cancelled_calls"), i);
  }
  EXPECT_TRUE(ListCatalogs(server.channel()).ok()) << "on its old connection";
  Peer honest(server.address());
  MakeCalls(honest, 4, 1);
  MakeCalls(honest, 8, 9);
  EXPECT_TRUE(honest.is_open()) << "a client with few calls at a time";
}

// As when a worker dies.
TEST(TransportGuardTest, AnsweredCallsMakeUpForThoseThatTheClientLeaves) {
  const auto guard = std::make_shared<TransportGuard>(WithCancelledCalls(1));
  const TestServer server(Guarded(guard));
  for (int i = 0; i < 3; ++i) {
    {
      Peer worker(server.address());
      for (uint32_t batch = 0; batch < 4; ++batch) MakeCalls(worker, 20, 1 + 40 * batch);
      LeaveOpen(worker, 77, 161);
      EXPECT_TRUE(worker.is_open());
    }
    AwaitDisconnects(*guard);
  }
  Peer next(server.address());
  LeaveOpen(next, 77, 1);
  EXPECT_TRUE(next.is_open());
  EXPECT_EQ(guard->ended("cancelled_calls"), 0);
}

TEST(TransportGuardTest, ReportsTheFirstCallOfAConnection) {
  TransportGuard::Settings guard_settings;
  absl::Mutex mutex;
  std::vector<int> descriptors;
  guard_settings.on_first_call = [&](int descriptor) {
    EXPECT_NE(fcntl(descriptor, F_GETFD), -1);
    absl::MutexLock lock(&mutex);
    descriptors.push_back(descriptor);
  };
  TestServer server(Guarded(std::make_shared<TransportGuard>(std::move(guard_settings))));
  Peer silent(server.address());
  silent.AwaitAnswer();
  EXPECT_TRUE(descriptors.empty());
  ASSERT_TRUE(ListCatalogs(server.channel()).ok());
  ASSERT_TRUE(ListCatalogs(server.channel()).ok());
  absl::MutexLock lock(&mutex);
  EXPECT_EQ(descriptors.size(), 1u);
}

TEST(TransportGuardTest, DoesNotEndClientsThatMakeManyCalls) {
  const auto guard = std::make_shared<TransportGuard>(TransportGuard::Settings());
  TestServer server(Guarded(guard));
  auto large = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'fp8' } include_quark_json: true");
  for (int i = 0; i < 300; ++i) {
    v1::LayerConfigEntry& entry = *large.mutable_spec()->add_layer_config();
    entry.set_pattern(absl::StrCat("*.layers.", i, ".*"));
    entry.set_scheme("mxfp4");
  }
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(server.client().GetConfig(large).ok());
  for (int i = 0; i < 2'000; ++i) ASSERT_TRUE(ListCatalogs(server.channel()).ok());
  // Calls whose deadline is over when they arrive, or before they are sent.
  const auto stub = v1::ConfigService::NewStub(server.channel());
  for (int i = 0; i < 500; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::microseconds(400));
    v1::GetConfigResponse response;
    stub->GetConfig(&context, large, &response);
  }
  ASSERT_TRUE(ListCatalogs(server.channel()).ok());
  for (const absl::string_view reason : TransportGuard::Reasons()) EXPECT_EQ(guard->ended(reason), 0) << reason;
}

}  // namespace
}  // namespace qconfig
