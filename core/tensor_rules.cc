// SPDX-License-Identifier: Apache-2.0
#include "core/tensor_rules.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/error.h"
#include "core/layer_tensors.h"
#include "core/nearest_tensor.h"
#include "core/quark_names.h"

namespace qconfig {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

constexpr absl::string_view kObserver = "observer_cls";
// The errors of a list that name the value of a built-in scheme. With more of them, fewer errors fit into a status.
constexpr size_t kMaxWithValue = 8;

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

// "Quark's own schemes use PerBlockMXObserver here": the observers of the built-in schemes
// for tensors like `tensor`. Empty if there are none.
std::string ObserverAdvice(const Catalog& catalog, const v1::QTensorConfig& tensor) {
  std::vector<absl::string_view> fitting;
  for (const v1::Scheme& scheme : catalog.schemes()) {
    for (const LayerTensor& part : kLayerTensors) {
      for (const v1::QTensorConfig& known : (scheme.config().*part.stages)()) {
        if (known.dtype() != tensor.dtype() || known.qscheme() != tensor.qscheme()) continue;
        const std::string& observer = known.observer_cls();
        if (!observer.empty() && !absl::c_linear_search(fitting, observer)) fitting.push_back(observer);
      }
    }
  }
  return fitting.empty() ? "" : absl::StrCat("Quark's own schemes use ", absl::StrJoin(fitting, " or "), " here");
}

// The checks of one tensor. Used once.
class TensorCheck {
 public:
  TensorCheck(const Catalog& catalog, const v1::QTensorConfig& tensor, bool is_activation, FieldPath path_of,
              ErrorList& errors)
      : catalog_(catalog),
        vocabulary_(catalog.tensor_vocabulary()),
        tensor_(tensor),
        is_activation_(is_activation),
        path_of_(path_of),
        errors_(errors),
        dtype_(EnumName(tensor.dtype())),
        qscheme_(EnumName(tensor.qscheme())) {}

  void Run() {
    CheckValues();
    if (HasError("dtype")) return;  // the other checks depend on it
    CheckCast();
    CheckRequirements();
    CheckScaled();
  }

 private:
  // Empty for a number that is not a value of the enum.
  template <typename Enum>
  static std::string EnumName(Enum number) {
    const auto* value = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(number);
    return value == nullptr ? "" : QuarkName(*value);
  }

  bool HasError(absl::string_view field) const { return errors_.size() > 0 && errors_.Has(path_of_(field)); }

  void CheckValues() {
    if (tensor_.dtype() == v1::DTYPE_UNSPECIFIED) Require("dtype", "required");
    const auto* descriptor = v1::QTensorConfig::descriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      if (field->enum_type() == nullptr) continue;
      const int number = tensor_.GetReflection()->GetEnumValue(tensor_, field);
      errors_.Add(CheckEnum(catalog_, *field->enum_type(), number, field->name(), path_of_(field->name())));
    }
    if (tensor_.observer_cls().empty()) return;
    CheckObserver("all", "unknown", absl::StrCat("unknown observer for Quark ", catalog_.quark_release()));
  }

  void CheckCast() {
    if (vocabulary_.cast.count(tensor_.dtype()) == 0) return;
    CheckObserver("placeholder", "placeholder",
                  absl::StrCat("cannot be used with dtype ", dtype_, ", which has no scales to observe"));
  }

  void CheckRequirements() {
    for (const TensorVocabulary::Requirement& requirement : vocabulary_.requirements) {
      if (requirement.dtypes.count(tensor_.dtype()) == 0) continue;
      for (const FieldDescriptor* field : requirement.fields) {
        if (!IsGiven(field)) Require(field->name(), IfDtype());
      }
    }
  }

  void CheckScaled() {
    const v1::Dtype dtype = tensor_.dtype();
    if (vocabulary_.cast.count(dtype) > 0 || vocabulary_.self_scaled.count(dtype) > 0) return;
    if (tensor_.observer_cls().empty()) Require(kObserver, IfDtype());
    if (tensor_.qscheme() == v1::Q_SCHEME_TYPE_UNSPECIFIED) Require("qscheme", IfDtype());
    if (vocabulary_.observers.count(qscheme_) > 0) {
      CheckObserver(qscheme_, qscheme_, absl::StrCat("cannot be used with qscheme ", qscheme_));
    }
    for (const auto& [qscheme, field] : kQSchemeFields) {
      if (qscheme != tensor_.qscheme()) continue;
      const auto* descriptor = v1::QTensorConfig::descriptor()->FindFieldByName(std::string(field));
      if (!IsGiven(descriptor)) Require(field, absl::StrCat("required when qscheme is ", qscheme_));
    }
    if (tensor_.qscheme() == v1::Q_SCHEME_TYPE_PER_BLOCK && tensor_.block_size_size() != 2) {
      errors_.Add(Violation("block_size_pair", path_of_("block_size"))
                      .Value(absl::StrJoin(tensor_.block_size(), ", "))
                      .ToStatus("must have two entries when qscheme is per_block"));
    }
  }

