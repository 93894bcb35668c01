// SPDX-License-Identifier: Apache-2.0
//
// Measures the error about an unknown scheme among 10,000 schemes of a tenant: the search for what the name means, the
// lists and the text. Part of core_benchmark.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/builtin_catalogs.h"
#include "core/registry_state.h"
#include "core/snapshot.h"

namespace qconfig {
namespace {

constexpr int kSchemes = 10'000;

Snapshot WithSchemes(const std::function<std::string(int)>& name_of) {
  const Catalogs catalogs = LoadBuiltinCatalogs().value();
  RegistryState::Schemes schemes;
  for (int i = 0; i < kSchemes; ++i) {
    auto scheme = std::make_shared<v1::Scheme>();
    scheme->set_name(name_of(i));
    schemes.push_back(std::move(scheme));
  }
  auto registry = std::make_shared<const RegistryState>(2, "", std::move(schemes), RegistryState::Templates());
  return Snapshot(catalogs.front(), std::move(registry), catalogs);
}

std::string Repeated(absl::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result.append(text.data(), text.size());
  return result;
}

void FindUnknown(benchmark::State& state, const Snapshot& snapshot, const std::string& name) {
  for (auto _ : state) {
    const auto found = snapshot.FindScheme(name, "spec.scheme");
    if (found.ok()) return state.SkipWithError("the name is known");
    benchmark::DoNotOptimize(found);
  }
}

// Names as tenants give them, all similar to the unknown one.
void BM_UnknownName_Similar(benchmark::State& state) {
  FindUnknown(state, WithSchemes([](int i) { return absl::StrFormat("team%d_int4_g%04d", i % 10, i); }),
              "team7_int4_gx007");
}
BENCHMARK(BM_UnknownName_Similar)->Unit(benchmark::kMillisecond);

// Names that have nothing in common with the unknown one.
void BM_UnknownName_Different(benchmark::State& state) {
  FindUnknown(state, WithSchemes([](int i) { return absl::StrFormat("team%d_int4_g%04d", i % 10, i); }), "zzzzzzzzzz");
}
BENCHMARK(BM_UnknownName_Different)->Unit(benchmark::kMillisecond);

// The longest names that are compared, which differ in few characters and have all letters of the unknown one.
void BM_UnknownName_Hostile(benchmark::State& state) {
  const std::string words = Repeated("int4_mx6.", 6);
  FindUnknown(state, WithSchemes([&words](int i) { return absl::StrFormat("%s%06d", words, i); }), words + "00x000");
}
BENCHMARK(BM_UnknownName_Hostile)->Unit(benchmark::kMillisecond);

// Names of 128 characters with four bytes each, the longest ones.
void BM_UnknownName_LongUnicode(benchmark::State& state) {
  const std::string emoji = Repeated("😀", 122);
  FindUnknown(state, WithSchemes([&emoji](int i) { return absl::StrFormat("%s%06d", emoji, i); }), emoji + "00x000");
}
BENCHMARK(BM_UnknownName_LongUnicode)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace qconfig
