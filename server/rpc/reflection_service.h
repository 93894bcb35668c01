// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_REFLECTION_SERVICE_H_
#define QCONFIG_SERVER_RPC_REFLECTION_SERVICE_H_

#include <cstddef>
#include <list>
#include <set>
#include <string>

#include "server/rpc/descriptor_files.h"
#include "server/rpc/handler_table.h"

namespace qconfig {

// grpc.reflection.v1.ServerReflection, and v1alpha under its own name: describes the services of the server, and the
// messages of google.rpc that are details of its errors. gRPC's own reflection occupies a thread for each open call.
// Not thread-safe.
class ReflectionService {
 public:
  // The maximum number of open calls. One more ends the call that has been silent longest with RESOURCE_EXHAUSTED, so
  // that idle calls keep nobody out. Bounds the memory that clients can hold by not reading.
  static constexpr size_t kMaxOpenCalls = 256;
  // Enough for the name of any symbol. Larger requests end their call.
  static constexpr size_t kMaxRequestBytes = 4096;

  // Adds both versions, and describes all services in `handlers` at this time. This must outlive the calls. REQUIRES:
  // descriptors of these services are linked into the program.
  void AddTo(HandlerTable& handlers);

 private:
  class Call;

  std::set<std::string> services_;
  DescriptorFiles files_;
  std::list<Call*> calls_;  // the open ones, the last that was active first
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_REFLECTION_SERVICE_H_
