// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/model_modules.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/utf8.h"
#include "qconfigctl/module_names.h"

namespace qconfig::client {
namespace {

using Shape = std::vector<int64_t>;

constexpr uint64_t kMaxExperts = 100'000;

bool AppliesTo(const std::vector<std::string>& model_types, const std::string& model_type) {
  return model_types.empty() || Contains(model_types, model_type);
}

// The shape of one of the `parts` modules that a fused tensor of all experts holds; empty if it is unknown.
Shape ExpertShape(const Shape& fused, const ModuleRules::FusedExperts& rule) {
  int64_t outputs = fused[1];
  int64_t inputs = fused[2];
  if (rule.inputs_first) std::swap(outputs, inputs);
  const auto parts = static_cast<int64_t>(rule.modules.size());
  return outputs % parts == 0 ? Shape{outputs / parts, inputs} : Shape{};
}

// Such as "1 module" and "2 modules".
std::string Counted(uint64_t count, absl::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

class ModuleMaker {
 public:
  ModuleMaker(const ModelFacts& facts, const ModuleRules& rules) : facts_(facts), rules_(rules) {
    model_.model_type = facts.model_type;
  }

  void Add(const TensorGroup& group) {
    if (!group.tensor.type.empty()) {
      AddListed(group);
    } else if (!AddExperts(group)) {
      AddWeight(group);
    }
  }

  Model Take() {
    AddHead();
    AddNotes();
    return std::move(model_);
  }

 private:
  void AddListed(const TensorGroup& group) {
    const Tensor& tensor = group.tensor;
    if (Contains(rules_.listed_types, tensor.type) || Contains(rules_.unquantized_types, tensor.type)) {
      AddModules(tensor.name, group, {}, tensor.type, tensor.shape.value_or(Shape()));
    } else if (MatchesAny(tensor.type, rules_.listed_fused_types)) {
      unknown_experts_ += group.size;
    }
  }

  // Returns whether `group` has the weights of fused experts. Quark replaces them by one module for each expert.
  bool AddExperts(const TensorGroup& group) {
    const Tensor& tensor = group.tensor;
    const auto rule =
        std::find_if(rules_.fused_experts.begin(), rules_.fused_experts.end(), [&](const auto& candidate) {
          return absl::EndsWith(tensor.name, candidate.suffix) && AppliesTo(candidate.model_types, facts_.model_type);
        });
    if (rule == rules_.fused_experts.end()) return false;
    if (tensor.shape.has_value() && tensor.shape->size() < 3) return false;
    const uint64_t experts = tensor.shape.has_value() ? static_cast<uint64_t>(tensor.shape->front()) : facts_.experts;
    if (experts == 0 || experts > kMaxExperts) {
      unknown_experts_ += group.size;
      return true;
    }
    const bool sized = tensor.shape.has_value() && tensor.shape->size() == 3 && !IsPacked(tensor, rule->packed);
    const std::string prefix = tensor.name.substr(0, tensor.name.size() - rule->suffix.size());
    const NumberRanges expert = {{0, static_cast<uint32_t>(experts - 1)}};
    for (const std::string& module : rule->modules) {
      AddModules(prefix + module, group, expert, "Linear", sized ? ExpertShape(*tensor.shape, *rule) : Shape());
    }
    NoteDtype(tensor, rule->packed, group.size * experts * rule->modules.size());
    return true;
  }

  void AddWeight(const TensorGroup& group) {
    const Tensor& tensor = group.tensor;
    const auto weight = std::find_if(rules_.weights.begin(), rules_.weights.end(), [&](const auto& candidate) {
      return absl::EndsWith(tensor.name, candidate.suffix);
    });
    if (weight == rules_.weights.end()) return;
    const std::string form = tensor.name.substr(0, tensor.name.size() - weight->suffix.size());
    if (form.empty()) return;
    const bool sized = tensor.shape.has_value() && !IsPacked(tensor, weight->packed);
    const int64_t dimensions = sized ? static_cast<int64_t>(tensor.shape->size()) : ModuleRules::kUnknown;
    const std::string type = TypeOf(form, dimensions);
    if (type.empty()) return;
    AddModules(form, group, {}, type, sized ? *tensor.shape : Shape());
    NoteDtype(tensor, weight->packed, group.size);
  }

  std::string TypeOf(const std::string& form, int64_t dimensions) const {
    for (const ModuleRules::Type& rule : rules_.types) {
      if (rule.dimensions.has_value() && *rule.dimensions != dimensions) continue;
      if (AppliesTo(rule.model_types, facts_.model_type) && MatchesPattern(form, rule.name)) return rule.type;
    }
    return "";
  }

  bool IsPacked(const Tensor& tensor, bool packed) const {
    return packed || Contains(rules_.packed_dtypes, tensor.dtype);
  }

  void NoteDtype(const Tensor& tensor, bool packed, uint64_t weights) {
    if (!IsPacked(tensor, packed) && !Contains(rules_.quantized_dtypes, tensor.dtype)) return;
    quantized_[tensor.dtype.empty() ? "packed" : Printable(tensor.dtype, 32)] += weights;
  }

  // Adds the modules of `group`, whose names have the form `form` and, at the end, the ranges of `more`.
  void AddModules(const std::string& form, const TensorGroup& group, const NumberRanges& more, const std::string& type,
                  const Shape& shape) {
    std::vector<NumberRanges> all = {{}};
    if (group.width > 0) all = CoverWithRanges(group.numbers, group.width);
    for (NumberRanges& ranges : all) {
      ranges.insert(ranges.end(), more.begin(), more.end());
      v1::Module& module = *model_.modules.Add();
      module.set_name(FormatName(form, ranges));
      module.set_type(type);
      module.mutable_shape()->Add(shape.begin(), shape.end());
      module.set_dtype(group.tensor.dtype);
      const size_t count = CountNames(ranges);
      modules_ += count;
      if (Contains(rules_.unquantized_types, type)) unquantized_[type] += count;
      if (shape.empty()) unknown_sizes_ += count;
    }
  }

  // A checkpoint does not have the weight of an output head that shares it with the embedding, but Quark sees the
  // module. It has no size here, so that totals count the weight once.
  void AddHead() {
    if (!MatchesAny(facts_.architecture, rules_.head_architectures)) return;
    if (std::any_of(model_.modules.begin(), model_.modules.end(),
                    [this](const v1::Module& module) { return MatchesAny(module.name(), rules_.head_names); })) {
      return;
    }
    v1::Module& module = *model_.modules.Add();
    module.set_name(rules_.head);
    module.set_type("Linear");
    model_.notes.push_back(
        absl::StrCat("the checkpoint has no ", rules_.head,
                     ", so it probably shares the weight of the embedding; added it without a size"));
  }

  void AddNotes() {
    if (unknown_experts_ > 0) {
      model_.notes.push_back(absl::StrCat("left out ", Counted(unknown_experts_, "fused weight"),
                                          " of experts, because the number of experts is unknown"));
    }
    if (!quantized_.empty()) {
      const std::string counts = absl::StrJoin(quantized_, ", ", [](std::string* out, const auto& entry) {
        absl::StrAppend(out, Counted(entry.second, "weight"), " of type ", entry.first);
      });
      model_.notes.push_back(absl::StrCat("the checkpoint is already quantized: ", counts));
    }
    for (const auto& [type, count] : unquantized_) {
      model_.notes.push_back(absl::StrCat("Quark cannot quantize ", Counted(count, "module"), " of type ", type,
                                          "; it quantizes only Linear, Conv2d and ConvTranspose2d"));
    }
    if (unknown_sizes_ > 0) {
      const bool is_one = unknown_sizes_ == 1;
      model_.notes.push_back(absl::StrCat("the size", is_one ? "" : "s", " of ", unknown_sizes_, " of ",
                                          Counted(modules_, "module"), is_one ? " is" : " are",
                                          " unknown; totals leave ", is_one ? "it" : "them", " out"));
    }
  }

  const ModelFacts& facts_;
  const ModuleRules& rules_;
  Model model_;
  std::map<std::string, uint64_t> quantized_;    // the number of quantized weights by dtype
  std::map<std::string, uint64_t> unquantized_;  // the number of modules by type
  uint64_t unknown_experts_ = 0;
  uint64_t modules_ = 0;
  uint64_t unknown_sizes_ = 0;
};

}  // namespace

Model MakeModel(const TensorList& tensors, const ModelFacts& facts, const ModuleRules& rules) {
  ModuleMaker maker(facts, rules);
  for (const TensorGroup& group : tensors.groups()) maker.Add(group);
  return maker.Take();
}

}  // namespace qconfig::client
