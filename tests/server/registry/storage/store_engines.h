// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_STORE_ENGINES_H_
#define QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_STORE_ENGINES_H_

#include "tests/server/registry/storage/store_conformance.h"

namespace qconfig {

StoreEngine MemoryEngine();
StoreEngine SqliteEngine();
StoreEngine ObservedEngine();

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_STORE_ENGINES_H_
