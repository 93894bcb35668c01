// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_MEANT_WORD_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_MEANT_WORD_H_

#include <cstddef>
#include <string>
#include <vector>

#include "qconfigctl/meant_value.h"

namespace qconfig::client {

// The most similar of `names`; empty if none is similar.
std::string NearestOf(const std::string& name, const std::vector<std::string>& names);

// The command that was probably meant by an unknown word, such as "list" for "ls".
struct MeantCommand {
  std::string command;  // empty if none is known
  std::string noun;     // "schemes" for "list-schemes", and for "schemes" alone
  std::string mistake;  // what is wrong with the word, a clause
};

// `names` are the commands, and `rest` are the words after `word` and before the next option. `has_scheme` says whether
// the line has the option --scheme.
MeantCommand FindMeantCommand(const std::string& word, const std::vector<std::string>& names,
                              const std::vector<std::string>& rest, bool has_scheme);

// The first word after `command`, such as "templates" after "list". No mistake if it is good, or if the command has no
// nouns.
MeantValue MeantNoun(const std::string& command, const std::string& word);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_MEANT_WORD_H_
