// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_MEANT_VALUE_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_MEANT_VALUE_H_

#include <CLI/CLI.hpp>
#include <string>

namespace qconfig::client {

// The value of an option that was probably meant.
struct MeantValue {
  std::string value;
  std::string mistake;   // what is wrong with the given value, a clause; empty if nothing is
  bool is_known = true;  // whether `value` corrects it
  bool needs_tls = false;
};

// "host:50051" for a URL such as "https://host/"; "127.0.0.1:34567" for a port alone. Not known for a URL whose host or
// port is invalid, or whose password may contain the characters that end it.
MeantValue MeantServer(const std::string& server);

// "5" for "5s".
MeantValue MeantSeconds(const std::string& value);

// A value of an output option. `name` is that of the option in the command line.
MeantValue MeantFormat(const CLI::Option& option, const std::string& name, const std::string& value);

// The model type of a model ID or an architecture, such as "llama" for "meta-llama/Llama-3.1-8B"; other values
// unchanged.
std::string MeantModelType(const std::string& value);

// A model type for a model ID, as far as it is known. No mistake if there is no slash.
MeantValue MeantModel(const std::string& value);

// The name of an algorithm is not a scheme.
MeantValue MeantScheme(const std::string& value);

// A scheme of the KV cache or of attention. Tenants cannot register these.
MeantValue MeantAttentionScheme(const std::string& name, const std::string& value);

// "@FILE" for the path of a file with the configuration of an algorithm.
MeantValue MeantAlgoConfig(const std::string& value);

// A glob, or a glob and a scheme, for one with a regular expression of llm-compressor such as "re:.*down_proj=fp8".
MeantValue MeantPattern(const std::string& name, const std::string& value);

// "PATTERN=SCHEME" for "PATTERN:SCHEME". No mistake if there is an equals sign, or no colon.
MeantValue MeantPair(const std::string& name, const std::string& value);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_MEANT_VALUE_H_
