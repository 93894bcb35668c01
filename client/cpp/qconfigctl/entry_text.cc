// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/utf8.h"
#include "qconfigctl/entry_file.h"
#include "qconfigctl/tree_checks.h"
#include "server/base/files/file_tree.h"

namespace qconfig::client {
namespace {

// Reads at most one byte more than the limit.
absl::StatusOr<std::string> ReadBytes(std::FILE* file) {
  std::string bytes(kMaxFileBytes + 1, '\0');
  errno = 0;
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  if (std::ferror(file) != 0) {
    if (errno == EISDIR) {
      return absl::InvalidArgumentError(
          "a directory; name a file in it, or register its files one by one: for file in DIRECTORY/*; do qconfigctl "
          "register scheme -f \"$file\"; done");
    }
    return absl::InvalidArgumentError(absl::StrCat("cannot read the file: ", std::strerror(errno)));
  }
  return bytes;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  if (path == "-") return ReadBytes(stdin);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (file == nullptr) return absl::InvalidArgumentError(absl::StrCat("cannot open the file: ", std::strerror(errno)));
  return ReadBytes(file.get());
}

absl::Status CheckText(absl::string_view text) {
  if (text.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the file is larger than ", kMaxFileBytes >> 20, " MiB"));
  }
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    // yaml-cpp treats one of them as the end of the file.
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\n' && c != '\r' && c != '\t') {
      return absl::InvalidArgumentError(absl::StrCat("not a text file: control character on line ", line));
    }
  }
  if (!IsUtf8(text)) return absl::InvalidArgumentError("the file is not valid UTF-8");
  if (absl::StripAsciiWhitespace(text).empty()) return absl::InvalidArgumentError("the file is empty");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadEntryText(const std::string& path) {
  const auto bytes = ReadFile(path);
  if (!bytes.ok()) return bytes.status();
  const absl::string_view text = absl::StripPrefix(*bytes, "\xEF\xBB\xBF");
  const absl::Status status = CheckText(text);
  if (!status.ok()) return status;
  return std::string(text);
}

}  // namespace qconfig::client
