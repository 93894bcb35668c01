// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/message_mutator.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "core/builtin_catalogs.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace qconfig::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kMaxDepth = 5;
constexpr int kMaxListSize = 12;
constexpr size_t kMaxTextSize = 96;
constexpr size_t kMaxMessages = 256;  // among which one is chosen

size_t Below(size_t limit, std::mt19937& random) { return random() % limit; }
bool OneIn(size_t times, std::mt19937& random) { return Below(times, random) == 0; }

int64_t Integer(std::mt19937& random) {
  static constexpr std::array<int64_t, 14> kNumbers = {0,
                                                       1,
                                                       2,
                                                       3,
                                                       4,
                                                       8,
                                                       16,
                                                       32,
                                                       128,
                                                       -1,
                                                       std::numeric_limits<int32_t>::max(),
                                                       std::numeric_limits<int32_t>::min(),
                                                       std::numeric_limits<int64_t>::max(),
                                                       std::numeric_limits<int64_t>::min()};
  return OneIn(4, random) ? static_cast<int64_t>(Below(300, random)) : kNumbers[Below(kNumbers.size(), random)];
}

double Real(std::mt19937& random) {
  static constexpr std::array<double, 11> kNumbers = {0, 1, 0.5, 0.01, -1, 1e-7, 1e21, -0.0, 1e308, 5e-324, 100};
  if (OneIn(32, random)) return OneIn(2, random) ? std::nan("") : std::numeric_limits<double>::infinity();
  return kNumbers[Below(kNumbers.size(), random)];
}

int EnumNumber(const google::protobuf::EnumDescriptor& type, std::mt19937& random) {
  if (OneIn(32, random)) return static_cast<int>(Integer(random));
  return type.value(static_cast<int>(Below(static_cast<size_t>(type.value_count()), random)))->number();
}

// Adds `message` and all messages in it.
void Collect(Message& message, std::vector<Message*>& all) {
  if (all.size() >= kMaxMessages) return;
  all.push_back(&message);
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      Collect(*reflection->MutableMessage(&message, field), all);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      Collect(*reflection->MutableRepeatedMessage(&message, field, i), all);
    }
  }
}

}  // namespace

void MessageMutator::Mutate(Message& message, std::mt19937& random) const {
  std::vector<Message*> all;
  Collect(message, all);
  Message& chosen = *all[Below(all.size(), random)];
  std::vector<const FieldDescriptor*> fields;
  chosen.GetReflection()->ListFields(chosen, &fields);
  if (!fields.empty() && OneIn(2, random)) {
    return MutateField(chosen, fields[Below(fields.size(), random)], random, 0);
  }
  const auto& type = *chosen.GetDescriptor();
  if (type.field_count() == 0) return;
  MutateField(chosen, type.field(static_cast<int>(Below(static_cast<size_t>(type.field_count()), random))), random, 0);
}

void MessageMutator::MutateField(Message& message, const Field* field, std::mt19937& random, int depth) const {
  if (field->is_repeated()) return MutateList(message, field, random, depth);
  if (OneIn(6, random)) return message.GetReflection()->ClearField(&message, field);
  Put(message, field, random, depth);
}

void MessageMutator::MutateList(Message& message, const Field* field, std::mt19937& random, int depth) const {
  const auto* reflection = message.GetReflection();
  const int size = reflection->FieldSize(message, field);
  const int at = size == 0 ? 0 : static_cast<int>(Below(static_cast<size_t>(size), random));
  switch (size == 0 ? 0 : Below(4, random)) {
    case 1:
      return reflection->RemoveLast(&message, field);
    case 2:
      return reflection->SwapElements(&message, field, at, size - 1);
    case 3:
      if (field->cpp_type() == Field::CPPTYPE_MESSAGE && size < kMaxListSize) {
        Message* const copy = reflection->AddMessage(&message, field);
        copy->CopyFrom(reflection->GetRepeatedMessage(message, field, at));
        return Mutate(*copy, random);
      }
      break;
    default:
      break;
  }
  if (size < kMaxListSize) Put(message, field, random, depth);
}

void MessageMutator::Fill(Message& message, std::mt19937& random, int depth) const {
  if (depth > kMaxDepth) return;
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (OneIn(type.field_count() > 4 ? 4 : 2, random)) Put(message, type.field(i), random, depth);
  }
}

