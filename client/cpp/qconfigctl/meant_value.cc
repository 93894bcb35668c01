// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/meant_value.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/algorithms.h"
#include "core/names/known_names.h"
#include "core/regex_glob.h"
#include "core/utf8.h"
#include "qconfigctl/algo_config_text.h"
#include "qconfigctl/next_command.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

bool IsPort(absl::string_view text) {
  const bool has_digits =
      std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
  int port = 0;
  return has_digits && absl::SimpleAtoi(text, &port) && port >= 1 && port <= 65535;
}

// Other schemes, such as unix, are those of gRPC's addresses.
bool IsUrl(const std::string& server) {
  const size_t end = server.find("://");
  const std::string scheme = absl::AsciiStrToLower(server.substr(0, end));
  return end != std::string::npos &&
         (scheme == "http" || scheme == "https" || scheme == "grpc" || scheme == "grpcs" || scheme == "tcp");
}

// Host and port of a URL, without the user and the password; empty if the URL has no valid ones, or if its host may be
// a part of an unescaped password.
std::string AddressOfUrl(const std::string& url) {
  const std::string rest = url.substr(url.find("://") + 3);
  std::string address = rest.substr(0, rest.find_first_of("/?#"));
  const bool has_later_at = absl::StrContains(rest.substr(address.size()), "@");
  if (has_later_at && address.find_first_of(":@") != std::string::npos) return "";
  address.erase(0, address.rfind('@') + 1);
  const bool has_bracket = absl::StartsWith(address, "[");
  const size_t host_size = has_bracket ? address.find(']') + 1 : std::min(address.find(':'), address.size());
  if (host_size <= (has_bracket ? 2u : 0u)) return "";
  absl::string_view port = absl::string_view(address).substr(host_size);
  if (port.empty()) return absl::StrCat(address, ":50051");
  return absl::ConsumePrefix(&port, ":") && IsPort(port) ? address : "";
}

}  // namespace

MeantValue MeantServer(const std::string& server) {
  if (IsUrl(server)) {
    const std::string mistake = "--server takes host:port, not a URL";
    const std::string address = AddressOfUrl(server);
    if (address.empty()) return {server, mistake, /*is_known=*/false};
    const bool tls = absl::StartsWithIgnoreCase(server, "https:") || absl::StartsWithIgnoreCase(server, "grpcs:");
    return {address, mistake, true, tls};
  }
  const absl::string_view port = absl::string_view(server).substr(server.empty() || server[0] != ':' ? 0 : 1);
  if (!IsPort(port)) return {server, ""};
  return {absl::StrCat("127.0.0.1:", port), absl::StrCat("--server takes host:port; ", server, " has no host")};
}

MeantValue MeantSeconds(const std::string& value) {
  absl::string_view number = value;
  double seconds = 0;
  const bool has_unit =
      absl::ConsumeSuffix(&number, "s") && absl::SimpleAtod(number, &seconds) && std::isfinite(seconds);
  if (!has_unit) return {value, ""};
  return {std::string(number), "--timeout-seconds takes a number, without a unit"};
}

MeantValue MeantFormat(const CLI::Option& option, const std::string& name, const std::string& value) {
  const std::string type = option.get_type_name();  // such as "TEXT:{table,json}"
  const size_t open = type.find('{');
  if (open == std::string::npos) return {value, ""};
  const std::vector<std::string> formats = absl::StrSplit(type.substr(open + 1, type.find('}', open) - open - 1), ',');
  if (std::find(formats.begin(), formats.end(), value) != formats.end()) return {value, ""};
  const bool is_file = value.find_first_of("./") != std::string::npos;
  const bool is_yaml = absl::EqualsIgnoreCase(value, "yaml") || absl::EqualsIgnoreCase(value, "yml");
  return {value,
          absl::StrCat(Quoted(value), " is not a format: ", name, " is the format (", absl::StrJoin(formats, ", "), ")",
                       is_file ? ", not a file; redirect the output with > FILE" : "",
                       is_yaml ? "; programs that read YAML also read JSON" : ""),
          false};
}

