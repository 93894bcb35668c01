// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/streaming_call.h"

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/rpc/byte_buffers.h"
#include "server/rpc/wire_status.h"

namespace qconfig {

StreamingCall::StreamingCall(const Method& method, CallQueue& queue) : method_(method), user_(queue), queue_(queue) {
  context_.AsyncNotifyWhenDone(&done_);
  method_.service.RequestStream(method_.index, context_, stream_, queue_, arrived_);
}

void StreamingCall::Arrived(bool ok) {
  if (!ok) {  // the server shuts down, and gRPC does not return done_
    delete this;
    return;
  }
  if (!queue_.stopping()) Serve(method_, queue_);
  ++pending_tags_;  // done_
  handler_ = method_.open(*this);
}

void StreamingCall::Read() {
  ++pending_tags_;
  stream_.Read(&message_, &was_read_);
}

void StreamingCall::WasRead(bool ok) {
  --pending_tags_;
  if (ended_) return Release();
  if (!ok) return handler_->OnHalfClose();
  grpc::Slice bytes;
  if (message_.Length() > method_.max_message_bytes) {
    // If a message is still being sent, gRPC sends the status after it.
    Finish(ToGrpcStatus(Error(v1::ERROR_REASON_MESSAGE_TOO_LARGE)
                            .ToStatus(absl::StrCat("the message has ", message_.Length(), " bytes, more than the ",
                                                   method_.max_message_bytes, " allowed"))));
  } else if (ToSlice(message_, bytes)) {
    handler_->OnMessage(AsBytes(bytes));
  }
  message_.Clear();
}

void StreamingCall::Write(const std::string& bytes) {
  ++pending_tags_;
  writing_ = true;
  const grpc::Slice slice(bytes);
  stream_.Write(grpc::ByteBuffer(&slice, 1), &written_);
}

void StreamingCall::Written(bool ok) {
  --pending_tags_;
  writing_ = false;
  if (ended_) return Release();
  if (ok) handler_->OnWritten();  // otherwise the call is broken, and done_ follows
}

void StreamingCall::Finish(const grpc::Status& status) {
  ++pending_tags_;
  ended_ = true;
  stream_.Finish(status, &finished_);
}

void StreamingCall::Finished(bool) {
  --pending_tags_;
  Release();
}

void StreamingCall::Done(bool) {
  --pending_tags_;
  ended_ = true;
  handler_.reset();
  Release();
}

void StreamingCall::Release() {
  if (pending_tags_ == 0) delete this;
}

}  // namespace qconfig
