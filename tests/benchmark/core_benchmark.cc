// SPDX-License-Identifier: Apache-2.0
//
// Measures the cost of an answer without a transport, and two floors in the same run: copying the bytes of a stored
// answer, and comparing each character of a pattern with each character of a name. The script `report` prints the
// ratios.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"
#include "core/canonical_json.h"
#include "core/get_config.h"
#include "core/limits.h"
#include "core/pattern.h"
#include "core/quark_json.h"
#include "core/request_shape.h"
#include "core/resolve_config.h"
#include "core/snapshot.h"

namespace qconfig {
namespace {

const Snapshot& Builtins() {
  static const auto* const kSnapshot = [] {
    const auto catalogs = LoadBuiltinCatalogs().value();
    const auto is_default = [](const auto& catalog) { return catalog->name() == kDefaultCatalog; };
    return new Snapshot(*std::find_if(catalogs.begin(), catalogs.end(), is_default));
  }();
  return *kSnapshot;
}

// A request with its answer. Aborts if the request is rejected, so that no benchmark measures an error.
struct ConfigCase {
  ConfigCase(std::string case_name, v1::GetConfigRequest case_request)
      : name(std::move(case_name)),
        request(std::move(case_request)),
        request_bytes(request.SerializeAsString()),
        response((CheckShape(request, Limits{}).ok() ? GetConfig(Builtins(), request)
                                                     : absl::InvalidArgumentError("CheckShape rejects the request"))
                     .value()) {}

  std::string name;
  v1::GetConfigRequest request;
  std::string request_bytes;
  v1::GetConfigResponse response;
};

v1::GetConfigRequest LlamaFp8() {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("llama");
  request.mutable_spec()->set_scheme("fp8");
  request.mutable_spec()->set_kv_cache_scheme("fp8");
  return request;
}

v1::GetConfigRequest Qwen2MoeAwq() {
  v1::GetConfigRequest request;
  request.mutable_spec()->set_model_type("qwen2_moe");
  request.mutable_spec()->set_scheme("int4_wo_128");
  request.mutable_spec()->add_algorithm("awq");
  return request;
}

void AddOverride(const std::string& pattern, v1::ConfigSpec& spec) {
  v1::LayerConfigEntry& entry = *spec.add_layer_config();
  entry.set_pattern(pattern);
  entry.set_scheme(spec.layer_config_size() % 2 == 0 ? "mxfp4" : "ptpc_fp8");
}

v1::GetConfigRequest UsualOverrides(int count) {
  v1::GetConfigRequest request = LlamaFp8();
  for (int i = 0; i < count; ++i) AddOverride(absl::StrCat("model.layers.", i, ".mlp.*"), *request.mutable_spec());
  return request;
}

struct MatchCase {
  std::string name;
  std::string pattern;  // ASCII, so that bytes are characters
  std::u32string layer;
};

std::string Repeat(absl::string_view text, size_t chars) {
  std::string result;
  while (result.size() < chars) result.append(text.data(), text.size());
  result.resize(chars);
  return result;
}

// Patterns of `chars` characters that are slow with many matchers, with names that show it. They end with a star,
// because the matcher compares what follows the last star first.
std::vector<MatchCase> HostileMatches(size_t chars) {
  const std::u32string layer(chars, U'a');
  return {
      {"many_stars", Repeat("*a", chars - 3) + "*b*", layer},
      {"stars_and_questions", Repeat("*?**??", chars - 3) + "*b*", layer},
      // The star takes one more character of the name each time, and half of the pattern is compared again.
      {"star_then_literals", "*" + std::string(chars / 2, 'a') + "b*", layer},
      {"star_then_questions", "*" + std::string(chars / 2, '?') + "b*", layer},
      {"open_brackets", std::string(chars, '['), std::u32string(chars, U'[')},
      {"large_set", "*[" + std::string(chars - 4, 'b') + "]*", layer},
      {"vanishing_ranges", "*[" + Repeat("b-zz-b", chars - 4) + "]*", layer},
  };
}

std::vector<MatchCase> MatchCases() {
  const std::u32string layer = U"model.layers.31.self_attn.k_proj";
  std::vector<MatchCase> cases = {{"literal", "model.layers.31.self_attn.k_proj", layer}, {"suffix", "*k_proj", layer}};
  for (MatchCase& hostile : HostileMatches(Limits{}.pattern_chars)) cases.push_back(std::move(hostile));
  return cases;
}

// The patterns are as long as they can be if a request has 10,000 of them.
v1::GetConfigRequest HostileOverrides(int count) {
  constexpr size_t kPatternChars = 390;
  v1::GetConfigRequest request = LlamaFp8();
  request.mutable_spec()->set_attention_scheme("fp8");
  const std::vector<MatchCase> hostile = HostileMatches(kPatternChars);
  for (int i = 0; i < count; ++i) {
    AddOverride(absl::StrCat(hostile[static_cast<size_t>(i) % hostile.size()].pattern, i, "*"),
                *request.mutable_spec());
  }
  return request;
}

void SetBytesEach(benchmark::State& state, size_t bytes) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

// `steps` is the most that an iteration can take. Google Benchmark prints the time of one step in fractions of a
// second.
void SetStepsEach(benchmark::State& state, size_t steps) {
  using benchmark::Counter;
  const auto count = static_cast<double>(steps);
  state.counters["steps"] = count;
  state.counters["time_per_step"] = Counter(count, Counter::kIsIterationInvariantRate | Counter::kInvert);
}

// The least work of a server that caches serialized answers.
void BM_Floor_CopyStoredBytes(benchmark::State& state, const ConfigCase* c) {
  const std::string stored = c->response.SerializeAsString();
  for (auto _ : state) {
    std::string copy = stored;
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  }
  SetBytesEach(state, stored.size());
}

void BM_ParseRequest(benchmark::State& state, const ConfigCase* c) {
  for (auto _ : state) {
    v1::GetConfigRequest request;
    benchmark::DoNotOptimize(request.ParseFromString(c->request_bytes));
  }
  SetBytesEach(state, c->request_bytes.size());
}

void BM_CheckShape(benchmark::State& state, const ConfigCase* c) {
  for (auto _ : state) benchmark::DoNotOptimize(CheckShape(c->request, Limits{}));
  SetBytesEach(state, c->request_bytes.size());
}

void BM_Resolve(benchmark::State& state, const ConfigCase* c) {
  for (auto _ : state) benchmark::DoNotOptimize(ResolveConfig(Builtins(), c->request.spec()));
  SetBytesEach(state, c->request_bytes.size());
}

void BM_CanonicalJsonAndDigest(benchmark::State& state, const ConfigCase* c) {
  for (auto _ : state) benchmark::DoNotOptimize(Sha256Hex(CanonicalJson(c->response.config())));
  SetBytesEach(state, CanonicalJson(c->response.config()).size());
}

void BM_QuarkJson(benchmark::State& state, const ConfigCase* c) {
  for (auto _ : state) benchmark::DoNotOptimize(QuarkJson(c->response.config(), Builtins().catalog()));
  SetBytesEach(state, QuarkJson(c->response.config(), Builtins().catalog()).size());
}

void BM_GetConfig(benchmark::State& state, const ConfigCase* c) {
  for (auto _ : state) benchmark::DoNotOptimize(GetConfig(Builtins(), c->request));
  SetBytesEach(state, c->request_bytes.size());
}

void BM_Serialize(benchmark::State& state, const ConfigCase* c) {
  for (auto _ : state) benchmark::DoNotOptimize(c->response.SerializeAsString());
  SetBytesEach(state, c->response.ByteSizeLong());
}

// The cost of an answer that is not cached, without its digest.
void BM_ResolveAndSerialize(benchmark::State& state, const ConfigCase* c) {
  for (auto _ : state) {
    v1::GetConfigResponse response;
    *response.mutable_config() = ResolveConfig(Builtins(), c->request.spec()).value();
    benchmark::DoNotOptimize(response.SerializeAsString());
  }
  SetBytesEach(state, c->request_bytes.size());
}

void BM_Floor_ScanName(benchmark::State& state) {
  const std::u32string pattern(Limits{}.pattern_chars, U'b');
  const std::u32string name(Limits{}.pattern_chars, U'a');
  for (auto _ : state) {
    for (const char32_t p : pattern) {
      // Prevents the compiler from comparing several characters at once, which a matcher cannot do.
      for (const char32_t n : name) benchmark::DoNotOptimize(p == n);
    }
  }
  SetStepsEach(state, pattern.size() * name.size());
}

void BM_ParsePattern(benchmark::State& state, const MatchCase* c) {
  for (auto _ : state) benchmark::DoNotOptimize(Pattern(c->pattern));
  SetStepsEach(state, c->pattern.size());
}

void BM_Match(benchmark::State& state, const MatchCase* c) {
  const Pattern pattern(c->pattern);
  for (auto _ : state) benchmark::DoNotOptimize(pattern.Matches(c->layer));
  SetStepsEach(state, c->pattern.size() * c->layer.size());
}

// Registers one benchmark per case, under the name of the case. `cases` must outlive the run.
template <typename Case>
void Register(const char* stage, void (*run)(benchmark::State&, const Case*), const std::vector<Case>& cases) {
  for (const Case& c : cases) benchmark::RegisterBenchmark(absl::StrCat(stage, "/", c.name).c_str(), run, &c);
}

}  // namespace
}  // namespace qconfig

