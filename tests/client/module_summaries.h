// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_CLIENT_MODULE_SUMMARIES_H_
#define QCONFIG_TESTS_CLIENT_MODULE_SUMMARIES_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "qconfigctl/model_modules.h"

namespace qconfig::client {

// "name type shape dtype" of each module message.
inline std::vector<std::string> Summaries(const Model& model) {
  std::vector<std::string> summaries;
  for (const v1::Module& module : model.modules) {
    summaries.push_back(absl::StrCat(module.name(), " ", module.type(), " [", absl::StrJoin(module.shape(), ","), "] ",
                                     module.dtype()));
  }
  return summaries;
}

}  // namespace qconfig::client

#endif  // QCONFIG_TESTS_CLIENT_MODULE_SUMMARIES_H_
