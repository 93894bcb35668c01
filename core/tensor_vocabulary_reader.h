// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_TENSOR_VOCABULARY_READER_H_
#define QCONFIG_CORE_TENSOR_VOCABULARY_READER_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/tensor_vocabulary.h"

namespace qconfig {

// Reads vocabulary.json, and `dtype_requirements` of catalog.json.
// kInvalidArgument, with the path: the contract does not have a value, a group is missing, or the form is different.
absl::StatusOr<TensorVocabulary> ReadTensorVocabulary(const nlohmann::ordered_json& vocabulary,
                                                      const nlohmann::ordered_json& settings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_TENSOR_VOCABULARY_READER_H_
