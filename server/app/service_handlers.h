// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SERVICE_HANDLERS_H_
#define QCONFIG_SERVER_APP_SERVICE_HANDLERS_H_

#include <memory>

#include "server/rpc/answer_cache.h"
#include "server/rpc/handler_table.h"
#include "server/services/config_service.h"
#include "server/services/registry_service.h"

namespace qconfig {

// All methods of both services, which must outlive the result. `answer_cache` is for GetConfig.
HandlerTable ServiceHandlers(const ConfigService& config, const RegistryService& registry,
                             const std::shared_ptr<AnswerCache>& answer_cache);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SERVICE_HANDLERS_H_
