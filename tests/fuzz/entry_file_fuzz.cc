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
#include "core/utf8.h"
#include "qconfigctl/entry_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/text_file.h"

namespace qconfig::client {
namespace {

using google::protobuf::util::MessageDifferencer;

// Checks that an error of the server at any of some fields can be placed in the file.
template <typename Entry>
void CheckPlaces(const std::string& text, const EntryFile<Entry>& file) {
  for (const char* field :
       {"scheme.config.weight[0].is_dynamic", "scheme.spec.bias.progressive.first_stage.preset.spec",
        "llm_template.algorithm_configs[1].config.rotation.scaling_layers[0].layers[0].target_modules",
        "llm_template.f2f_weight_converters[0].operations[0].split_fused_experts.split_axis"}) {
    v1::ItemError error;
    error.set_reason(v1::ERROR_REASON_INVALID_REQUEST);
    error.add_field_violations()->set_field(field);
    for (const std::string& line : MistakesInFile(error, text, file.format, *Entry::descriptor())) {
      FUZZ_CHECK(IsUtf8(line), line);
    }
  }
}

// Checks that an entry that was read, written in a format of Protobuf and read again is the same entry.
template <typename Entry, typename Read>
void CheckEntry(const std::string& text, const absl::StatusOr<EntryFile<Entry>>& file, Read read) {
  if (!file.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(file.status()), file.status().ToString());
    FUZZ_CHECK(!file.status().message().empty() && IsUtf8(file.status().message()), file.status().ToString());
    return;
  }
  CheckPlaces(text, *file);

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
  CheckEntry(text, ReadScheme(text, std::nullopt), &ReadScheme);
  CheckEntry(text, ReadTemplate(text, std::nullopt), &ReadTemplate);
  return 0;
}
