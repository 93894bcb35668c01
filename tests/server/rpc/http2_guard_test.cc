// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/http2_guard.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/rpc/http2_frames.h"

namespace qconfig {
namespace {

using namespace http2;  // NOLINT(google-build-using-namespace)

Http2Guard::Bytes AsBytes(absl::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Http2Limits SmallLimits() {
  Http2Limits limits;
  limits.header_bytes = 300;
  limits.message_bytes = 10'000;
  limits.first_frames = 40;
  limits.saved_frames = 100;
  limits.frames_per_second = 10;
  return limits;
}

class Http2GuardTest : public testing::Test {
 protected:
  // A connection whose time stands still, after its preface.
  Http2Guard NewGuard() {
    Http2Guard guard(SmallLimits(), Clock(absl::Now, [now = now_] { return *now; }));
    EXPECT_EQ(guard.Read(AsBytes(Preface())), Http2Abuse::kNone);
    return guard;
  }

  std::shared_ptr<absl::Duration> now_ = std::make_shared<absl::Duration>();
};

struct Input {
  const char* name;
  std::string bytes;
  Http2Abuse abuse;
  size_t unfinished;
};

std::vector<Input> Inputs() {
  const std::string padded_message = absl::StrCat("\x03", Message(9, 4), std::string(3, '\0'));
  const std::string half_of_prefix = Message(100, 0).substr(0, 3);
  return {
      {"call", OpenCall(1) + Frame(kData, kEndStream, 1, Message(50, 50)), Http2Abuse::kNone, 0},
      {"half of a message", OpenCall(1) + Frame(kData, 0, 1, Message(90, 40)), Http2Abuse::kNone, 40},
      {"padding is no message", OpenCall(1) + Frame(kData, kPadded, 1, padded_message), Http2Abuse::kNone, 4},
      {"more padding than payload",
       OpenCall(1) + Frame(kData, kPadded, 1,
                           "\xff"
                           "abcdefgh"),
       Http2Abuse::kNone, 0},
      {"split prefix", OpenCall(1) + Frame(kData, 0, 1, half_of_prefix) + Frame(kData, 0, 1, Message(100, 7).substr(3)),
       Http2Abuse::kNone, 7},
      {"two messages", OpenCall(1) + Frame(kData, 0, 1, Message(20, 20) + Message(90, 33)), Http2Abuse::kNone, 33},
      {"empty messages", OpenCall(1) + Frame(kData, 0, 1, Message(0, 0) + Message(0, 0)), Http2Abuse::kNone, 0},
      {"two streams", Frame(kData, 0, 1, Message(90, 30)) + Frame(kData, 0, 3, Message(90, 40)), Http2Abuse::kNone, 70},
      {"completed later",
       Frame(kData, 0, 1, Message(90, 30)) + Frame(kData, 0, 3, Message(90, 40)) +
           Frame(kData, 0, 1, std::string(60, 'x')),
       Http2Abuse::kNone, 40},
      {"reset", Frame(kData, 0, 1, Message(90, 30)) + Frame(kReset, 0, 1, "0000"), Http2Abuse::kNone, 0},
      {"end of stream", Frame(kData, 0, 1, Message(90, 30)) + Frame(kData, kEndStream, 1), Http2Abuse::kNone, 0},
      {"gRPC rejects it", Frame(kData, 0, 1, Message(10'001, 500)), Http2Abuse::kNone, 0},
      {"not a gRPC message", Frame(kData, 0, 1, "\2" + Message(90, 40).substr(1)), Http2Abuse::kNone, 0},
      {"long header", Frame(kHeaders, kEndHeaders, 1, std::string(301, 'x')), Http2Abuse::kHeaderBlock, 0},
      {"long header in pieces",
       Frame(kHeaders, 0, 1, std::string(150, 'x')) + Frame(kContinuation, 0, 1, std::string(151, 'x')),
       Http2Abuse::kHeaderBlock, 0},
      {"small pieces of a header", Frame(kHeaders, 0, 1, "x") + Times(40, Frame(kContinuation, 0, 1, "x")),
       Http2Abuse::kHeaderBlock, 0},
      {"empty pieces of a header", Frame(kHeaders, 0, 1) + Times(40, Frame(kContinuation, 0, 1)),
       Http2Abuse::kHeaderBlock, 0},
      {"pings", Times(40, Frame(kPing, 0, 0, "12345678")), Http2Abuse::kTooManyFrames, 0},
      {"settings", Times(40, Frame(kSettings, 0, 0, "\0\4\0\0\xff\xff")), Http2Abuse::kTooManyFrames, 0},
      {"acknowledgements", Times(40, Frame(kSettings, kAck, 0)), Http2Abuse::kTooManyFrames, 0},
      {"priorities", Times(40, Frame(kPriority, 0, 1, "00001")), Http2Abuse::kTooManyFrames, 0},
      {"windows", Times(40, Frame(kWindow, 0, 0, "0001")), Http2Abuse::kTooManyFrames, 0},
      {"unknown type", Times(40, Frame(77, 0, 1, "x")), Http2Abuse::kTooManyFrames, 0},
      {"large frames of unknown type", Times(5, Frame(77, 0, 1, std::string(4'000, 'x'))), Http2Abuse::kTooManyFrames,
       0},
      {"empty data", Times(40, Frame(kData, 0, 1)), Http2Abuse::kTooManyFrames, 0},
      {"data that is only padding", Times(40, Frame(kData, kPadded, 1, "\xff" + std::string(255, '\0'))),
       Http2Abuse::kTooManyFrames, 0},
      {"single bytes of a message", Frame(kData, 0, 1, Message(90, 1)) + Times(40, Frame(kData, 0, 1, "x")),
       Http2Abuse::kTooManyFrames, 1 + 37},
      {"cancelled calls", Times(8, OpenCall(1) + Frame(kReset, 0, 1, "0000")), Http2Abuse::kTooManyFrames, 0},
      {"many streams",
       [] {
         std::string all = Frame(kData, 0, 1, Message(9'000, 8'000));  // earns enough for the rest
         for (uint32_t i = 1; i < 260; ++i) all += Frame(kData, 0, 2 * i + 1, Message(9'000, 300));
         return all;
       }(),
       Http2Abuse::kUnfinishedMessages, 8'000 + 256 * 300},
  };
}

TEST_F(Http2GuardTest, DecidesTheSameHoweverTheBytesArrive) {
  for (const Input& input : Inputs()) {
    SCOPED_TRACE(input.name);
    const auto bytes = AsBytes(input.bytes);
    Http2Guard whole = NewGuard();
    EXPECT_EQ(whole.Read(bytes), input.abuse);
    EXPECT_EQ(whole.unfinished_bytes(), input.unfinished);
    for (size_t i = 0; i <= std::min<size_t>(bytes.size(), 2'000); ++i) {
      Http2Guard split = NewGuard();
      split.Read(bytes.subspan(0, i));
      ASSERT_EQ(split.Read(bytes.subspan(i)), input.abuse) << "split at " << i;
      ASSERT_EQ(split.unfinished_bytes(), input.unfinished) << "split at " << i;
    }
  }
}

TEST_F(Http2GuardTest, EveryPieceOfAHeaderCosts) {
  Http2Guard guard = NewGuard();
  EXPECT_EQ(guard.Read(AsBytes(Frame(kHeaders, 0, 1, std::string(250, 'x')).substr(0, 200))), Http2Abuse::kNone);
  Http2Abuse abuse = Http2Abuse::kNone;
  int pieces = 0;
  for (; pieces < 59 && abuse == Http2Abuse::kNone; ++pieces) abuse = guard.Read(AsBytes("x"));
  EXPECT_EQ(abuse, Http2Abuse::kHeaderBlock) << "although it is one frame within the limit";
}

TEST_F(Http2GuardTest, StaysWithItsDecision) {
  Http2Guard guard = NewGuard();
  EXPECT_EQ(guard.Read(AsBytes(Times(40, Frame(kPing, 0, 0, "12345678")))), Http2Abuse::kTooManyFrames);
  *now_ += absl::Hours(1);
  EXPECT_EQ(guard.Read(AsBytes(OpenCall(1))), Http2Abuse::kTooManyFrames);
}

TEST_F(Http2GuardTest, TimeMessagesAndAnswersEarnFrames) {
  const std::string pings = Times(30, Frame(kPing, 0, 0, "12345678"));
  {
    Http2Guard guard = NewGuard();
    EXPECT_EQ(guard.Read(AsBytes(pings)), Http2Abuse::kNone);
    *now_ += absl::Seconds(3);
    EXPECT_EQ(guard.Read(AsBytes(pings)), Http2Abuse::kNone) << "time";
    EXPECT_EQ(guard.Read(AsBytes(pings)), Http2Abuse::kTooManyFrames);
  }
  {
    Http2Guard guard = NewGuard();
    for (int i = 0; i < 5; ++i) {
      ASSERT_EQ(guard.Read(AsBytes(pings + Frame(kData, 0, 1, Message(9'000, 9'000)))), Http2Abuse::kNone)
          << "messages";
    }
  }
  {
    Http2Guard guard = NewGuard();
    for (int i = 0; i < 5; ++i) {
      guard.Sent(AsBytes(Frame(kData, 0, 1, std::string(1'000, 'x'))));
      ASSERT_EQ(guard.Read(AsBytes(pings)), Http2Abuse::kNone) << "answers";
    }
  }
}

// What gRPC's clients send for each call, as fast as the answers arrive.
TEST_F(Http2GuardTest, CallsWithSmallAnswersEarnTheirFrames) {
  const std::string token(250, 'x'), window = Frame(kWindow, 0, 0, "0001");
  Http2Guard guard = NewGuard();
  for (uint32_t stream = 1; stream < 2'000; stream += 2) {
    const std::string call =
        Frame(kHeaders, kEndHeaders, stream, token) + Frame(kData, kEndStream, stream, Message(0, 0)) + window + window;
    ASSERT_EQ(guard.Read(AsBytes(call)), Http2Abuse::kNone) << stream;
    guard.Sent(AsBytes(Frame(kHeaders, kEndHeaders, stream, "ok") + Frame(kData, 0, stream, Message(10, 10)) +
                       Frame(kHeaders, kEndHeaders | kEndStream, stream, "ok")));
  }
}

TEST_F(Http2GuardTest, RepliesToFramesWithoutUseEarnLessThanTheFramesCost) {
  const std::string ping = Frame(kPing, 0, 0, "12345678");
  const std::string settings = Frame(kSettings, 0, 0);
  Http2Guard guard = NewGuard();
  Http2Abuse abuse = Http2Abuse::kNone;
  for (int i = 0; i < 200 && abuse == Http2Abuse::kNone; ++i) {
    abuse = guard.Read(AsBytes(ping + settings + OpenCall(1)));
    guard.Sent(AsBytes(ping + settings + Frame(kReset, 0, 1, "0000")));
  }
  EXPECT_NE(abuse, Http2Abuse::kNone);
}

TEST_F(Http2GuardTest, ForgetsMessagesOfStreamsThatTheServerResets) {
  Http2Guard guard = NewGuard();
  guard.Read(AsBytes(Frame(kData, 0, 1, Message(9'000, 4'000)) + Frame(kData, 0, 3, Message(9'000, 300))));
  const std::string reset = Frame(kReset, 0, 1, "0000");
  guard.Sent(AsBytes(reset.substr(0, 7)));
  EXPECT_EQ(guard.unfinished_bytes(), 4'300u);
  guard.Sent(AsBytes(reset.substr(7)));
  EXPECT_EQ(guard.unfinished_bytes(), 300u);
  guard.Read(AsBytes(Frame(kData, 0, 1, std::string(500, '\0'))));
  EXPECT_EQ(guard.unfinished_bytes(), 300u) << "bytes that were on their way are not a new message";
  guard.Read(AsBytes(Frame(kData, 0, 5, Message(9'000, 10))));
  EXPECT_EQ(guard.unfinished_bytes(), 310u);
}

TEST_F(Http2GuardTest, CountsCancelledCalls) {
  Http2Limits limits;
  limits.saved_answers = 5;
  Http2Guard guard(limits);
  guard.Read(AsBytes(Preface() + OpenCall(1) + OpenCall(3) + OpenCall(5)));
  EXPECT_EQ(guard.cancelled_calls(), 0);
  guard.Read(AsBytes(Frame(kReset, 0, 3, "0000")));
  EXPECT_EQ(guard.cancelled_calls(), 1);
  guard.Read(AsBytes(Frame(kReset, 0, 99, "0000")));
  EXPECT_EQ(guard.cancelled_calls(), 1) << "a stream that was never opened";
  for (uint32_t stream = 101; stream < 201; stream += 2) {
    guard.Read(AsBytes(OpenCall(stream)));
    guard.Sent(AsBytes(Frame(kHeaders, kEndHeaders, stream, "x") + Frame(kData, 0, stream, Message(1, 1)) +
                       Frame(kHeaders, kEndHeaders | kEndStream, stream, "x")));
  }
  for (uint32_t stream = 201; stream < 211; stream += 2) {
    guard.Read(AsBytes(OpenCall(stream) + Frame(kReset, 0, stream, "0000")));
  }
  EXPECT_EQ(guard.cancelled_calls(), 1) << "five answered calls are saved, and make up for cancelled ones";
  guard.Read(AsBytes(OpenCall(211) + Frame(kReset, 0, 211, "0000")));
  EXPECT_EQ(guard.cancelled_calls(), 2);
}

TEST_F(Http2GuardTest, CountsOpenCalls) {
  Http2Guard guard(Http2Limits{});
  const auto open = [&guard](uint32_t first, int calls) {
    for (int i = 0; i < calls; ++i) guard.Read(AsBytes(OpenCall(first + 2 * static_cast<uint32_t>(i))));
  };
  const auto answer = [&guard](uint32_t stream) {
    guard.Sent(AsBytes(Frame(kHeaders, kEndHeaders | kEndStream, stream, "x")));
  };
  guard.Read(AsBytes(Preface()));
  EXPECT_EQ(guard.open_calls(), 0);
  open(1, 5);
  EXPECT_EQ(guard.open_calls(), 5);
  for (const uint32_t even : {2u, 0x7ffffffeu}) guard.Read(AsBytes(OpenCall(even)));
  EXPECT_EQ(guard.open_calls(), 5) << "gRPC skips them";
  guard.Read(AsBytes(Frame(kHeaders, kEndHeaders | kEndStream, 3, "trailers")));
  EXPECT_EQ(guard.open_calls(), 5);
  guard.Read(AsBytes(Frame(kReset, 0, 1, "0000")));
  EXPECT_EQ(guard.open_calls(), 4) << "the client has cancelled one";
  guard.Sent(AsBytes(Frame(kReset, 0, 3, "0000")));
  EXPECT_EQ(guard.open_calls(), 3) << "the server has";
  answer(5);
  guard.Sent(AsBytes(Frame(kReset, 0, 5, "0000")));
  EXPECT_EQ(guard.open_calls(), 1) << "one is answered, and makes up for another one";
  answer(7);
  answer(9);
  EXPECT_EQ(guard.open_calls(), 0);
  open(11, 4);
  EXPECT_EQ(guard.open_calls(), 1);
  EXPECT_EQ(guard.cancelled_calls(), 1);
}

TEST_F(Http2GuardTest, SeesTheFirstCallWhenItsHeadersAreComplete) {
  Http2Guard guard = NewGuard();
  guard.Read(AsBytes(Frame(kPing, 0, 0, "12345678") + Frame(kHeaders, 0, 1, CallHeaders())));
  EXPECT_FALSE(guard.has_seen_call());
  guard.Read(AsBytes(Frame(kContinuation, kEndHeaders, 1, "")));
  EXPECT_TRUE(guard.has_seen_call());
}

}  // namespace
}  // namespace qconfig
