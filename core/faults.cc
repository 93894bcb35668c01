// SPDX-License-Identifier: Apache-2.0
#include "core/faults.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

constexpr int kMaxFaults = 20;

}  // namespace

void Faults::Add(absl::string_view path, absl::string_view problem) {
  ++count_;
  if (is_full()) return;
  v1::FieldViolation& fault = *faults_.add_field_violations();
  fault.set_field(std::string(path));
  fault.set_description(std::string(problem));
}

bool Faults::is_full() const { return faults_.field_violations_size() >= kMaxFaults; }

void Faults::Add(const absl::Status& status) {
  if (status.ok()) return;
  for (const v1::FieldViolation& fault : FaultsOf(status)) Add(fault.field(), fault.description());
}

absl::Status Faults::ToStatus() const {
  if (count_ == 0) return absl::OkStatus();
  v1::ItemError faults = faults_;
  const size_t left_out = count_ - static_cast<size_t>(faults.field_violations_size());
  if (left_out > 0) faults.add_field_violations()->set_description(absl::StrCat("and ", left_out, " more mistakes"));
  std::string text;
  for (const v1::FieldViolation& fault : faults.field_violations()) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", fault.field(), fault.field().empty() ? "" : ": ",
                    fault.description());
  }
  absl::Status status = absl::InvalidArgumentError(text);
  status.SetPayload(kItemErrorType, absl::Cord(faults.SerializeAsString()));
  return status;
}

std::vector<v1::FieldViolation> FaultsOf(const absl::Status& status) {
  v1::ItemError faults;
  const auto payload = status.GetPayload(kItemErrorType);
  if (!payload.has_value() || !faults.ParseFromString(std::string(*payload))) {
    faults.add_field_violations()->set_description(std::string(status.message()));
  }
  return {faults.field_violations().begin(), faults.field_violations().end()};
}

}  // namespace qconfig
