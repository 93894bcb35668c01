// SPDX-License-Identifier: Apache-2.0
//
// Canonical JSON, the input of digests. Input: the bytes of a QConfig, as one frame.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/canonical_json.h"
#include "qconfig/v1/quantization.pb.h"
#include "tests/fuzz/frames.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Whether the numbers of `message` are finite and the enums have a value of the contract.
bool IsExpressible(const Message& message) {
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      const bool list = field->is_repeated();
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE && !std::isfinite(reflection->GetDouble(message, field)))
        return false;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
        const int value =
            list ? reflection->GetRepeatedEnumValue(message, field, i) : reflection->GetEnumValue(message, field);
        if (field->enum_type()->FindValueByNumber(value) == nullptr) return false;
      }
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
          !IsExpressible(list ? reflection->GetRepeatedMessage(message, field, i)
                              : reflection->GetMessage(message, field))) {
        return false;
      }
    }
  }
  return true;
}

const fuzz::MessageMutator& Mutator() {
  static const auto* const kMutator = new fuzz::MessageMutator(fuzz::CatalogWords());
  return *kMutator;
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  static const auto kSilent = google::protobuf::SetLogHandler(nullptr);
  (void)kSilent;
  const auto frames = fuzz::DecodeFrames(fuzz::AsText(data, size));
  v1::QConfig config;
  if (frames.empty() || !config.ParseFromString(frames[0].bytes) || !IsExpressible(config)) return 0;
  if (config.min_kv_scale() == 0) config.clear_min_kv_scale();  // ResolveConfig() leaves -0 out
  const std::string json = CanonicalJson(config);
  v1::QConfig again;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &again);
  FUZZ_CHECK(parsed.ok(), json);
  config.DiscardUnknownFields();
  FUZZ_CHECK(google::protobuf::util::MessageDifferencer::Equals(again, config), json);
  FUZZ_CHECK(CanonicalJson(again) == json, json);
  FUZZ_CHECK(Sha256Hex(json).size() == 64, json);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  return qconfig::fuzz::MutateFrames(data, size, max_size, seed, qconfig::Mutator(),
                                     [](uint8_t) { return std::make_unique<qconfig::v1::QConfig>(); });
}
