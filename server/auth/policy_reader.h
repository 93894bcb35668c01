// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_POLICY_READER_H_
#define QCONFIG_SERVER_AUTH_POLICY_READER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/auth/policy.h"

namespace qconfig {

// Returns the contents of a file that the policy names.
using ReadNamedFile = std::function<absl::StatusOr<std::string>(const std::string& path)>;

// Reads a policy from YAML; deploy/README.md describes the form. `read_file` reads the key files of issuers.
//
// kInvalidArgument: one line for each mistake, with its path and line in the file: an unknown key, a value of a wrong
// form, a credential of two principals, too many credentials, a key file that cannot be used, or a policy that lets
// nobody in, even if no credential expires.
absl::StatusOr<std::shared_ptr<const Policy>> ReadPolicy(const std::string& yaml, const ReadNamedFile& read_file);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_POLICY_READER_H_
