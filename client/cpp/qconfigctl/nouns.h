// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_NOUNS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_NOUNS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace qconfig::client {

// The nouns that the first word after a command can be, such as "templates" after "list"; none for other commands.
const std::vector<std::string>& NounsOf(const std::string& command);

// Returns the item of `nouns` that is `word` in singular or plural, with any letter case; empty if there is none.
// "catalogue" is the same as "catalog".
std::string FindNoun(const std::string& word, const std::vector<std::string>& nouns);

// Replaces a word with the noun that FindNoun() returns, and rejects other words.
CLI::Validator OneOfNouns(const std::vector<std::string>& nouns);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_NOUNS_H_
