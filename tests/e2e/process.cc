// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace qconfig {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "qconfig-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }

Process::Process(std::filesystem::path log, std::vector<std::string> arguments, bool wait) : log_(std::move(log)) {
  arguments.insert(arguments.begin(), {"qconfigd", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"});
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  std::filesystem::remove(log_);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(open(log_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600), STDERR_FILENO);
    execv(QCONFIGD, words.data());
    _exit(127);
  }
  if (!wait) return;
  admin_port_ = WaitForPort(R"(admin port on \S+ \(port (\d+)\))");
  address_ = absl::StrCat("127.0.0.1:", WaitForPort(R"(listening on \S+ \(port (\d+)\))"));
}

Process::~Process() { Kill(); }

void Process::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

int Process::WaitForPort(const std::string& pattern) const {
  const std::regex line(pattern);
  for (int i = 0; i < 3000; ++i) {
    std::ifstream file(log_);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::smatch found;
    if (std::regex_search(text, found, line)) return std::stoi(found[1]);
    if (waitpid(pid_, nullptr, WNOHANG) != 0) {
      ADD_FAILURE() << "qconfigd did not start: " << text;
      return 0;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "qconfigd did not log its ports";
  return 0;
}

}  // namespace qconfig
