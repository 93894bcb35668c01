// SPDX-License-Identifier: Apache-2.0
#include "core/plan/plan_totals.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace qconfig {
namespace {

using Stages = google::protobuf::RepeatedPtrField<v1::QTensorConfig>;

constexpr double kUnquantizedBits = 16;

// The bits that a value takes in a checkpoint, with its part of a shared exponent.
double BitsPerValue(v1::Dtype dtype) {
  switch (dtype) {
    case v1::DTYPE_INT2:
    case v1::DTYPE_UINT2:
      return 2;
    case v1::DTYPE_INT3:
      return 3;
    case v1::DTYPE_INT4:
    case v1::DTYPE_UINT4:
    case v1::DTYPE_FP4:
      return 4;
    case v1::DTYPE_FP6_E2M3:
    case v1::DTYPE_FP6_E3M2:
    case v1::DTYPE_MX6:
      return 6;
    case v1::DTYPE_INT8:
    case v1::DTYPE_UINT8:
    case v1::DTYPE_FP8_E4M3:
    case v1::DTYPE_FP8_E5M2:
    case v1::DTYPE_FP8_E5M3:
      return 8;
    case v1::DTYPE_MX9:
    case v1::DTYPE_BFP16:
      return 9;
    case v1::DTYPE_INT32:
      return 32;
    default:
      return kUnquantizedBits;
  }
}

// The bits of a value before quantization, in the notation of safetensors ("F8_E4M3") or PyTorch ("torch.bfloat16").
double BitsBefore(absl::string_view dtype) {
  const std::string name = absl::AsciiStrToLower(absl::StripPrefix(dtype, "torch."));
  for (const auto& [prefix, bits] : {std::pair<const char*, int>{"float8", 8},
                                     {"f8", 8},
                                     {"float32", 32},
                                     {"f32", 32},
                                     {"f4", 4},
                                     {"f6_", 6},
                                     {"float64", 64},
                                     {"f64", 64},
                                     {"double", 64},
                                     {"int8", 8},
                                     {"uint8", 8},
                                     {"i8", 8},
                                     {"u8", 8},
                                     {"bool", 8},
                                     {"i32", 32},
                                     {"int32", 32},
                                     {"u32", 32},
                                     {"uint32", 32},
                                     {"i64", 64},
                                     {"int64", 64},
                                     {"u64", 64},
                                     {"uint64", 64}}) {
    if (absl::StartsWith(name, prefix)) return bits;
  }
  return kUnquantizedBits;
}

bool IsSelfScaled(v1::Dtype dtype) {
  return dtype == v1::DTYPE_MX6 || dtype == v1::DTYPE_MX9 || dtype == v1::DTYPE_BFP16;
}

double ScaleBits(const v1::QTensorConfig& tensor) {
  if (tensor.scale_format() == "e8m0" || tensor.scale_format() == "e5m3") return 8;
  switch (tensor.scale_type()) {
    case v1::SCALE_TYPE_FLOAT8_E5M3:
    case v1::SCALE_TYPE_FLOAT8_E8M0FNU:
      return 8;
    case v1::SCALE_TYPE_FLOAT16:
    case v1::SCALE_TYPE_BFLOAT16:
      return 16;
    default:
      return 32;
  }
}

// The number of scales of a weight.
double CountScales(const v1::QTensorConfig& tensor, const google::protobuf::RepeatedField<int64_t>& shape) {
  double values = 1;
  for (const int64_t dimension : shape) values *= static_cast<double>(dimension);
  const auto groups = [&](int axis, double size) {
    const auto dimension = static_cast<double>(shape[axis]);
    return dimension == 0 ? 0 : values / dimension * std::ceil(dimension / std::max(1.0, size));
  };
  const int axis = tensor.ch_axis() < 0 ? tensor.ch_axis() + shape.size() : tensor.ch_axis();
  const bool valid_axis = axis >= 0 && axis < shape.size();
  if (tensor.dtype() == v1::DTYPE_MX) return valid_axis ? groups(axis, tensor.group_size()) : 0;
  switch (tensor.qscheme()) {
    case v1::Q_SCHEME_TYPE_PER_CHANNEL:
      return valid_axis ? static_cast<double>(shape[axis]) : 1;
    case v1::Q_SCHEME_TYPE_PER_GROUP:
      return valid_axis ? groups(axis, tensor.group_size()) : 1;
    case v1::Q_SCHEME_TYPE_PER_BLOCK: {
      double blocks = 1;
      for (int i = 0; i < shape.size(); ++i) {
        const int from_end = shape.size() - i;
        const double size =
            from_end <= tensor.block_size_size() ? tensor.block_size(tensor.block_size_size() - from_end) : 1;
        blocks *= std::ceil(static_cast<double>(shape[i]) / std::max(1.0, size));
      }
      return blocks;
    }
    default:
      return 1;
  }
}

// The bits of a quantized weight. The last stage that does not quantize scales decides about the values.
double BitsAfter(const Stages& stages, const google::protobuf::RepeatedField<int64_t>& shape, double values) {
  double bits = 0;
  for (int i = 0; i < stages.size(); ++i) {
    const v1::QTensorConfig& stage = stages[i];
    const double scales = CountScales(stage, shape);
    if (stage.is_scale_quant()) {
      bits += ScaleBits(stage);
      continue;
    }
    const bool has_scale_stage = i + 1 < stages.size() && stages[i + 1].is_scale_quant();
    const double value_bits =
        stage.dtype() == v1::DTYPE_MX ? BitsPerValue(stage.mx_element_dtype()) : BitsPerValue(stage.dtype());
    if (i + 1 == stages.size() || has_scale_stage) bits += values * value_bits;
    if (IsSelfScaled(stage.dtype())) continue;
    const double scale_bits = has_scale_stage                 ? BitsPerValue(stages[i + 1].dtype())
                              : stage.dtype() == v1::DTYPE_MX ? 8
                                                              : ScaleBits(stage);
    const bool has_zero_points = stage.has_symmetric() && !stage.symmetric();
    bits += scales * (scale_bits + (has_zero_points ? value_bits : 0));
  }
  return bits;
}

// At most 8 TiB, so that the sums over all modules cannot overflow.
int64_t ToBytes(double bits) {
  constexpr double kMaxBytes = 0x1p43;
  return std::llround(std::min(kMaxBytes, std::ceil(bits / 8)));
}

// The sizes of one weight.
struct WeightSizes {
  int64_t values = 0;
  int64_t bytes_before = 0;
  int64_t bytes_after = 0;
};

WeightSizes Measure(const v1::Module& module, const v1::QLayerConfig* config) {
  if (module.shape().empty()) return {};
  double values = 1;
  for (const int64_t dimension : module.shape()) values *= static_cast<double>(dimension);
  const int64_t before = ToBytes(values * BitsBefore(module.dtype()));
  const bool quantized = config != nullptr && !config->weight().empty();
  const int64_t after = quantized ? ToBytes(BitsAfter(config->weight(), module.shape(), values)) : before;
  return {std::llround(values), before, after};
}

double KvCacheBits(const v1::QConfig& config, const LayerPlan& plan) {
  for (const v1::LayerRule& rule : plan.rules) {
    if (rule.kind() != v1::LAYER_RULE_KIND_KV_CACHE) continue;
    return BitsPerValue(config.kv_cache_quant_config(0).config().output_tensors(0).dtype());
  }
  return kUnquantizedBits;
}

}  // namespace

