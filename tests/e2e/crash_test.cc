// SPDX-License-Identifier: Apache-2.0
//
// Repeatedly kills the real qconfigd at a random moment while clients write to the same file. Afterwards, every
// acknowledged write exists, no write exists in part, and revisions have no gap. In half of the rounds the server also
// removes history; after some rounds it is also killed during its start.
// The environment variable QCONFIG_CRASHES sets the number of kills (default: 50), and QCONFIG_SEED the seed.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "qconfig/client.h"
#include "tests/e2e/process.h"

namespace qconfig {
namespace {

using client::Client;

int FromEnvironment(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  int value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

constexpr int kLongHistory = 1'000'000;
constexpr int kShortHistory = 200;  // long enough to keep the request IDs of writes whose outcome is unknown

constexpr int kTenants = 3;
constexpr int kWritersPerTenant = 2;

// A write as its writer knows it. `revision` is 0 until the write is acknowledged.
struct Write {
  std::string name;
  std::string request_id;
  int64_t revision;
};

std::string TenantName(int writer) { return absl::StrCat("tenant-", writer % kTenants); }

client::ClientOptions OptionsFor(const std::string& address, int writer) {
  client::ClientOptions options;
  options.server = address;
  options.tenant = TenantName(writer);
  options.service_config = "";  // no retries: a killed server does not return to this address
  return options;
}

// Large enough for several pages, so that a part of it could be missing.
v1::RegisterTemplateRequest RequestFor(const Write& write) {
  v1::RegisterTemplateRequest request;
  request.set_request_id(write.request_id);
  request.mutable_llm_template()->set_model_type(write.name);
  for (int i = 0; i < 200; ++i) {
    request.mutable_llm_template()->add_exclude_layers_name(absl::StrCat(write.name, ".layer-", i));
  }
  return request;
}

class CrashTest : public testing::Test {
 protected:
  // Starts a qconfigd that serves this test's file.
  Process Start(int history_changes, bool wait = true) const {
    return Process(directory_.path() / "log",
                   {"--storage", absl::StrCat("sqlite:", (directory_.path() / "registry.db").string()),
                    "--history-changes", absl::StrCat(history_changes)},
                   wait);
  }

  // Writes until the server is gone.
  void WriteOn(const std::string& address, int writer) {
    Client client(OptionsFor(address, writer));
    std::vector<Write>& writes = writes_[static_cast<size_t>(writer)];
    for (bool acknowledged = true; acknowledged;) {
      const size_t n = writes.size();
      writes.push_back(
          {absl::StrCat("w", writer, "-", n), absl::StrFormat("00000000-0000-4000-8000-%04x%08x", writer, n), 0});
      const auto response = client.RegisterTemplate(RequestFor(writes.back()));
      acknowledged = response.ok();
      if (acknowledged) writes.back().revision = response->revision();
      if (acknowledged) ++acknowledged_;
    }
  }

  // Repeats the writes whose outcome is unknown, as a client would.
  void FinishDoubtfulWrites(const std::string& address) {
    for (int writer = 0; writer < kWriters; ++writer) {
      Client client(OptionsFor(address, writer));
      for (Write& write : writes_[static_cast<size_t>(writer)]) {
        if (write.revision != 0) continue;
        const auto response = client.RegisterTemplate(RequestFor(write));
        ASSERT_TRUE(response.ok()) << response.status();
        EXPECT_FALSE(response->replaced()) << write.name << " was stored twice";
        write.revision = response->revision();
      }
    }
  }

  void CheckTenant(const std::string& address, int tenant) {
    Client client(OptionsFor(address, tenant));
    std::map<std::string, int64_t> expected;  // revisions by name
    for (int writer = tenant; writer < kWriters; writer += kTenants) {
      for (const Write& write : writes_[static_cast<size_t>(writer)]) expected[write.name] = write.revision;
    }
    // History has every revision since the oldest, each with the write that was acknowledged with it.
    v1::ListChangesRequest changes;
    int64_t next = 0;
    int64_t first = 0;
    size_t seen = 0;
    do {
      changes.set_page_size(1000);
      const auto page = client.ListChanges(changes);
      ASSERT_TRUE(page.ok()) << page.status();
      if (next == 0) next = page->revision();
      first = page->first_revision();
      for (const v1::ChangeRecord& record : page->changes()) {
        ASSERT_EQ(record.revision(), next--) << "history has a gap";
        const std::string& name = record.changes().rbegin()->put_template().model_type();
        ASSERT_TRUE(expected.count(name)) << name;
        ASSERT_EQ(record.revision(), expected[name]) << name;
        ++seen;
      }
      changes.set_page_token(page->next_page_token());
    } while (!changes.page_token().empty());
    EXPECT_EQ(next, first);
    EXPECT_EQ(seen, expected.size() - static_cast<size_t>(next - 1));
    // Removed history does not return.
    EXPECT_GE(next, first_revisions_[static_cast<size_t>(tenant)]);
    first_revisions_[static_cast<size_t>(tenant)] = next;
    // The entries are complete.
    v1::ListTemplatesRequest list;
    list.set_view(v1::ENTRY_VIEW_FULL);
    size_t entries = 0;
    do {
      const auto page = client.ListTemplates(list);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const v1::LlmTemplate& entry : page->llm_templates()) {
        if (entry.origin() != v1::REGISTRY_ORIGIN_TENANT) continue;
        ++entries;
        ASSERT_EQ(entry.etag(), absl::StrCat(expected[entry.model_type()]));
        ASSERT_EQ(entry.exclude_layers_name_size(), 200);
        ASSERT_EQ(entry.exclude_layers_name(199), entry.model_type() + ".layer-199");
      }
      list.set_page_token(page->next_page_token());
    } while (!list.page_token().empty());
    EXPECT_EQ(entries, expected.size());
  }

  static constexpr int kWriters = kTenants * kWritersPerTenant;
  const TemporaryDirectory directory_;
  std::vector<std::vector<Write>> writes_{static_cast<size_t>(kWriters)};
  std::vector<int64_t> first_revisions_ = std::vector<int64_t>(kTenants, 1);
  std::atomic<int> acknowledged_ = 0;
};

TEST_F(CrashTest, AcknowledgedWritesSurviveKills) {
  const int crashes = FromEnvironment("QCONFIG_CRASHES", 50);
  const int seed = FromEnvironment("QCONFIG_SEED", static_cast<int>(std::random_device()() & 0xFFFFFF));
  std::printf("QCONFIG_SEED=%d\n", seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  for (int crash = 0; crash < crashes && !HasFailure(); ++crash) {
    const int history = crash % 2 == 0 ? kLongHistory : kShortHistory;
    if (crash % 4 < 2) {
      const Process killed_at_start = Start(history, /*wait=*/false);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 50'000));
    }
    Process server = Start(history);
    const int before = acknowledged_;
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) writers.emplace_back([&, i] { WriteOn(server.address(), i); });
    // Kill at a random moment after the load has started.
    while (acknowledged_ < before + kWriters) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 200'000));
    server.Kill();
    for (std::thread& writer : writers) writer.join();

    Process restarted = Start(history);
    FinishDoubtfulWrites(restarted.address());
    CheckTenant(restarted.address(), crash % kTenants);
  }
  Process last = Start(kLongHistory);
  for (int tenant = 0; tenant < kTenants; ++tenant) CheckTenant(last.address(), tenant);
  if (crashes >= 20) {
    EXPECT_GT(first_revisions_[0], 1) << "no history was removed";
  }
  std::printf("%d crashes, %d writes acknowledged\n", crashes, acknowledged_.load());
}

}  // namespace
}  // namespace qconfig
