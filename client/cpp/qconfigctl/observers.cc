// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/observers.h"

#include <google/protobuf/message.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/nearest_names.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct Tensor {
  std::string path;  // in Quark's format: "weight", "bias[1]", "weight.second_stage"
  v1::QTensorConfig* config;
};

// Whether `field` has no counterpart in the path of a tensor in Quark's format.
bool HasNoKeyInQuark(const FieldDescriptor& field) {
  return field.containing_type() == v1::Scheme::descriptor() || field.real_containing_oneof() != nullptr;
}

// Appends all tensor configurations in `message`.
void CollectTensors(const std::string& path, Message& message, std::vector<Tensor>& tensors) {
  if (message.GetDescriptor() == v1::QTensorConfig::descriptor()) {
    tensors.push_back({path, static_cast<v1::QTensorConfig*>(&message)});
    return;
  }
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->message_type() == nullptr || field->is_map()) continue;
    const std::string field_path = HasNoKeyInQuark(*field) ? path : Join(path, field->name());
    if (!field->is_repeated()) {
      CollectTensors(field_path, *reflection->MutableMessage(&message, field), tensors);
      continue;
    }
    const int size = reflection->FieldSize(message, field);
    for (int i = 0; i < size; ++i) {
      const std::string item_path = size == 1 ? field_path : absl::StrCat(field_path, "[", i, "]");
      CollectTensors(item_path, *reflection->MutableRepeatedMessage(&message, field, i), tensors);
    }
  }
}

// Whether Quark accepts PlaceholderObserver for the tensor. For all others the server says which observers fit.
bool MayHavePlaceholder(const v1::QTensorConfig& tensor) {
  switch (tensor.dtype()) {
    case v1::DTYPE_BFLOAT16:
    case v1::DTYPE_FLOAT16:
    case v1::DTYPE_MX:
    case v1::DTYPE_MX6:
    case v1::DTYPE_MX9:
    case v1::DTYPE_BFP16:
      return true;
    default:
      return tensor.qscheme() == v1::Q_SCHEME_TYPE_PER_BLOCK;
  }
}

// Returns "; did you mean X?", or an empty string.
std::string NearestObserver(const std::string& observer, const std::set<std::string>& known) {
  const std::vector<absl::string_view> names(known.begin(), known.end());
  const auto near = NearestNames(observer, names, 1);
  return near.empty() ? "" : absl::StrCat("; did you mean ", near.front(), "?");
}

}  // namespace

std::vector<std::string> ReplaceObservers(const std::set<std::string>& known, v1::Scheme& scheme) {
  constexpr absl::string_view kConsequence = "using PlaceholderObserver, as Quark does";
  std::vector<Tensor> tensors;
  CollectTensors("", scheme, tensors);
  std::vector<std::string> sentences;
  for (const Tensor& tensor : tensors) {
    if (!MayHavePlaceholder(*tensor.config)) continue;
    const std::string observer = tensor.config->observer_cls();
    const std::string path = Join(tensor.path, "observer_cls");
    if (observer.empty()) {
      sentences.push_back(absl::StrCat(path, ": not set; ", kConsequence));
    } else if (!known.empty() && known.count(observer) == 0) {
      sentences.push_back(absl::StrCat(path, ": unknown observer ", Quoted(observer), "; ", kConsequence,
                                       NearestObserver(observer, known)));
    } else {
      continue;
    }
    tensor.config->set_observer_cls("PlaceholderObserver");
  }
  return sentences;
}

}  // namespace qconfig::client
