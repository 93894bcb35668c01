// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_FILES_PEM_FILES_H_
#define QCONFIG_SERVER_BASE_FILES_PEM_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace qconfig {

// The files of one side of a TLS connection; empty: none. A certificate requires a key, and a key a certificate.
struct PemPaths {
  std::string cert;  // this side's certificate, followed by intermediate certificates
  std::string key;
  std::string ca;  // the CAs that may sign certificates of the other side
};

// The contents of the files.
struct PemContents {
  std::string cert;
  std::string key;
  std::string ca;

  friend bool operator==(const PemContents& a, const PemContents& b) {
    return a.cert == b.cert && a.key == b.key && a.ca == b.ca;
  }
};

// kFailedPrecondition: ReadSmallFile() rejects a file. The message names the file.
absl::StatusOr<PemContents> ReadPemFiles(const PemPaths& paths);

// Returns when the certificate expires; absl::InfiniteFuture() if there is none.
// kFailedPrecondition: TLS cannot use `contents`: a file is malformed, the key is encrypted or does not match the
// certificate, or the certificate is not valid at `now`. The message names the file.
absl::StatusOr<absl::Time> CheckPem(const PemPaths& paths, const PemContents& contents, absl::Time now);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_FILES_PEM_FILES_H_
