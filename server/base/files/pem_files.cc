// SPDX-License-Identifier: Apache-2.0
#include "server/base/files/pem_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/files/small_file.h"

namespace qconfig {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;
using Certificates = std::vector<Owned<X509>>;

absl::Status Problem(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", what));
}

// The reason of OpenSSL's newest error. Clears its errors.
std::string OpenSslReason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "OpenSSL gives no reason" : reason;
}

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  if (path.empty()) return std::string();
  auto text = ReadSmallFile(path);
  return text.ok() ? text : Problem(path, text.status().message());
}

// Replaces OpenSSL's callback, which prompts on the terminal.
int RejectPassphrase(char*, int, int, void* needs_passphrase) {
  if (needs_passphrase != nullptr) *static_cast<bool*>(needs_passphrase) = true;
  return -1;
}

Owned<BIO> Reader(const std::string& contents) {
  ERR_clear_error();
  return Owned<BIO>(BIO_new_mem_buf(contents.data(), static_cast<int>(contents.size())));
}

absl::StatusOr<Certificates> ParseCertificates(const std::string& path, const std::string& contents) {
  const Owned<BIO> reader = Reader(contents);
  Certificates certificates;
  while (X509* certificate = PEM_read_bio_X509(reader.get(), nullptr, RejectPassphrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const unsigned long error = ERR_peek_last_error();  // NOLINT(google-runtime-int): OpenSSL's type
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  const std::string reason = OpenSslReason();
  if (!at_end) {
    return Problem(path, absl::StrCat("certificate ", certificates.size() + 1, " cannot be parsed: ", reason));
  }
  if (certificates.empty()) return Problem(path, "contains no PEM certificate");
  return certificates;
}

absl::StatusOr<Owned<EVP_PKEY>> ParseKey(const std::string& path, const std::string& contents) {
  bool needs_passphrase = false;
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(Reader(contents).get(), nullptr, RejectPassphrase, &needs_passphrase));
  const std::string reason = OpenSslReason();
  if (needs_passphrase) return Problem(path, "encrypted keys are not supported; store the key without a passphrase");
  if (key == nullptr) return Problem(path, absl::StrCat("contains no PEM private key: ", reason));
  return key;
}

absl::Time ToTime(const ASN1_TIME* time) {
  std::tm utc = {};
  ASN1_TIME_to_tm(time, &utc);
  return absl::FromTM(utc, absl::UTCTimeZone());
}

std::string ToText(absl::Time time) { return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone()); }

// Finds what only OpenSSL rejects, such as keys that are too short.
absl::Status CheckContext(const std::string& path, const Certificates& chain, EVP_PKEY* key) {
  ERR_clear_error();
  const Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  bool accepted = context != nullptr && SSL_CTX_use_certificate(context.get(), chain.front().get()) == 1;
  for (size_t i = 1; accepted && i < chain.size(); ++i) {
    accepted = SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) == 1;
  }
  accepted = accepted && SSL_CTX_use_PrivateKey(context.get(), key) == 1;
  const std::string reason = OpenSslReason();
  return accepted ? absl::OkStatus() : Problem(path, absl::StrCat("the certificate cannot be used: ", reason));
}

}  // namespace

absl::StatusOr<PemContents> ReadPemFiles(const PemPaths& paths) {
  PemContents contents;
  for (const auto& [path, text] : {std::pair(&paths.cert, &contents.cert), std::pair(&paths.key, &contents.key),
                                   std::pair(&paths.ca, &contents.ca)}) {
    auto read = ReadAll(*path);
    if (!read.ok()) return read.status();
    *text = *std::move(read);
  }
  return contents;
}

absl::StatusOr<absl::Time> CheckPem(const PemPaths& paths, const PemContents& contents, absl::Time now) {
  if (!paths.ca.empty()) {
    const auto authorities = ParseCertificates(paths.ca, contents.ca);
    if (!authorities.ok()) return authorities.status();
  }
  if (paths.cert.empty()) return absl::InfiniteFuture();
  const auto chain = ParseCertificates(paths.cert, contents.cert);
  if (!chain.ok()) return chain.status();
  const auto key = ParseKey(paths.key, contents.key);
  if (!key.ok()) return key.status();
  const X509* const leaf = chain->front().get();
  if (X509_check_private_key(leaf, key->get()) != 1) {
    ERR_clear_error();
    return Problem(paths.key, absl::StrCat("does not match the first certificate in ", paths.cert));
  }
  const absl::Time begin = ToTime(X509_get0_notBefore(leaf));
  const absl::Time end = ToTime(X509_get0_notAfter(leaf));
  if (now < begin) {
    return Problem(paths.cert, absl::StrCat("the certificate is not valid before ", ToText(begin)));
  }
  if (now >= end) return Problem(paths.cert, absl::StrCat("the certificate expired at ", ToText(end)));
  const absl::Status usable = CheckContext(paths.cert, *chain, key->get());
  if (!usable.ok()) return usable;
  return end;
}

}  // namespace qconfig
