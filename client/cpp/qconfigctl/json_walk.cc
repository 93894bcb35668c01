// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/json_walk.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "server/base/files/file_tree.h"

namespace qconfig::client {
namespace {

using Json = nlohmann::json;
using Kind = JsonValue::Kind;

// A handler that returns false stops the parser.
class Events : public nlohmann::json_sax<Json> {
 public:
  explicit Events(JsonVisitor& visitor) : visitor_(visitor) {}

  bool null() override { return Value({Kind::kOther, {}, 0}); }
  bool boolean(bool) override { return Value({Kind::kOther, {}, 0}); }
  bool number_integer(number_integer_t) override { return Value({Kind::kOther, {}, 0}); }
  bool number_unsigned(number_unsigned_t value) override { return Value({Kind::kUnsigned, {}, value}); }
  bool number_float(number_float_t, const string_t&) override { return Value({Kind::kOther, {}, 0}); }
  bool string(string_t& value) override { return Value({Kind::kString, value, 0}); }
  bool binary(binary_t&) override { return Note(absl::InvalidArgumentError("JSON has no binary values")); }

  bool start_object(size_t) override {
    if (!Open({Kind::kObject, {}, 0})) return false;
    objects_.emplace_back();
    path_.emplace_back();
    return true;
  }
  bool key(string_t& value) override {
    if (!objects_.back().insert(value).second) {
      return Note(absl::InvalidArgumentError(absl::StrCat("duplicate key \"", Printable(value, 128), "\"")));
    }
    path_.back() = value;
    return true;
  }
  bool end_object() override {
    --depth_;
    objects_.pop_back();
    path_.pop_back();
    return Note(visitor_.Visit(path_, {Kind::kEndOfObject, {}, 0}));
  }
  bool start_array(size_t) override { return Open({Kind::kList, {}, 0}); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const absl::string_view text = error.what();
    const size_t bracket = text.find("] ");
    return Note(absl::InvalidArgumentError(
        absl::StrCat("invalid JSON: ", Printable(text.substr(bracket == text.npos ? 0 : bracket + 2), 300))));
  }

  const absl::Status& status() const { return status_; }

 private:
  bool Open(const JsonValue& value) {
    if (++depth_ > kMaxFileDepth) {
      return Note(absl::InvalidArgumentError(absl::StrCat("more than ", kMaxFileDepth, " nested objects and lists")));
    }
    return Value(value);
  }

  bool Value(const JsonValue& value) {
    if (path_.empty() && value.kind != Kind::kObject) {
      return Note(absl::InvalidArgumentError("expected a JSON object"));
    }
    return Note(visitor_.Visit(path_, value));
  }

  bool Note(absl::Status status) {
    status_ = std::move(status);
    return status_.ok();
  }

  JsonVisitor& visitor_;
  JsonVisitor::Path path_;
  std::vector<absl::flat_hash_set<std::string>> objects_;  // the keys of each open object
  size_t depth_ = 0;
  absl::Status status_;
};

}  // namespace

absl::Status WalkJson(absl::string_view text, JsonVisitor& visitor) {
  Events events(visitor);
  Json::sax_parse(text.begin(), text.end(), &events);
  return events.status();
}

}  // namespace qconfig::client
