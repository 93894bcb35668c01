// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_FUZZ_FUZZ_H_
#define QCONFIG_TESTS_FUZZ_FUZZ_H_

// Each target of tests/fuzz is one file that defines LLVMFuzzerTestOneInput(), which libFuzzer calls with each input.
// A target keeps no state from one input to the next, so that an input alone reproduces what it found.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"

// Ends the program if `condition` is false, which libFuzzer reports as a crash. `details` is printed.
#define FUZZ_CHECK(condition, details)                                                \
  do {                                                                                \
    if (!(condition)) ::qconfig::fuzz::Fail(__FILE__, __LINE__, #condition, details); \
  } while (false)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace qconfig::fuzz {

[[noreturn]] inline void Fail(const char* file, int line, const char* condition, absl::string_view details) {
  std::fprintf(stderr, "%s:%d: %s is false: %.*s\n", file, line, condition, static_cast<int>(details.size()),
               details.data());
  std::abort();
}

inline absl::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

// Removes the text up to `separator` from the start of `text` and returns it without the separator. Returns all of
// `text` if it does not have the separator.
inline absl::string_view TakeUntil(absl::string_view separator, absl::string_view& text) {
  const size_t at = text.find(separator);
  const absl::string_view taken = text.substr(0, at);
  text = at == absl::string_view::npos ? absl::string_view() : text.substr(at + separator.size());
  return taken;
}

// Removes the first byte of `text` and returns it; 0 if there is none.
inline uint8_t TakeByte(absl::string_view& text) {
  if (text.empty()) return 0;
  const auto byte = static_cast<uint8_t>(text.front());
  text.remove_prefix(1);
  return byte;
}

}  // namespace qconfig::fuzz

#endif  // QCONFIG_TESTS_FUZZ_FUZZ_H_
