// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_CREDENTIALS_READER_H_
#define QCONFIG_SERVER_AUTH_CREDENTIALS_READER_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "server/auth/policy.h"
#include "server/auth/tree_reader.h"

namespace qconfig {

// Reads the credentials of the principals of a policy. Not thread-safe.
class CredentialsReader {
 public:
  // Of all principals: tokens, names in certificates, and values of claims. Each is compared with the others.
  static constexpr size_t kMaxCredentials = 10'000;

  // Reports faults to `in`, and adds credentials to `parts`, which has the issuers. Both must outlive the reader.
  CredentialsReader(TreeReader& in, Policy::Parts& parts) : in_(in), parts_(parts) {}

  // Reads the keys `tokens`, `certificates` and `jwt` of a principal's `value`.
  void Read(const TreeValue& value, const std::shared_ptr<const Principal>& principal);

 private:
  // False: there are too many. The first time, that is a fault.
  bool Count(const TreeValue& value);
  void ReadToken(const TreeValue& value, const std::shared_ptr<const Principal>& principal);
  void ReadCertificate(const TreeValue& value, const std::shared_ptr<const Principal>& principal);
  void ReadJwt(const TreeValue& value, const std::shared_ptr<const Principal>& principal);

  TreeReader& in_;
  Policy::Parts& parts_;
  size_t count_ = 0;
  absl::flat_hash_map<std::string, std::string> hashes_;  // of tokens, and the names of their principals
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_CREDENTIALS_READER_H_
