// SPDX-License-Identifier: Apache-2.0
//
// Registries while the wall clock jumps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/builtin_catalogs.h"
#include "server/registry/registry.h"
#include "server/registry/storage/open_store.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using testing::ElementsAre;

constexpr absl::Duration kDay = absl::Hours(24);

// A registry in a file, with a clock that the test sets.
class RegistryClockTest : public testing::Test {
 protected:
  RegistryClockTest() { Start(); }

  void Start() {
    registry_.reset();
    store_.reset();
    store_ = OpenStore("sqlite:" + directory_.Path("registry.db"), HistoryLimits()).value();
    RegistrySettings settings;
    settings.catalogs = catalogs_;
    settings.default_catalog = std::string(kDefaultCatalog);
    settings.clock = Clock([this] { return wall_; }, [this] { return steady_; });
    settings.on_history_paused = [this](const std::string&) { ++pauses_; };
    registry_ = std::make_unique<Registry>(settings, *store_);
  }

  void Pass(absl::Duration time) {
    wall_ += time;
    steady_ += time;
  }

  // Writes with a new request ID, and returns the first revision that can be read.
  int64_t Write(absl::string_view tenant = "a") {
    ++writes_;
    const WriteOrder order{Tenant(tenant), "",           absl::StrCat("r", writes_),
                           "digest",       false,        absl::InfiniteDuration(),
                           /*peer=*/"",    /*caller=*/""};
    EXPECT_TRUE(
        registry_->Write(order, [this](const RegistrationContext&) { return PutScheme("s", absl::StrCat(writes_)); })
            .ok());
    return store_->Revisions(Tenant(tenant))->first;
  }

  // The times of the changes, in seconds after the first.
  std::vector<int64_t> Times(absl::string_view tenant = "a") {
    std::vector<int64_t> times;
    const auto changes = store_->ChangesSince(Tenant(tenant), 1, 1000).value();
    for (const v1::ChangeRecord& change : changes) {
      times.push_back(change.time().seconds());
    }
    for (size_t i = times.size(); i > 0; --i) times[i - 1] -= times[0];
    return times;
  }

  const Catalogs catalogs_ = LoadBuiltinCatalogs().value();
  const TempDirectory directory_;
  absl::Time wall_ = absl::FromUnixSeconds(1'800'000'000);
  absl::Duration steady_ = absl::Hours(5);
  int writes_ = 0;
  int pauses_ = 0;
  std::unique_ptr<RegistryStore> store_;
  std::unique_ptr<Registry> registry_;
};

TEST_F(RegistryClockTest, HistoryIsRemovedByAge) {
  Write();
  Pass(399 * kDay);
  EXPECT_EQ(Write(), 1);
  Pass(kDay);
  EXPECT_EQ(Write(), 2);
  EXPECT_EQ(pauses_, 0);
}

TEST_F(RegistryClockTest, JumpAndReturnKeepHistoryRequestIdsAndTheOrderOfTimes) {
  Write();
  Pass(absl::Seconds(1));
  wall_ += 410 * kDay;
  EXPECT_EQ(Write(), 1);
  EXPECT_EQ(Write("b"), 1) << "a tenant that is created now";
  Pass(absl::Seconds(1));
  wall_ -= 410 * kDay;
  EXPECT_EQ(Write(), 1);
  const int64_t jump = 410 * 86'400;
  EXPECT_THAT(Times(), ElementsAre(0, jump + 1, jump + 1)) << "times never run backwards";
  Pass(2 * kDay);
  EXPECT_EQ(Write(), 1) << "the time of the previous change is not what counts as now";
  EXPECT_TRUE(store_->FindRequest(Tenant("a"), "r1")->has_value());
  EXPECT_EQ(pauses_, 1);
}

TEST_F(RegistryClockTest, JumpBeforeTheStart) {
  Write();
  wall_ += 410 * kDay;
  Start();
  EXPECT_EQ(pauses_, 1);
  EXPECT_EQ(Write(), 1);
  Pass(kDay);
  EXPECT_EQ(Write(), 2) << "the clock is right after all";
}

TEST_F(RegistryClockTest, StartWithinADayOfAnotherTenantsChange) {
  Write();
  Pass(410 * kDay);
  Write("b");
  Pass(absl::Hours(23));
  Start();
  EXPECT_EQ(pauses_, 0);
  EXPECT_EQ(Write(), 2);
}

TEST_F(RegistryClockTest, ClockThatStartsInThePastAndIsSetRight) {
  Write();
  wall_ -= 10'000 * kDay;
  Start();
  EXPECT_EQ(Write(), 1);
  wall_ += 10'000 * kDay;
  EXPECT_EQ(Write(), 1);
  EXPECT_THAT(Times(), ElementsAre(0, 0, 0));
}

TEST_F(RegistryClockTest, TimesKeepTheirOrderAcrossARestart) {
  wall_ += absl::Nanoseconds(1'999);
  Write();
  wall_ -= absl::Hours(1);
  Start();
  Write();
  const auto changes = store_->ChangesSince(Tenant("a"), 1, 10).value();
  EXPECT_EQ(changes[0].time().nanos(), 1'000);
  EXPECT_EQ(changes[1].time().ShortDebugString(), changes[0].time().ShortDebugString());
}

}  // namespace
}  // namespace qconfig
