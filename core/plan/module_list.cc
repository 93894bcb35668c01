// SPDX-License-Identifier: Apache-2.0
#include "core/plan/module_list.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

// A text, followed by the numbers of a range.
struct Segment {
  absl::string_view text;
  uint32_t first;
  uint32_t last;
};

// A name as segments and the text after the last range.
struct Template {
  std::vector<Segment> segments;
  absl::string_view tail;
};

// Removes the digits at the start of `text` and returns them. Empty if there are none.
absl::string_view TakeDigits(absl::string_view& text) {
  size_t length = 0;
  while (length < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[length]))) ++length;
  const absl::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

bool IsCanonical(absl::string_view digits) { return digits.size() == 1 || digits.front() != '0'; }

absl::Status BadRange(absl::string_view range, absl::string_view field) {
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field(field)
      .Value(range)
      .Advice("Write the smaller number first and no leading zeros, for example {0..31}")
      .ToStatus("is not a range of numbers in ascending order");
}

absl::StatusOr<Template> Parse(absl::string_view name, absl::string_view field) {
  Template parsed;
  size_t from = 0;  // where to look for the next range
  while (true) {
    const size_t open = name.find('{', from);
    if (open == absl::string_view::npos) break;
    from = open + 1;
    absl::string_view rest = name.substr(from);
    const absl::string_view first = TakeDigits(rest);
    if (first.empty() || rest.substr(0, 2) != "..") continue;
    rest.remove_prefix(2);
    const absl::string_view last = TakeDigits(rest);
    if (last.empty() || rest.empty() || rest.front() != '}') continue;
    Segment segment{name.substr(0, open), 0, 0};
    const bool valid = IsCanonical(first) && IsCanonical(last) && absl::SimpleAtoi(first, &segment.first) &&
                       absl::SimpleAtoi(last, &segment.last) && segment.first <= segment.last;
    rest.remove_prefix(1);
    if (!valid) return BadRange(name.substr(open, name.size() - open - rest.size()), field);
    parsed.segments.push_back(segment);
    name = rest;
    from = 0;
  }
  parsed.tail = name;
  return parsed;
}

// The number of names that `parsed` stands for, or a number above `max`.
size_t CountNames(const Template& parsed, size_t max) {
  size_t count = 1;
  for (const Segment& segment : parsed.segments) {
    const size_t numbers = size_t{1} + segment.last - segment.first;
    if (numbers > max / count) return max + 1;
    count *= numbers;
  }
  return count;
}

// At least the bytes of each name of `parsed`.
size_t MaxLength(const Template& parsed) {
  constexpr size_t kMaxDigits = 10;
  size_t bytes = parsed.tail.size();
  for (const Segment& segment : parsed.segments) bytes += segment.text.size() + kMaxDigits;
  return bytes;
}

absl::Status TooMany(absl::string_view field, absl::string_view what, size_t limit) {
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field(field)
      .Advice("Split the model into several requests")
      .ToStatus(absl::StrCat("with this entry, the modules have more than ", limit, " ", what));
}

}  // namespace

absl::StatusOr<ModuleList> ModuleList::Expand(const Messages& messages, const Limits& limits,
                                              CancellationToken& token) {
  ModuleList list;
  list.messages_ = &messages;
  size_t bytes = 0;
  for (const v1::Module& module : messages) bytes += module.name().size();
  list.names_.reserve(bytes);  // enough without ranges
  list.ends_.reserve(static_cast<size_t>(messages.size()) + 1);
  list.messages_of_.reserve(static_cast<size_t>(messages.size()));
  const auto field = [](int index) { return absl::StrCat("modules[", index, "].name"); };
  std::vector<uint32_t> numbers;
  for (int m = 0; m < messages.size(); ++m) {
    const absl::string_view name = messages[m].name();
    Template parsed;
    parsed.tail = name;
    if (name.find('{') != absl::string_view::npos) {
      QCONFIG_ASSIGN_OR_RETURN(parsed, Parse(name, field(m)));
    }
    const size_t count = CountNames(parsed, limits.plan_modules);
    if (count > limits.plan_modules - list.size()) return TooMany(field(m), "names", limits.plan_modules);
    QCONFIG_RETURN_IF_ERROR(token.Spend(count * (MaxLength(parsed) + 1)));
    if (count * MaxLength(parsed) > limits.plan_name_bytes - std::min(limits.plan_name_bytes, list.names_.size())) {
      return TooMany(field(m), "bytes of names", limits.plan_name_bytes);
    }
    numbers.clear();
    for (const Segment& segment : parsed.segments) numbers.push_back(segment.first);
    for (size_t i = 0; i < count; ++i) {
      for (size_t s = 0; s < numbers.size(); ++s) absl::StrAppend(&list.names_, parsed.segments[s].text, numbers[s]);
      list.names_.append(parsed.tail.data(), parsed.tail.size());
      list.ends_.push_back(static_cast<uint32_t>(list.names_.size()));
      list.messages_of_.push_back(static_cast<uint32_t>(m));
      for (size_t s = numbers.size(); s > 0; --s) {
        if (numbers[s - 1] < parsed.segments[s - 1].last) {
          ++numbers[s - 1];
          break;
        }
        numbers[s - 1] = parsed.segments[s - 1].first;
      }
    }
  }
  return list;
}

}  // namespace qconfig
