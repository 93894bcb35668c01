// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_TLS_OPTIONS_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_TLS_OPTIONS_H_

#include <string>

#include "absl/status/statusor.h"

namespace qconfig::client {

// TLS options of a client, as PEM text.
struct TlsOptions {
  std::string ca;    // certificate authorities to trust; empty: those that the system trusts
  std::string cert;  // the client's certificate chain; empty: no client certificate
  std::string key;   // private key of `cert`
};

// PEM files with the TLS options; empty: not set.
struct TlsFiles {
  std::string ca;
  std::string cert;
  std::string key;
};

// Reads and checks the files. kInvalidArgument: a certificate without a key, or a key without a certificate.
// kFailedPrecondition: a file is unreadable or invalid; the text names the file.
absl::StatusOr<TlsOptions> ReadTlsOptions(const TlsFiles& files);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_TLS_OPTIONS_H_
