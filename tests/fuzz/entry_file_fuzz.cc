// SPDX-License-Identifier: Apache-2.0
//
// Scheme and template files of qconfigctl, in all formats. Input: the text of a file.
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "qconfigctl/entry_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/text_file.h"

namespace qconfig::client {
namespace {

using google::protobuf::util::MessageDifferencer;

// Checks that an entry that was read, written in a format of Protobuf and read again is the same entry.
template <typename Entry, typename Read>
void CheckEntry(const absl::StatusOr<EntryFile<Entry>>& file, Read read) {
  if (!file.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(file.status()), file.status().ToString());
    FUZZ_CHECK(!file.status().message().empty() && IsUtf8(file.status().message()), file.status().ToString());
    return;
  }
  std::string json;
  // Textproto has times that JSON does not have. A file without fields is not an entry file.
  if (!google::protobuf::util::MessageToJsonString(file->entry, &json).ok() || json == "{}") return;
  const auto from_json = read(json, EntryFormat::kProtoJson);
  FUZZ_CHECK(from_json.ok(), absl::StrCat(from_json.status().ToString(), "\n", json));
  FUZZ_CHECK(MessageDifferencer::Equals(from_json->entry, file->entry), json);

  std::string textproto;
  FUZZ_CHECK(google::protobuf::TextFormat::PrintToString(file->entry, &textproto), json);
  const auto from_text = read(textproto, EntryFormat::kTextproto);
  FUZZ_CHECK(from_text.ok(), absl::StrCat(from_text.status().ToString(), "\n", textproto));
  FUZZ_CHECK(MessageDifferencer::Equals(from_text->entry, file->entry), textproto);
}

}  // namespace
}  // namespace qconfig::client

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig::client;  // NOLINT(google-build-using-namespace)
  static const auto kSilent = google::protobuf::SetLogHandler(nullptr);
  (void)kSilent;
  const std::string text(qconfig::fuzz::AsText(data, size));
  if (!qconfig::fuzz::IsEntryText(text)) return 0;
  CheckEntry(ReadScheme(text, std::nullopt), &ReadScheme);
  CheckEntry(ReadTemplate(text, std::nullopt), &ReadTemplate);
  return 0;
}
