// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "qconfigctl/embedded_files.h"
#include "qconfigctl/plan_groups.h"
#include "qconfigctl/plan_text.h"

namespace qconfig::client {
namespace {

constexpr absl::string_view kPlaceholder = "{{plan}}";

absl::StatusOr<std::string> CompactJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (status.ok()) return text;
  return absl::InternalError(absl::StrCat("cannot write the plan as JSON: ", std::string(status.message())));
}

}  // namespace

absl::StatusOr<std::string> PlanJson(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response) {
  const auto request_json = CompactJson(request);
  if (!request_json.ok()) return request_json.status();
  const auto response_json = CompactJson(response);
  if (!response_json.ok()) return response_json.status();
  return absl::StrCat("{\"request\":", *request_json, ",\"response\":", *response_json, "}");
}

absl::StatusOr<std::string> PlanHtml(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response) {
  if (absl::Status status = CheckPlan(request, response); !status.ok()) return status;
  const auto json = PlanJson(request, response);
  if (!json.ok()) return json.status();
  // Names must not end the script element that holds the JSON.
  const std::string plan = absl::StrReplaceAll(*json, {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}});
  const absl::string_view page = kPlanHtml;
  const size_t place = page.find(kPlaceholder);
  return absl::StrCat(page.substr(0, place), plan, page.substr(place + kPlaceholder.size()));
}

}  // namespace qconfig::client