  // REQUIRES: the vocabulary has the group.
  void CheckObserver(absl::string_view group, absl::string_view rule, absl::string_view problem) {
    const TensorVocabulary::Names& allowed = vocabulary_.observers.find(group)->second;
    if (HasError(kObserver) || Contains(allowed, tensor_.observer_cls())) return;
    Error error = Violation(absl::StrCat(kObserver, "_", rule), path_of_(kObserver));
    if (!tensor_.observer_cls().empty()) error.Value(tensor_.observer_cls()).Suggest(NameKind::kOther, Views(allowed));
    errors_.Add(error.Allowed(Views(allowed)).Advice(ObserverAdvice(catalog_, tensor_)).ToStatus(problem));
  }

  void Require(absl::string_view field, absl::string_view problem) {
    Error error = Violation(absl::StrCat(field, "_required"), path_of_(field));
    const std::string observers = field == kObserver ? ObserverAdvice(catalog_, tensor_) : "";
    if (field == kObserver) AddObservers(observers, error);
    const NearestTensor nearest = errors_.size() < kMaxWithValue ? Nearest() : NearestTensor();
    if (nearest.tensor == nullptr) return errors_.Add(error.ToStatus(problem));
    const std::string& scheme = nearest.scheme->name();
    const std::string value =
        TensorFieldText(*nearest.tensor, *v1::QTensorConfig::descriptor()->FindFieldByName(std::string(field)));
    if (errors_.size() == 0) {
      error.Advice(
          absl::StrCat("Start from ", scheme, " (GetScheme; `qconfigctl describe scheme ", scheme, " -o json`)"));
    }
    const bool omits_value = value.empty() || !observers.empty();
    errors_.Add(
        error.ToStatus(omits_value ? std::string(problem) : absl::StrCat(problem, "; ", scheme, " has ", value)));
  }

  const NearestTensor& Nearest() {
    if (!nearest_.has_value()) nearest_ = FindNearestTensor(catalog_, tensor_, is_activation_);
    return *nearest_;
  }

  // Adds the observers that fit the tensor.
  void AddObservers(const std::string& advice, Error& error) const {
    const auto group = vocabulary_.observers.find(qscheme_);
    if (group != vocabulary_.observers.end()) error.Allowed(Views(group->second));
    error.Advice(advice);
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
  const bool is_activation_;
  const FieldPath path_of_;
  ErrorList& errors_;
  const std::string dtype_;
  const std::string qscheme_;
  std::optional<NearestTensor> nearest_;
};

}  // namespace

void CheckTensor(const Catalog& catalog, const v1::QTensorConfig& tensor, bool is_activation, FieldPath path_of,
                 ErrorList& errors) {
  TensorCheck(catalog, tensor, is_activation, path_of, errors).Run();
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
  ErrorList errors;
  // Calls check(stages[i], path_of) for each stage of `tensor`.
  const auto for_each_stage = [&](const LayerTensor& tensor, auto check) {
    const auto& stages = (layer.*tensor.stages)();
    for (int i = 0; i < stages.size(); ++i) {
      check(stages[i],
            [&](absl::string_view field) { return absl::StrCat(path, ".", tensor.name, "[", i, "].", field); });
    }
  };
  // Quark constructs every tensor before it checks them together.
  std::vector<const LayerTensor*> activations;  // that have no errors
  for (const LayerTensor& tensor : kLayerTensors) {
    const size_t errors_before = errors.size();
    const int count = (layer.*tensor.stages)().size();
    if (count > 2) {
      errors.Add(Violation("stages_at_most_two", absl::StrCat(path, ".", tensor.name))
                     .Value(absl::StrCat(count))
                     .ToStatus("a tensor can have at most two stages"));
      continue;
    }
    for_each_stage(tensor, [&](const v1::QTensorConfig& stage, FieldPath path_of) {
      CheckTensor(catalog, stage, tensor.is_activation, path_of, errors);
    });
    if (tensor.is_activation && errors.size() == errors_before) activations.push_back(&tensor);
  }
  for (const LayerTensor* tensor : activations) {
    for_each_stage(*tensor, [&](const v1::QTensorConfig& stage, FieldPath path_of) {
      errors.Add(CheckActivation(stage, path_of));
    });
  }
  errors.Add(CheckTargetDevice(catalog, layer.target_device(), absl::StrCat(path, ".target_device")));
  return errors.ToStatus();
}

}  // namespace qconfig
