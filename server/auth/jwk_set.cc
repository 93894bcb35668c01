// SPDX-License-Identifier: Apache-2.0
#include "server/auth/jwk_set.h"

#include <cjose/cjose.h>
#include <openssl/err.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status_macros.h"
#include "core/utf8.h"
#include "server/auth/token_json.h"

namespace qconfig {
namespace {

using nlohmann::json;

constexpr size_t kMinRsaBits = 2048;
constexpr size_t kMaxRsaBits = 8192;  // OpenSSL takes a millisecond for a signature

struct SignatureAlgorithm {
  absl::string_view name;
  absl::string_view kty;
  absl::string_view crv;  // empty for RSA
};
constexpr SignatureAlgorithm kSignatureAlgorithms[] = {
    {"RS256", "RSA", ""},     {"RS384", "RSA", ""},     {"RS512", "RSA", ""},
    {"PS256", "RSA", ""},     {"PS384", "RSA", ""},     {"PS512", "RSA", ""},
    {"ES256", "EC", "P-256"}, {"ES384", "EC", "P-384"}, {"ES512", "EC", "P-521"},
};

const SignatureAlgorithm* FindSignatureAlgorithm(absl::string_view name) {
  const auto* const end = std::end(kSignatureAlgorithms);
  const auto* const found =
      std::find_if(std::begin(kSignatureAlgorithms), end, [name](const auto& known) { return known.name == name; });
  return found == end ? nullptr : found;
}

// The bytes of a coordinate of the curve; 0 if no algorithm uses the curve.
size_t CoordinateBytes(absl::string_view crv) {
  return crv == "P-256" ? 32 : (crv == "P-384" ? 48 : (crv == "P-521" ? 66 : 0));
}

absl::Status InvalidKeys(absl::string_view what) { return absl::InvalidArgumentError(what); }

// The string of `name`; none if the key does not have it.
absl::StatusOr<std::optional<std::string>> KeyText(const json& key, const char* name) {
  const auto found = key.find(name);
  if (found == key.end()) return std::nullopt;
  if (!found->is_string()) return InvalidKeys(absl::StrCat("`", name, "` is not a string"));
  return found->get<std::string>();
}

// The bytes of a number in base64url, without leading zeros.
absl::StatusOr<std::string> KeyNumber(const json& key, const char* name) {
  QCONFIG_ASSIGN_OR_RETURN(const std::optional<std::string> text, KeyText(key, name));
  std::string bytes;
  if (!text.has_value() || !absl::WebSafeBase64Unescape(*text, &bytes)) {
    return InvalidKeys(absl::StrCat("needs `", name, "`, a number in base64url"));
  }
  return bytes.substr(std::min(bytes.find_first_not_of('\0'), bytes.size()));
}

size_t CountBits(const std::string& number) {
  if (number.empty()) return 0;
  size_t bits = (number.size() - 1) * 8;
  for (unsigned first = static_cast<unsigned char>(number.front()); first != 0; first >>= 1u) ++bits;
  return bits;
}

absl::Status CheckRsaNumbers(const json& key) {
  QCONFIG_ASSIGN_OR_RETURN(const std::string modulus, KeyNumber(key, "n"));
  const size_t bits = CountBits(modulus);
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return InvalidKeys(
        absl::StrCat("is an RSA key of ", bits, " bits; use a key of ", kMinRsaBits, " to ", kMaxRsaBits, " bits"));
  }
  QCONFIG_ASSIGN_OR_RETURN(const std::string exponent, KeyNumber(key, "e"));
  const bool is_odd = !exponent.empty() && (static_cast<unsigned char>(exponent.back()) & 1u) != 0;
  if (!is_odd || exponent == "\x01") return InvalidKeys("`e` is not an odd number above 1; copy the key again");
  return absl::OkStatus();
}

// kInvalidArgument if the key is one that no server may have.
absl::Status CheckIsPublic(const json& key, absl::string_view kty) {
  if (kty == "oct" || key.contains("k")) {
    return InvalidKeys(absl::StrCat(
        "is a symmetric key, with which the server could make tokens itself; use the issuer's public keys (",
        absl::StrJoin(SupportedAlgorithms(), ", "), ")"));
  }
  for (const char* const part : {"d", "p", "q", "dp", "dq", "qi", "oth"}) {
    if (!key.contains(part)) continue;
    return InvalidKeys(
        "is a private key; replace it at the issuer, and list only its public members (kty, kid, alg, "
        "use, n, e, crv, x, y)");
  }
  return absl::OkStatus();
}

// Whether the key may verify signatures, as far as `use` and `key_ops` say.
absl::StatusOr<bool> MayVerify(const json& key) {
  QCONFIG_ASSIGN_OR_RETURN(const std::optional<std::string> use, KeyText(key, "use"));
  if (use.has_value() && *use != "sig") return false;
  const auto operations = key.find("key_ops");
  if (operations == key.end()) return true;
  if (!operations->is_array()) return InvalidKeys("`key_ops` is not a list");
  return std::find(operations->begin(), operations->end(), "verify") != operations->end();
}

struct ReleaseJwk {
  void operator()(cjose_jwk_t* key) const { cjose_jwk_release(key); }
};
using JwkHandle = std::unique_ptr<cjose_jwk_t, ReleaseJwk>;
struct ReleaseJws {
  void operator()(cjose_jws_t* token) const { cjose_jws_release(token); }
};

// Gives cjose only the members that make up the public key.
absl::StatusOr<JwkHandle> ImportJwk(const json& key, absl::string_view kty) {
  json members = {{"kty", std::string(kty)}};
  for (const char* const name : {"n", "e", "crv", "x", "y"}) {
    if (key.contains(name)) members[name] = key[name];
  }
  const std::string text = members.dump();
  JwkHandle handle(cjose_jwk_import(text.data(), text.size(), nullptr));
  ERR_clear_error();  // TLS on this thread would see OpenSSL's errors
  if (handle == nullptr) return InvalidKeys(absl::StrCat("is not a valid ", kty, " key; copy it again"));
  return handle;
}

}  // namespace