MeantValue MeantAttentionScheme(const std::string& name, const std::string& value) {
  const OtherName* const line = BuiltinKnownNames().Find("attention_tensor", value).line;
  if (line == nullptr) return {value, ""};
  if (line->means.size() == 1) {
    return {line->means.front(), absl::StrCat(name, ": ", value, " is named ", line->means.front(), " here")};
  }
  return {value, absl::StrCat(name, " cannot be ", value, ". ", line->note), false};
}

MeantValue MeantAlgoConfig(const std::string& value) {
  std::error_code error;
  if (absl::StartsWith(value, "@") || absl::StrContains(value, "{") ||
      !std::filesystem::is_regular_file(value, error)) {
    return {value, ""};
  }
  v1::ConfigSpec spec;
  spec.set_model_type("MODEL_TYPE");
  const auto config = ReadAlgoConfig("@" + value, spec);
  if (config.ok()) return {"@" + value, "--algo-config reads a file as @FILE"};
  return {"@" + value, absl::StrCat("--algo-config reads a file as @FILE; ", config.status().message()), false};
}

std::string MeantModelType(const std::string& value) {
  const KnownNames& known = BuiltinKnownNames();
  if (const ModelName* const model = known.FindArchitecture(value)) return model->model_type;
  if (known.FindModel(value) != nullptr) return value;
  const ModelId* const id = known.FindId(value);
  return id == nullptr ? value : id->model_type;
}

MeantValue MeantModel(const std::string& value) {
  if (!absl::StrContains(value, "/")) return {value, ""};
  const std::string type = MeantModelType(value);
  if (type != value) return {type, absl::StrCat("get-config takes the model type, which is ", type, " for ", value)};
  return {value,
          absl::StrCat(Quoted(value),
                       " is not a model type: run qconfigctl get-config MODEL_TYPE --scheme SCHEME with "
                       "the `model_type` in the model's config.json"),
          false};
}

MeantValue MeantScheme(const std::string& value) {
  const std::string name = absl::AsciiStrToLower(value);
  const auto& algorithms = AlgorithmNames();
  if (std::find(algorithms.begin(), algorithms.end(), name) == algorithms.end()) return {value, ""};
  const OtherName* const line = BuiltinKnownNames().Find("scheme", value).line;
  const std::string scheme = line == nullptr || line->means.empty() ? "SCHEME" : line->means.front();
  return {value,
          absl::StrCat(value, " is an algorithm, which is separate from the scheme: add --algorithm ", name,
                       " --scheme ", scheme),
          false};
}

MeantValue MeantPattern(const std::string& name, const std::string& value) {
  if (!absl::StartsWith(value, "re:")) return {value, ""};
  const size_t equals = name == "--layer" ? value.rfind('=') : std::string::npos;
  const std::string scheme = equals == std::string::npos ? "" : value.substr(equals);
  const std::string text =
      absl::StrCat(name, " takes globs as in Python's fnmatch, not regular expressions such as ", Quoted(value));
  const RegexGlobs found = GlobsOfRegex(value.substr(0, equals));
  if (found.globs.empty()) return {value, text, false};
  const std::string glob = found.globs.front() + scheme;
  if (found.globs.size() == 1 && found.exact) return {glob, text};
  const std::string options = absl::StrJoin(found.globs, " ", [&](std::string* out, const std::string& one) {
    absl::StrAppend(out, name, " ", ShellText({one + scheme}));
  });
  return {glob, absl::StrCat(text, found.exact ? "; write " : "; the nearest is ", options), false};
}

MeantValue MeantPair(const std::string& name, const std::string& value) {
  const size_t colon = value.rfind(':');
  if (absl::StrContains(value, "=") || colon == std::string::npos || colon == 0) return {value, ""};
  const std::string scheme = value.substr(colon + 1);
  const bool is_name = !scheme.empty() && std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
  });
  if (!is_name || value.substr(0, colon) == "re") return {value, ""};
  const std::string pair = absl::StrCat(value.substr(0, colon), "=", scheme);
  const std::string mistake =
      absl::StrCat(name, " takes ", name == "--layer" ? "PATTERN" : "TYPE", "=SCHEME, with = instead of :");
  const OtherName* const line = BuiltinKnownNames().Find("scheme", scheme).line;
  if (line == nullptr || !line->means.empty()) return {pair, mistake};
  return {pair, absl::StrCat(mistake, "; ", scheme, " is not a scheme. ", line->note), false};
}

}  // namespace qconfig::client
