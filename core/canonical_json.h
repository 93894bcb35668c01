// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_CANONICAL_JSON_H_
#define QCONFIG_CORE_CANONICAL_JSON_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// The one spelling of `message` that digests are taken of: ProtoJSON with the proto file's field names, in the form of
// RFC 8785 (keys sorted, no spaces, numbers as ECMAScript prints them). As in ProtoJSON, a field without presence that
// has its default is left out, so that a field which a later release adds changes no digest until it is set.
// REQUIRES: no maps, bytes, 64-bit integers or well-known types in the message; strings are UTF-8 and numbers finite.
std::string CanonicalJson(const google::protobuf::Message& message);

// The SHA-256 of `bytes` in 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace qconfig

#endif  // QCONFIG_CORE_CANONICAL_JSON_H_
