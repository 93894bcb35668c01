// SPDX-License-Identifier: Apache-2.0
#include "server/services/request_digest.h"

#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "core/field_behavior.h"

namespace qconfig {

absl::StatusOr<std::string> RequestDigest(const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> content(request.New());
  content->CopyFrom(request);
  for (const char* name : {"tenant", "request_id"}) {
    content->GetReflection()->ClearField(content.get(), content->GetDescriptor()->FindFieldByName(name));
  }
  ClearOutputOnly(*content);
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const bool written = google::protobuf::util::MessageToJsonString(*content, &text, options).ok();
  const auto json = nlohmann::json::parse(written ? text : "", nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return Error(v1::ERROR_REASON_INVALID_REQUEST).ToStatus("ProtoJSON cannot express a value of the request");
  }
  return Sha256Hex(absl::StrCat(request.GetDescriptor()->full_name(), json.dump()));
}

}  // namespace qconfig
