// SPDX-License-Identifier: Apache-2.0
#include "qconfig/tls_options.h"

#include "absl/time/clock.h"
#include "server/base/files/pem_files.h"

namespace qconfig::client {

absl::StatusOr<TlsOptions> ReadTlsOptions(const TlsFiles& files) {
  if (files.cert.empty() != files.key.empty()) {
    return absl::InvalidArgumentError(
        "a client certificate requires its private key, and vice versa: set both or neither");
  }
  const PemPaths paths = {files.cert, files.key, files.ca};
  auto contents = ReadPemFiles(paths);
  if (!contents.ok()) return contents.status();
  const auto expiry = CheckPem(paths, *contents, absl::Now());
  if (!expiry.ok()) return expiry.status();
  return TlsOptions{contents->ca, contents->cert, contents->key};
}

}  // namespace qconfig::client
