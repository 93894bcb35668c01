// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_CONNECTION_HINT_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_CONNECTION_HINT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "qconfig/client.h"

namespace qconfig::client {

// Returns what `message`, gRPC's text of a call that failed with kUnavailable, probably means; empty if nothing is
// known. The sentences are in client/connection_hints.json. `program` selects the names of options in them: "cpp" or
// "qconfigctl".
std::string ConnectionHint(absl::string_view program, absl::string_view message, const ClientOptions& options);

// Whether `message`, gRPC's text of a call that failed with kUnavailable, says that its last attempt reached no server.
bool ReachedNoServer(absl::string_view message);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_CONNECTION_HINT_H_