struct JwkSet::Key {
  // None: no algorithm that the server supports uses the key.
  static absl::StatusOr<std::optional<Key>> Parse(const json& key);

  bool Fits(absl::string_view algorithm) const {
    const SignatureAlgorithm* const wanted = FindSignatureAlgorithm(algorithm);
    return wanted != nullptr && wanted->kty == kty && wanted->crv == crv && (!alg.has_value() || *alg == algorithm);
  }

  std::optional<std::string> kid;
  std::optional<std::string> alg;
  std::string kty;
  std::string crv;             // empty for RSA
  size_t signature_bytes = 0;  // of each signature
  JwkHandle handle;
};

absl::StatusOr<std::optional<JwkSet::Key>> JwkSet::Key::Parse(const json& key) {
  if (!key.is_object()) return InvalidKeys("is not an object");
  QCONFIG_ASSIGN_OR_RETURN(const std::optional<std::string> kty, KeyText(key, "kty"));
  if (!kty.has_value()) return InvalidKeys("has no `kty`");
  if (absl::Status status = CheckIsPublic(key, *kty); !status.ok()) return status;
  Key parsed;
  QCONFIG_ASSIGN_OR_RETURN(parsed.kid, KeyText(key, "kid"));
  QCONFIG_ASSIGN_OR_RETURN(parsed.alg, KeyText(key, "alg"));
  QCONFIG_ASSIGN_OR_RETURN(const std::optional<std::string> crv, KeyText(key, "crv"));
  QCONFIG_ASSIGN_OR_RETURN(const bool may_verify, MayVerify(key));
  if (!may_verify || (parsed.alg.has_value() && !IsSupportedAlgorithm(*parsed.alg))) return std::nullopt;
  parsed.kty = *kty;
  if (*kty == "RSA") {
    if (absl::Status status = CheckRsaNumbers(key); !status.ok()) return status;
    parsed.signature_bytes = KeyNumber(key, "n")->size();
  } else if (*kty == "EC" && crv.has_value() && CoordinateBytes(*crv) > 0) {
    parsed.crv = *crv;
    parsed.signature_bytes = 2 * CoordinateBytes(*crv);
  } else {
    return std::nullopt;
  }
  if (parsed.alg.has_value() && !parsed.Fits(*parsed.alg)) {
    return InvalidKeys(absl::StrCat("`alg` is ", *parsed.alg, ", which does not fit `kty` and `crv`"));
  }
  QCONFIG_ASSIGN_OR_RETURN(parsed.handle, ImportJwk(key, *kty));
  return parsed;
}