int main(int argc, char** argv) {
  using namespace qconfig;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;

  const std::vector<ConfigCase> usual = {
      {"llama_fp8_kv_cache", LlamaFp8()}, {"qwen2_moe_int4_awq", Qwen2MoeAwq()}, {"50_overrides", UsualOverrides(50)}};
  const std::vector<ConfigCase> hostile = {{"1000_overrides", HostileOverrides(1'000)},
                                           {"10000_overrides", HostileOverrides(10'000)}};
  const std::vector<MatchCase> matches = MatchCases();

  benchmark::RegisterBenchmark("BM_Floor_CopyStoredBytes", BM_Floor_CopyStoredBytes, &usual.front());
  Register("BM_ParseRequest", BM_ParseRequest, usual);
  Register("BM_CheckShape", BM_CheckShape, usual);
  Register("BM_CheckShape", BM_CheckShape, hostile);
  Register("BM_Resolve", BM_Resolve, usual);
  Register("BM_CanonicalJsonAndDigest", BM_CanonicalJsonAndDigest, usual);
  Register("BM_QuarkJson", BM_QuarkJson, usual);
  Register("BM_GetConfig", BM_GetConfig, usual);
  Register("BM_GetConfig", BM_GetConfig, hostile);
  Register("BM_Serialize", BM_Serialize, usual);
  Register("BM_ResolveAndSerialize", BM_ResolveAndSerialize, usual);
  benchmark::RegisterBenchmark("BM_Floor_ScanName", BM_Floor_ScanName);
  Register("BM_ParsePattern", BM_ParsePattern, matches);
  Register("BM_Match", BM_Match, matches);
  benchmark::RunSpecifiedBenchmarks();
}
