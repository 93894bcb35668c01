// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/queued_unary_call.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/error.h"
#include "server/rpc/byte_buffers.h"

namespace qconfig {
namespace {

// With fewer awaited calls, each call takes up to twice the CPU.
constexpr int kAwaited = 128;

// The key of an answer in the cache. Requests of principals that name no tenant depend on the principal's default
// tenant, too. A server has either only keys with or only keys without a tenant.
class CacheKey {
 public:
  CacheKey(const Principal* principal, absl::string_view request) : view_(request) {
    if (principal == nullptr) return;
    const std::string& tenant = principal->default_tenant.name();
    const size_t size = tenant.size() + 1 + request.size();
    if (size > small_.size()) large_ = std::make_unique<char[]>(size);
    char* const text = large_ == nullptr ? small_.data() : large_.get();
    *std::copy(tenant.begin(), tenant.end(), text) = '/';
    std::copy(request.begin(), request.end(), text + tenant.size() + 1);
    view_ = {text, size};
  }
  CacheKey(const CacheKey&) = delete;
  CacheKey& operator=(const CacheKey&) = delete;

  absl::string_view view() const { return view_; }

 private:
  // Most keys need no memory of their own.
  std::array<char, 256> small_;
  std::unique_ptr<char[]> large_;
  absl::string_view view_;
};

// Wraps `handler` so that its answers are cached.
BytesMethod CachingAnswers(BytesMethod handler, std::shared_ptr<AnswerCache> cache) {
  return [handler = std::move(handler), cache = std::move(cache)](const CallContext& call, absl::string_view request) {
    const int64_t began = cache->Begin();
    auto answer = handler(call, request);
    if (answer.ok()) {
      cache->Put(began, CacheKey(call.principal.get(), request).view(), call.notes->tenants.back(), *answer);
    }
    return answer;
  };
}

}  // namespace

// Serves calls of the method, one after the other. Runs on the queue's thread, apart from Handle(). Deletes itself when
// the method has enough others, or when the server stops.
class QueuedUnaryMethod::Call {
 public:
  Call(QueuedUnaryMethod& method, CallQueue& queue, WorkerThreads& workers)
      : method_(method), user_(queue), queue_(queue), workers_(workers) {
    Await();
  }

 private:
  // The objects that gRPC fills and reads for one call.
  struct Exchange {
    Exchange() : writer(&context) {}

    grpc::ServerContext context;
    grpc::ByteBuffer request;
    BytesService::ResponseWriter writer;
  };

  void Await() {
    ++method_.awaited_;
    exchange_.emplace();
    exchange_->context.AsyncNotifyWhenDone(&done_);
    method_.service_.RequestUnary(method_.index_, exchange_->context, exchange_->request, exchange_->writer, queue_,
                                  arrived_);
  }

  void Arrived(bool ok) {
    --method_.awaited_;
    if (!ok) {  // the server shuts down
      delete this;
      return;
    }
    // Slow and waiting calls must not block new ones.
    if (method_.awaited_ < kAwaited / 2 && !queue_.stopping()) new Call(method_, queue_, workers_);
    const absl::Duration time = method_.dispatcher_.Steady();
    method_.method_.metrics.Started(/*has_message=*/true);
    if (method_.cache_ != nullptr && SendCached(time)) return;
    Arrival arrival = method_.dispatcher_.Admit(time, exchange_->context);
    const bool is_too_large = exchange_->request.Length() > method_.dispatcher_.max_request_bytes();
    if (!arrival.admitted.ok() || (is_too_large && !method_.dispatcher_.authenticates())) {
      Handle(std::move(arrival));  // fails without checking credentials or running the handler
    } else if (!workers_.Run([this, arrival = std::move(arrival)]() mutable { Handle(std::move(arrival)); })) {
      Handle({time, Error(v1::ERROR_REASON_OVERLOADED).ToStatus("the server cannot start a thread; retry later")});
    }
  }

  // Returns false if the answer is not cached or must not be sent now.
  bool SendCached(absl::Duration time) {
    // Joining the pieces of larger requests would take too long here, and they are not cached.
    if (exchange_->request.Length() > AnswerCache::kMaxRequestBytes) return false;
    grpc::Slice request;
    if (!ToSlice(exchange_->request, request)) return false;
    const auto caller = method_.dispatcher_.FindKnownCaller(exchange_->context);
    if (method_.dispatcher_.authenticates() && caller == nullptr) return false;
    const CacheKey key(caller == nullptr ? nullptr : caller->principal.get(), AsBytes(request));
    const auto answer = method_.cache_->Find(key.view());
    if (answer == nullptr) return false;
    sending_ = method_.dispatcher_.FinishCached(method_.method_, time, exchange_->context, caller.get(), *answer);
    if (!sending_) return false;
    exchange_->writer.Finish(answer->bytes, grpc::Status::OK, &sent_);
    return true;
  }

  // On any thread.
  void Handle(Arrival arrival) {
    grpc::ByteBuffer response;
    const grpc::Status status = method_.dispatcher_.Dispatch(method_.method_, std::move(arrival), exchange_->context,
                                                             exchange_->request, response);
    if (status.ok()) {
      exchange_->writer.Finish(response, status, &sent_);
    } else {
      exchange_->writer.FinishWithError(status, &sent_);
    }
  }

  void Sent(bool) { End(); }
  void Done(bool) { End(); }

  // gRPC returns two tags for each call, in either order.
  void End() {
    if (!std::exchange(half_ended_, true)) return;
    half_ended_ = false;
    if (!sending_) method_.dispatcher_.Ended(exchange_->context);
    sending_.Reset();
    if (queue_.stopping() || method_.awaited_ >= kAwaited) {
      delete this;
    } else {
      Await();
    }
  }

  QueuedUnaryMethod& method_;
  const CallQueue::User user_;
  CallQueue& queue_;
  WorkerThreads& workers_;
  CallQueue::TagOf<Call, &Call::Arrived> arrived_{*this};
  CallQueue::TagOf<Call, &Call::Sent> sent_{*this};
  CallQueue::TagOf<Call, &Call::Done> done_{*this};
  std::optional<Exchange> exchange_;
  Counted sending_;  // a cached answer
  bool half_ended_ = false;
};

QueuedUnaryMethod::QueuedUnaryMethod(QueuedMethod method, BytesService& service, UnaryDispatcher& dispatcher)
    : service_(service),
      dispatcher_(dispatcher),
      method_(dispatcher.Observe(
          method.path,
          method.cache == nullptr ? std::move(method.handler) : CachingAnswers(std::move(method.handler), method.cache),
          method.memory)),
      cache_(std::move(method.cache)),
      index_(service.AddUnary(method_.path)) {}

void QueuedUnaryMethod::Serve(CallQueue& queue, WorkerThreads& workers) {
  for (int i = 0; i < kAwaited; ++i) new Call(*this, queue, workers);
}

}  // namespace qconfig
