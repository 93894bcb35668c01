// SPDX-License-Identifier: Apache-2.0
#include "server/observe/process_metrics.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/server/observe/metrics_text.h"

namespace qconfig {
namespace {

TEST(ProcessMetricsTest, ValuesComeFromTheOperatingSystem) {
  Metrics metrics(0);
  AddProcessMetrics(metrics);
  const MetricsText one(metrics);
  EXPECT_GE(one.Value("process_threads"), 1);
  EXPECT_GT(one.Value("process_cpu_seconds_total"), 0);
  EXPECT_GT(one.Value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(one.Value("process_virtual_memory_bytes"), one.Value("process_resident_memory_bytes"));
  EXPECT_NEAR(one.Value("process_start_time_seconds"), absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()), 3600);
  EXPECT_GT(one.Value("process_max_fds"), one.Value("process_open_fds"));
  const int opened = dup(0);
  EXPECT_EQ(MetricsText(metrics).Value("process_open_fds"), one.Value("process_open_fds") + 1);
  close(opened);
  constexpr int kThreads = 50;
  absl::Notification end;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { end.WaitForNotification(); });
  EXPECT_GT(MetricsText(metrics).Value("process_threads"), kThreads);
  end.Notify();
  for (std::thread& thread : threads) thread.join();
}

TEST(ProcessMetricsTest, ValuesAreKnownWhenNoMoreFilesCanBeOpened) {
  Metrics metrics(0);
  AddProcessMetrics(metrics);
  const std::map<std::string, double> before = MetricsText(metrics).series();
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  const rlimit none = {0, files.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const MetricsText text(metrics);
  setrlimit(RLIMIT_NOFILE, &files);
  for (const auto& [series, value] : before) {
    if (series == "process_open_fds" || series == "process_max_fds") continue;
    EXPECT_GE(text.Value(series), value / 2) << series;
  }
  EXPECT_EQ(text.Value("process_open_fds"), 0) << "the maximum";
}

}  // namespace
}  // namespace qconfig
