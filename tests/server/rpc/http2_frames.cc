// SPDX-License-Identifier: Apache-2.0
#include "tests/server/rpc/http2_frames.h"

#include "absl/strings/str_cat.h"

namespace qconfig::http2 {
namespace {

std::string BigEndian(uint32_t number, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(number >> shift & 0xff);
  return text;
}

// HPACK without Huffman codes, for texts of less than 127 bytes.
std::string Text(absl::string_view text) {
  return absl::StrCat(BigEndian(static_cast<uint32_t>(text.size()), 1), text);
}

}  // namespace

std::string Preface() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0) + Frame(kSettings, kAck, 0);
}

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, absl::string_view payload) {
  return absl::StrCat(BigEndian(static_cast<uint32_t>(payload.size()), 3), BigEndian(type, 1), BigEndian(flags, 1),
                      BigEndian(stream, 4), payload);
}

std::string CallHeaders() {
  return absl::StrCat("\x83\x86\x04", Text("/qconfig.v1.ConfigService/GetConfig"), "\x01", Text("localhost"),
                      "\x0f\x10", Text("application/grpc"), BigEndian(0, 1), Text("te"), Text("trailers"));
}

std::string OpenCall(uint32_t stream) { return Frame(kHeaders, kEndHeaders, stream, CallHeaders()); }

std::string Message(uint32_t size, uint32_t received) {
  return absl::StrCat(BigEndian(0, 1), BigEndian(size, 4), std::string(received, '\0'));
}

std::string Times(int times, absl::string_view text) {
  std::string all;
  for (int i = 0; i < times; ++i) absl::StrAppend(&all, text);
  return all;
}

}  // namespace qconfig::http2
