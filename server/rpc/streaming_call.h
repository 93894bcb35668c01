// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_STREAMING_CALL_H_
#define QCONFIG_SERVER_RPC_STREAMING_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "server/rpc/bytes_service.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/handler_table.h"

namespace qconfig {

// Handles one call of a streaming method. All functions run on the queue's thread and must not block. The call owns
// its handler and destroys it when the call is over: the client went away, the deadline passed, the server shut down,
// or Finish() was called and the status is sent.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // The message that Read() requested. `bytes` are valid until this returns.
  virtual void OnMessage(absl::string_view bytes) = 0;

  // The client sends no more messages. Follows Read() instead of a message.
  virtual void OnHalfClose() = 0;

  // The call can Write() again.
  virtual void OnWritten() = 0;
};

// One call of any kind: streaming in both directions, in one, or unary. gRPC has the same wire format for all of them.
// An open call occupies no thread. Other threads reach a call through CallQueue::Post() and the object that tracks the
// handlers. On the queue's thread only.
class StreamingCall {
 public:
  // A method whose calls are served.
  struct Method {
    BytesService& service;
    int index;  // in `service`
    size_t max_message_bytes;
    OpenStream open;
  };

  // Accepts the next call of `method`, and all that follow, until the queue stops. `method` must outlive the queue's
  // thread. REQUIRES: the server has started, the queue has not.
  static void Serve(const Method& method, CallQueue& queue) { new StreamingCall(method, queue); }

  StreamingCall(const StreamingCall&) = delete;
  StreamingCall& operator=(const StreamingCall&) = delete;

  // Requests the next message; OnMessage() or OnHalfClose() follows unless the call ends. A message that is too large
  // ends the call. REQUIRES: no Read() is pending, and Finish() was not called.
  void Read();

  // Sends a message; OnWritten() follows once flow control has let gRPC send it. REQUIRES: not writing(), and
  // Finish() was not called.
  void Write(const std::string& bytes);

  // Whether the last message is still waiting to be sent, which lasts as long as the client does not read. A handler
  // with more to send decides what to keep until OnWritten().
  bool writing() const { return writing_; }

  // Ends the call with `status`. No function of the handler runs afterwards. REQUIRES: not writing(), and Finish() was
  // not called.
  void Finish(const grpc::Status& status);

  // Ends the call at once, as if the client had cancelled it. Unlike Finish(), does not wait for a client that does not
  // read. Functions of the handler may still run.
  void Cancel() { context_.TryCancel(); }

 private:
  StreamingCall(const Method& method, CallQueue& queue);
  ~StreamingCall() = default;

  void Arrived(bool ok);
  void WasRead(bool ok);
  void Written(bool ok);
  void Finished(bool);
  void Done(bool);

  // Deletes the call if gRPC has returned all of its tags.
  void Release();

  const Method& method_;
  const CallQueue::User user_;
  CallQueue& queue_;
  CallQueue::TagOf<StreamingCall, &StreamingCall::Arrived> arrived_{*this};
  CallQueue::TagOf<StreamingCall, &StreamingCall::WasRead> was_read_{*this};
  CallQueue::TagOf<StreamingCall, &StreamingCall::Written> written_{*this};
  CallQueue::TagOf<StreamingCall, &StreamingCall::Finished> finished_{*this};
  CallQueue::TagOf<StreamingCall, &StreamingCall::Done> done_{*this};
  grpc::ServerContext context_;
  BytesService::ReaderWriter stream_{&context_};
  grpc::ByteBuffer message_;
  int pending_tags_ = 0;  // that gRPC has not returned yet
  bool writing_ = false;
  bool ended_ = false;                      // no function of the handler may be called anymore
  std::unique_ptr<StreamHandler> handler_;  // destroyed first: it may use the call
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_STREAMING_CALL_H_
