// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_SPEC_OPTIONS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_SPEC_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "qconfig/v1/config_spec.pb.h"

namespace qconfig::client {

// The options of commands that resolve a configuration: all fields of v1::ConfigSpec except the model type.
class SpecOptions {
 public:
  // REQUIRES: this object outlives `command`.
  void AddTo(CLI::App& command);

  // Throws CLI::ValidationError if an option is malformed. Warns on standard error about algorithm configurations that
  // have no effect.
  v1::ConfigSpec MakeSpec(const std::string& model_type) const;

 private:
  void AddLayerOptions(CLI::App& command);
  void AddAlgorithmOptions(CLI::App& command);

  std::string scheme_, kv_cache_scheme_, attention_scheme_;
  double min_kv_scale_ = 0;
  std::vector<std::string> algorithms_, algorithm_configs_, layers_, layer_types_, exclude_, shared_scale_groups_;
  bool exclude_nothing_ = false, share_no_scales_ = false;
};

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_SPEC_OPTIONS_H_
