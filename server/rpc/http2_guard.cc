// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/http2_guard.h"

#include <algorithm>
#include <utility>

namespace qconfig {
namespace {

// RFC 9113, sections 4.1 and 6.
constexpr uint8_t kDataFrame = 0;
constexpr uint8_t kHeadersFrame = 1;
constexpr uint8_t kResetFrame = 3;
constexpr uint8_t kContinuationFrame = 9;
constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kEndHeaders = 0x4;
constexpr uint8_t kPadded = 0x8;

// gRPC's prefix of a message: a byte for compression and four for the size.
constexpr uint8_t kMessagePrefixBytes = 5;

// What frames cost and what earns them. A byte of a message earns one unit. What the server sends in reply to a frame
// without use has at most 17 bytes (a PING), which must earn less than the frame costs.
constexpr int64_t kFrameCost = 256;
constexpr int64_t kEarnedPerSentByte = 8;
// A call with a small answer does not earn its own frames otherwise: HEADERS with a token of 1 KiB, DATA, two of
// WINDOW_UPDATE, and now and then PING. Its work costs the server more than they do.
constexpr int64_t kEarnedPerAnswer = 8 * kFrameCost;
// The work of a call is lost when it is cancelled. A connection may cancel about 150 calls a second, and 1,500 at once.
constexpr int64_t kResetCost = 10 * kFrameCost;

// More than gRPC's limit on open streams, because a client may not know of it yet.
constexpr size_t kMaxMessages = 256;
constexpr ptrdiff_t kMaxIgnored = 64;

}  // namespace

bool Http2FrameReader::Read(Bytes bytes, OnHeader on_header, OnPayload on_payload) {
  while (!bytes.empty()) {
    if (payload_left_ == 0) {
      const size_t more = std::min(header_.size() - header_bytes_, bytes.size());
      std::copy_n(bytes.begin(), more, header_.begin() + header_bytes_);
      header_bytes_ += more;
      bytes.remove_prefix(more);
      if (header_bytes_ < header_.size()) return true;
      header_bytes_ = 0;
      const auto byte = [this](size_t i) { return static_cast<uint32_t>(header_[i]); };
      frame_.length = byte(0) << 16 | byte(1) << 8 | byte(2);
      frame_.type = header_[3];
      frame_.flags = header_[4];
      frame_.stream = (byte(5) & 0x7f) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
      payload_left_ = frame_.length;
      if (!on_header(frame_)) return false;
      if (payload_left_ == 0) {
        if (!on_payload(frame_, {}, true)) return false;
        continue;
      }
    }
    const Bytes piece = bytes.subspan(0, payload_left_);
    if (piece.empty()) return true;
    payload_left_ -= static_cast<uint32_t>(piece.size());
    bytes.remove_prefix(piece.size());
    if (!on_payload(frame_, piece, payload_left_ == 0)) return false;
  }
  return true;
}

Http2Guard::Http2Guard(const Http2Limits& limits, Clock clock)
    : limits_(limits),
      clock_(std::move(clock)),
      budget_(limits.first_frames * kFrameCost),
      last_refill_(clock_.Steady()) {}

Http2Abuse Http2Guard::Read(Bytes bytes) {
  if (abuse_ != Http2Abuse::kNone) return abuse_;
  const size_t preface = std::min(preface_left_, bytes.size());
  preface_left_ -= preface;
  bytes.remove_prefix(preface);
  in_.Read(
      bytes, [this](const Http2FrameReader::Frame& frame) { return OnHeader(frame); },
      [this](const Http2FrameReader::Frame& frame, Bytes piece, bool is_last) {
        return OnPayload(frame, piece, is_last);
      });
  return abuse_;
}

void Http2Guard::Sent(Bytes bytes) {
  Earn(kEarnedPerSentByte * static_cast<int64_t>(bytes.size()));
  out_.Read(
      bytes,
      [this](const Http2FrameReader::Frame& frame) {
        OnSentHeader(frame);
        return true;
      },
      [](const Http2FrameReader::Frame&, Bytes, bool) { return true; });
}

void Http2Guard::OnSentHeader(const Http2FrameReader::Frame& frame) {
  const bool is_answer = frame.type == kHeadersFrame && (frame.flags & kEndStream) != 0;
  if (frame.type == kResetFrame) Ignore(frame.stream);
  if (!is_answer && frame.type != kResetFrame) return;
  const bool was_open = Close(frame.stream);
  if (!is_answer || !was_open) return;
  saved_answers_ = std::min(saved_answers_ + 1, limits_.saved_answers);
  Earn(kEarnedPerAnswer);
}

bool Http2Guard::Close(uint32_t stream) {
  const auto found = std::lower_bound(open_.begin(), open_.end(), stream);
  if (found == open_.end() || *found != stream) return false;
  open_.erase(found);
  return true;
}

void Http2Guard::OnReset(uint32_t stream) {
  Forget(stream);
  if (!Close(stream)) return;
  saved_answers_ > 0 ? --saved_answers_ : ++cancelled_calls_;
}

bool Http2Guard::OnHeader(const Http2FrameReader::Frame& frame) {
  if (!Spend(frame.type == kResetFrame ? kFrameCost + kResetCost : kFrameCost,
             frame.type == kContinuationFrame ? Http2Abuse::kHeaderBlock : Http2Abuse::kTooManyFrames)) {
    return false;
  }
  switch (frame.type) {
    case kDataFrame:
      is_padding_known_ = (frame.flags & kPadded) == 0;
      data_left_ = frame.length;
      return true;
    case kHeadersFrame:
      // As in gRPC: calls have odd numbers, each larger than the one before. gRPC skips other headers.
      if (frame.stream % 2 == 1 && frame.stream > last_stream_) {
        last_stream_ = frame.stream;
        open_.push_back(frame.stream);
      }
      header_block_bytes_ = 0;
      return OnHeaderBlock(frame);
    case kContinuationFrame:
      return OnHeaderBlock(frame);
    case kResetFrame:
      OnReset(frame.stream);
      return true;
    default:
      return true;
  }
}

// The limit holds before the bytes are there, so that nobody waits for them.
bool Http2Guard::OnHeaderBlock(const Http2FrameReader::Frame& frame) {
  if (header_block_bytes_ + frame.length > limits_.header_bytes) return End(Http2Abuse::kHeaderBlock);
  return true;
}

bool Http2Guard::OnPayload(const Http2FrameReader::Frame& frame, Bytes piece, bool is_last) {
  if (frame.type == kDataFrame) {
    OnData(frame.stream, WithoutPadding(piece));
    if (is_last && (frame.flags & kEndStream) != 0) Forget(frame.stream);
    return messages_.size() <= kMaxMessages || End(Http2Abuse::kUnfinishedMessages);
  }
  if (frame.type == kHeadersFrame || frame.type == kContinuationFrame) {
    // For each piece, gRPC's parser may read again what it has already got of an incomplete field.
    const size_t parsed_again = header_block_bytes_;
    header_block_bytes_ += piece.size();
    if (!Spend(static_cast<int64_t>(header_block_bytes_),
               parsed_again > 0 ? Http2Abuse::kHeaderBlock : Http2Abuse::kTooManyFrames)) {
      return false;
    }
    if (is_last && (frame.flags & kEndHeaders) != 0) {
      header_block_bytes_ = 0;
      has_seen_call_ = true;
    }
    return true;
  }
  return Spend(static_cast<int64_t>(piece.size()), Http2Abuse::kTooManyFrames);
}

Http2Guard::Bytes Http2Guard::WithoutPadding(Bytes piece) {
  if (!is_padding_known_ && !piece.empty()) {
    is_padding_known_ = true;
    const uint32_t padding = 1u + piece[0];
    data_left_ = std::max(data_left_, padding) - padding;
    piece.remove_prefix(1);
  }
  const Bytes data = piece.subspan(0, data_left_);
  data_left_ -= static_cast<uint32_t>(data.size());
  return data;
}

void Http2Guard::OnData(uint32_t stream, Bytes data) {
  Earn(static_cast<int64_t>(data.size()));
  if (data.empty()) return;
  Message* message = Find(stream);
  if (message == nullptr) message = &messages_.emplace_back(Message{stream});
  while (!data.empty() && !message->is_ignored) {
    if (message->prefix_bytes < kMessagePrefixBytes) {
      // gRPC rejects other values of the first byte, and larger messages.
      if (message->prefix_bytes == 0) message->is_ignored = data[0] > 1;
      if (message->prefix_bytes > 0) message->size = message->size << 8 | data[0];
      data.remove_prefix(1);
      if (++message->prefix_bytes == kMessagePrefixBytes) message->is_ignored = message->size > limits_.message_bytes;
      if (message->prefix_bytes < kMessagePrefixBytes || message->is_ignored) continue;
    }
    const size_t more = std::min<size_t>(data.size(), message->size - message->received);
    message->received += static_cast<uint32_t>(more);
    unfinished_bytes_ += more;
    data.remove_prefix(more);
    if (message->received == message->size) EndMessage(*message);
  }
  if (message->prefix_bytes == 0 && !message->is_ignored) Forget(stream);
}

void Http2Guard::EndMessage(Message& message) {
  unfinished_bytes_ -= message.received;
  message.received = 0;
  message.size = 0;
  message.prefix_bytes = 0;
}

Http2Guard::Message* Http2Guard::Find(uint32_t stream) {
  const auto found = std::find_if(messages_.begin(), messages_.end(),
                                  [stream](const Message& message) { return message.stream == stream; });
  return found == messages_.end() ? nullptr : &*found;
}

void Http2Guard::Forget(uint32_t stream) {
  Message* const message = Find(stream);
  if (message == nullptr) return;
  EndMessage(*message);
  messages_.erase(messages_.begin() + (message - messages_.data()));
}

// The client may have sent more on the stream before it learns of its end.
void Http2Guard::Ignore(uint32_t stream) {
  Forget(stream);
  const auto is_ignored = [](const Message& message) { return message.is_ignored; };
  if (std::count_if(messages_.begin(), messages_.end(), is_ignored) >= kMaxIgnored) {
    messages_.erase(std::find_if(messages_.begin(), messages_.end(), is_ignored));
  }
  Message& ignored = messages_.emplace_back(Message{stream});
  ignored.is_ignored = true;
}

void Http2Guard::Earn(int64_t units) { budget_ = std::min(budget_ + units, limits_.saved_frames * kFrameCost); }

bool Http2Guard::Spend(int64_t units, Http2Abuse abuse) {
  budget_ -= units;
  if (budget_ >= 0) return true;
  // The clock is read only here, because most connections earn more than they spend.
  const absl::Duration now = clock_.Steady();
  const absl::Duration passed = std::min(now - last_refill_, absl::Minutes(1));
  last_refill_ = now;
  Earn(absl::ToInt64Microseconds(passed) * limits_.frames_per_second * kFrameCost / 1'000'000);
  return budget_ >= 0 || End(abuse);
}

bool Http2Guard::End(Http2Abuse abuse) {
  abuse_ = abuse;
  return false;
}

}  // namespace qconfig
