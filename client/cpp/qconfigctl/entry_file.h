// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_ENTRY_FILE_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_ENTRY_FILE_H_

#include <google/protobuf/descriptor.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "qconfig/v1/error.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig::client {

// The formats of scheme and template files.
enum class EntryFormat {
  kQuark,      // Quark's own format, in JSON or YAML
  kProtoJson,  // ProtoJSON of v1::Scheme or v1::LlmTemplate
  kTextproto,  // text format of v1::Scheme or v1::LlmTemplate
};

template <typename Entry>
struct EntryFile {
  Entry entry;
  EntryFormat format;
  std::vector<std::string> notes;  // what the author should know about the reading of the file
};

// Error texts name values by their path in the file and their line ("weight.dtype, line 4: ..."). They do not contain
// the file's name; the caller adds it.

// Returns the content of the file at `path`, or of standard input for "-", without a byte order mark.
// kInvalidArgument: the file is a directory, unreadable, empty, larger than 4 MiB, or not UTF-8, or has control
// characters.
absl::StatusOr<std::string> ReadEntryText(const std::string& path);

// Reads `text` as `format`, or, if `format` is not set, in every format. If several formats succeed with equal
// messages, the first of EntryFormat is returned. kInvalidArgument: no format succeeds, or several succeed with
// different messages. If none succeeds, the text has the mistakes in each plausible format, the most plausible first,
// or only in Quark's format if the file has Quark's keys; if the file is of another kind, it says of which, and what to
// do. A scheme can also be the `global_quant_config` of a whole configuration of Quark, alone or in config.json.
// REQUIRES: `text` is from ReadEntryText.
absl::StatusOr<EntryFile<v1::Scheme>> ReadScheme(const std::string& text, std::optional<EntryFormat> format);
absl::StatusOr<EntryFile<v1::LlmTemplate>> ReadTemplate(const std::string& text, std::optional<EntryFormat> format);

// What the server rejects about an entry that was read from `text`: one line for each field, such as
// "weight.group_size, line 4: required when qscheme is per_group". Empty if `error` is not only about the entry's
// content.
std::vector<std::string> MistakesInFile(const v1::ItemError& error, const std::string& text, EntryFormat format,
                                        const google::protobuf::Descriptor& entry);

// The server returns a scheme that was registered by specs with both `spec` and the `config` computed from it, but a
// registration takes only one of them. Clears `config` if `scheme` comes from the server and has both; returns whether
// it did.
bool DropComputedConfig(v1::Scheme& scheme);

// Sets the name of `scheme` to `name`, unless `name` is empty.
// kInvalidArgument: `scheme` has a different name, or both names are empty; `scheme` is unchanged.
absl::Status NameScheme(const std::string& name, v1::Scheme& scheme);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_ENTRY_FILE_H_
