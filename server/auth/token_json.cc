// SPDX-License-Identifier: Apache-2.0
#include "server/auth/token_json.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"

namespace qconfig {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 32;

// Ends the parser at the first key that its object already has, and at brackets that are nested too deep.
class TokenJsonCheck : public nlohmann::json_sax<json> {
 public:
  // Empty: only the syntax is wrong, if anything is.
  absl::string_view problem() const { return problem_; }

  bool start_object(size_t) override { return Open(); }
  bool start_array(size_t) override { return Open(); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(std::string& name) override {
    if (keys_.back().insert(name).second) return true;
    problem_ = "has the same key twice in an object";
    return false;
  }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool Open() {
    keys_.emplace_back();
    if (keys_.size() <= kMaxDepth) return true;
    problem_ = "is nested too deep";
    return false;
  }
  bool Close() {
    keys_.pop_back();
    return true;
  }

  std::vector<absl::flat_hash_set<std::string>> keys_;  // of the open objects; empty ones for arrays
  absl::string_view problem_;
};

}  // namespace

absl::StatusOr<json> ParseTokenJson(absl::string_view text) {
  TokenJsonCheck check;
  if (!json::sax_parse(text.begin(), text.end(), &check)) {
    return absl::InvalidArgumentError(check.problem().empty() ? "is not a JSON object" : check.problem());
  }
  json parsed = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return absl::InvalidArgumentError("is not a JSON object");
  return parsed;
}

}  // namespace qconfig
