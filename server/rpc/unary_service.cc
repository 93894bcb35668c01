// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/unary_service.h"

#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/method_handler.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "server/rpc/wire_status.h"

namespace qconfig {
namespace {

// An answer that gRPC sends: it deletes it when the bytes are out, or nobody wants them any more.
struct SentAnswer {
  std::string bytes;
  InFlightCalls::Sending sending;  // counts until then
};

// Hands `bytes` over without copying them.
grpc::ByteBuffer ToByteBuffer(std::string bytes, InFlightCalls::Sending sending) {
  auto* const answer = new SentAnswer{std::move(bytes), std::move(sending)};
  grpc::Slice slice(
      answer->bytes.data(), answer->bytes.size(), [](void* sent) { delete static_cast<SentAnswer*>(sent); }, answer);
  return grpc::ByteBuffer(&slice, 1);
}

// Returns false when the call came without its whole message. Copies only what came in pieces.
bool ToSlice(const grpc::ByteBuffer& request, grpc::Slice& slice) {
  return request.TrySingleSlice(&slice).ok() || request.DumpToSingleSlice(&slice).ok();
}

// Why the call is not worth working on. OK as a rule.
absl::Status CheckWaitedFor(const CallContext& call, absl::Time now) {
  if (now >= call.deadline) return absl::DeadlineExceededError("the deadline passed before the call was begun");
  if (call.is_cancelled()) return absl::CancelledError("the caller went away before the call was begun");
  return absl::OkStatus();
}

// Tells a client with a retry policy when to try again what was refused for now. At random, so that those who were
// refused together do not come back together.
void PushBack(v1::ErrorReason reason, grpc::ServerContext& context) {
  if (reason != v1::ERROR_REASON_OVERLOADED && reason != v1::ERROR_REASON_SHUTTING_DOWN) return;
  // An overload takes a while to pass, but at the end of a server its clients are to look for another one.
  int64_t from_ms = 100;
  int64_t to_ms = 1000;
  if (reason == v1::ERROR_REASON_SHUTTING_DOWN) from_ms = 50, to_ms = 250;
  thread_local absl::InsecureBitGen generator;
  context.AddTrailingMetadata("grpc-retry-pushback-ms",
                              absl::StrCat(absl::Uniform(absl::IntervalClosed, generator, from_ms, to_ms)));
}

}  // namespace

UnaryService::UnaryService(const google::protobuf::ServiceDescriptor* descriptor, size_t max_request_bytes,
                           CallObserver& observer, Clock clock, std::shared_ptr<InFlightCalls> in_flight_calls)
    : descriptor_(descriptor),
      max_request_bytes_(max_request_bytes),
      observer_(observer),
      clock_(std::move(clock)),
      in_flight_calls_(std::move(in_flight_calls)) {}

void UnaryService::AddPath(const std::string& path, grpc::internal::MethodHandler* handler) {
  // gRPC keeps the pointer to the path and owns the rest.
  const std::string& kept = paths_.emplace_back("/" + path);
  AddMethod(new grpc::internal::RpcServiceMethod(kept.c_str(), grpc::internal::RpcMethod::NORMAL_RPC, handler));
}

void UnaryService::Add(const std::string& name, BytesMethod serve) {
  const std::string path = absl::StrCat(descriptor_->full_name(), "/", name);
  const Method method{path, observer_.Method(path), std::move(serve)};
  using Handler = grpc::internal::RpcMethodHandler<UnaryService, grpc::ByteBuffer, grpc::ByteBuffer>;
  AddPath(path, new Handler(
                    [method](UnaryService* self, grpc::ServerContext* context, const grpc::ByteBuffer* request,
                             grpc::ByteBuffer* response) {
                      method.metrics.Started(request->Valid());
                      Arrival arrival{self->clock_.Now(), self->in_flight_calls_->Enter()};
                      return self->Serve(method, std::move(arrival), *context, *request, *response);
                    },
                    this));
}

void UnaryService::AddCached(const std::string& name, BytesMethod serve, std::shared_ptr<AnswerCache> cache) {
  const std::string path = absl::StrCat(descriptor_->full_name(), "/", name);
  auto serve_and_keep = [serve = std::move(serve), cache](const CallContext& call, absl::string_view request) {
    const int64_t began = cache->Begin();
    auto answer = serve(call, request);
    if (answer.ok()) cache->Put(began, request, call.notes->tenants.back(), *answer);
    return answer;
  };
  const int index = static_cast<int>(paths_.size());
  AddPath(path, nullptr);
  MarkMethodRaw(index);
  cached_.emplace(CachedMethod{{path, observer_.Method(path), std::move(serve_and_keep)}, index, std::move(cache)});
}

absl::StatusOr<std::string> UnaryService::Answer(const CallContext& call, const BytesMethod& method,
                                                 const grpc::ByteBuffer& request) const {
  if (request.Length() > max_request_bytes_) {
    return Error(v1::ERROR_REASON_MESSAGE_TOO_LARGE)
        .ToStatus(absl::StrCat("the request has ", request.Length(), " bytes, more than the ", max_request_bytes_,
                               " allowed"));
  }
  grpc::Slice slice;
  if (!ToSlice(request, slice)) {
    if (call.is_cancelled()) return absl::CancelledError("the caller went away before its message was complete");
    return Error(v1::ERROR_REASON_INVALID_REQUEST).ToStatus("the call came without a message");
  }
  return method(call, absl::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size()));
}

