// SPDX-License-Identifier: Apache-2.0
#include "tests/server/auth/test_issuer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

using nlohmann::json;

int CurveBytes(const std::string& curve) { return curve == "P-256" ? 32 : (curve == "P-384" ? 48 : 66); }

std::string Bytes(const BIGNUM* number, int size) {
  std::string bytes(static_cast<size_t>(size), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), size);
  return bytes;
}

const EVP_MD* Digest(const std::string& alg) {
  if (absl::EndsWith(alg, "256")) return EVP_sha256();
  return absl::EndsWith(alg, "384") ? EVP_sha384() : EVP_sha512();
}

// JWS has both numbers of the signature one after the other, OpenSSL has them in ASN.1.
std::string FromAsn1(const std::string& signature, int size) {
  const auto* at = reinterpret_cast<const unsigned char*>(signature.data());
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> numbers(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size())), ECDSA_SIG_free);  // NOLINT(google-runtime-int)
  return Bytes(ECDSA_SIG_get0_r(numbers.get()), size) + Bytes(ECDSA_SIG_get0_s(numbers.get()), size);
}

}  // namespace

TestIssuer TestIssuer::Rsa(unsigned bits) { return TestIssuer(EVP_RSA_gen(bits)); }

TestIssuer TestIssuer::Ec(const std::string& curve) {
  TestIssuer issuer(EVP_EC_gen(curve.c_str()));
  issuer.curve_ = curve;
  return issuer;
}

std::string TestIssuer::Number(const char* name, size_t size) const {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key_.get(), name, &number);
  const std::string bytes = Bytes(number, std::max(BN_num_bytes(number), static_cast<int>(size)));
  BN_free(number);
  return absl::WebSafeBase64Escape(bytes);
}

json TestIssuer::Jwk(const std::string& kid) const {
  if (curve_.empty()) {
    return {
        {"kty", "RSA"}, {"kid", kid}, {"n", Number(OSSL_PKEY_PARAM_RSA_N, 0)}, {"e", Number(OSSL_PKEY_PARAM_RSA_E, 0)}};
  }
  const auto size = static_cast<size_t>(CurveBytes(curve_));
  return {{"kty", "EC"},
          {"kid", kid},
          {"crv", curve_},
          {"x", Number(OSSL_PKEY_PARAM_EC_PUB_X, size)},
          {"y", Number(OSSL_PKEY_PARAM_EC_PUB_Y, size)}};
}

std::string TestIssuer::PublicPem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PUBKEY(bio.get(), key_.get());
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string TestIssuer::Token(const json& claims, const std::string& alg, const std::string& kid) const {
  json header = {{"alg", alg}, {"typ", "JWT"}};
  if (!kid.empty()) header["kid"] = kid;
  return RawToken(header.dump(), claims.dump(), alg);
}

std::string TestIssuer::RawToken(absl::string_view header, absl::string_view payload, const std::string& alg) const {
  const std::string text = absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(payload));
  return absl::StrCat(text, ".", absl::WebSafeBase64Escape(Sign(text, alg)));
}

std::string TestIssuer::Sign(absl::string_view text, const std::string& alg) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  EVP_DigestSignInit(context.get(), &parameters, Digest(alg), nullptr, key_.get());
  if (absl::StartsWith(alg, "PS")) {
    EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
  }
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size());
  std::string signature(size, '\0');
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size());
  signature.resize(size);
  return curve_.empty() ? signature : FromAsn1(signature, CurveBytes(curve_));
}

std::string JwksText(const std::vector<json>& keys) { return json{{"keys", keys}}.dump(); }

std::string JoinToken(absl::string_view header, absl::string_view payload, absl::string_view signature) {
  return absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(payload), ".",
                      absl::WebSafeBase64Escape(signature));
}

}  // namespace qconfig
