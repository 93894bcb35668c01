// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/file_places.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/registry.pb.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::ordered_json;

constexpr size_t kNone = static_cast<size_t>(-1);

// A step of a path: a name, or an index, whose name is empty.
struct Step {
  std::string name;
  size_t index = 0;
};

// Removes the first step and the separators around it from `path`.
Step TakeStep(absl::string_view& path) {
  while (absl::ConsumePrefix(&path, ".")) {
  }
  const bool is_index = absl::ConsumePrefix(&path, "[");
  const size_t end = std::min(path.size(), is_index ? path.find(']') : path.find_first_of(".["));
  Step step;
  if (!is_index || !absl::SimpleAtoi(path.substr(0, end), &step.index)) step.name = std::string(path.substr(0, end));
  path.remove_prefix(end);
  if (is_index) absl::ConsumePrefix(&path, "]");
  while (absl::ConsumePrefix(&path, ".")) {
  }
  return step;
}

// "config.weight[0].dtype" -> config, weight, 0, dtype.
std::vector<Step> Split(absl::string_view path) {
  std::vector<Step> steps;
  while (!path.empty()) steps.push_back(TakeStep(path));
  return steps;
}

// A position in a tree. Once a step leads to nothing, the position stays where it is, and only the path grows.
class Walk {
 public:
  explicit Walk(const FileTree& tree)
      : node_(&tree.root), lines_(&tree.lines), line_(tree.lines.line), path_(tree.path) {}

  const ordered_json& node() const { return *node_; }
  bool is_lost() const { return lost_; }

  // Goes to an item of the object or list. `text` is what the path in the file has for it.
  void Enter(size_t item, absl::string_view text) {
    path_ = text.substr(0, 1) == "[" ? absl::StrCat(path_, text) : Join(path_, text);
    const bool has_line = item < lines_->items.size();
    node_ =
        node_->is_object() ? &std::next(node_->begin(), static_cast<std::ptrdiff_t>(item)).value() : &(*node_)[item];
    if (has_line) {
      lines_ = &lines_->items[item];
      line_ = lines_->line;
    } else {
      static const auto* const kInAlias = new FileLines;
      lines_ = kInAlias;
    }
  }
  bool EnterKey(absl::string_view key) {
    if (lost_ || !node_->is_object()) return false;
    const auto it = node_->find(std::string(key));
    if (it == node_->end()) return false;
    Enter(static_cast<size_t>(std::distance(node_->begin(), it)), key);
    return true;
  }
  bool EnterIndex(size_t index) {
    if (lost_ || !node_->is_array() || index >= node_->size()) return false;
    Enter(index, absl::StrCat("[", index, "]"));
    return true;
  }
  void Lose(const Step& step) {
    lost_ = true;
    path_ = step.name.empty() ? absl::StrCat(path_, "[", step.index, "]") : Join(path_, step.name);
  }

  FilePlace place() const { return {path_, line_}; }

 private:
  const ordered_json* node_;
  const FileLines* lines_;
  int line_;
  std::string path_;
  bool lost_ = false;
};

// Enters `key` or the older name of that key in Quark.
bool EnterTensorKey(absl::string_view key, Walk& walk) {
  if (walk.EnterKey(key)) return true;
  return key == "is_dynamic" ? walk.EnterKey("dynamic") : key == "ch_axis" && walk.EnterKey("axis");
}

// Whether Quark's form has the content of `field` where a message has the field.
bool HasNoKeyInQuark(const FieldDescriptor& field) {
  const Descriptor* type = field.containing_type();
  return field.real_containing_oneof() != nullptr ||
         (type == v1::Scheme::descriptor() && field.message_type() != nullptr) ||
         type == v1::AlgoConfigEntry::descriptor() || type == v1::RotationScalingLayersEntry::descriptor() ||
         type == v1::StringList::descriptor() || type == v1::ScalingLayerList::descriptor();
}

// Whether Quark has a dictionary where the message has a list of entries.
bool IsDictionaryInQuark(const FieldDescriptor& field) {
  return field.message_type() == v1::AlgoConfigEntry::descriptor() ||
         field.message_type() == v1::RotationScalingLayersEntry::descriptor();
}

// The position of the member that became entry `index`: those that are null became none. kNone if there is none.
size_t MemberOfEntry(const ordered_json& object, size_t index) {
  size_t position = 0;
  for (const ordered_json& value : object) {
    if (!value.is_null() && index-- == 0) return position;
    ++position;
  }
  return kNone;
}

