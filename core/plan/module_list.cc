// SPDX-License-Identifier: Apache-2.0
#include "core/plan/module_list.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
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

// Removes a part that is a number and the dot after it from the start of `name`, if it begins so.
bool ConsumeNumber(absl::string_view& name) {
  absl::string_view rest = name;
  if (TakeDigits(rest).empty() || rest.empty() || rest.front() != '.') return false;
  name = rest.substr(1);
  return true;
}

// The length of the text with which both begin.
size_t CommonPrefix(absl::string_view a, absl::string_view b) {
  const size_t shorter = std::min(a.size(), b.size());
  uint64_t from_a = 0, from_b = 0;
  constexpr size_t kWord = sizeof(from_a);
  size_t i = 0;
  for (; i + kWord <= shorter; i += kWord) {
    std::memcpy(&from_a, a.data() + i, kWord);
    std::memcpy(&from_b, b.data() + i, kWord);
    if (from_a != from_b) break;
  }
  while (i < shorter && a[i] == b[i]) ++i;
  return i;
}

bool HaveSameForm(absl::string_view a, absl::string_view b) {
  while (true) {
    const size_t common = CommonPrefix(a, b);
    if (common == a.size() && common == b.size()) return true;
    const size_t part = a.substr(0, common).rfind('.') + 1;  // where the part that differs starts
    a.remove_prefix(part);
    b.remove_prefix(part);
    if (!ConsumeNumber(a) || !ConsumeNumber(b)) return false;
  }
}

// A text that is the same for all names of one form.
std::string TextOfForm(absl::string_view name) {
  std::string text;
  text.reserve(name.size());
  while (!name.empty()) {
    if (ConsumeNumber(name)) {
      text.append("0.");
      continue;
    }
    const absl::string_view part = name.substr(0, name.find('.'));
    name.remove_prefix(part.size());
    absl::StrAppend(&text, part, absl::ConsumePrefix(&name, ".") ? "." : "");
  }
  return text;
}

bool HaveSameWeights(const v1::Module& a, const v1::Module& b) {
  return &a == &b || (a.type() == b.type() && a.dtype() == b.dtype() && a.shape_size() == b.shape_size() &&
                      std::equal(a.shape().begin(), a.shape().end(), b.shape().begin()));
}

absl::Status TooMany(absl::string_view field, absl::string_view what, size_t limit) {
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field(field)
      .Advice("Split the model into several requests")
      .ToStatus(absl::StrCat("with this entry, the modules have more than ", limit, " ", what));
}

}  // namespace

// Gives the modules of a list the numbers of their forms.
class ModuleList::FormNumbers {
 public:
  // `list` must outlive the object.
  explicit FormNumbers(ModuleList& list) : list_(list), numbers_(0, Hash{list}, Equal{list}) {}

  // Adds the form of the next module, whose name is the last in the list.
  void Add(const v1::Module& message) {
    const size_t module = list_.size();
    uint32_t form = module == 0 ? kNone : next_[list_.form_of_.back()];
    const Form own{&message, module};
    if (form == kNone || !AreAlike(list_, list_.forms_[form], own)) {
      // Adds the form, and removes it if it is there.
      const auto number = static_cast<uint32_t>(list_.forms_.size());
      list_.forms_.push_back(own);
      const auto [it, is_new] = numbers_.insert(number);
      if (is_new) {
        next_.push_back(kNone);
      } else {
        list_.forms_.pop_back();
      }
      form = *it;
      if (module > 0) next_[list_.form_of_.back()] = form;
    }
    list_.form_of_.push_back(form);
  }

 private:
  static constexpr uint32_t kNone = static_cast<uint32_t>(-1);

  struct Hash {
    const ModuleList& list;
    size_t operator()(uint32_t form) const {
      const v1::Module& message = *list.forms_[form].message;
      return absl::HashOf(TextOfForm(list.name(list.forms_[form].first)), message.type(), message.dtype(),
                          absl::MakeConstSpan(message.shape()));
    }
  };

  struct Equal {
    const ModuleList& list;
    bool operator()(uint32_t a, uint32_t b) const { return AreAlike(list, list.forms_[a], list.forms_[b]); }
  };

  static bool AreAlike(const ModuleList& list, const Form& a, const Form& b) {
    return HaveSameForm(list.name(a.first), list.name(b.first)) && HaveSameWeights(*a.message, *b.message);
  }

  ModuleList& list_;
  absl::flat_hash_set<uint32_t, Hash, Equal> numbers_;
  // By form, the one that followed it the last time, which is the most likely one the next time: layers repeat.
  std::vector<uint32_t> next_;
};

absl::StatusOr<ModuleList> ModuleList::Expand(const Messages& messages, const Limits& limits,
                                              CancellationToken& token) {
  constexpr size_t kStepsPerChar = 3;
  ModuleList list;
  size_t bytes = 0;
  for (const v1::Module& module : messages) bytes += module.name().size();
  list.names_.reserve(bytes);  // enough without ranges
  list.ends_.reserve(static_cast<size_t>(messages.size()) + 1);
  list.form_of_.reserve(static_cast<size_t>(messages.size()));
  FormNumbers forms(list);
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
    if (count * MaxLength(parsed) > limits.plan_name_bytes - std::min(limits.plan_name_bytes, list.names_.size())) {
      return TooMany(field(m), "bytes of names", limits.plan_name_bytes);
    }
    numbers.clear();
    for (const Segment& segment : parsed.segments) numbers.push_back(segment.first);
    const size_t steps =
        kStepsPerChar * (MaxLength(parsed) + messages[m].type().size() + messages[m].dtype().size() + 1);
    for (size_t i = 0; i < count; ++i) {
      QCONFIG_RETURN_IF_ERROR(token.Spend(steps));
      for (size_t s = 0; s < numbers.size(); ++s) absl::StrAppend(&list.names_, parsed.segments[s].text, numbers[s]);
      list.names_.append(parsed.tail.data(), parsed.tail.size());
      list.ends_.push_back(static_cast<uint32_t>(list.names_.size()));
      forms.Add(messages[m]);
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
