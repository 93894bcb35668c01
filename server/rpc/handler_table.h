// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_HANDLER_TABLE_H_
#define QCONFIG_SERVER_RPC_HANDLER_TABLE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/error.h"
#include "server/base/call_context.h"

namespace qconfig {

class AnswerCache;
class StreamHandler;
class StreamingCall;

// The module server/rpc carries calls between gRPC and handlers. It admits calls, runs handlers on threads or on a
// completion queue, caches answers, maps statuses, and serves health and reflection. The logic of methods
// belongs in server/services; listening, connections and TLS belong in server/app and server/tls.

// A unary method: the request's bytes in, the response's bytes or a status out. Thread-safe.
using BytesMethod = std::function<absl::StatusOr<std::string>(const CallContext&, absl::string_view)>;

// INVALID_REQUEST if `bytes` are malformed, nested too deeply, or have text that is not UTF-8. gRPC's generated code
// would report INTERNAL, which blames the server.
template <typename Request>
absl::StatusOr<Request> ParseRequest(absl::string_view bytes) {
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error(v1::ERROR_REASON_INVALID_REQUEST)
        .ToStatus(absl::StrCat("cannot parse the request as ", Request::descriptor()->full_name(),
                               ": it is malformed, nested too deeply, or has text that is not UTF-8"));
  }
  return request;
}

// Turns a method on messages into a method on bytes.
template <typename Request, typename Response>
BytesMethod OnBytes(std::function<absl::StatusOr<Response>(const CallContext&, const Request&)> method) {
  return [method = std::move(method)](const CallContext& call, absl::string_view bytes) -> absl::StatusOr<std::string> {
    auto request = ParseRequest<Request>(bytes);
    if (!request.ok()) return request.status();
    // Responses copy parts of the request, which would return the unknown fields of a newer contract to the client.
    request->DiscardUnknownFields();
    call.notes->earlier_turns.used = call.notes->turn.End();  // the tenant is known now
    const auto response = method(call, *request);
    FairTurns::Turn turn = std::move(call.notes->turn);  // ends when the answer is in bytes
    if (!response.ok()) return response.status();
    if (turn.is_large()) {
      if (absl::Status status = turn.Continue(call.deadline); !status.ok()) return status;
    }
    return response->SerializeAsString();
  };
}

// The memory that calls of a unary method need, estimated from their requests.
struct MemoryCost {
  size_t per_byte = 16;   // of the request; a parsed request takes about ten times its bytes
  bool is_large = false;  // whether even small requests are rejected when memory is short
};

// Makes the handler of a call that has arrived; streaming_call.h has the contract. Runs on the queue's thread.
using OpenStream = std::function<std::unique_ptr<StreamHandler>(StreamingCall&)>;

// Served on gRPC's synchronous threads, one for each call.
struct SyncMethod {
  std::string path;  // "qconfig.v1.ConfigService/ListSchemes"
  BytesMethod handler;
  MemoryCost memory = {};
};

// Received on the queue's thread, and handled on a worker thread unless `cache` has the answer.
struct QueuedMethod {
  std::string path;
  BytesMethod handler;
  // Null: nothing is cached. Otherwise an OK answer must depend only on the request's bytes, on the principal's default
  // tenant, and on the registry of the one tenant that the handler notes in the call's CallNotes. Methods do not share
  // a cache: its keys are requests.
  std::shared_ptr<AnswerCache> cache;
  MemoryCost memory = {};
};

// Served on the queue's thread. Calls occupy no thread, however long they stay open.
struct StreamingMethod {
  std::string path;
  size_t max_message_bytes;  // larger messages end the call with MESSAGE_TOO_LARGE
  OpenStream open;
};

// All methods of a server, and how each one is served.
struct HandlerTable {
  std::vector<SyncMethod> sync;
  std::vector<QueuedMethod> queued;
  std::vector<StreamingMethod> streaming;
};

// The names of the services that have a method in `handlers`, such as "qconfig.v1.ConfigService".
std::set<std::string> ServiceNames(const HandlerTable& handlers);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_HANDLER_TABLE_H_
