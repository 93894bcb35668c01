// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/health_service.h"

#include <memory>
#include <utility>

#include "server/rpc/streaming_call.h"
#include "server/rpc/wire_status.h"

namespace qconfig {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// Enough for the name of any service.
constexpr size_t kMaxRequestBytes = 4096;

std::string MakeResponse(HealthCheckResponse::ServingStatus status) {
  HealthCheckResponse response;
  response.set_status(status);
  return response.SerializeAsString();
}

// A handler whose client sends one request.
class OneRequest : public StreamHandler {
 public:
  explicit OneRequest(StreamingCall& call) : call_(call) { call_.Read(); }

  void OnMessage(absl::string_view bytes) final {
    const auto request = ParseRequest<HealthCheckRequest>(bytes);
    if (!request.ok()) return call_.Finish(ToGrpcStatus(request.status()));
    OnRequest(request->service());
  }

  void OnHalfClose() final { call_.Finish({grpc::StatusCode::INVALID_ARGUMENT, "the call has no request message"}); }

 protected:
  virtual void OnRequest(const std::string& service) = 0;

  StreamingCall& call_;
};

}  // namespace

// A call of Check.
class HealthService::Checker final : public OneRequest {
 public:
  Checker(const HealthService& health, StreamingCall& call) : OneRequest(call), health_(health) {}

  void OnWritten() override { call_.Finish(grpc::Status::OK); }

 private:
  void OnRequest(const std::string& service) override {
    const HealthCheckResponse::ServingStatus status = health_.GetStatus(service);
    if (status == HealthCheckResponse::SERVICE_UNKNOWN) {
      return call_.Finish({grpc::StatusCode::NOT_FOUND, "service name unknown"});
    }
    call_.Write(MakeResponse(status));
  }

  const HealthService& health_;
};

// A call of Watch: sends the status at once, and then every change until the call ends. A client that reads slowly
// skips what changed in the meantime.
class HealthService::Watcher final : public OneRequest {
 public:
  Watcher(HealthService& health, StreamingCall& call) : OneRequest(call), health_(health) {}
  ~Watcher() override { health_.watchers_.erase(this); }

  void SendChange() {
    if (call_.writing()) return;
    const HealthCheckResponse::ServingStatus status = health_.GetStatus(service_);
    if (status == sent_) return;
    sent_ = status;
    call_.Write(MakeResponse(status));
  }

  void OnWritten() override { SendChange(); }

 private:
  void OnRequest(const std::string& service) override {
    if (absl::Status admitted = health_.admit_watch_(); !admitted.ok()) return call_.Finish(ToGrpcStatus(admitted));
    service_ = service;
    health_.watchers_.insert(this);
    SendChange();
  }

  HealthService& health_;
  std::string service_;
  HealthCheckResponse::ServingStatus sent_ = HealthCheckResponse::UNKNOWN;
};

HealthService::HealthService(const std::set<std::string>& services, std::function<absl::Status()> admit_watch)
    : admit_watch_(std::move(admit_watch)) {
  is_serving_[""] = true;
  for (const std::string& service : services) is_serving_[service] = true;
}

void HealthService::AddTo(HandlerTable& handlers) {
  handlers.streaming.push_back({"grpc.health.v1.Health/Check", kMaxRequestBytes,
                                [this](StreamingCall& call) { return std::make_unique<Checker>(*this, call); }});
  handlers.streaming.push_back({"grpc.health.v1.Health/Watch", kMaxRequestBytes,
                                [this](StreamingCall& call) { return std::make_unique<Watcher>(*this, call); }});
}

void HealthService::Report(const std::string& service, bool is_serving, CallQueue& queue) {
  if (is_serving_.at(service).exchange(is_serving) != is_serving) SendChanges(queue);
}

void HealthService::ReportNotServing(CallQueue& queue) {
  if (!stopped_.exchange(true)) SendChanges(queue);
}

void HealthService::SendChanges(CallQueue& queue) {
  queue.Post([this] {
    for (Watcher* watcher : watchers_) watcher->SendChange();
  });
}

HealthCheckResponse::ServingStatus HealthService::GetStatus(const std::string& service) const {
  const auto found = is_serving_.find(service);
  if (found == is_serving_.end()) return HealthCheckResponse::SERVICE_UNKNOWN;
  return found->second && !stopped_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

}  // namespace qconfig
