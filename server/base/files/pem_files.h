// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_FILES_PEM_FILES_H_
#define QCONFIG_SERVER_BASE_FILES_PEM_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace qconfig {

// The files of one end of a TLS connection; empty: none. There is a certificate if and only if there is a key.
struct PemPaths {
  std::string cert;  // the end's certificate, then those between it and an authority that others know
  std::string key;
  std::string ca;  // authorities that certificates of the other end must come from
};

// What is in them.
struct PemContents {
  std::string cert;
  std::string key;
  std::string ca;

  friend bool operator==(const PemContents& a, const PemContents& b) {
    return a.cert == b.cert && a.key == b.key && a.ca == b.ca;
  }
};

// kFailedPrecondition, with a sentence that names the file, when one cannot be read, is no ordinary file, is larger
// than such files are, or has a NUL byte.
absl::StatusOr<PemContents> ReadPemFiles(const PemPaths& paths);

// Returns when the certificate expires; absl::InfiniteFuture() when there is none.
// kFailedPrecondition, with a sentence that names the file, when TLS could not work with `contents`: a file is not what
// it should be, the key does not fit the certificate or needs a passphrase, or the certificate is not valid `now`.
absl::StatusOr<absl::Time> CheckPem(const PemPaths& paths, const PemContents& contents, absl::Time now);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_FILES_PEM_FILES_H_
