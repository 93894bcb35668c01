// SPDX-License-Identifier: Apache-2.0
#include "core/error_list.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/error.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// The text is sent twice, as grpc-message and in the details. With the base64 form of the details, this is below 4 KB.
constexpr size_t kMaxTextBytes = 450;     // as grpc-message
constexpr size_t kMaxDetailBytes = 1950;  // the details without the text
constexpr size_t kViolationBytes = 8;     // tags and lengths
constexpr size_t kMoreBytes = 32;         // " (and 19 more errors)"
constexpr size_t kMaxListedChars = 32;

// The number of bytes of a character of the text in grpc-message, which is percent-encoded.
size_t MessageBytes(char c) { return c >= 0x20 && c < 0x7F && c != '%' ? 1 : 3; }

size_t MessageBytes(absl::string_view text) {
  size_t bytes = 0;
  for (const char c : text) bytes += MessageBytes(c);
  return bytes;
}

// The beginning of `text` that needs at most `max_bytes` by `bytes_of`, with "..." at the end if it is shorter.
template <typename BytesOf>
std::string Beginning(absl::string_view text, size_t max_bytes, BytesOf bytes_of) {
  constexpr absl::string_view kEllipsis = "...";
  size_t bytes = 0, end = 0;
  for (absl::string_view rest = text; !rest.empty();) {
    const size_t begin = text.size() - rest.size();
    if (bytes + kEllipsis.size() <= max_bytes) end = begin;
    TakeCodePoint(rest);
    for (const char c : text.substr(begin, text.size() - rest.size() - begin)) bytes += bytes_of(c);
  }
  return bytes <= max_bytes ? std::string(text) : absl::StrCat(text.substr(0, end), kEllipsis);
}

// The text of an error with at most kMaxListedChars of its value.
std::string ShortMessage(const v1::ItemError& error) {
  const std::string& value = error.detail().value();
  const std::string shorter = Printable(value, kMaxListedChars);
  if (shorter == value) return error.message();
  return absl::StrReplaceAll(error.message(), {{absl::StrCat("\"", value, "\""), absl::StrCat("\"", shorter, "\"")}});
}

std::string MoreErrors(size_t count, bool is_full) {
  if (is_full) return " (and more errors)";
  return absl::StrCat(" (and ", count, count == 1 ? " more error)" : " more errors)");
}

// Makes the violations fit into `max_bytes`: shortens long descriptions, then removes the last violations. Keeps the
// first one.
void ShortenDescriptions(size_t max_bytes, std::vector<v1::FieldViolation>& violations) {
  const auto bytes_with = [](const v1::FieldViolation& violation, size_t limit) {
    return violation.field().size() + std::min(violation.description().size(), limit) + kViolationBytes;
  };
  size_t limit = 0, kept = 0;
  for (const size_t tried : {1000u, 300u, 150u}) {
    limit = tried;
    kept = 0;
    for (size_t bytes = 0; kept < violations.size(); ++kept) {
      bytes += bytes_with(violations[kept], limit);
      if (bytes > max_bytes) break;
    }
    if (kept == violations.size()) break;
  }
  violations.resize(std::max<size_t>(kept, 1));
  for (v1::FieldViolation& violation : violations) {
    violation.set_description(Beginning(violation.description(), limit, [](char) { return size_t{1}; }));
  }
}

}  // namespace

void ErrorList::Add(absl::Status error) {
  if (error.ok() || is_full() || !fields_.insert(ItemErrorOf(error).detail().field()).second) return;
  errors_.push_back(std::move(error));
}

absl::Status ErrorList::ToStatus() const {
  if (errors_.size() < 2) return errors_.empty() ? absl::OkStatus() : errors_.front();
  v1::ItemError combined = ItemErrorOf(errors_.front());
  std::string text = ShortMessage(combined);
  absl::StrAppend(&text, absl::EndsWith(text, ".") ? " " : ". ", is_full() ? "At least " : "", errors_.size() - 1,
                  " more: ");
  combined.clear_field_violations();
  combined.clear_message();
  std::vector<v1::FieldViolation> violations;
  for (size_t i = 0; i < std::min(errors_.size(), kMaxErrors); ++i) {
    const v1::ItemError item = ItemErrorOf(errors_[i]);
    const std::string message = ShortMessage(item);
    if (i > 0 && MessageBytes(text) < kMaxTextBytes) absl::StrAppend(&text, i == 1 ? "" : "; ", message);
    violations.emplace_back().set_field(item.detail().field());
    violations.back().set_description(
        std::string(absl::StripPrefix(message, absl::StrCat(item.detail().field(), ": "))));
  }
  const size_t used = combined.ByteSizeLong() + kMoreBytes;
  ShortenDescriptions(used < kMaxDetailBytes ? kMaxDetailBytes - used : 0, violations);
  const size_t left_out = errors_.size() - violations.size();
  if (left_out > 0) {
    absl::StrAppend(violations.back().mutable_description(), MoreErrors(left_out, is_full()));
  }
  combined.mutable_field_violations()->Assign(violations.begin(), violations.end());
  combined.set_message(Beginning(text, kMaxTextBytes, [](char c) { return MessageBytes(c); }));
  return StatusOf(combined);
}

}  // namespace qconfig
