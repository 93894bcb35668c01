// SPDX-License-Identifier: Apache-2.0
#include "core/names/name_words.h"

#include <array>

#include "absl/strings/ascii.h"

namespace qconfig {
namespace {

// Each byte in lower case; 0 for separators.
constexpr std::array<char, 256> MakeCompactBytes() {
  std::array<char, 256> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i >= 'A' && i <= 'Z' ? i - 'A' + 'a' : i);
  }
  for (const char separator : {'_', '-', '.', ' '}) bytes[static_cast<unsigned char>(separator)] = '\0';
  return bytes;
}
constexpr std::array<char, 256> kCompactBytes = MakeCompactBytes();

char CompactByte(char c) { return kCompactBytes[static_cast<unsigned char>(c)]; }
bool IsUpper(char c) { return absl::ascii_isupper(static_cast<unsigned char>(c)); }
bool IsLower(char c) { return absl::ascii_islower(static_cast<unsigned char>(c)); }
bool IsNumber(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

// Whether a word ends between the neighbours `a` and `b`, which are no separators.
bool IsBoundary(char a, char b) { return IsNumber(a) != IsNumber(b) || (IsLower(a) && IsUpper(b)); }

}  // namespace

bool IsSeparator(char c) { return c != '\0' && CompactByte(c) == '\0'; }

void AppendCompact(absl::string_view name, std::string& compact) {
  const size_t length = compact.size();
  compact.resize(length + name.size());
  char* end = compact.data() + length;
  for (const char c : name) {  // without branches: errors compare ten thousand names
    *end = CompactByte(c);
    end += *end == '\0' ? 0 : 1;
  }
  compact.resize(static_cast<size_t>(end - compact.data()));
}

std::string CompactName(absl::string_view name) {
  std::string compact;
  AppendCompact(name, compact);
  return compact;
}

std::vector<std::string> WordsOfName(absl::string_view name) {
  std::vector<std::string> words;
  char before = '\0';  // a separator
  for (const char c : name) {
    const char byte = CompactByte(c);
    if (byte != '\0') {
      if (before == '\0' || IsBoundary(before, c)) words.emplace_back();
      words.back().push_back(byte);
    }
    before = byte == '\0' ? '\0' : c;
  }
  return words;
}

bool EndsWordAfter(absl::string_view name, size_t compact_bytes) {
  size_t seen = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    if (CompactByte(name[i]) == '\0') continue;
    if (++seen < compact_bytes) continue;
    return i + 1 == name.size() || CompactByte(name[i + 1]) == '\0' || IsBoundary(name[i], name[i + 1]);
  }
  return false;
}

}  // namespace qconfig
