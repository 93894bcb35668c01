// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_MODEL_READER_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_MODEL_READER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "qconfigctl/model_modules.h"
#include "qconfigctl/tensor_list.h"

namespace qconfig::client {

// Reads the modules of the model at `path`, which is one of:
// - a folder with config.json and *.safetensors, of which only the headers are read. If there is an index, files that
//   it names may be missing; the sizes of their tensors are then unknown.
// - config.json, an index (*.index.json), or one *.safetensors file of such a folder
// - a list of names, see AddModuleList(); "-" is standard input
// `model_type` takes precedence over that of config.json.
// kInvalidArgument, with the name of the file: a file is unreadable or malformed, there are no modules, or the model
// type is unknown.
absl::StatusOr<Model> ReadModel(const std::string& path, const std::string& model_type);

// Reads a text with a module in each line, "name", "name type" or "name type [2, 3]", as
// `for n, m in model.named_modules(): print(n, type(m).__name__)` prints it, or with the name of a tensor in each line.
// Empty lines and lines that start with # are ignored. kInvalidArgument, with the line: the text is malformed.
absl::Status AddModuleList(absl::string_view text, TensorList& tensors);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_MODEL_READER_H_
