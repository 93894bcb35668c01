// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_FUZZ_MODEL_CHECK_H_
#define QCONFIG_TESTS_FUZZ_MODEL_CHECK_H_

#include "qconfigctl/model_modules.h"
#include "qconfigctl/tensor_list.h"

namespace qconfig::fuzz {

// Makes a model of `tensors`, and checks that the server can expand its modules, to the names that qconfigctl means.
void CheckModel(const client::TensorList& tensors, const client::ModelFacts& facts);

}  // namespace qconfig::fuzz

#endif  // QCONFIG_TESTS_FUZZ_MODEL_CHECK_H_
