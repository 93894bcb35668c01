// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_REGISTRATION_WARNINGS_H_
#define QCONFIG_CORE_REGISTRATION_WARNINGS_H_

#include <google/protobuf/repeated_field.h>

#include <memory>
#include <vector>

#include "core/catalog.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// Warnings about an entry that was registered or validated. `catalogs` are those of the server.

// SHADOWS_BUILTIN (a catalogue that was added later has a scheme with this name), SHARED_SCALES_DROPPED.
google::protobuf::RepeatedPtrField<v1::Warning> RegistrationWarnings(const v1::Scheme& scheme,
                                                                     const Catalogs& catalogs);

// SHADOWS_BUILTIN.
google::protobuf::RepeatedPtrField<v1::Warning> RegistrationWarnings(const v1::LlmTemplate& entry,
                                                                     const Catalogs& catalogs);

}  // namespace qconfig

#endif  // QCONFIG_CORE_REGISTRATION_WARNINGS_H_
