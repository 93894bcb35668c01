// SPDX-License-Identifier: Apache-2.0
//
// Measures plans of a model of 45,033 modules with up to 2,000 overrides, from the parsed request on, beside a floor:
// hashing the name of each module once. Part of core_benchmark.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <fstream>
#include <string>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"
#include "core/limits.h"
#include "core/plan_layers.h"
#include "core/snapshot.h"

namespace qconfig {
namespace {

constexpr int kLayers = 61;
constexpr int kDenseLayers = 3;
constexpr int kExperts = 256;

void AddModule(v1::PlanLayersRequest& request, const std::string& name) {
  v1::Module& module = *request.add_modules();
  module.set_name(name);
  module.set_type("Linear");
  module.add_shape(2048);
  module.add_shape(7168);
  module.set_dtype("BF16");
}

void AddMlp(v1::PlanLayersRequest& request, const std::string& prefix) {
  for (const char* part : {"gate_proj", "up_proj", "down_proj"}) AddModule(request, absl::StrCat(prefix, ".", part));
}

// The linear layers of a mixture of experts, one message each.
v1::PlanLayersRequest MixtureOfExperts() {
  v1::PlanLayersRequest request;
  request.mutable_spec()->set_model_type("deepseek_v3");
  request.mutable_spec()->set_scheme("fp8");
  for (int layer = 0; layer < kLayers; ++layer) {
    const std::string prefix = absl::StrCat("model.layers.", layer);
    for (const char* part : {"q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"}) {
      AddModule(request, absl::StrCat(prefix, ".self_attn.", part));
    }
    if (layer < kDenseLayers) {
      AddMlp(request, prefix + ".mlp");
      continue;
    }
    AddMlp(request, prefix + ".mlp.shared_experts");
    for (int expert = 0; expert < kExperts; ++expert) AddMlp(request, absl::StrCat(prefix, ".mlp.experts.", expert));
  }
  AddModule(request, "lm_head");
  return request;
}

// Up to 100 patterns of one layer each, and then names of single modules.
v1::PlanLayersRequest WithOverrides(int count) {
  constexpr int kPatterns = 100;
  v1::PlanLayersRequest request = MixtureOfExperts();
  for (int i = 0; i < count; ++i) {
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(i < kPatterns ? absl::StrCat("*.layers.", i, ".*proj") : request.modules(20 * i).name());
    entry.set_scheme(i % 2 == 0 ? "mxfp4" : "ptpc_fp8");
  }
  return request;
}

const Snapshot& Builtins() {
  static const auto* const kSnapshot = new Snapshot(LoadBuiltinCatalogs().value().front());
  return *kSnapshot;
}

void SetModules(benchmark::State& state, const v1::PlanLayersRequest& request) {
  state.SetItemsProcessed(state.iterations() * request.modules_size());
}

// A size in /proc/self/status, in bytes.
double ProcessBytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != name + ":") continue;
  double kib = 0;
  status >> kib;
  return kib * 1024;
}

// The bytes that a plan adds to the memory of the process at its peak. Exact to a few pages. 0 if the peak cannot be
// reset.
double PeakBytes(const v1::PlanLayersRequest& request) {
  malloc_trim(0);
  if (!(std::ofstream("/proc/self/clear_refs") << "5" << std::flush)) return 0;
  const double before = ProcessBytes("VmRSS");
  benchmark::DoNotOptimize(PlanLayers(Builtins(), request, Limits()));
  return ProcessBytes("VmHWM") - before;
}

void BM_Floor_HashModuleNames(benchmark::State& state) {
  const v1::PlanLayersRequest request = MixtureOfExperts();
  for (auto _ : state) {
    for (const v1::Module& module : request.modules()) {
      benchmark::DoNotOptimize(absl::Hash<absl::string_view>()(module.name()));
    }
  }
  SetModules(state, request);
}
BENCHMARK(BM_Floor_HashModuleNames)->Unit(benchmark::kMillisecond);

void BM_ParsePlanRequest(benchmark::State& state) {
  const v1::PlanLayersRequest request = WithOverrides(static_cast<int>(state.range(0)));
  const std::string bytes = request.SerializeAsString();
  for (auto _ : state) {
    v1::PlanLayersRequest parsed;
    benchmark::DoNotOptimize(parsed.ParseFromString(bytes));
  }
  SetModules(state, request);
}
BENCHMARK(BM_ParsePlanRequest)->Arg(0)->Arg(2000)->Unit(benchmark::kMillisecond);

void BM_PlanLayers(benchmark::State& state) {
  const v1::PlanLayersRequest request = WithOverrides(static_cast<int>(state.range(0)));
  const Limits limits;
  state.counters["peak_bytes_per_module"] = PeakBytes(request) / request.modules_size();
  for (auto _ : state) {
    if (!CheckShape(request, limits).ok()) return state.SkipWithError("the request is malformed");
    const auto plan = PlanLayers(Builtins(), request, limits);
    if (!plan.ok()) return state.SkipWithError(plan.status().ToString().c_str());
    benchmark::DoNotOptimize(plan);
  }
  SetModules(state, request);
}
BENCHMARK(BM_PlanLayers)->Arg(0)->Arg(100)->Arg(2000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace qconfig
