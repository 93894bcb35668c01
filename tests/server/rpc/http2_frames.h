// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_RPC_HTTP2_FRAMES_H_
#define QCONFIG_TESTS_SERVER_RPC_HTTP2_FRAMES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// Bytes of an HTTP/2 client.
namespace http2 {

enum Type : uint8_t { kData, kHeaders, kPriority, kReset, kSettings, kPush, kPing, kGoaway, kWindow, kContinuation };
constexpr uint8_t kAck = 0x1;
constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kEndHeaders = 0x4;
constexpr uint8_t kPadded = 0x8;

// What a client sends first.
std::string Preface();

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, absl::string_view payload = "");

// The header block of a GetConfig call.
std::string CallHeaders();

// HEADERS of a GetConfig call.
std::string OpenCall(uint32_t stream);

// A gRPC message of `size` bytes, as far as `received`.
std::string Message(uint32_t size, uint32_t received);

std::string Times(int times, absl::string_view text);

}  // namespace http2
}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_RPC_HTTP2_FRAMES_H_
