// SPDX-License-Identifier: Apache-2.0
#include "core/tensor_rules.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/error.h"
#include "core/layer_tensors.h"
#include "core/quark_names.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

constexpr absl::string_view kObserver = "observer_cls";

// The fields that a quantization scheme type requires.
constexpr std::pair<v1::QSchemeType, absl::string_view> kQSchemeFields[] = {
    {v1::Q_SCHEME_TYPE_PER_CHANNEL, "ch_axis"},
    {v1::Q_SCHEME_TYPE_PER_GROUP, "ch_axis"},
    {v1::Q_SCHEME_TYPE_PER_GROUP, "group_size"},
};

std::vector<absl::string_view> Views(const TensorVocabulary::Names& names) { return {names.begin(), names.end()}; }

bool Contains(const TensorVocabulary::Names& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Error Violation(absl::string_view rule, absl::string_view path) {
  return std::move(Error(v1::ERROR_REASON_INVALID_TENSOR_CONFIG).Field(path).Rule(rule));
}

// Accepts values that the release has, and unset fields.
absl::Status CheckEnum(const Catalog& catalog, const EnumDescriptor& type, int number, absl::string_view field,
                       absl::string_view path) {
  const TensorVocabulary::Names& known = catalog.tensor_vocabulary().enums.find(type.name())->second;
  const auto* value = type.FindValueByNumber(number);
  const std::string name = value == nullptr ? absl::StrCat(number) : QuarkName(*value);
  if (name.empty() || Contains(known, name)) return absl::OkStatus();
  return Violation(absl::StrCat(field, "_unknown"), path)
      .Value(name)
      .Allowed(Views(known))
      .Suggest(KindOfEnum(type.name()), Views(known))
      .ToStatus(absl::StrCat("unknown value for Quark ", catalog.quark_release()));
}

// The checks of one tensor. Used once.
class TensorCheck {
 public:
  TensorCheck(const Catalog& catalog, const v1::QTensorConfig& tensor, FieldPath path_of)
      : catalog_(catalog),
        vocabulary_(catalog.tensor_vocabulary()),
        tensor_(tensor),
        path_of_(path_of),
        dtype_(EnumName(tensor.dtype())),
        qscheme_(EnumName(tensor.qscheme())) {}

  absl::Status Run() const {
    constexpr absl::Status (TensorCheck::*kSteps[])() const = {
        &TensorCheck::CheckValues,
        &TensorCheck::CheckCast,
        &TensorCheck::CheckRequirements,
        &TensorCheck::CheckScaled,
    };
    for (const auto step : kSteps) {
      QCONFIG_RETURN_IF_ERROR((this->*step)());
    }
    return absl::OkStatus();
  }

 private:
  // Empty for a number that is not a value of the enum.
  template <typename Enum>
  static std::string EnumName(Enum number) {
    const auto* value = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(number);
    return value == nullptr ? "" : QuarkName(*value);
  }

  absl::Status CheckValues() const {
    if (tensor_.dtype() == v1::DTYPE_UNSPECIFIED) return Required("dtype", "required");
    const auto* descriptor = v1::QTensorConfig::descriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      if (field->enum_type() == nullptr) continue;
      const int number = tensor_.GetReflection()->GetEnumValue(tensor_, field);
      QCONFIG_RETURN_IF_ERROR(CheckEnum(catalog_, *field->enum_type(), number, field->name(), path_of_(field->name())));
    }
    if (tensor_.observer_cls().empty()) return absl::OkStatus();
    return CheckObserver("all", "unknown", absl::StrCat("unknown observer for Quark ", catalog_.quark_release()));
  }

  absl::Status CheckCast() const {
    if (vocabulary_.cast.count(tensor_.dtype()) == 0) return absl::OkStatus();
    return CheckObserver("placeholder", "placeholder",
                         absl::StrCat("cannot be used with dtype ", dtype_, ", which has no scales to observe"));
  }

  absl::Status CheckRequirements() const {
    for (const TensorVocabulary::Requirement& requirement : vocabulary_.requirements) {
      if (requirement.dtypes.count(tensor_.dtype()) == 0) continue;
      for (const FieldDescriptor* field : requirement.fields) {
        if (!IsGiven(field)) return Required(field->name(), IfDtype());
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckScaled() const {
    const v1::Dtype dtype = tensor_.dtype();
    if (vocabulary_.cast.count(dtype) > 0 || vocabulary_.self_scaled.count(dtype) > 0) return absl::OkStatus();
    if (tensor_.observer_cls().empty()) return Required(kObserver, IfDtype());
    if (tensor_.qscheme() == v1::Q_SCHEME_TYPE_UNSPECIFIED) return Required("qscheme", IfDtype());
    if (vocabulary_.observers.count(qscheme_) > 0) {
      QCONFIG_RETURN_IF_ERROR(
          CheckObserver(qscheme_, qscheme_, absl::StrCat("cannot be used with qscheme ", qscheme_)));
    }
    for (const auto& [qscheme, field] : kQSchemeFields) {
      if (qscheme != tensor_.qscheme()) continue;
      const auto* descriptor = v1::QTensorConfig::descriptor()->FindFieldByName(std::string(field));
      if (!IsGiven(descriptor)) return Required(field, absl::StrCat("required when qscheme is ", qscheme_));
    }
    if (tensor_.qscheme() == v1::Q_SCHEME_TYPE_PER_BLOCK && tensor_.block_size_size() != 2) {
      return Violation("block_size_pair", path_of_("block_size"))
          .Value(absl::StrJoin(tensor_.block_size(), ", "))
          .ToStatus("must have two entries when qscheme is per_block");
    }
    return absl::OkStatus();
  }

  // REQUIRES: the vocabulary has the group.
  absl::Status CheckObserver(absl::string_view group, absl::string_view rule, absl::string_view problem) const {
    const TensorVocabulary::Names& allowed = vocabulary_.observers.find(group)->second;
    if (Contains(allowed, tensor_.observer_cls())) return absl::OkStatus();
    Error error = Violation(absl::StrCat(kObserver, "_", rule), path_of_(kObserver));
    if (!tensor_.observer_cls().empty()) error.Value(tensor_.observer_cls()).Suggest(NameKind::kOther, Views(allowed));
    return error.Allowed(Views(allowed)).ToStatus(problem);
  }

  absl::Status Required(absl::string_view field, absl::string_view problem) const {
    return Violation(absl::StrCat(field, "_required"), path_of_(field)).ToStatus(problem);
  }

  std::string IfDtype() const { return absl::StrCat("required when dtype is ", dtype_); }

  // Whether the field is not None.
  bool IsGiven(const FieldDescriptor* field) const {
    const auto* reflection = tensor_.GetReflection();
    if (field->is_repeated()) return reflection->FieldSize(tensor_, field) > 0;
    return reflection->HasField(tensor_, field);
  }

  const Catalog& catalog_;
  const TensorVocabulary& vocabulary_;
  const v1::QTensorConfig& tensor_;
  const FieldPath path_of_;
  const std::string dtype_;
  const std::string qscheme_;
};

}  // namespace

absl::Status CheckTensor(const Catalog& catalog, const v1::QTensorConfig& tensor, FieldPath path_of) {
  return TensorCheck(catalog, tensor, path_of).Run();
}

absl::Status CheckTensor(const Catalog& catalog, const v1::QTensorConfig& tensor, const std::string& path) {
  return CheckTensor(catalog, tensor, [&path](absl::string_view field) { return absl::StrCat(path, ".", field); });
}

absl::Status CheckActivation(const v1::QTensorConfig& tensor, FieldPath path_of) {
  if (tensor.qscheme() != v1::Q_SCHEME_TYPE_PER_GROUP || tensor.is_dynamic()) return absl::OkStatus();
  return Violation("activation_group_dynamic", path_of("is_dynamic"))
      .ToStatus("must be true for inputs and outputs with qscheme per_group");
}

absl::Status CheckTargetDevice(const Catalog& catalog, v1::DeviceType device, const std::string& path) {
  return CheckEnum(catalog, *v1::DeviceType_descriptor(), device, "target_device", path);
}

absl::Status CheckLayer(const Catalog& catalog, const v1::QLayerConfig& layer, const std::string& path) {
  // Quark constructs every tensor before it checks them together.
  for (const LayerTensor& tensor : kLayerTensors) {
    const auto& stages = (layer.*tensor.stages)();
    const std::string tensor_path = absl::StrCat(path, ".", tensor.name);
    if (stages.size() > 2) {
      return Violation("stages_at_most_two", tensor_path)
          .Value(absl::StrCat(stages.size()))
          .ToStatus("a tensor can have at most two stages");
    }
    for (int i = 0; i < stages.size(); ++i) {
      QCONFIG_RETURN_IF_ERROR(CheckTensor(catalog, stages[i], absl::StrCat(tensor_path, "[", i, "]")));
    }
  }
  for (const LayerTensor& tensor : kLayerTensors) {
    const auto& stages = (layer.*tensor.stages)();
    for (int i = 0; tensor.is_activation && i < stages.size(); ++i) {
      QCONFIG_RETURN_IF_ERROR(CheckActivation(stages[i], [&](absl::string_view field) {
        return absl::StrCat(path, ".", tensor.name, "[", i, "].", field);
      }));
    }
  }
  return CheckTargetDevice(catalog, layer.target_device(), absl::StrCat(path, ".target_device"));
}

}  // namespace qconfig
