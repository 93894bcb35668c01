// SPDX-License-Identifier: Apache-2.0
#include "core/error_list.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/error.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// With the detail of the first error and its base64 form, below 4 KB.
constexpr int kMaxViolations = 20;
constexpr size_t kMaxViolationBytes = 1100;
constexpr size_t kMaxTextBytes = 450;

}  // namespace

void ErrorList::Add(absl::Status error) {
  if (error.ok() || !fields_.insert(ItemErrorOf(error).detail().field()).second) return;
  errors_.push_back(std::move(error));
}

absl::Status ErrorList::ToStatus() const {
  if (errors_.size() < 2) return errors_.empty() ? absl::OkStatus() : errors_.front();
  v1::ItemError combined = ItemErrorOf(errors_.front());
  combined.clear_field_violations();
  std::string text = combined.message();
  absl::StrAppend(&text, absl::EndsWith(text, ".") ? " " : ". ", errors_.size() - 1, " more: ");
  size_t bytes = 0;
  for (const absl::Status& error : errors_) {
    const v1::ItemError item = ItemErrorOf(error);
    const int number = combined.field_violations_size();
    bytes += item.message().size();
    if (number > 0 && (bytes > kMaxViolationBytes || number == kMaxViolations)) break;
    v1::FieldViolation& violation = *combined.add_field_violations();
    violation.set_field(item.detail().field());
    violation.set_description(
        std::string(absl::StripPrefix(item.message(), absl::StrCat(item.detail().field(), ": "))));
    if (number > 0 && text.size() < kMaxTextBytes) absl::StrAppend(&text, number == 1 ? "" : "; ", item.message());
  }
  if (text.size() >= kMaxTextBytes) text = Printable(text, kMaxTextBytes);
  const size_t left_out = errors_.size() - static_cast<size_t>(combined.field_violations_size());
  if (left_out > 0) {
    absl::StrAppend(combined.mutable_field_violations()->rbegin()->mutable_description(), " (and ", left_out,
                    " more errors)");
  }
  combined.set_message(text);
  return StatusOf(combined);
}

}  // namespace qconfig
