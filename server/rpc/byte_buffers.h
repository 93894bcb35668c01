// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_BYTE_BUFFERS_H_
#define QCONFIG_SERVER_RPC_BYTE_BUFFERS_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include "absl/strings/string_view.h"

namespace qconfig {

// Views the bytes of `buffer` as one slice. Copies only a message that arrived in several pieces. Returns false if
// `buffer` has no complete message.
inline bool ToSlice(const grpc::ByteBuffer& buffer, grpc::Slice& slice) {
  return buffer.TrySingleSlice(&slice).ok() || buffer.DumpToSingleSlice(&slice).ok();
}

// Valid as long as `slice`.
inline absl::string_view AsBytes(const grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_BYTE_BUFFERS_H_