void MessageMutator::Put(Message& message, const Field* field, std::mt19937& random, int depth) const {
  const auto* reflection = message.GetReflection();
  const bool add = field->is_repeated();
  switch (field->cpp_type()) {
    case Field::CPPTYPE_INT32: {
      const auto value = static_cast<int32_t>(Integer(random));
      return add ? reflection->AddInt32(&message, field, value) : reflection->SetInt32(&message, field, value);
    }
    case Field::CPPTYPE_UINT32: {
      const auto value = static_cast<uint32_t>(Integer(random));
      return add ? reflection->AddUInt32(&message, field, value) : reflection->SetUInt32(&message, field, value);
    }
    case Field::CPPTYPE_INT64: {
      const int64_t value = Integer(random);
      return add ? reflection->AddInt64(&message, field, value) : reflection->SetInt64(&message, field, value);
    }
    case Field::CPPTYPE_UINT64: {
      const auto value = static_cast<uint64_t>(Integer(random));
      return add ? reflection->AddUInt64(&message, field, value) : reflection->SetUInt64(&message, field, value);
    }
    case Field::CPPTYPE_DOUBLE: {
      const double value = Real(random);
      return add ? reflection->AddDouble(&message, field, value) : reflection->SetDouble(&message, field, value);
    }
    case Field::CPPTYPE_FLOAT: {
      const auto value = static_cast<float>(Real(random));
      return add ? reflection->AddFloat(&message, field, value) : reflection->SetFloat(&message, field, value);
    }
    case Field::CPPTYPE_BOOL: {
      const bool value = OneIn(2, random);
      return add ? reflection->AddBool(&message, field, value) : reflection->SetBool(&message, field, value);
    }
    case Field::CPPTYPE_ENUM: {
      const int value = EnumNumber(*field->enum_type(), random);
      return add ? reflection->AddEnumValue(&message, field, value) : reflection->SetEnumValue(&message, field, value);
    }
    case Field::CPPTYPE_STRING: {
      std::string value = Text(add ? "" : reflection->GetString(message, field), random);
      return add ? reflection->AddString(&message, field, std::move(value))
                 : reflection->SetString(&message, field, std::move(value));
    }
    case Field::CPPTYPE_MESSAGE:
      return Fill(add ? *reflection->AddMessage(&message, field) : *reflection->MutableMessage(&message, field), random,
                  depth + 1);
  }
}

std::string MessageMutator::Text(const std::string& old, std::mt19937& random) const {
  if (!OneIn(4, random)) return words_[Below(words_.size(), random)];
  std::string text = old.empty() ? words_[Below(words_.size(), random)] : old.substr(0, kMaxTextSize);
  const size_t size = text.size();
  text.resize(kMaxTextSize);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(text.data()), size, text.size()));
  // Text that is not UTF-8 is rejected by the parser.
  if (!OneIn(32, random)) {
    for (char& c : text) c = static_cast<char>(c & 0x7f);
  }
  return text;
}

std::vector<std::string> CatalogWords() {
  std::vector<std::string> words = {"",
                                    "*",
                                    "*.mlp.*",
                                    "*lm_head",
                                    "lm_head",
                                    "model.layers.{0..3}.mlp",
                                    "a",
                                    "b",
                                    "default",
                                    "*.q_proj",
                                    "[!a-c]?",
                                    "model.layers.1.self_attn.q_proj",
                                    "BF16",
                                    "Linear",
                                    "vllm",
                                    "vllm-0.33.0",
                                    "k1",
                                    "sglang-0.5.23",
                                    "x.y.z",
                                    "re:.*proj$",
                                    "gate_up_proj",
                                    "*.experts.*.down_proj"};
  const Catalogs catalogs = *LoadBuiltinCatalogs();
  for (const auto& catalog : catalogs) {
    words.push_back(catalog->name());
    for (const auto& scheme : catalog->schemes()) words.push_back(scheme.name());
    for (const auto& entry : catalog->templates()) {
      words.push_back(entry.model_type());
      words.insert(words.end(), entry.exclude_layers_name().begin(), entry.exclude_layers_name().end());
      words.insert(words.end(), entry.kv_layers_name().begin(), entry.kv_layers_name().end());
    }
    words.insert(words.end(), catalog->algorithms().begin(), catalog->algorithms().end());
    words.insert(words.end(), catalog->observers().begin(), catalog->observers().end());
    for (const auto& spec : catalog->spec_classes()) words.push_back(spec.name);
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

}  // namespace qconfig::fuzz
