// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_CORRECTED_LINE_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_CORRECTED_LINE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace qconfig::client {

// A command line that was rejected, with the commands and options that were meant.
struct CorrectedLine {
  std::vector<std::string> words;     // the command line without the name of the program
  std::vector<std::string> mistakes;  // a clause for each; empty if the spelling of the line is correct
  bool complete = true;               // whether `words` corrects all of them
};

// Corrects the names of commands and options, values that an option takes one at a time, and those of MeantValue.
// `words` is the command line without the name of the program. Knows the names in familiar_words.json.
CorrectedLine CorrectLine(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_CORRECTED_LINE_H_
