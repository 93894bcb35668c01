// SPDX-License-Identifier: Apache-2.0
#include "core/findings/size_findings.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/findings/finding_text.h"
#include "core/findings/module_names.h"
#include "core/message_text.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

// Values along one axis of a weight that share scales.
struct Grouping {
  int axis;      // negative values count from the last axis
  int64_t size;  // more than 1
  bool is_block;
  bool is_padded;  // Quark pads the last group
};

// Quark's other observers of groups pad the last group.
constexpr absl::string_view kObserverWithoutPadding = "PerGroupMinMaxObserver";

void AddGroupings(const v1::QTensorConfig& tensor, std::vector<Grouping>& groupings) {
  if (tensor.group_size() > 1) {
    groupings.push_back({tensor.has_ch_axis() ? tensor.ch_axis() : -1, tensor.group_size(), false,
                         tensor.observer_cls() != kObserverWithoutPadding});
  }
  if (tensor.block_size_size() != 2) return;
  for (int axis = 0; axis < 2; ++axis) {
    if (tensor.block_size(axis) > 1) groupings.push_back({axis, tensor.block_size(axis), true, true});
  }
}

// Those of the weight, then those of the inputs, which have the size of the last axis of a Linear's weight.
std::vector<Grouping> GroupingsOf(const v1::QLayerConfig& config) {
  std::vector<Grouping> groupings;
  for (const v1::QTensorConfig& stage : config.weight()) AddGroupings(stage, groupings);
  for (const v1::QTensorConfig& stage : config.input_tensors()) {
    if (stage.group_size() > 1 && stage.ch_axis() < 0) AddGroupings(stage, groupings);
  }
  return groupings;
}

// What a finding is about. Modules with the same mismatch share a finding.
struct Mismatch {
  uint32_t config;
  int64_t group_size;
  bool is_block;
  bool is_padded;
  absl::string_view dimension_name;  // such as "input dimension"
  int64_t dimension;
  bool on_rank;       // the group size divides the whole dimension
  bool is_tolerated;  // some runtimes run it

  auto Key() const {
    return std::tie(config, group_size, is_block, is_padded, dimension_name, dimension, on_rank, is_tolerated);
  }
  bool operator<(const Mismatch& other) const { return Key() < other.Key(); }
};

class SizeFinder {
 public:
  SizeFinder(const PlanContext& context, CancellationToken& token, FindingList& findings)
      : context_(context), token_(token), findings_(findings), ranks_(context.tensor_parallel_size) {
    groupings_.emplace_back();  // not quantized
    for (const v1::QLayerConfig& config : context.plan.configs) groupings_.push_back(GroupingsOf(config));
  }

