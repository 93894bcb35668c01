// SPDX-License-Identifier: Apache-2.0
#include "core/findings/name_shapes.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "core/pattern.h"
#include "core/plan/pattern_index.h"
#include "core/status_macros.h"

namespace qconfig {

std::string WithoutNumbers(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_number = false;
  for (const char c : text) {
    const bool is_digit = absl::ascii_isdigit(static_cast<unsigned char>(c));
    if (!is_digit) out.push_back(c);
    if (is_digit && !in_number) out.push_back('0');
    in_number = is_digit;
  }
  return out;
}

absl::StatusOr<absl::Span<const NameShapes::Shape>> NameShapes::Get(CancellationToken& token) {
  if (computed_) return absl::MakeConstSpan(shapes_);
  absl::flat_hash_set<std::string> seen;
  for (const ModuleList::Form& form : modules_.forms()) {
    if (shapes_.size() == kMaxShapes) break;
    const absl::string_view name = modules_.name(form.first);
    QCONFIG_RETURN_IF_ERROR(token.Spend(name.size() + 1));
    std::string text = WithoutNumbers(name);
    if (seen.insert(text).second) shapes_.push_back({std::move(text), form.first});
  }
  computed_ = true;
  return absl::MakeConstSpan(shapes_);
}

absl::StatusOr<const NameShapes::Shape*> NameShapes::FirstMatch(absl::string_view pattern, CancellationToken& token,
                                                                absl::FunctionRef<bool(const Shape&)> accept) {
  if (exhausted()) return nullptr;
  QCONFIG_ASSIGN_OR_RETURN(const auto shapes, Get(token));
  const std::string text = WithoutNumbers(pattern);
  const Pattern compiled(text);
  for (const Shape& shape : shapes) {
    if (exhausted()) return nullptr;
    const size_t steps = (text.size() + 1) * (shape.text.size() + 1);
    steps_ += steps;
    QCONFIG_RETURN_IF_ERROR(token.Spend(steps));
    if (compiled.Matches(shape.text) && accept(shape)) return &shape;
  }
  return nullptr;
}

absl::StatusOr<bool> NameShapes::MatchesModule(absl::string_view pattern, CancellationToken& token,
                                               absl::FunctionRef<bool(size_t)> accept) {
  QCONFIG_ASSIGN_OR_RETURN(const Shape* const first,
                           FirstMatch(pattern, token, [&accept](const Shape& shape) { return accept(shape.module); }));
  const auto is_digit = [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); };
  if (first == nullptr || std::none_of(pattern.begin(), pattern.end(), is_digit)) return first != nullptr;
  const absl::string_view patterns[] = {pattern};
  const absl::string_view sample[] = {modules_.name(first->module)};  // makes the numbers of `pattern` count
  const PatternIndex index(patterns, sample);
  std::vector<uint32_t> matches;
  for (size_t i = first->module; i < modules_.size() && !exhausted(); ++i) {
    ++steps_;
    if (!accept(i)) continue;
    steps_ += modules_.name(i).size();
    QCONFIG_RETURN_IF_ERROR(index.FindMatches(modules_.name(i), token, matches));
    if (!matches.empty()) return true;
  }
  return false;
}

}  // namespace qconfig
