// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "server/base/files/file_tree.h"
#include "server/base/files/json_mistake.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

// Passes characters to the parser, which does not report lines, and keeps the address of the last one.
class Reader {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reader(const char* at, const char** last) : at_(at), last_(last) {}
  reference operator*() const {
    *last_ = at_;
    return *at_;
  }
  Reader& operator++() {
    ++at_;
    return *this;
  }
  bool operator==(const Reader& other) const { return at_ == other.at_; }
  bool operator!=(const Reader& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** last_;
};

// nlohmann's own tree accepts duplicate keys, so its events go to FileTreeBuilder. A handler that returns false stops
// the parser.
class Events : public nlohmann::json_sax<ordered_json> {
 public:
  // `last` is the address of the last character of `text` that the parser has read.
  Events(absl::string_view text, const char* const& last) : text_(text), counted_(text.data()), last_(last) {}

  bool null() override { return Value(nullptr); }
  bool boolean(bool value) override { return Value(value); }
  bool number_integer(number_integer_t value) override { return Value(value); }
  bool number_unsigned(number_unsigned_t value) override { return Value(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    // nlohmann parses integers beyond 64 bits as floats.
    if (text.find_first_of(".eE") != string_t::npos) return Value(value);
    return Note(
        absl::InvalidArgumentError(absl::StrCat("the integer ", Printable(text, 128), " does not fit in 64 bits")));
  }
  bool string(string_t& value) override { return Value(std::move(value)); }
  bool binary(binary_t&) override { return Note(absl::InvalidArgumentError("JSON has no binary values")); }
  bool start_object(size_t) override {
    CountLines();
    return Note(tree_.BeginObject());
  }
  bool key(string_t& value) override {
    CountLines();
    return Note(tree_.Key(value));
  }
  bool end_object() override { return End(); }
  bool start_array(size_t) override {
    CountLines();
    return Note(tree_.BeginList());
  }
  bool end_array() override { return End(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    if (const std::string mistake = JsonMistake(text_, static_cast<size_t>(last_ - text_.data()), error.what());
        !mistake.empty()) {
      return Note(absl::InvalidArgumentError(mistake));
    }
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const absl::string_view text = error.what();
    const size_t bracket = text.find("] ");
    return Note(absl::InvalidArgumentError(bracket == absl::string_view::npos ? text : text.substr(bracket + 2)));
  }

  absl::StatusOr<FileTree> Take() {
    if (!status_.ok()) return status_;
    return tree_.Take();
  }

 private:
  bool End() {
    tree_.End();
    return true;
  }

  bool Value(ordered_json value) {
    CountLines();
    return Note(tree_.Value(std::move(value)));
  }

  // After a number, the parser has read one more character, which may be the end of the line.
  void CountLines() {
    line_ += static_cast<int>(std::count(counted_, last_, '\n'));
    counted_ = last_;
    tree_.SetLine(line_);
  }

  bool Note(absl::Status status) {
    status_ = std::move(status);
    return status_.ok();
  }

  const absl::string_view text_;
  FileTreeBuilder tree_;
  absl::Status status_;
  const char* counted_;
  const char* const& last_;
  int line_ = 1;
};

}  // namespace

absl::StatusOr<FileTree> ParseStrictJson(absl::string_view text) {
  const char* const end = text.data() + text.size();
  const char* last = text.data();
  Events events(text, last);
  ordered_json::sax_parse(Reader(text.data(), &last), Reader(end, &last), &events,
                          nlohmann::detail::input_format_t::json,
                          /*strict=*/true, /*ignore_comments=*/true);
  return events.Take();
}

}  // namespace qconfig