v1::PlanTotals ComputeTotals(const v1::QConfig& config, const ModuleList& modules, const LayerPlan& plan) {
  std::vector<v1::ConfigTotals> by_config(plan.configs.size() + 1);
  struct Measured {
    uint32_t config = static_cast<uint32_t>(-1);
    WeightSizes sizes;
  };
  std::vector<Measured> measured(modules.forms().size());  // the last module with each form
  for (size_t i = 0; i < modules.size(); ++i) {
    const uint32_t config_of_module = plan.config_of_module[i];
    auto& [measured_config, sizes] = measured[modules.form_of(i)];
    if (std::exchange(measured_config, config_of_module) != config_of_module) {
      sizes = Measure(modules.message(i), plan.config(i));
    }
    v1::ConfigTotals& part = by_config[config_of_module];
    part.set_modules(part.modules() + 1);
    part.set_parameters(part.parameters() + sizes.values);
    part.set_weight_bytes_before(part.weight_bytes_before() + sizes.bytes_before);
    part.set_weight_bytes_after(part.weight_bytes_after() + sizes.bytes_after);
  }
  v1::PlanTotals totals;
  for (size_t i = 0; i < by_config.size(); ++i) {
    v1::ConfigTotals& part = by_config[i];
    if (part.modules() == 0) continue;
    part.set_config(static_cast<uint32_t>(i));
    totals.set_modules(totals.modules() + part.modules());
    if (i > 0 && !plan.configs[i - 1].weight().empty()) totals.set_quantized(totals.quantized() + part.modules());
    totals.set_parameters(totals.parameters() + part.parameters());
    totals.set_weight_bytes_before(totals.weight_bytes_before() + part.weight_bytes_before());
    totals.set_weight_bytes_after(totals.weight_bytes_after() + part.weight_bytes_after());
    *totals.add_by_config() = std::move(part);
  }
  totals.set_kv_cache_bits(KvCacheBits(config, plan));
  return totals;
}

}  // namespace qconfig
