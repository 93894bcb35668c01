// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_FUZZ_FRAMES_H_
#define QCONFIG_TESTS_FUZZ_FRAMES_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/fuzz/message_mutator.h"

namespace qconfig::fuzz {

// A message of a kind that `tag` determines.
struct Frame {
  uint8_t tag;
  std::string bytes;
};

// An input that is a list of messages: for each one its tag, its size in two bytes, and its bytes. Every input can be
// decoded.
std::vector<Frame> DecodeFrames(absl::string_view input);
std::string EncodeFrames(const std::vector<Frame>& frames);

// Returns an empty message for a frame with `tag`; null if its bytes are not a message.
using MakeMessage = std::function<std::unique_ptr<google::protobuf::Message>(uint8_t tag)>;

// For LLVMFuzzerCustomMutator(): changes, adds, removes or swaps frames. Returns the new size.
size_t MutateFrames(uint8_t* data, size_t size, size_t max_size, unsigned seed, const MessageMutator& mutator,
                    const MakeMessage& make_message);

// For LLVMFuzzerCustomCrossOver(): joins the beginning of one input with the end of the other.
size_t JoinFrames(absl::string_view one, absl::string_view other, uint8_t* out, size_t max_size, unsigned seed);

}  // namespace qconfig::fuzz

#endif  // QCONFIG_TESTS_FUZZ_FRAMES_H_
