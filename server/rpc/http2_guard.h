// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_HTTP2_GUARD_H_
#define QCONFIG_SERVER_RPC_HTTP2_GUARD_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/base/clock.h"

namespace qconfig {

// Why a connection must end.
enum class Http2Abuse { kNone, kHeaderBlock, kTooManyFrames, kUnfinishedMessages, kCancelledCalls };

struct Http2Limits {
  // For a header block: HEADERS with its CONTINUATION frames. gRPC rejects calls with more than 8 KiB of metadata.
  size_t header_bytes = 64u << 10;
  // gRPC ends calls with larger messages, so that they do not count as unfinished.
  size_t message_bytes = 16u << 20;
  // The frames that a connection may send before it has earned more, and what it can save up while it is idle. The
  // first ones suffice to cancel twice as many calls as can be open: their deadlines may expire together.
  int64_t first_frames = 3'500;
  int64_t saved_frames = 20'000;
  int64_t frames_per_second = 2'000;
  // Each answered call makes up for one that the client cancels later. Twice as many as can be open can be saved.
  int64_t saved_answers = 200;
};

// Splits a stream of bytes into HTTP/2 frames. Keeps no bytes but those of an incomplete frame header.
class Http2FrameReader {
 public:
  struct Frame {
    uint32_t length = 0;
    uint8_t type = 0;
    uint8_t flags = 0;
    uint32_t stream = 0;
  };
  using Bytes = absl::Span<const uint8_t>;
  using OnHeader = absl::FunctionRef<bool(const Frame& frame)>;
  using OnPayload = absl::FunctionRef<bool(const Frame& frame, Bytes piece, bool is_last)>;

  // Reads the next bytes of the stream. Calls `on_header` once for each frame, then `on_payload` for each piece of its
  // payload: at least once, with an empty piece if it has none. Stops and returns false when one of them does.
  bool Read(Bytes bytes, OnHeader on_header, OnPayload on_payload);

 private:
  std::array<uint8_t, 9> header_ = {};
  size_t header_bytes_ = 0;
  Frame frame_;
  uint32_t payload_left_ = 0;
};

// Watches what an HTTP/2 client sends on one connection, and finds what costs the server more than it should:
//
// - A header block that is too long, or arrives in too many pieces. gRPC's parser starts over with each piece of a
//   field.
// - Frames without use, such as PING, SETTINGS, empty DATA and cancelled calls. Each frame costs a part of a budget.
//   Messages that the client sends, answered calls, bytes that the server sends, and time refill the budget, so that a
//   client that uses the connection for calls never exhausts it.
// - The bytes of messages that are not complete, and calls that the client cancels. The caller limits them.
//
// Understands frame headers and the length of gRPC messages; everything else is left to the HTTP/2 implementation,
// which also rejects malformed frames. Not thread-safe.
class Http2Guard {
 public:
  using Bytes = Http2FrameReader::Bytes;

  explicit Http2Guard(const Http2Limits& limits, Clock clock = Clock());

  // Looks at the next bytes from the client, beginning with the connection preface. If it returns an abuse, it does so
  // from then on, and the bytes should not be parsed.
  Http2Abuse Read(Bytes bytes);

  // Looks at the next bytes to the client.
  void Sent(Bytes bytes);

  // The size of the messages that have begun and are not complete, as far as they have been received.
  size_t unfinished_bytes() const { return unfinished_bytes_; }

  // Whether a header block was complete.
  bool has_seen_call() const { return has_seen_call_; }

  // The calls that the client has cancelled, without those for which answered ones make up.
  int64_t cancelled_calls() const { return cancelled_calls_; }

  // The calls that the client has begun and the server has not ended, without those for which answered ones make up.
  int64_t open_calls() const { return std::max<int64_t>(0, static_cast<int64_t>(open_.size()) - saved_answers_); }

 private:
  // A message of a stream, or the prefix of one.
  struct Message {
    uint32_t stream = 0;
    uint32_t received = 0;  // without the prefix
    uint32_t size = 0;      // known when the prefix is complete
    uint8_t prefix_bytes = 0;
    bool is_ignored = false;  // the stream has ended for the server, but not for the client
  };

  bool OnHeader(const Http2FrameReader::Frame& frame);
  bool OnPayload(const Http2FrameReader::Frame& frame, Bytes piece, bool is_last);
  void OnSentHeader(const Http2FrameReader::Frame& frame);
  void OnReset(uint32_t stream);
  // Returns whether the stream was that of an open call.
  bool Close(uint32_t stream);
  bool OnHeaderBlock(const Http2FrameReader::Frame& frame);
  void OnData(uint32_t stream, Bytes data);
  Bytes WithoutPadding(Bytes piece);
  void EndMessage(Message& message);
  Message* Find(uint32_t stream);
  void Forget(uint32_t stream);
  void Ignore(uint32_t stream);

  void Earn(int64_t units);
  // Returns false if the budget is exhausted, because of `abuse`.
  bool Spend(int64_t units, Http2Abuse abuse);
  bool End(Http2Abuse abuse);

  Http2Limits limits_;
  Clock clock_;
  Http2Abuse abuse_ = Http2Abuse::kNone;
  size_t preface_left_ = 24;
  Http2FrameReader in_;
  Http2FrameReader out_;
  bool has_seen_call_ = false;

  size_t header_block_bytes_ = 0;  // 0: not in a header block
  bool is_padding_known_ = false;  // of the current DATA frame
  uint32_t data_left_ = 0;         // of the current DATA frame, without padding
  size_t unfinished_bytes_ = 0;
  std::vector<Message> messages_;  // unfinished ones, and ignored streams

  uint32_t last_stream_ = 0;
  std::vector<uint32_t> open_;  // streams of calls, ascending; a hash table takes ten times the instructions
  int64_t cancelled_calls_ = 0;
  int64_t saved_answers_ = 0;

  int64_t budget_;
  absl::Duration last_refill_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_HTTP2_GUARD_H_
