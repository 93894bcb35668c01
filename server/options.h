// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OPTIONS_H_
#define QCONFIG_SERVER_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/limits.h"

namespace CLI {
class App;
}  // namespace CLI

namespace qconfig {

// What qconfigd can be told, by flag or by environment variable. The defaults stand here.
struct Options {
  std::string listen = "127.0.0.1:50051";
  bool insecure = false;
  std::string storage = "memory";
  std::string log_level = "info";
  int shutdown_grace_seconds = 10;
  Limits limits;
};

// Adds every option to `app`, which fills `options` when it parses. `options` must outlive `app`.
void AddOptions(CLI::App& app, Options& options);

// What no single option can tell: kInvalidArgument, with a sentence that says what to do.
absl::Status CheckOptions(const Options& options);

// Whether only this machine can reach `listen`: host 127.x.x.x, [::1] or localhost, or a Unix socket.
bool IsLoopback(absl::string_view listen);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_H_
