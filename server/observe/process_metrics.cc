// SPDX-License-Identifier: Apache-2.0
#include "server/observe/process_metrics.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace qconfig {
namespace {

// Fields of /proc/self/stat after the name of the program, numbered as in proc(5).
enum StatField : size_t { kThreads = 20, kStartTicks = 22, kVirtualBytes = 23, kResidentPages = 24 };

std::string FileText(const char* path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Stays open, so that it can be read when the process has no file descriptors left.
std::string StatText() {
  static const int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  char text[4096];
  const ssize_t size = pread(file, text, sizeof(text), 0);
  return std::string(text, size > 0 ? static_cast<size_t>(size) : 0);
}

// Nullopt if the system does not provide it.
std::optional<double> Stat(StatField field) {
  const std::string text = StatText();
  // The name is in parentheses, and can contain any character.
  const size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = absl::StrSplit(text.substr(end_of_name), ' ');
  constexpr size_t kNameField = 2;
  double value = 0;
  if (field - kNameField >= fields.size() || !absl::SimpleAtod(fields[field - kNameField], &value)) return std::nullopt;
  return value;
}

std::optional<double> BootTime() {
  for (const absl::string_view line : absl::StrSplit(FileText("/proc/stat"), '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    double seconds = 0;
    if (words.size() == 2 && words[0] == "btime" && absl::SimpleAtod(words[1], &seconds)) return seconds;
  }
  return std::nullopt;
}

double Seconds(const timeval& time) {
  constexpr double kMicroseconds = 1e6;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / kMicroseconds;
}

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

std::optional<double> MaxOpenFiles() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

std::optional<double> OpenFiles() {
  int files = 0;
  std::error_code error;
  std::filesystem::directory_iterator file("/proc/self/fd", error);
  if (error == std::errc::too_many_files_open) return MaxOpenFiles();
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) ++files;
  if (error) return std::nullopt;
  return files - 1;  // without the directory itself
}

std::optional<double> Times(std::optional<double> value, double factor) {
  return value.has_value() ? std::optional<double>(*value * factor) : std::nullopt;
}

}  // namespace

void AddProcessMetrics(Metrics& metrics) {
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  const std::optional<double> boot = BootTime();
  const std::optional<double> since_boot = Times(Stat(kStartTicks), 1 / static_cast<double>(sysconf(_SC_CLK_TCK)));
  const std::optional<double> start = boot && since_boot ? std::optional<double>(*boot + *since_boot) : std::nullopt;
  metrics.AddCounter("process_cpu_seconds_total", "User and system CPU time.", {}, CpuSeconds);
  metrics.AddGauge("process_resident_memory_bytes", "Resident memory.", {},
                   [page] { return Times(Stat(kResidentPages), page); });
  metrics.AddGauge("process_virtual_memory_bytes", "Virtual memory.", {}, [] { return Stat(kVirtualBytes); });
  metrics.AddGauge("process_start_time_seconds", "Start of the process, in seconds since 1970.", {},
                   [start] { return start; });
  metrics.AddGauge("process_open_fds", "Open file descriptors.", {}, OpenFiles);
  metrics.AddGauge("process_max_fds", "Maximum number of open file descriptors.", {}, MaxOpenFiles);
  metrics.AddGauge("process_threads", "Threads.", {}, [] { return Stat(kThreads); });
}

}  // namespace qconfig