JwkSet::JwkSet(std::vector<Key> keys) : keys_(std::move(keys)) {}
JwkSet::~JwkSet() = default;

size_t JwkSet::size() const { return keys_.size(); }

absl::StatusOr<std::shared_ptr<const JwkSet>> JwkSet::Parse(absl::string_view json_text) {
  if (json_text.size() > kMaxBytes) return InvalidKeys(absl::StrCat("has more than ", kMaxBytes, " bytes"));
  QCONFIG_ASSIGN_OR_RETURN(const json set, ParseTokenJson(json_text));
  const auto list = set.find("keys");
  if (list == set.end() || !list->is_array()) {
    return InvalidKeys("has no list `keys`; write a JSON Web Key Set: {\"keys\": [...]}");
  }
  if (list->size() > kMaxKeys) {
    return InvalidKeys(absl::StrCat("has ", list->size(), " keys; at most ", kMaxKeys, " are accepted"));
  }
  std::vector<Key> keys;
  for (size_t i = 0; i < list->size(); ++i) {
    absl::StatusOr<std::optional<Key>> key = Key::Parse((*list)[i]);
    if (!key.ok()) return InvalidKeys(absl::StrCat("keys[", i, "]: ", key.status().message()));
    if (!key->has_value()) continue;
    const auto has_same_kid = [&](const Key& other) { return (*key)->kid.has_value() && other.kid == (*key)->kid; };
    if (std::any_of(keys.begin(), keys.end(), has_same_kid)) {
      return InvalidKeys(absl::StrCat("keys[", i, "]: another key has the `kid` \"", Printable(*(*key)->kid, 128),
                                      "\" too; remove one of them"));
    }
    keys.push_back(**std::move(key));
  }
  if (keys.empty()) {
    return InvalidKeys(
        absl::StrCat("has no key that verifies signatures of ", absl::StrJoin(SupportedAlgorithms(), ", ")));
  }
  return std::shared_ptr<const JwkSet>(new JwkSet(std::move(keys)));
}

absl::StatusOr<const JwkSet::Key*> JwkSet::Find(absl::string_view algorithm,
                                                const std::optional<std::string>& kid) const {
  const Key* found = nullptr;
  for (const Key& key : keys_) {
    if (!key.Fits(algorithm) || (kid.has_value() && key.kid != kid)) continue;
    if (found != nullptr) return absl::NotFoundError("the token has no `kid`, and several keys of its issuer fit");
    found = &key;
  }
  if (found != nullptr) return found;
  return absl::NotFoundError(kid.has_value() ? "no key of the issuer has the `kid` and fits the algorithm of the token"
                                             : "no key of the issuer fits the algorithm of the token");
}

absl::Status JwkSet::Verify(const std::string& token, absl::string_view algorithm,
                            const std::optional<std::string>& kid) const {
  QCONFIG_ASSIGN_OR_RETURN(const Key* const key, Find(algorithm, kid));
  // cjose accepts signatures of other lengths.
  const size_t signature_bytes = (token.size() - token.rfind('.') - 1) * 3 / 4;
  bool is_valid = signature_bytes == key->signature_bytes;
  if (is_valid) {
    const std::unique_ptr<cjose_jws_t, ReleaseJws> jws(cjose_jws_import(token.data(), token.size(), nullptr));
    is_valid = jws != nullptr && cjose_jws_verify(jws.get(), key->handle.get(), nullptr);
    ERR_clear_error();  // TLS on this thread would see OpenSSL's errors
  }
  return is_valid ? absl::OkStatus() : absl::UnauthenticatedError("the signature of the token is not valid");
}

bool IsSupportedAlgorithm(absl::string_view algorithm) { return FindSignatureAlgorithm(algorithm) != nullptr; }

const std::vector<absl::string_view>& SupportedAlgorithms() {
  static const auto* const kNames = [] {
    auto* const names = new std::vector<absl::string_view>;
    for (const SignatureAlgorithm& algorithm : kSignatureAlgorithms) names->push_back(algorithm.name);
    return names;
  }();
  return *kNames;
}

}  // namespace qconfig
