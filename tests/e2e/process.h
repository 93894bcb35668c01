// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_E2E_PROCESS_H_
#define QCONFIG_TESTS_E2E_PROCESS_H_

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace qconfig {

// A directory that the destructor removes.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A qconfigd of this build on free ports, which logs to a file. The destructor kills it.
class Process {
 public:
  // Waits until the server serves, unless `wait` is false.
  Process(std::filesystem::path log, std::vector<std::string> arguments, bool wait = true);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  void Kill();

  pid_t pid() const { return pid_; }
  const std::string& address() const { return address_; }
  int admin_port() const { return admin_port_; }

 private:
  // Waits for a log line that matches `pattern`, and returns its port.
  int WaitForPort(const std::string& pattern) const;

  std::filesystem::path log_;
  pid_t pid_ = 0;
  std::string address_;
  int admin_port_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_E2E_PROCESS_H_