grpc::Status UnaryService::Serve(const Method& method, Arrival arrival, grpc::ServerContext& context,
                                 const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
  const Arrival held = std::move(arrival);  // until this returns; parameters may live longer
  const CallContext call = MakeCallContext(context, method.path);
  const absl::Status refused = held.running.ok() ? CheckWaitedFor(call, held.time) : held.running.status();
  absl::StatusOr<std::string> answer = refused.ok() ? Answer(call, method.serve, request) : refused;
  observer_.Finished(method.metrics, call, answer.status(), clock_.Now() - held.time);
  if (!answer.ok()) {
    PushBack(ItemErrorOf(answer.status()).reason(), context);
    return ToGrpcStatus(answer.status());
  }
  const size_t bytes = answer->size();
  response = ToByteBuffer(*std::move(answer), in_flight_calls_->Send(bytes));
  return grpc::Status::OK;
}

// Calls that gRPC can hand over at once. With fewer, each takes up to twice the CPU.
constexpr int kAwaited = 128;

// One call of a method after the other, on the queue's thread but for work that may wait.
class UnaryService::QueuedCall {
 public:
  QueuedCall(UnaryService& service, CachedMethod& method, CallQueue& queue, WorkerThreads& workers)
      : service_(service), method_(method), user_(queue), queue_(queue), workers_(workers) {
    Await();
  }

 private:
  // What gRPC knows of one call.
  struct Exchange {
    Exchange() : writer(&context) {}

    grpc::ServerContext context;
    grpc::ByteBuffer request;
    grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer;
  };

  void Await() {
    ++method_.awaited;
    exchange_.emplace();
    exchange_->context.AsyncNotifyWhenDone(&over_);
    service_.RequestAsyncUnary(method_.index, &exchange_->context, &exchange_->request, &exchange_->writer,
                               queue_.get(), queue_.get(), &came_);
  }

  void Came(bool ok) {
    --method_.awaited;
    if (!ok) {  // the server ends
      delete this;
      return;
    }
    // As many as wait or are slow are not to keep the others out.
    if (method_.awaited < kAwaited / 2 && !queue_.stopping()) new QueuedCall(service_, method_, queue_, workers_);
    const absl::Time time = service_.clock_.Now();
    method_.method.metrics.Started(true);
    if (ServeCached(time)) return;
    Arrival arrival{time, service_.in_flight_calls_->Enter()};
    if (!arrival.running.ok() || exchange_->request.Length() > service_.max_request_bytes_) {
      ServeAnew(std::move(arrival));
    } else if (!workers_.Run([this, arrival = std::move(arrival)]() mutable { ServeAnew(std::move(arrival)); })) {
      ServeAnew({time, Error(v1::ERROR_REASON_OVERLOADED).ToStatus("the server has no thread left; try again soon")});
    }
  }

  // Returns false when the answer is not in the cache.
  bool ServeCached(absl::Time time) {
    // What is larger is also too large to be put together here.
    if (exchange_->request.Length() > AnswerCache::kMaxRequestBytes) return false;
    grpc::Slice request;
    if (!ToSlice(exchange_->request, request)) return false;
    const auto answer = method_.cache->Find({reinterpret_cast<const char*>(request.begin()), request.size()});
    if (answer == nullptr) return false;
    sending_ = service_.in_flight_calls_->EnterToSend(answer->bytes.Length());
    if (sending_ == nullptr) return false;
    service_.observer_.FinishedOk(method_.method.metrics, answer->tenant, service_.clock_.Now() - time,
                                  [this] { return MakeCallContext(exchange_->context, method_.method.path); });
    exchange_->writer.Finish(answer->bytes, grpc::Status::OK, &sent_);
    return true;
  }

  // On any thread.
  void ServeAnew(Arrival arrival) {
    grpc::ByteBuffer response;
    const grpc::Status status =
        service_.Serve(method_.method, std::move(arrival), exchange_->context, exchange_->request, response);
    if (status.ok()) {
      exchange_->writer.Finish(response, status, &sent_);
    } else {
      exchange_->writer.FinishWithError(status, &sent_);
    }
  }

  void Sent(bool) { End(); }
  void Over(bool) { End(); }

  // gRPC is done with a call when both of its tags came back.
  void End() {
    if (!std::exchange(half_ended_, true)) return;
    half_ended_ = false;
    sending_.reset();
    if (queue_.stopping() || method_.awaited >= kAwaited) {
      delete this;
    } else {
      Await();
    }
  }

  UnaryService& service_;
  CachedMethod& method_;
  const CallQueue::User user_;
  CallQueue& queue_;
  WorkerThreads& workers_;
  CallQueue::TagOf<QueuedCall, &QueuedCall::Came> came_{*this};
  CallQueue::TagOf<QueuedCall, &QueuedCall::Sent> sent_{*this};
  CallQueue::TagOf<QueuedCall, &QueuedCall::Over> over_{*this};
  std::optional<Exchange> exchange_;
  InFlightCalls::Sending sending_;
  bool half_ended_ = false;
};

void UnaryService::Serve(CallQueue& queue, WorkerThreads& workers) {
  for (int i = 0; i < kAwaited; ++i) new QueuedCall(*this, *cached_, queue, workers);
}

}  // namespace qconfig
