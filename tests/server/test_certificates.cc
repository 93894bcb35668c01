// SPDX-License-Identifier: Apache-2.0
#include "tests/server/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <functional>

namespace qconfig {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;

Key NewKey() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

std::string Text(const std::function<void(BIO*)>& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  write(bio.get());
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string Text(EVP_PKEY* key) {
  return Text([key](BIO* bio) { PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

void SetName(X509_NAME* to, const std::string& name) {
  X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
}

struct Certificate {
  std::string subject;
  std::string issuer;
  bool is_authority = false;
  absl::Time begin = absl::Now() - absl::Hours(1);
  absl::Time end = absl::Now() + absl::Hours(24);
  std::string alternative_names = "IP:127.0.0.1";
};

std::string Sign(const Certificate& wanted, const Key& key, const Key& signer) {
  static std::atomic<int> serial = 0;
  const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), X509_free);
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), ++serial);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), absl::ToTimeT(wanted.begin));
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), absl::ToTimeT(wanted.end));
  SetName(X509_get_subject_name(x509.get()), wanted.subject);
  SetName(X509_get_issuer_name(x509.get()), wanted.issuer);
  X509_set_pubkey(x509.get(), key.get());
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  const int nid = wanted.is_authority ? NID_basic_constraints : NID_subject_alt_name;
  const std::string value = wanted.is_authority ? "critical,CA:TRUE" : wanted.alternative_names;
  if (!value.empty()) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(x509.get(), signer.get(), EVP_sha256());
  return Text([&](BIO* bio) { PEM_write_bio_X509(bio, x509.get()); });
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name) : name_(name), key_(NewKey()) {
  pem_ = Sign({name, name, true}, key_, key_);
}

TestAuthority::TestAuthority(const std::string& name, const TestAuthority& parent) : name_(name), key_(NewKey()) {
  pem_ = Sign({name, parent.name_, true}, key_, parent.key_);
  chain_ = pem_ + parent.chain_;
}

TestPair TestAuthority::Issue(const std::string& name, absl::Time begin, absl::Time end) const {
  const Key key = NewKey();
  return {Sign({name, name_, false, begin, end}, key, key_) + chain_, Text(key.get())};
}

TestPair TestAuthority::IssueFor(const std::string& name, const std::string& alternative_names) const {
  const Key key = NewKey();
  Certificate wanted = {name, name_};
  wanted.alternative_names = alternative_names;
  return {Sign(wanted, key, key_) + chain_, Text(key.get())};
}

std::string Encrypted(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), -1), BIO_free);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  return Text([&](BIO* out) {
    PEM_write_bio_PKCS8PrivateKey(out, key.get(), EVP_aes_256_cbc(), "secret", 6, nullptr, nullptr);
  });
}

TestPair WeakPair() {
  const Key key(EVP_RSA_gen(512), EVP_PKEY_free);
  return {Sign({"weak", "weak"}, key, key), Text(key.get())};
}

}  // namespace qconfig
