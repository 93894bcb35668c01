// SPDX-License-Identifier: Apache-2.0
//
// The guard of HTTP/2 connections. Input: bytes from the client and to the client in turns, with "<>" between them.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/rpc/http2_guard.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig {
namespace {

// Small, so that inputs reach them.
Http2Limits SmallLimits() {
  Http2Limits limits;
  limits.header_bytes = 300;
  limits.message_bytes = 1'000;
  limits.first_frames = 20;
  limits.saved_frames = 40;
  return limits;
}

// Feeds the same bytes to a guard, at once or one by one.
class Connection {
 public:
  explicit Connection(bool bytewise)
      : bytewise_(bytewise), guard_(SmallLimits(), Clock(absl::Now, [] { return absl::Seconds(1); })) {
    Receive(std::string(24, ' '));  // the connection preface
  }

  void Receive(absl::string_view bytes) {
    received_ += bytes.size();
    ForEachPiece(bytes, [this](Http2Guard::Bytes piece) {
      const Http2Abuse abuse = guard_.Read(piece);
      FUZZ_CHECK(abuse_ == Http2Abuse::kNone || abuse == abuse_, "the guard has changed its decision");
      abuse_ = abuse;
    });
    FUZZ_CHECK(guard_.unfinished_bytes() <= received_, absl::StrCat(guard_.unfinished_bytes(), " of ", received_));
  }

  void Send(absl::string_view bytes) {
    ForEachPiece(bytes, [this](Http2Guard::Bytes piece) { guard_.Sent(piece); });
  }

  Http2Abuse abuse() const { return abuse_; }
  const Http2Guard& guard() const { return guard_; }

 private:
  template <typename Take>
  void ForEachPiece(absl::string_view bytes, Take take) const {
    const Http2Guard::Bytes all(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    if (!bytewise_) return take(all);
    for (size_t i = 0; i < all.size(); ++i) take(all.subspan(i, 1));
  }

  const bool bytewise_;
  Http2Guard guard_;
  size_t received_ = 0;
  Http2Abuse abuse_ = Http2Abuse::kNone;
};

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  absl::string_view text = fuzz::AsText(data, size);
  Connection whole(/*bytewise=*/false);
  Connection bytewise(/*bytewise=*/true);
  for (bool from_client = true; !text.empty(); from_client = !from_client) {
    const absl::string_view bytes = fuzz::TakeUntil("<>", text);
    for (Connection* connection : {&whole, &bytewise}) {
      from_client ? connection->Receive(bytes) : connection->Send(bytes);
    }
  }
  // More pieces cost more. Apart from that, it does not matter how bytes arrive.
  FUZZ_CHECK(whole.abuse() == Http2Abuse::kNone || bytewise.abuse() != Http2Abuse::kNone, "only the whole is abuse");
  if (bytewise.abuse() == Http2Abuse::kNone) {
    FUZZ_CHECK(whole.guard().unfinished_bytes() == bytewise.guard().unfinished_bytes(),
               absl::StrCat(whole.guard().unfinished_bytes(), " and ", bytewise.guard().unfinished_bytes()));
    FUZZ_CHECK(whole.guard().open_calls() == bytewise.guard().open_calls(), "open_calls()");
    FUZZ_CHECK(whole.guard().has_seen_call() == bytewise.guard().has_seen_call(), "has_seen_call()");
  }
  return 0;
}
