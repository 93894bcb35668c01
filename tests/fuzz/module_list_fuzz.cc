// SPDX-License-Identifier: Apache-2.0
//
// Lists of modules for `qconfigctl plan`, and the ranges in names, which client and server expand.
// Input: a model type in the first line, then the list.
#include <string>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "qconfigctl/model_modules.h"
#include "qconfigctl/model_reader.h"
#include "qconfigctl/tree_checks.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/model_check.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  absl::string_view text = fuzz::AsText(data, size);
  client::ModelFacts facts;
  facts.model_type = std::string(fuzz::TakeUntil("\n", text));
  client::TensorList tensors;
  const absl::Status status = client::AddModuleList(text, tensors);
  if (!status.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(status) && IsUtf8(status.message()), status.ToString());
    return 0;
  }
  fuzz::CheckModel(tensors, facts);
  return 0;
}
