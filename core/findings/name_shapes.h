// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_NAME_SHAPES_H_
#define QCONFIG_CORE_FINDINGS_NAME_SHAPES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cancellation.h"
#include "core/plan/module_list.h"

namespace qconfig {

// `text` with each number replaced by "0".
std::string WithoutNumbers(absl::string_view text);

// The names of the modules of a model without their numbers, of which there are few. Computed on first use, because
// most plans do not need them. Ignores names after the first kMaxShapes different ones. Not thread-safe.
class NameShapes {
 public:
  static constexpr size_t kMaxShapes = 10'000;
  // The limit of steps of all searches together, some 50 milliseconds.
  static constexpr size_t kMaxSteps = 100'000'000;

  struct Shape {
    std::string text;  // such as "model.layers.0.mlp.up_proj"
    size_t module;     // the first module with this shape
  };

  // `modules` must outlive the object.
  explicit NameShapes(const ModuleList& modules) : modules_(modules) {}

  // An error of `token`: the computation was cancelled.
  absl::StatusOr<absl::Span<const Shape>> Get(CancellationToken& token);

  // The first shape that `pattern` matches, apart from numbers, and that `accept` accepts: "*.layers.7.*" matches all
  // layers. Null if there is none, or if exhausted(). An error of `token`: the computation was cancelled.
  absl::StatusOr<const Shape*> FirstMatch(
      absl::string_view pattern, CancellationToken& token,
      absl::FunctionRef<bool(const Shape&)> accept = [](const Shape&) { return true; });

  // Whether `pattern`, with its numbers, matches a module that `accept` accepts. false also if exhausted(), or if
  // `accept` rejects the first module of the shape. An error of `token`: the computation was cancelled.
  absl::StatusOr<bool> MatchesModule(absl::string_view pattern, CancellationToken& token,
                                     absl::FunctionRef<bool(size_t module)> accept);

  // Whether kMaxSteps are used up.
  bool exhausted() const { return steps_ >= kMaxSteps; }

 private:
  const ModuleList& modules_;
  bool computed_ = false;
  std::vector<Shape> shapes_;
  size_t steps_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_NAME_SHAPES_H_
