// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/streaming_call.h"

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/impl/codegen/proto_utils.h>  // serializes messages
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.pb.h"
#include "tests/server/rpc/test_transport.h"

namespace qconfig {
namespace {

using grpc::health::v1::HealthCheckRequest;

constexpr char kPath[] = "test.Service/Talk";
constexpr size_t kMaxMessageBytes = 1000;

// Calls of the method under test send and receive HealthCheckRequest, whose only field is a text.
std::string Message(const std::string& text) {
  HealthCheckRequest message;
  message.set_service(text);
  return message.SerializeAsString();
}

// A call of the method under test.
class Client {
 public:
  explicit Client(const TestTransport& transport, absl::Duration timeout = absl::InfiniteDuration())
      : channel_(transport.channel()),
        method_("/test.Service/Talk", grpc::internal::RpcMethod::BIDI_STREAMING, channel_) {
    if (timeout < absl::InfiniteDuration()) context_.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    stream_.reset(grpc::internal::ClientReaderWriterFactory<HealthCheckRequest, HealthCheckRequest>::Create(
        channel_.get(), method_, &context_));
  }

  void Send(const std::string& text) {
    HealthCheckRequest message;
    message.set_service(text);
    stream_->Write(message);
  }

  // "(end)": the server sends no more.
  std::string Receive() {
    HealthCheckRequest message;
    return stream_->Read(&message) ? message.service() : "(end)";
  }

  void HalfClose() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }
  grpc::Status Finish() { return stream_->Finish(); }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const grpc::internal::RpcMethod method_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<HealthCheckRequest, HealthCheckRequest>> stream_;
};

// The calls that the server has open, and how many it had. Open calls are touched on the queue's thread only.
struct Calls {
  std::set<StreamingCall*> open;
  std::atomic<int> opened = 0;
  std::atomic<int> over = 0;
};

// Sends every message back, and ends with the client.
class Echo : public StreamHandler {
 public:
  Echo(Calls& calls, StreamingCall& call) : calls_(calls), call_(call) {
    calls_.open.insert(&call_);
    ++calls_.opened;
    call_.Read();
  }
  ~Echo() override {
    calls_.open.erase(&call_);
    ++calls_.over;
  }

  void OnMessage(absl::string_view bytes) override { call_.Write(std::string(bytes)); }
  void OnHalfClose() override { call_.Finish({grpc::StatusCode::ALREADY_EXISTS, "the client is done"}); }
  void OnWritten() override { call_.Read(); }

