// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_ENTRY_FILE_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_ENTRY_FILE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig::client {

// The forms in which a file may give a scheme or a template.
enum class EntryForm {
  kQuark,      // Quark's own, in JSON or YAML
  kProtoJson,  // protobuf's JSON of v1::Scheme or v1::LlmTemplate
  kTextproto,  // protobuf's text format of the same
};

template <typename Entry>
struct EntryFile {
  Entry entry;
  EntryForm form;
};

// The texts of failures go on where the file's name stands: "is empty".

// The content of the file at `path`, or of standard input for "-", without a byte order mark.
// kInvalidArgument: it cannot be read, is empty, larger than 4 MiB, not UTF-8, or has control characters.
absl::StatusOr<std::string> ReadEntryText(const std::string& path);

// Reads `text` in every form, or in `form` only. One form that fits is it, and several that give equal messages are as
// good (the first of EntryForm is named). kInvalidArgument: several fit and differ, or none does; then the text has a
// line for what each plausible form objected to, the most plausible first. REQUIRES: `text` is from ReadEntryText.
absl::StatusOr<EntryFile<v1::Scheme>> ReadScheme(const std::string& text, std::optional<EntryForm> form);
absl::StatusOr<EntryFile<v1::LlmTemplate>> ReadTemplate(const std::string& text, std::optional<EntryForm> form);

// Gives `scheme` the name of the command line, if that is not empty.
// kInvalidArgument: the file has another one, or neither has one; `scheme` is unchanged.
absl::Status NameScheme(const std::string& name, v1::Scheme& scheme);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_ENTRY_FILE_H_
