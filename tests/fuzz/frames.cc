// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/frames.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "tests/fuzz/fuzz.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace qconfig::fuzz {
namespace {

constexpr size_t kMaxFrames = 16;
constexpr size_t kMaxFrameBytes = 0xFFFF;

void MutateFrame(Frame& frame, std::mt19937& random, const MessageMutator& mutator, const MakeMessage& make_message) {
  const auto message = make_message(frame.tag);
  const bool as_message = message != nullptr && random() % 16 != 0 && message->ParseFromString(frame.bytes);
  if (as_message) {
    for (size_t times = 1 + random() % 3; times > 0; --times) mutator.Mutate(*message, random);
    frame.bytes = message->SerializeAsString();
    return;
  }
  const size_t size = frame.bytes.size();
  frame.bytes.resize(std::min(size + 32, kMaxFrameBytes));
  frame.bytes.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(frame.bytes.data()), size, frame.bytes.size()));
}

size_t Write(const std::vector<Frame>& frames, uint8_t* data, size_t max_size) {
  const std::string bytes = EncodeFrames(frames);
  const size_t size = std::min(bytes.size(), max_size);
  std::memcpy(data, bytes.data(), size);
  return size;
}

}  // namespace

std::vector<Frame> DecodeFrames(absl::string_view input) {
  std::vector<Frame> frames;
  while (!input.empty() && frames.size() < kMaxFrames) {
    Frame frame;
    frame.tag = TakeByte(input);
    const size_t low = TakeByte(input);
    const size_t size = low | size_t{TakeByte(input)} << 8;
    frame.bytes = std::string(input.substr(0, size));
    input.remove_prefix(frame.bytes.size());
    frames.push_back(std::move(frame));
  }
  return frames;
}

std::string EncodeFrames(const std::vector<Frame>& frames) {
  std::string input;
  for (const Frame& frame : frames) {
    const size_t size = std::min(frame.bytes.size(), kMaxFrameBytes);
    input.push_back(static_cast<char>(frame.tag));
    input.push_back(static_cast<char>(size & 0xFF));
    input.push_back(static_cast<char>(size >> 8));
    input.append(frame.bytes, 0, size);
  }
  return input;
}

size_t MutateFrames(uint8_t* data, size_t size, size_t max_size, unsigned seed, const MessageMutator& mutator,
                    const MakeMessage& make_message) {
  std::mt19937 random(seed);
  std::vector<Frame> frames = DecodeFrames(AsText(data, size));
  if (frames.empty()) frames.push_back({static_cast<uint8_t>(random()), ""});
  const size_t at = random() % frames.size();
  switch (random() % 12) {
    case 0:
      if (frames.size() > 1) frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 1:
      std::swap(frames[at], frames.back());
      break;
    case 2:
      frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(at), frames[at]);
      break;
    case 3:
      frames.push_back({static_cast<uint8_t>(random()), ""});
      MutateFrame(frames.back(), random, mutator, make_message);
      break;
    case 4:
      frames[at].tag = static_cast<uint8_t>(random());
      break;
    default:
      MutateFrame(frames[at], random, mutator, make_message);
  }
  return Write(frames, data, max_size);
}

size_t JoinFrames(absl::string_view one, absl::string_view other, uint8_t* out, size_t max_size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Frame> joined = DecodeFrames(one);
  const std::vector<Frame> tail = DecodeFrames(other);
  joined.resize(random() % (joined.size() + 1));
  joined.insert(joined.end(), tail.begin() + static_cast<std::ptrdiff_t>(random() % (tail.size() + 1)), tail.end());
  return Write(joined, out, max_size);
}

}  // namespace qconfig::fuzz
