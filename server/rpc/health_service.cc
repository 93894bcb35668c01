// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/health_service.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>

#include <utility>

namespace qconfig {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

}  // namespace

// A call of Watch: waits for its caller, then tells it of every change until it goes away. Deletes itself.
class HealthService::Watcher {
 public:
  Watcher(HealthService& service, CallQueue& queue) : service_(service), user_(queue), queue_(queue) {
    context_.AsyncNotifyWhenDone(&gone_);
    service_.RequestWatch(&context_, &request_, &writer_, queue_.get(), queue_.get(), &came_);
  }

  void Tell() {
    if (busy_ || ended_) return;
    const HealthCheckResponse::ServingStatus status = service_.StatusOf(request_.service());
    if (status == told_) return;
    told_ = status;
    HealthCheckResponse response;
    response.set_status(status);
    busy_ = true;
    writer_.Write(response, &written_);
  }

 private:
  void Came(bool ok) {
    if (!ok) {  // the server ends
      delete this;
      return;
    }
    if (!queue_.stopping()) new Watcher(service_, queue_);
    service_.watchers_.insert(this);
    Tell();
  }

  void Written(bool ok) {
    busy_ = false;
    if (ended_) return Finish();
    if (ok) Tell();
  }

  void Gone(bool) {
    service_.watchers_.erase(this);
    ended_ = true;
    if (!busy_) Finish();
  }

  void Finish() { writer_.Finish(grpc::Status::CANCELLED, &finished_); }

  void Finished(bool) { delete this; }

  HealthService& service_;
  const CallQueue::User user_;
  CallQueue& queue_;
  CallQueue::TagOf<Watcher, &Watcher::Came> came_{*this};
  CallQueue::TagOf<Watcher, &Watcher::Written> written_{*this};
  CallQueue::TagOf<Watcher, &Watcher::Gone> gone_{*this};
  CallQueue::TagOf<Watcher, &Watcher::Finished> finished_{*this};
  grpc::ServerContext context_;
  HealthCheckRequest request_;
  grpc::ServerAsyncWriter<HealthCheckResponse> writer_{&context_};
  HealthCheckResponse::ServingStatus told_ = HealthCheckResponse::UNKNOWN;
  bool busy_ = false;  // a write is on its way
  bool ended_ = false;
};

HealthService::HealthService(std::set<std::string> services) : services_(std::move(services)) {}

void HealthService::Serve(CallQueue& queue) {
  queue_ = &queue;
  new Watcher(*this, queue);
}

void HealthService::ReportNotServing() {
  if (!serving_.exchange(false)) return;
  queue_->Post([this] {
    for (Watcher* watcher : watchers_) watcher->Tell();
  });
}

HealthCheckResponse::ServingStatus HealthService::StatusOf(const std::string& service) const {
  if (!service.empty() && services_.count(service) == 0) return HealthCheckResponse::SERVICE_UNKNOWN;
  return serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

grpc::Status HealthService::Check(grpc::ServerContext*, const HealthCheckRequest* request,
                                  HealthCheckResponse* response) {
  const HealthCheckResponse::ServingStatus status = StatusOf(request->service());
  if (status == HealthCheckResponse::SERVICE_UNKNOWN) {
    return {grpc::StatusCode::NOT_FOUND, "service name unknown"};
  }
  response->set_status(status);
  return grpc::Status::OK;
}

}  // namespace qconfig
