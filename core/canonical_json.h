// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_CANONICAL_JSON_H_
#define QCONFIG_CORE_CANONICAL_JSON_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// The input of digests: `message` as ProtoJSON with the field names of the proto file, in the form of RFC 8785 (keys
// sorted, no spaces, numbers as in ECMAScript). As in ProtoJSON, leaves out a field without presence that has its
// default, so a field that a later release adds does not change digests until it is set. REQUIRES: the message has no
// maps, bytes, 64-bit integers or well-known types; strings are UTF-8 and numbers finite.
std::string CanonicalJson(const google::protobuf::Message& message);

// The SHA-256 of `bytes`, as 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace qconfig

#endif  // QCONFIG_CORE_CANONICAL_JSON_H_
