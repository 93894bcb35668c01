// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_SERVICES_REGISTRY_SERVICE_FIXTURE_H_
#define QCONFIG_TESTS_SERVER_SERVICES_REGISTRY_SERVICE_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tests/core/test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {

inline constexpr char kInt8Weight[] = "spec { weight { preset { spec: 'Int8PerTensorSpec' } } }";
inline constexpr char kUuid[] = "123e4567-e89b-42d3-a456-426614174000";
inline constexpr char kOtherUuid[] = "123e4567-e89b-42d3-a456-426614174001";

// A server with registries in memory. Helpers write to it with requests in text format.
class RegistryServiceTest : public testing::Test {
 protected:
  absl::StatusOr<v1::RegisterSchemeResponse> RegisterScheme(const std::string& request) {
    return server_.client().RegisterScheme(Proto<v1::RegisterSchemeRequest>(request));
  }
  absl::StatusOr<v1::RegisterSchemeResponse> RegisterInt8(const std::string& name, const std::string& rest = "") {
    return RegisterScheme(absl::StrCat("scheme { name: '", name, "' ", kInt8Weight, "} ", rest));
  }
  absl::StatusOr<v1::UnregisterSchemeResponse> UnregisterScheme(const std::string& request) {
    return server_.client().UnregisterScheme(Proto<v1::UnregisterSchemeRequest>(request));
  }
  absl::StatusOr<v1::RegisterTemplateResponse> RegisterTemplate(const std::string& request) {
    return server_.client().RegisterTemplate(Proto<v1::RegisterTemplateRequest>(request));
  }
  absl::StatusOr<v1::UnregisterTemplateResponse> UnregisterTemplate(const std::string& request) {
    return server_.client().UnregisterTemplate(Proto<v1::UnregisterTemplateRequest>(request));
  }
  absl::StatusOr<v1::SetDefaultCatalogResponse> SetDefaultCatalog(const std::string& request) {
    return server_.client().SetDefaultCatalog(Proto<v1::SetDefaultCatalogRequest>(request));
  }
  absl::StatusOr<v1::GetConfigResponse> GetConfig(const std::string& request) {
    return server_.client().GetConfig(Proto<v1::GetConfigRequest>(request));
  }

  TestServer server_;
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_SERVICES_REGISTRY_SERVICE_FIXTURE_H_
