// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OPTIONS_HELP_FORMAT_H_
#define QCONFIG_SERVER_OPTIONS_HELP_FORMAT_H_

#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>
#include <string>
#include <vector>

namespace qconfig {

// The format of --help: the description of each option, its environment variable, its default and its accepted values,
// in lines of at most 100 columns.
class HelpFormat : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_group(std::string group, bool is_positional, std::vector<const CLI::Option*> options) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_HELP_FORMAT_H_
