// SPDX-License-Identifier: Apache-2.0
#include "qconfig/token_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/files/small_file.h"

namespace qconfig::client {
namespace {

// gRPC rejects calls with more than 8 KiB of metadata before the server sees them.
constexpr size_t kMaxTokenBytes = 7u << 10;
constexpr absl::Duration kMaxAge = absl::Seconds(1);

// What is wrong with a token; empty if nothing is. gRPC would abort, or log the token, if metadata had other
// characters.
std::string Problem(const std::string& token) {
  if (token.empty()) return "is empty; write the token to it";
  if (token.find_first_of("\r\n") != std::string::npos) {
    return "has several lines; it must have only the token, in one line";
  }
  if (token.find_first_of(" \t") != std::string::npos) {
    return "has a space; it must have only the token, without \"Bearer\" before it";
  }
  const bool valid = std::all_of(token.begin(), token.end(),
                                 [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
  return valid ? ""
               : "has a character that is not printable ASCII, such as a byte order mark; it must have only the token";
}

}  // namespace

bool LooksLikeToken(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && text[i - 1] == '/') continue;
    const absl::string_view rest = text.substr(i);
    const bool is_json_web_token = absl::StartsWith(rest, "eyJ") && std::count(rest.begin(), rest.end(), '.') >= 2;
    if (is_json_web_token || absl::StartsWith(rest, "qct_")) return true;
  }
  return false;
}

absl::StatusOr<std::string> ReadTokenFile(const std::string& path) {
  const auto text = ReadSmallFile(path, kMaxTokenBytes);
  if (!text.ok() && LooksLikeToken(path)) {
    return absl::FailedPreconditionError("the token file is a token; write the token to a file, and name that file");
  }
  std::string token = text.ok() ? std::string(absl::StripTrailingAsciiWhitespace(*text)) : "";
  const std::string problem = text.ok() ? Problem(token) : std::string(text.status().message());
  if (!problem.empty()) return absl::FailedPreconditionError(absl::StrCat("token file ", path, ": ", problem));
  return token;
}

TokenFile::TokenFile(std::string path) : path_(std::move(path)) {}

absl::StatusOr<std::string> TokenFile::Read(absl::Time now) {
  {
    absl::MutexLock lock(&mutex_);
    // A clock that is set back makes the token neither older nor newer.
    if (read_at_ <= now && now - read_at_ < kMaxAge) return token_;
  }
  absl::StatusOr<std::string> token = ReadTokenFile(path_);
  if (!token.ok()) return token;
  absl::MutexLock lock(&mutex_);
  token_ = *token;
  read_at_ = now;
  return token;
}

absl::StatusOr<std::string> TokenFile::ReadToSend(absl::Time now, bool may_be_sent, absl::string_view advice) {
  absl::StatusOr<std::string> token = Read(now);  // first, because the path could be a token by mistake
  if (!token.ok() || may_be_sent) return token;
  return absl::FailedPreconditionError(
      absl::StrCat("the token in ", path_, " is not sent over an unencrypted connection; ", advice));
}

}  // namespace qconfig::client
