// SPDX-License-Identifier: Apache-2.0
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "qconfig/token_file.h"
#include "qconfigctl/commands.h"

namespace qconfig::client {
namespace {

// The SHA-256 of `token` as 64 lowercase hex digits, as a server's policy has it.
std::string HashOfToken(const std::string& token) {
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), sum);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(sum), sizeof sum));
}

// Prints the token alone to standard output, so that it can be redirected to a file.
int PrintNewToken() {
  unsigned char bytes[32];
  if (RAND_bytes(bytes, sizeof bytes) != 1) {
    std::cerr << "error: OpenSSL has no random bytes; no token was created\n";
    return kNotWritten;
  }
  const absl::string_view random(reinterpret_cast<const char*>(bytes), sizeof bytes);
  const std::string token = absl::StrCat("qct_", absl::WebSafeBase64Escape(random));
  std::cout << token << '\n' << std::flush;
  if (!std::cout) return kDone;  // Main() reports it; a hash would be of a token that nobody has
  std::cerr << "tokens: [{sha256: \"" << HashOfToken(token) << "\"}]\n";
  return kDone;
}

int PrintHash(const std::string& path) {
  const auto token = ReadTokenFile(path);
  if (!token.ok()) throw CLI::ValidationError("--hash", std::string(token.status().message()));
  std::cout << HashOfToken(*token) << '\n';
  return kDone;
}

}  // namespace

void AddNewToken(CLI::App& app, int& exit_code) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(kNewToken, "Create a token, without a server");
  command->add_option("--hash", *path, "Print only the hash of the token in this file, and create none")
      ->check([](const std::string& file) { return std::string(file.empty() ? "requires a file" : ""); })
      ->type_name("FILE");
  command->footer(
      "Prints the token to standard output, and to standard error the line with its hash for the principal in the\n"
      "server's policy. Keep the token in a file that only you can read:\n"
      "  (umask 077; qconfigctl new-token > FILE)");
  command->callback([path, &exit_code] { exit_code = path->empty() ? PrintNewToken() : PrintHash(*path); });
}

}  // namespace qconfig::client
