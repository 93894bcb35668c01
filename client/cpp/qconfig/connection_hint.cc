// SPDX-License-Identifier: Apache-2.0
#include "qconfig/connection_hint.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "qconfig/connection_hints_json.h"

namespace qconfig::client {
namespace {

using Fields = google::protobuf::Map<std::string, google::protobuf::Value>;

const Fields& Data() {
  static const auto* const kData = [] {
    auto* const data = new google::protobuf::Struct;
    (void)google::protobuf::util::JsonStringToMessage(kConnectionHintsJson, data);  // a test reads every hint
    return &data->fields();
  }();
  return *kData;
}

// Whether the field `name` of a hint is not set or has this value.
bool Is(const Fields& hint, const char* name, bool value) {
  const auto field = hint.find(name);
  return field == hint.end() || field->second.bool_value() == value;
}

// Whether gRPC's message contains a text of the list `name`.
bool HasTextOf(const Fields& data, const std::string& name, absl::string_view message) {
  const auto& parts = data.at("messages").struct_value().fields().at(name).list_value().values();
  return std::any_of(parts.begin(), parts.end(), [message](const google::protobuf::Value& part) {
    return absl::StrContains(message, part.string_value());
  });
}

bool Applies(const Fields& data, const Fields& hint, absl::string_view message, const ClientOptions& options) {
  const auto begins = hint.find("server_begins");
  const bool tls = options.tls.has_value();
  if (begins != hint.end() && !absl::StartsWith(options.server, begins->second.string_value())) return false;
  if (!Is(hint, "server_has_port", absl::StrContains(options.server, ":")) || !Is(hint, "tls", tls) ||
      !Is(hint, "cert", tls && !options.tls->cert.empty())) {
    return false;
  }
  const auto list = hint.find("message");
  return list == hint.end() || HasTextOf(data, list->second.string_value(), message);
}

}  // namespace

std::string ConnectionHint(absl::string_view program, absl::string_view message, const ClientOptions& options) {
  const Fields& data = Data();
  const auto& hints = data.at("hints").list_value().values();
  const auto hint = std::find_if(hints.begin(), hints.end(), [&](const google::protobuf::Value& one) {
    return Applies(data, one.struct_value().fields(), message, options);
  });
  if (hint == hints.end()) return "";
  std::string text = hint->struct_value().fields().at("text").string_value();
  const Fields& programs = data.at("options").struct_value().fields();
  for (const auto& [name, option] : programs.at(std::string(program)).struct_value().fields()) {
    text = absl::StrReplaceAll(text, {{absl::StrCat("{", name, "}"), option.string_value()}});
  }
  return text;
}

bool ReachedNoServer(absl::string_view message) {
  const Fields& data = Data();
  for (const char* list :
       {"refused", "unresolved", "no_tls", "wrong_name", "expired", "unknown_authority", "unverified"}) {
    if (HasTextOf(data, list, message)) return true;
  }
  return false;
}

}  // namespace qconfig::client