void EnterEntry(size_t index, const FieldDescriptor* field, Walk& walk) {
  if (walk.is_lost() || walk.EnterIndex(index)) return;
  if (!walk.node().is_object() || field == nullptr) return walk.Lose({"", index});
  if (!IsDictionaryInQuark(*field)) return;  // a single stage, which is not in a list
  const size_t member = MemberOfEntry(walk.node(), index);
  if (member == kNone) return walk.Lose({"", index});
  walk.Enter(member, std::next(walk.node().begin(), static_cast<std::ptrdiff_t>(member)).key());
}

void EnterField(const Step& step, const FieldDescriptor* field, Walk& walk) {
  if (EnterTensorKey(step.name, walk)) return;
  if (field != nullptr && walk.EnterKey(field->json_name())) return;
  // Quark's form may have "config" around specs too.
  if (field != nullptr && field->containing_type() == v1::Scheme::descriptor() && field->message_type() != nullptr &&
      walk.EnterKey("config")) {
    return;
  }
  if (step.name == "first_stage" && walk.EnterIndex(0)) return;
  if (step.name == "second_stage" && walk.EnterIndex(1)) return;
  if (field == nullptr || walk.is_lost() || !HasNoKeyInQuark(*field)) walk.Lose(step);
}

// Ignores errors: the text was read before.
class NoErrors : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

}  // namespace

std::string TextAt(const FilePlace& place, absl::string_view problem) {
  std::string text = place.path;
  if (place.line > 0 && !text.empty()) absl::StrAppend(&text, ", line ", place.line);
  return absl::StrCat(text, text.empty() ? "" : ": ", problem);
}

FilePlace FindPath(const FileTree& tree, absl::string_view path) {
  Walk walk(tree);
  absl::string_view rest = path;
  // A key may contain dots and brackets.
  while (!rest.empty() && !walk.EnterKey(rest)) {
    const Step step = TakeStep(rest);
    const bool entered = step.name.empty() ? walk.EnterIndex(step.index) : EnterTensorKey(step.name, walk);
    if (!entered) walk.Lose(step);
  }
  FilePlace place = walk.place();
  if (walk.is_lost()) place.path = absl::StrCat(tree.path, tree.path.empty() || path.empty() ? "" : ".", path);
  return place;
}

FilePlace FindField(const FileTree& tree, const Descriptor& entry, absl::string_view field_path) {
  Walk walk(tree);
  const Descriptor* type = &entry;
  const FieldDescriptor* field = nullptr;
  for (const Step& step : Split(field_path)) {
    if (step.name.empty()) {
      EnterEntry(step.index, field, walk);
      continue;
    }
    field = type == nullptr ? nullptr : type->FindFieldByName(step.name);
    EnterField(step, field, walk);
    type = field == nullptr ? nullptr : field->message_type();
  }
  return walk.place();
}

struct TextprotoPlaces::Locations {
  google::protobuf::TextFormat::ParseInfoTree tree;
  bool is_valid = false;
};

TextprotoPlaces::TextprotoPlaces(const std::string& text, const Descriptor& entry)
    : entry_(entry), locations_(std::make_unique<Locations>()) {
  const std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&entry)->New());
  google::protobuf::TextFormat::Parser parser;
  NoErrors errors;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(&locations_->tree);
  parser.SetRecursionLimit(static_cast<int>(kMaxFileDepth));
  locations_->is_valid = parser.ParseFromString(text, message.get());
}

TextprotoPlaces::~TextprotoPlaces() = default;

FilePlace TextprotoPlaces::Find(absl::string_view field_path) const {
  FilePlace place{std::string(field_path), 1};
  if (!locations_->is_valid) return place;
  const google::protobuf::TextFormat::ParseInfoTree* tree = &locations_->tree;
  const Descriptor* type = &entry_;
  const std::vector<Step> steps = Split(field_path);
  for (size_t i = 0; i < steps.size() && tree != nullptr && type != nullptr; ++i) {
    const FieldDescriptor* field = type->FindFieldByName(steps[i].name);
    if (field == nullptr) break;
    const bool has_index = field->is_repeated() && i + 1 < steps.size() && steps[i + 1].name.empty();
    if (has_index && steps[i + 1].index > kMaxFileNodes) break;
    const int index = !field->is_repeated() ? -1 : has_index ? static_cast<int>(steps[++i].index) : 0;
    const int line = tree->GetLocation(field, index).line;
    if (line < 0) break;
    place.line = line + 1;
    type = field->message_type();
    if (type != nullptr) tree = tree->GetTreeForNested(field, index);
  }
  return place;
}

}  // namespace qconfig::client
