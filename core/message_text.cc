// SPDX-License-Identifier: Apache-2.0
#include "core/message_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/utf8.h"

namespace qconfig {

std::string Quoted(absl::string_view text) {
  constexpr size_t kMaxChars = 128;
  return absl::StrCat("\"", Printable(text, kMaxChars), "\"");
}

std::string QuotedList(const std::vector<std::string>& texts) {
  constexpr size_t kMaxShown = 5;
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(texts.size(), kMaxShown); ++i) shown.push_back(Quoted(texts[i]));
  std::string list = absl::StrJoin(shown, ", ");
  if (texts.size() > kMaxShown) absl::StrAppend(&list, " and ", texts.size() - kMaxShown, " more");
  return list;
}

std::string Option(absl::string_view option, absl::string_view value) {
  constexpr size_t kMaxChars = 1200;  // a pattern and a scheme
  return absl::StrCat(option, " '", absl::StrReplaceAll(Printable(value, kMaxChars), {{"'", "'\\''"}}), "'");
}

std::string SchemeOption(absl::string_view scheme) {
  constexpr absl::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  const bool is_plain = !scheme.empty() && scheme.find_first_not_of(kPlain) == absl::string_view::npos;
  return is_plain ? absl::StrCat("--scheme ", scheme) : Option("--scheme", scheme);
}

std::string Modules(int64_t count) { return absl::StrCat(count, count == 1 ? " module" : " modules"); }

}  // namespace qconfig
