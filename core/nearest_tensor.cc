// SPDX-License-Identifier: Apache-2.0
#include "core/nearest_tensor.h"

#include <tuple>

#include "absl/strings/str_cat.h"
#include "core/layer_tensors.h"
#include "core/quark_names.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;

int FieldsInCommon(const v1::QTensorConfig& a, const v1::QTensorConfig& b) {
  const auto* descriptor = v1::QTensorConfig::descriptor();
  int count = 0;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const std::string text = TensorFieldText(a, *descriptor->field(i));
    if (!text.empty() && text == TensorFieldText(b, *descriptor->field(i))) ++count;
  }
  return count;
}

}  // namespace

NearestTensor FindNearestTensor(const Catalog& catalog, const v1::QTensorConfig& tensor, bool is_activation) {
  NearestTensor nearest;
  std::tuple<bool, int, int> best;
  for (const v1::Scheme& scheme : catalog.schemes()) {
    if (!scheme.alias_of().empty()) continue;
    for (const LayerTensor& part : kLayerTensors) {
      if (part.is_activation != is_activation) continue;
      for (const v1::QTensorConfig& known : (scheme.config().*part.stages)()) {
        if (known.dtype() != tensor.dtype()) continue;
        const std::tuple<bool, int, int> rank(known.qscheme() == tensor.qscheme(), FieldsInCommon(known, tensor),
                                              known.group_size());
        if (nearest.tensor != nullptr && rank <= best) continue;
        best = rank;
        nearest = {&scheme, &known};
      }
    }
  }
  return nearest;
}

std::string TensorFieldText(const v1::QTensorConfig& tensor, const FieldDescriptor& field) {
  const auto* reflection = tensor.GetReflection();
  if (field.is_repeated() || !reflection->HasField(tensor, &field)) return "";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(tensor, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection->GetInt32(tensor, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->GetString(tensor, &field);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = field.enum_type()->FindValueByNumber(reflection->GetEnumValue(tensor, &field));
      return value == nullptr ? "" : QuarkName(*value);
    }
    default:
      return "";
  }
}

}  // namespace qconfig
