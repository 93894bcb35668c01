// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_RECORDING_CLIENT_H_
#define QCONFIG_TESTS_SERVER_RECORDING_CLIENT_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "qconfig/client.h"
#include "tests/server/registry_history.h"
#include "tests/server/test_server.h"

namespace qconfig {

// The name of the default catalogue in histories, and its first value.
inline constexpr char kCatalogEntry[] = "default catalogue";
inline constexpr char kFirstCatalog[] = "quark-0.12.post1";

StoredWrite ToStoredWrite(const v1::ChangeRecord& record);

// A client of one tenant that makes random calls on a few entries, for one thread, and records what it saw.
class RecordingClient {
 public:
  RecordingClient(const TestServer& server, const std::string& tenant, uint64_t seed, std::atomic<int>& contents)
      : client_(server.NewClient(tenant)), random_(seed), contents_(contents) {}

  void WriteOnce();
  void ReadOnce();

  // Adds what the client saw. `history` has all stored writes.
  void AddTo(RegistryHistory& history) const;

  int64_t calls() const { return static_cast<int64_t>(writes_.size() + reads_.size() + catalogs_.size()); }

 private:
  int Random(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  // Most calls have time; the others end at any point of their way.
  client::Timeout SomeTimeout() { return Random(6) > 0 ? absl::Seconds(60) : absl::Microseconds(100 + Random(3000)); }

  // Retries most of the writes whose outcome is not known, and some others.
  template <typename Request, typename Response>
  void Write(const Request& request, absl::StatusOr<Response> (client::Client::*method)(Request, client::Timeout),
             const std::string& entry);

  // Is not retried: the server does not know the request id of a call that changed nothing.
  void SetCatalog(const v1::SetDefaultCatalogRequest& request);

  ReadCall& AddRead(absl::Duration invoked, absl::Duration answered, int64_t revision,
                    std::map<std::string, std::string> seen);

  v1::GetConfigRequest ConfigRequest();

  void GetConfig();
  void BatchGetConfig();  // each item is a read
  void GetScheme();
  void ListSchemes();
  // The newest write that is listed belongs to the revision that the answer states.
  void ListChanges();

  client::Client client_;
  std::mt19937_64 random_;
  std::atomic<int>& contents_;
  int64_t newest_seen_ = 1;
  std::string last_digest_;
  std::map<std::string, v1::QConfig> digests_;
  std::vector<WriteAttempt> writes_;
  std::vector<ReadCall> reads_;
  std::vector<std::pair<ReadCall, std::string>> catalogs_;  // SetDefaultCatalog() and its request id
  std::map<int64_t, std::string> listed_;                   // request ids by revision
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_RECORDING_CLIENT_H_