  absl::Status Find() {
    const bool any = std::any_of(groupings_.begin(), groupings_.end(), [](const auto& list) { return !list.empty(); });
    if (!any) return absl::OkStatus();
    struct Checked {
      uint32_t config = 0;
      AffectedModules* affected = nullptr;
    };
    std::vector<Checked> checked(context_.modules.forms().size());  // the last module with each form
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      Checked& last = checked[context_.modules.form_of(i)];
      if (last.config != context_.plan.config_of_module[i]) {
        constexpr size_t kStepsPerChar = 10;
        QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerChar * (context_.modules.name(i).size() + 1)));
        last.config = context_.plan.config_of_module[i];
        const std::optional<Mismatch> mismatch = Check(i);
        last.affected = mismatch.has_value() ? &affected_[*mismatch] : nullptr;
      }
      if (last.affected != nullptr) last.affected->Add(i);
    }
    for (const auto& [mismatch, modules] : affected_) QCONFIG_RETURN_IF_ERROR(Add(mismatch, modules));
    return absl::OkStatus();
  }

 private:
  std::optional<Mismatch> Check(size_t module) const {
    const uint32_t config = context_.plan.config_of_module[module];
    const v1::Module& message = context_.modules.message(module);
    constexpr int kDimensions = 2;  // what Quark does with the groups of other weights was not examined
    if (message.shape_size() != kDimensions) return std::nullopt;
    for (const Grouping& grouping : groupings_[config]) {
      const int axis = grouping.axis < 0 ? grouping.axis + kDimensions : grouping.axis;
      if (axis < 0 || axis >= kDimensions) continue;
      const int64_t dimension = message.shape(axis);
      const bool whole = dimension % grouping.size == 0;
      if (whole && !FailsOnRank(module, axis, grouping.size)) continue;
      const bool is_tolerated = whole && IsTolerated(module, axis, grouping.size);
      const absl::string_view name = message.type() != "Linear" ? "dimension"
                                     : axis == 0                ? "output dimension"
                                                                : "input dimension";
      return Mismatch{config,    grouping.size, grouping.is_block, grouping.is_padded, name,
                      dimension, whole,         is_tolerated};
    }
    return std::nullopt;
  }

  bool FailsOnRank(size_t module, int axis, int64_t group_size) const {
    const v1::Module& message = context_.modules.message(module);
    // `group_size` divides the dimension here, so the product, which could overflow, is not needed.
    if (ranks_ <= 1 || message.shape(axis) / group_size % ranks_ == 0) return false;
    if (message.type() != "Linear") return false;
    const RankSplit split = ModuleNames::Builtin().FindSplit(context_.modules.name(module));
    return split == (axis == 0 ? RankSplit::kOutputs : RankSplit::kInputs);
  }

  // Runtimes pad experts or use smaller groups for them, do not check MX weights with static FP8 inputs, and copy heads
  // of keys and values if there are fewer than ranks.
  bool IsTolerated(size_t module, int axis, int64_t group_size) const {
    if (axis == 0 && context_.modules.message(module).shape(axis) / group_size < ranks_) return true;
    if (ModuleNames::Builtin().IsExpert(context_.modules.name(module))) return true;
    const v1::QLayerConfig& layer = *context_.plan.config(module);
    return layer.input_tensors_size() > 0 && layer.input_tensors(0).dtype() == v1::DTYPE_FP8_E4M3 &&
           !layer.input_tensors(0).is_dynamic() && layer.weight_size() > 0 && layer.weight(0).scale_format() == "e8m0";
  }

  static std::string Effect(const Mismatch& mismatch) {
    if (mismatch.on_rank) {
      return mismatch.is_tolerated ? "which only some runtimes support" : "so runtimes cannot load these layers";
    }
    return mismatch.is_padded ? "so Quark pads the last group, which not all runtimes support" : "so Quark fails";
  }

  absl::Status Add(const Mismatch& mismatch, const AffectedModules& modules) {
    constexpr size_t kStepsPerFinding = 5'000;
    QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerFinding));
    QCONFIG_ASSIGN_OR_RETURN(const std::string fix, Fix(mismatch, modules.first()));
    const bool fails = mismatch.on_rank ? !mismatch.is_tolerated : !mismatch.is_padded;
    v1::Finding& finding = *findings_.Add(
        v1::FINDING_CODE_GROUP_SIZE_MISMATCH, fails ? v1::FINDING_SEVERITY_ERROR : v1::FINDING_SEVERITY_WARNING,
        absl::StrCat(
            "the ", mismatch.is_block ? "block" : "group", " size ", mismatch.group_size, " does not divide the ",
            mismatch.dimension_name, " ", mismatch.dimension, " of ", Modules(modules.count()),
            mismatch.on_rank ? absl::StrCat(" after its split among ", ranks_, " ranks, ") : ", ", Effect(mismatch)),
        fix);
    const v1::LayerRule& rule = context_.plan.rule(modules.first());
    finding.set_field(rule.field().empty() ? "spec.scheme" : rule.field());
    modules.CopyTo(context_.modules, finding);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Fix(const Mismatch& mismatch, size_t module) {
    const absl::string_view name = context_.modules.name(module);
    const std::string pattern = absl::StrCat("*", name.substr(name.rfind('.') == name.npos ? 0 : name.rfind('.')));
    QCONFIG_ASSIGN_OR_RETURN(const v1::Scheme* scheme, FittingScheme(mismatch));
    if (scheme == nullptr) return ExcludeOptions(context_, {pattern});
    if (context_.plan.rule(module).kind() == v1::LAYER_RULE_KIND_GLOBAL) {
      return Option("--layer", absl::StrCat(pattern, "=", scheme->name()));
    }
    return absl::StrCat("Use the scheme ", scheme->name(), " for these layers");
  }

  // A scheme that differs from the configuration only in smaller groups. Null if there is none, and after the first
  // kMaxSearches mismatches.
  absl::StatusOr<const v1::Scheme*> FittingScheme(const Mismatch& mismatch) {
    constexpr int kMaxSearches = 20;
    constexpr size_t kStepsPerScheme = 100;
    if (mismatch.is_block || ++searches_ > kMaxSearches) return nullptr;
    QCONFIG_RETURN_IF_ERROR(token_.Spend(context_.snapshot.schemes().size() * kStepsPerScheme));
    const v1::QLayerConfig& config = context_.plan.configs[mismatch.config - 1];
    const int64_t ranks = mismatch.on_rank ? ranks_ : 1;
    const v1::Scheme* best = nullptr;
    for (const v1::Scheme* scheme : context_.snapshot.schemes()) {
      const int64_t size = CommonGroupSize(scheme->config());
      if (size < 2 || !scheme->alias_of().empty() || mismatch.dimension % size != 0) continue;
      if (mismatch.dimension / size % ranks != 0 || !IsSimilar(scheme->config(), config)) continue;
      if (best == nullptr || size > CommonGroupSize(best->config())) best = scheme;
    }
    return best;
  }

  // The group size of all stages of weight and inputs that have one. 0 if they differ.
  static int64_t CommonGroupSize(const v1::QLayerConfig& config) {
    const std::vector<Grouping> groupings = GroupingsOf(config);
    if (groupings.empty()) return 0;
    const int64_t size = groupings.front().size;
    const bool common = std::all_of(groupings.begin(), groupings.end(),
                                    [size](const Grouping& grouping) { return grouping.size == size; });
    return common ? size : 0;
  }

  // Whether both have the same stages of the same data types.
  static bool IsSimilar(const v1::QLayerConfig& a, const v1::QLayerConfig& b) {
    const auto same_types = [](const auto& left, const auto& right) {
      return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](const auto& x, const auto& y) {
        return x.dtype() == y.dtype() && x.scale_format() == y.scale_format() && x.observer_cls() == y.observer_cls();
      });
    };
    return same_types(a.weight(), b.weight()) && same_types(a.input_tensors(), b.input_tensors());
  }

  const PlanContext& context_;
  CancellationToken& token_;
  FindingList& findings_;
  const int64_t ranks_;
  int searches_ = 0;
  std::vector<std::vector<Grouping>> groupings_;  // by config_of_module
  std::map<Mismatch, AffectedModules> affected_;
};

}  // namespace

absl::Status FindSizeFindings(const PlanContext& context, CancellationToken& token, FindingList& findings) {
  return SizeFinder(context, token, findings).Find();
}

}  // namespace qconfig
