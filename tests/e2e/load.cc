// SPDX-License-Identifier: Apache-2.0
//
// Calls GetConfig from eight threads, with the client library's service config, until the end of standard input.
// Usage: load TARGET
// For each line of standard input, prints the counts so far as "CALLS FAILURES". Also prints failures to standard
// error.
#include <atomic>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "qconfig/client.h"

namespace qconfig {
namespace {

class Load {
 public:
  explicit Load(client::Client& client) : client_(client) {
    for (int i = 0; i < 8; ++i) {
      threads_.emplace_back([this] { Run(); });
    }
  }

  ~Load() {
    done_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  void Print() const {
    const int failures = failures_;  // read before the calls, so that it is never larger
    std::printf("%d %d\n", calls_.load(), failures);
    std::fflush(stdout);
  }

 private:
  void Run() {
    while (!done_) {
      v1::GetConfigRequest request;
      request.mutable_spec()->set_model_type("llama");
      request.mutable_spec()->set_scheme("fp8");
      const auto answer = client_.GetConfig(request);
      ++calls_;
      if (answer.ok()) continue;
      ++failures_;
      std::fprintf(stderr, "%s\n", answer.status().ToString(absl::StatusToStringMode::kWithNoExtraData).c_str());
    }
  }

  client::Client& client_;
  std::atomic<bool> done_{false};
  std::atomic<int> calls_{0};
  std::atomic<int> failures_{0};
  std::vector<std::thread> threads_;
};

int Main(const std::string& target) {
  client::ClientOptions options;
  options.server = target;
  client::Client client(options);
  Load load(client);
  for (std::string line; std::getline(std::cin, line);) load.Print();
  return 0;
}

}  // namespace
}  // namespace qconfig

int main(int argc, char** argv) {
  if (argc == 2) return qconfig::Main(argv[1]);
  std::fprintf(stderr, "usage: load TARGET\n");
  return 2;
}
