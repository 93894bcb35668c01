// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_SAFETENSORS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_SAFETENSORS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "qconfigctl/tensor_list.h"

namespace qconfig::client {

// Error texts do not contain the file's name; the caller adds it. All errors are kInvalidArgument.

inline constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the safetensors format

// Reads only the header of the file at `path`: 8 bytes with its length, and JSON.
// Errors: the file is unreadable or truncated, the header is too long or malformed. It is not an error if the bytes of
// two tensors overlap, or do not fit a shape.
absl::StatusOr<std::vector<Tensor>> ReadSafetensorsHeader(const std::string& path);

// The tensors of a checkpoint and the names of the files that have them.
using SafetensorsIndex = std::vector<std::pair<std::string, std::string>>;

// Reads the content of an index file, such as model.safetensors.index.json.
// Errors: the text is not an index, or names a file in another folder.
absl::StatusOr<SafetensorsIndex> ParseSafetensorsIndex(absl::string_view text);

// Returns the content of the regular file at `path`, or of standard input for "-".
// Errors: it is unreadable or larger than `max_bytes`.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, uint64_t max_bytes);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_SAFETENSORS_H_
