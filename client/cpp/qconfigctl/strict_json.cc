// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "qconfigctl/file_tree.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

// nlohmann's own tree accepts duplicate keys, so its events go to FileTreeBuilder. A handler that returns false stops
// the parser.
class Events : public nlohmann::json_sax<ordered_json> {
 public:
  bool null() override { return Note(tree_.Value(nullptr)); }
  bool boolean(bool value) override { return Note(tree_.Value(value)); }
  bool number_integer(number_integer_t value) override { return Note(tree_.Value(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Note(tree_.Value(value)); }
  bool number_float(number_float_t value, const string_t& text) override {
    // nlohmann parses integers beyond 64 bits as floats.
    if (text.find_first_of(".eE") != string_t::npos) return Note(tree_.Value(value));
    return Note(
        absl::InvalidArgumentError(absl::StrCat("the integer ", Printable(text, 128), " does not fit in 64 bits")));
  }
  bool string(string_t& value) override { return Note(tree_.Value(std::move(value))); }
  bool binary(binary_t&) override { return Note(absl::InvalidArgumentError("JSON has no binary values")); }
  bool start_object(size_t) override { return Note(tree_.BeginObject()); }
  bool key(string_t& value) override { return Note(tree_.Key(value)); }
  bool end_object() override { return End(); }
  bool start_array(size_t) override { return Note(tree_.BeginList()); }
  bool end_array() override { return End(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const absl::string_view text = error.what();
    const size_t bracket = text.find("] ");
    return Note(absl::InvalidArgumentError(bracket == absl::string_view::npos ? text : text.substr(bracket + 2)));
  }

  absl::StatusOr<ordered_json> Take() {
    if (!status_.ok()) return status_;
    return tree_.Take();
  }

 private:
  bool End() {
    tree_.End();
    return true;
  }

  bool Note(absl::Status status) {
    status_ = std::move(status);
    return status_.ok();
  }

  FileTreeBuilder tree_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<ordered_json> ParseStrictJson(absl::string_view text) {
  Events events;
  ordered_json::sax_parse(text.begin(), text.end(), &events);
  return events.Take();
}

}  // namespace qconfig::client
