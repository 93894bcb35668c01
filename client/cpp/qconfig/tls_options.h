// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_TLS_OPTIONS_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_TLS_OPTIONS_H_

#include <string>

#include "absl/status/statusor.h"

namespace qconfig::client {

// What a client needs for TLS, in PEM form.
struct TlsOptions {
  std::string ca;  // authorities that the server's certificate must come from; empty: those that the system trusts
  std::string
      cert;         // the client's certificate and those between it and an authority that the server knows; empty: none
  std::string key;  // of the client's certificate
};

// The files that hold it; empty: none.
struct TlsFiles {
  std::string ca;
  std::string cert;
  std::string key;
};

// kInvalidArgument when there is a certificate without a key or the other way round, kFailedPrecondition when a file
// cannot be used, with a sentence that names it.
absl::StatusOr<TlsOptions> ReadTlsOptions(const TlsFiles& files);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_TLS_OPTIONS_H_
