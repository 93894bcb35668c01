// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/observers.h"

#include <google/protobuf/message.h>

namespace qconfig::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The tensor configurations anywhere in `message`.
void CollectTensors(Message& message, std::vector<v1::QTensorConfig*>& tensors) {
  if (message.GetDescriptor() == v1::QTensorConfig::descriptor()) {
    tensors.push_back(static_cast<v1::QTensorConfig*>(&message));
    return;
  }
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->message_type() == nullptr || field->is_map()) continue;
    if (!field->is_repeated()) {
      CollectTensors(*reflection->MutableMessage(&message, field), tensors);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      CollectTensors(*reflection->MutableRepeatedMessage(&message, field, i), tensors);
    }
  }
}

}  // namespace

std::vector<std::string> ReplaceUnknownObservers(const std::set<std::string>& known, v1::Scheme& scheme) {
  std::vector<v1::QTensorConfig*> tensors;
  CollectTensors(scheme, tensors);
  std::set<std::string> replaced;
  for (v1::QTensorConfig* tensor : tensors) {
    if (known.count(tensor->observer_cls()) > 0) continue;
    if (!tensor->observer_cls().empty()) replaced.insert(tensor->observer_cls());
    tensor->set_observer_cls("PlaceholderObserver");
  }
  return {replaced.begin(), replaced.end()};
}

}  // namespace qconfig::client
