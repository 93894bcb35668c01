// SPDX-License-Identifier: Apache-2.0
#include "server/options/help_format.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/options/options.h"

namespace qconfig {
namespace {

constexpr size_t kColumns = 100;
constexpr absl::string_view kIndent = "      ";

std::string Wrapped(absl::string_view text) {
  std::string wrapped;
  size_t column = kColumns;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    const bool is_full = column + 1 + word.size() > kColumns;
    if (is_full) column = kIndent.size() - 1;
    absl::StrAppend(&wrapped, is_full ? (wrapped.empty() ? "" : "\n") : " ", is_full ? kIndent : "", word);
    column += 1 + word.size();
  }
  return wrapped + "\n";
}

}  // namespace

std::string HelpFormat::make_usage(const CLI::App* app, std::string name) const {
  return CLI::Formatter::make_usage(app, std::move(name)) + "\n";
}

std::string HelpFormat::make_group(std::string group, bool is_positional,
                                   std::vector<const CLI::Option*> options) const {
  return CLI::Formatter::make_group(std::move(group), is_positional, std::move(options)).substr(1);  // an empty line
}

std::string HelpFormat::make_option(const CLI::Option* option, bool is_positional) const {
  if (option->get_group() == "Options") return CLI::Formatter::make_option(option, is_positional);
  const bool is_flag = option->get_expected_min() == 0;
  // The type name of CLI11 is "NUMBER:a whole number from 1 to 9".
  const std::pair<std::string, std::string> type = absl::StrSplit(option->get_type_name(), absl::MaxSplits(':', 1));
  std::string value = option->get_default_str().empty() ? "empty" : option->get_default_str();
  if (is_flag) value = "off";
  std::string facts = absl::StrCat("[", EnvironmentVariable(option->get_name()), "; default: ", value);
  if (!type.second.empty() && !is_flag) absl::StrAppend(&facts, "; ", type.second);
  return absl::StrCat("  ", option->get_name(), is_flag ? "" : " ", is_flag ? "" : type.first, "\n",
                      Wrapped(option->get_description()), Wrapped(facts + "]"));
}

}  // namespace qconfig
