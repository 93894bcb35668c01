// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/config_text.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "qconfig/v1/annotations.pb.h"

namespace qconfig::client {
namespace {

using Stages = google::protobuf::RepeatedPtrField<v1::QTensorConfig>;

template <typename Enum>
std::string QuarkName(Enum value) {
  const auto* descriptor = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value);
  return descriptor == nullptr ? "" : descriptor->options().GetExtension(v1::quark_name);
}

}  // namespace

std::string StagesText(const Stages& stages) {
  std::vector<std::string> parts;
  for (const v1::QTensorConfig& stage : stages) {
    std::string part = QuarkName(stage.dtype());
    if (stage.qscheme() != v1::Q_SCHEME_TYPE_UNSPECIFIED) absl::StrAppend(&part, " ", QuarkName(stage.qscheme()));
    if (stage.has_group_size()) absl::StrAppend(&part, " ", stage.group_size());
    if (stage.is_dynamic()) absl::StrAppend(&part, " dynamic");
    parts.push_back(part);
  }
  return parts.empty() ? "-" : absl::StrJoin(parts, " then ");
}

std::string ConfigText(const v1::QLayerConfig& config) {
  std::vector<std::string> parts;
  const auto add = [&parts](const char* label, const Stages& stages) {
    if (!stages.empty()) parts.push_back(absl::StrCat(label, StagesText(stages)));
  };
  add("", config.weight());
  add("input ", config.input_tensors());
  add("output ", config.output_tensors());
  add("bias ", config.bias());
  return parts.empty() ? "-" : absl::StrJoin(parts, ", ");
}

}  // namespace qconfig::client
