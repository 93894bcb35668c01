// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/handler_table.h"

#include "server/rpc/answer_cache.h"
#include "server/rpc/streaming_call.h"

namespace qconfig {

std::set<std::string> ServiceNames(const HandlerTable& handlers) {
  std::set<std::string> services;
  const auto add = [&services](const auto& methods) {
    for (const auto& method : methods) services.insert(method.path.substr(0, method.path.find('/')));
  };
  add(handlers.sync);
  add(handlers.queued);
  add(handlers.streaming);
  return services;
}

}  // namespace qconfig
