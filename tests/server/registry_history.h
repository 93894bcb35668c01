// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_REGISTRY_HISTORY_H_
#define QCONFIG_TESTS_SERVER_REGISTRY_HISTORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace qconfig {

// What clients saw of one tenant's registry, and whether a registry that does one call after the other could have
// answered so (linearizability). Times are steady.
//
// In general, this needs a search through all orders of the calls. Here the answers give the order: each write has a
// revision, and each read belongs after the write of the revision that it states. That order must agree with time and
// with what was read, and if it does not, no other order can.

// One attempt of a write. Attempts with the same request id are the same write.
struct WriteAttempt {
  enum class Outcome {
    kAcknowledged,
    kRejected,  // and nothing was stored
    kUnknown,   // it may be stored, even later
  };
  std::string request_id;
  absl::Duration invoked;
  absl::Duration answered;
  Outcome outcome = Outcome::kUnknown;
  int64_t revision = 0;  // kAcknowledged: that the answer states
};

struct ReadCall {
  absl::Duration invoked;
  absl::Duration answered;
  int64_t revision = 0;                     // that the answer states; 0: none
  bool is_pinned = false;                   // the request named the revision, and any may be read
  int64_t min_revision = 0;                 // of the request
  std::map<std::string, std::string> seen;  // the contents of entries; "": there is no such entry
};

// A write as the registry lists it at the end.
struct StoredWrite {
  int64_t revision = 0;
  std::string request_id;
  std::string entry;
  std::string content;  // "": the write deleted the entry
};

struct RegistryHistory {
  std::map<std::string, std::string> first;  // the contents at revision 1
  std::vector<WriteAttempt> writes;
  std::vector<ReadCall> reads;
  std::vector<StoredWrite> stored;  // all of them, oldest first
};

// Returns what is wrong with the history: a lost, repeated or invented write, an answer that is not the registry's
// content at its revision, or one that is older than what was answered before, or newer than what was written.
// "": nothing.
std::string FindViolation(const RegistryHistory& history);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_REGISTRY_HISTORY_H_