 private:
  Calls& calls_;
  StreamingCall& call_;
};

// Sends what the test posts.
class Events final : public Echo {
 public:
  using Echo::Echo;
  void OnWritten() override {}
};

HandlerTable Table(OpenStream open) {
  HandlerTable handlers;
  handlers.streaming = {{kPath, kMaxMessageBytes, std::move(open)}};
  return handlers;
}

HandlerTable EchoTable(Calls& calls) {
  return Table([&calls](StreamingCall& call) { return std::make_unique<Echo>(calls, call); });
}

HandlerTable EventsTable(Calls& calls) {
  return Table([&calls](StreamingCall& call) { return std::make_unique<Events>(calls, call); });
}

// Ends the test by its time limit if `done` never becomes true.
void WaitUntil(const std::function<bool()>& done) {
  while (!done()) absl::SleepFor(absl::Milliseconds(1));
}

TEST(StreamingCallTest, MessagesGoBothWaysUntilTheClientIsDone) {
  Calls calls;
  const TestTransport transport(EchoTable(calls));
  Client client(transport);
  for (int i = 0; i < 100; ++i) {
    client.Send(absl::StrCat("message ", i));
    EXPECT_EQ(client.Receive(), absl::StrCat("message ", i));
  }
  client.HalfClose();
  EXPECT_EQ(client.Receive(), "(end)");
  const grpc::Status status = client.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(status.error_message(), "the client is done");
  WaitUntil([&] { return calls.over == 1; });
}

TEST(StreamingCallTest, UnaryClientsAreServedToo) {
  class Once final : public Echo {
   public:
    Once(Calls& calls, StreamingCall& call) : Echo(calls, call), call_(call) {}
    void OnWritten() override { call_.Finish(grpc::Status::OK); }

   private:
    StreamingCall& call_;
  };
  Calls calls;
  const TestTransport transport(Table([&](StreamingCall& call) { return std::make_unique<Once>(calls, call); }));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(transport.Call(kPath, Message("hello")).value(), Message("hello"));
}

TEST(StreamingCallTest, CancelledCallsAreOver) {
  Calls calls;
  const TestTransport transport(EchoTable(calls));
  for (int i = 0; i < 50; ++i) {
    Client client(transport);
    if (i % 2 == 0) {
      client.Send("a");
      EXPECT_EQ(client.Receive(), "a");
    }
    client.Cancel();
    EXPECT_EQ(client.Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  Client last(transport);
  last.Send("a");
  EXPECT_EQ(last.Receive(), "a");
  WaitUntil([&] { return calls.over == calls.opened - 1; });
}

TEST(StreamingCallTest, DeadlineEndsAnIdleCall) {
  Calls calls;
  const TestTransport transport(EchoTable(calls));
  Client client(transport, absl::Milliseconds(50));
  EXPECT_EQ(client.Receive(), "(end)");
  EXPECT_EQ(client.Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  WaitUntil([&] { return calls.over == calls.opened; });
}

TEST(StreamingCallTest, TooLargeMessageEndsTheCall) {
  Calls calls;
  const TestTransport transport(EchoTable(calls));
  Client client(transport);
  client.Send(std::string(kMaxMessageBytes - 10, 'x'));
  EXPECT_EQ(client.Receive(), std::string(kMaxMessageBytes - 10, 'x'));
  client.Send(std::string(kMaxMessageBytes, 'x'));
  EXPECT_EQ(client.Receive(), "(end)");
  const grpc::Status status = client.Finish();
  EXPECT_THAT(status.error_message(), testing::HasSubstr("more than the 1000 allowed"));
  WaitUntil([&] { return calls.over == 1; });
}

TEST(StreamingCallTest, TooLargeMessageEndsTheCallAfterTheMessageThatIsBeingSent) {
  Calls calls;
  TestTransport transport(EventsTable(calls));
  Client client(transport);
  WaitUntil([&] { return calls.opened == 1; });
  const std::string unread(1'000'000, 'x');  // flow control lets gRPC send only a part
  absl::Notification is_writing;
  transport.queue().Post([&] {
    for (StreamingCall* call : calls.open) call->Write(Message(unread));
    is_writing.Notify();
  });
  is_writing.WaitForNotification();
  client.Send(std::string(kMaxMessageBytes, 'x'));
  EXPECT_EQ(client.Receive(), unread);
  EXPECT_EQ(client.Receive(), "(end)");
  EXPECT_THAT(client.Finish().error_message(), testing::HasSubstr("more than the 1000 allowed"));
  WaitUntil([&] { return calls.over == 1; });
}

TEST(StreamingCallTest, HandlerCanRejectTheCallAtOnce) {
  class Rejecting final : public StreamHandler {
   public:
    explicit Rejecting(StreamingCall& call) { call.Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "full"}); }
    void OnMessage(absl::string_view) override { FAIL(); }
    void OnHalfClose() override { FAIL(); }
    void OnWritten() override { FAIL(); }
  };
  const TestTransport transport(Table([](StreamingCall& call) { return std::make_unique<Rejecting>(call); }));
  for (int i = 0; i < 20; ++i) {
    Client client(transport);
    client.Send("ignored");
    EXPECT_EQ(client.Finish().error_message(), "full");
  }
}

TEST(StreamingCallTest, ShutdownEndsOpenCalls) {
  Calls calls;
  TestTransport transport(EchoTable(calls));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<Client>(transport));
    clients.back()->Send("a");
    EXPECT_EQ(clients.back()->Receive(), "a");
  }
  transport.Shutdown();
  EXPECT_EQ(calls.over, calls.opened);
  for (const auto& client : clients) {
    EXPECT_EQ(client->Receive(), "(end)");
    EXPECT_FALSE(client->Finish().ok());
  }
}

TEST(StreamingCallTest, OtherThreadsSendByTheQueue) {
  Calls calls;
  TestTransport transport(EventsTable(calls));
  Client client(transport);
  WaitUntil([&] { return calls.opened == 1; });
  transport.queue().Post([&] {
    for (StreamingCall* call : calls.open) call->Write(Message("an event"));
  });
  EXPECT_EQ(client.Receive(), "an event");
}

TEST(StreamingCallTest, ProducerSeesThatAClientDoesNotRead) {
  Calls calls;
  TestTransport transport(EventsTable(calls));
  Client client(transport);
  WaitUntil([&] { return calls.opened == 1; });
  std::atomic<int> sent = 0, left_out = 0;
  const std::string padding(100'000, 'x');
  const auto post = [&] {
    absl::Notification done;
    transport.queue().Post([&] {
      for (StreamingCall* call : calls.open) {
        if (call->writing()) {
          ++left_out;
        } else {
          call->Write(Message(absl::StrCat(++sent, " ", padding)));
        }
      }
      done.Notify();
    });
    done.WaitForNotification();
  };
  for (int in_a_row = 0; in_a_row < 100;) {
    const int before = left_out;
    post();
    in_a_row = left_out > before ? in_a_row + 1 : 0;
  }
  EXPECT_LT(sent, 1000) << "gRPC buffers without a limit";
  const int unread = sent;
  for (int i = 1; i <= unread; ++i) EXPECT_EQ(client.Receive(), absl::StrCat(i, " ", padding));
  while (sent == unread) post();  // there is room again
  EXPECT_EQ(client.Receive(), absl::StrCat(unread + 1, " ", padding));
}

}  // namespace
}  // namespace qconfig
