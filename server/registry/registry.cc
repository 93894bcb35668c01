// SPDX-License-Identifier: Apache-2.0
#include "server/registry/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

size_t MemoryOf(const RegistryState& state, size_t catalogs) {
  constexpr size_t kIndexPerEntry = 128;
  constexpr size_t kPerSnapshot = 1024;
  const size_t entries = state.schemes().size() + state.templates().size();
  const size_t snapshots = catalogs * (kPerSnapshot + entries * sizeof(void*));
  return state.memory_bytes() + entries * kIndexPerEntry + snapshots;
}

std::string KeyOf(const TenantId& tenant, int64_t revision) { return absl::StrCat(tenant.name(), "@", revision); }

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  timestamp.set_nanos(static_cast<int>((time - absl::FromUnixSeconds(timestamp.seconds())) / absl::Nanoseconds(1)));
  return timestamp;
}

// When a call has to stop waiting so that its answer still arrives.
absl::Time EndOfWaiting(absl::Time deadline, absl::Duration max_wait) {
  const absl::Time now = absl::Now();
  if (deadline == absl::InfiniteFuture()) return now + max_wait;
  constexpr absl::Duration kForTheAnswer = absl::Milliseconds(100);
  return deadline - std::min(kForTheAnswer, (deadline - now) / 5);
}

}  // namespace

Registry::Registry(RegistrySettings settings, RegistryStore& store)
    : settings_(std::move(settings)),
      store_(store),
      never_written_(MakeView(RegistryState())),
      views_(settings_.cache_bytes) {}

absl::StatusOr<size_t> Registry::FindCatalog(absl::string_view name, const RegistryState& state) const {
  const bool is_default = name.empty();
  if (is_default) name = DefaultCatalog(state);
  for (size_t i = 0; i < settings_.catalogs.size(); ++i) {
    if (settings_.catalogs[i]->name() == name) return i;
  }
  if (!is_default) return CatalogNotFound(name, settings_.catalogs);
  return CatalogNotFound(name, settings_.catalogs, "this server does not have the tenant's default catalogue",
                         "Name another one in `catalog`, or change the default with SetDefaultCatalog");
}

const std::string& Registry::DefaultCatalog(const RegistryState& state) const {
  return state.default_catalog().empty() ? settings_.default_catalog : state.default_catalog();
}

absl::StatusOr<std::string> Registry::DefaultCatalog(const TenantId& tenant) const {
  const auto view = GetView(tenant, 0);
  if (!view.ok()) return view.status();
  return DefaultCatalog(*(*view)->state());
}

std::shared_ptr<const Snapshot> Registry::View::Through(const std::shared_ptr<const Catalog>& catalog,
                                                        size_t index) const {
  LazySnapshot& lazy = snapshots_[index];
  std::call_once(lazy.once, [&] { lazy.snapshot = std::make_shared<const Snapshot>(catalog, state_); });
  return lazy.snapshot;
}

std::shared_ptr<const Registry::View> Registry::MakeView(RegistryState state) const {
  return std::make_shared<const View>(std::move(state), settings_.catalogs.size());
}

bool Registry::Publish(const TenantId& tenant, const RevisionRange& range, std::shared_ptr<const View> view,
                       std::optional<int64_t> generation) const {
  const int64_t revision = view->state()->revision();
  const size_t bytes = MemoryOf(*view->state(), settings_.catalogs.size());
  std::vector<std::shared_ptr<const View>> superseded, dropped;  // destroyed without the lock
  absl::MutexLock lock(&mutex_);
  if (generation.has_value() && *generation != generation_) return false;
  RevisionRange& known = ranges_[tenant.name()];
  if (known.newest < revision) settings_.on_change(tenant);
  // Few ask for the last but one, and it shares most of what it holds, so it would only drive out other tenants.
  if (known.newest < revision) superseded = views_.Erase(KeyOf(tenant, known.newest));
  if (known.newest <= revision) known = range;
  dropped = views_.Put(KeyOf(tenant, revision), std::move(view), bytes);
  if (const auto it = waiting_.find(tenant.name()); it != waiting_.end()) it->second->news.SignalAll();
  return true;
}

void Registry::Forget(const TenantId& tenant) {
  absl::MutexLock lock(&mutex_);
  ++generation_;
  settings_.on_change(tenant);
  ranges_.erase(tenant.name());
  if (const auto it = waiting_.find(tenant.name()); it != waiting_.end()) it->second->news.SignalAll();
}

absl::StatusOr<std::shared_ptr<const Registry::View>> Registry::Reload(const TenantId& tenant) const {
  while (true) {
    int64_t generation = 0;
    {
      absl::MutexLock lock(&mutex_);
      generation = generation_;
    }
    const auto range = store_.Revisions(tenant);
    if (!range.ok()) return range.status();
    // Nothing is kept of tenants that are only asked for, so that asking takes no memory.
    if (range->newest == never_written_->state()->revision()) return never_written_;
    auto state = store_.Load(tenant, range->newest);
    if (ItemErrorOf(state.status()).reason() == v1::ERROR_REASON_REVISION_COMPACTED) continue;  // forgotten meanwhile
    if (!state.ok()) return state.status();
    auto view = MakeView(*std::move(state));
    if (Publish(tenant, *range, view, generation)) return view;
  }
}

absl::StatusOr<RevisionRange> Registry::RangeOf(const TenantId& tenant) const {
  {
    absl::MutexLock lock(&mutex_);
    if (const auto it = ranges_.find(tenant.name()); it != ranges_.end()) return it->second;
  }
  return store_.Revisions(tenant);
}

absl::StatusOr<std::shared_ptr<const Registry::View>> Registry::FindView(const TenantId& tenant, int64_t revision,
                                                                         bool& known) const {
  absl::MutexLock lock(&mutex_);
  const auto range = ranges_.find(tenant.name());
  known = range != ranges_.end();
  if (!known) return nullptr;
  if (revision == 0) revision = range->second.newest;
  if (revision < range->second.first) return CheckReadable(tenant, range->second, revision);
  const auto* view = views_.Find(KeyOf(tenant, revision));
  return view == nullptr ? nullptr : *view;
}

absl::StatusOr<std::shared_ptr<const Registry::View>> Registry::GetView(const TenantId& tenant,
                                                                        int64_t revision) const {
  bool known = false;
  auto view = FindView(tenant, revision, known);
  if (!view.ok() || *view != nullptr) return view;
  if (!known || revision == 0) {
    view = Reload(tenant);
    if (!view.ok() || revision == 0 || (*view)->state()->revision() == revision) return view;
    view = FindView(tenant, revision, known);
    if (!view.ok() || *view != nullptr) return view;
  }
  auto state = store_.Load(tenant, revision);
  if (!state.ok()) return state.status();
  view = MakeView(*std::move(state));
  const size_t bytes = MemoryOf(*(*view)->state(), settings_.catalogs.size());
  std::vector<std::shared_ptr<const View>> dropped;  // destroyed without the lock
  absl::MutexLock lock(&mutex_);
  dropped = views_.Put(KeyOf(tenant, revision), *view, bytes);
  return view;
}

absl::Status Registry::WaitForNews(const TenantId& tenant, int64_t seen, absl::Time end) const {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return Error(v1::ERROR_REASON_SHUTTING_DOWN).ToStatus("the server is ending; ask another one");
  const auto range = ranges_.find(tenant.name());
  const bool is_old = range == ranges_.end() ? seen > never_written_->state()->revision() : range->second.newest > seen;
  if (is_old) return absl::OkStatus();
  if (waiting_calls_ >= settings_.max_waiting_calls) {
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus("too many calls wait for a revision that is not there yet; try again soon");
  }
  auto& waiting = waiting_[tenant.name()];
  if (waiting == nullptr) waiting = std::make_unique<Waiting>();
  Waiting* const own = waiting.get();
  ++own->calls;
  ++waiting_calls_;
  own->news.WaitWithDeadline(&mutex_, end);
  --waiting_calls_;
  if (--own->calls == 0) waiting_.erase(tenant.name());
  return absl::OkStatus();
}

absl::Status Registry::WaitFor(const SnapshotQuery& query) const {
  constexpr absl::Duration kLookAtCaller = absl::Seconds(1);
  const absl::Time end = EndOfWaiting(query.deadline, settings_.max_wait);
  while (true) {
    if (const auto newest = GetView(query.tenant, 0); !newest.ok()) return newest.status();
    const auto range = RangeOf(query.tenant);
    if (!range.ok()) return range.status();
    if (IsLost(*range, query.min_revision)) {
      return RevisionLost(query.tenant, *range, "min_revision", query.min_revision);
    }
    if (range->newest >= query.min_revision) return absl::OkStatus();
    const absl::Time now = absl::Now();
    if (now >= end || query.is_cancelled()) {
      return Error(v1::ERROR_REASON_REVISION_IN_FUTURE)
          .Field("min_revision")
          .Value(absl::StrCat(query.min_revision))
          .Tenant(query.tenant.name())
          .Revisions(range->first, range->newest)
          .ToStatus(
              absl::StrCat("the tenant's registry did not reach this revision in time; the newest is ", range->newest));
    }
    const absl::Status waited = WaitForNews(query.tenant, range->newest, std::min(end, now + kLookAtCaller));
    if (!waited.ok()) return waited;
  }
}

absl::StatusOr<std::shared_ptr<void>> Registry::EnterWrite() {
  {
    absl::MutexLock lock(&mutex_);
    if (writing_calls_ < settings_.max_writing_calls) {
      ++writing_calls_;
      return std::shared_ptr<void>(this, [](void* registry) {
        auto* const self = static_cast<Registry*>(registry);
        absl::MutexLock lock_again(&self->mutex_);
        --self->writing_calls_;
      });
    }
  }
  return Error(v1::ERROR_REASON_OVERLOADED)
      .ToStatus("the server has as many writes as it takes at once; try again soon");
}

absl::StatusOr<std::shared_ptr<void>> Registry::TakeTurn(const TenantId& tenant, absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  while (!writing_.insert(tenant.name()).second) {
    if (written_.WaitWithDeadline(&mutex_, deadline)) {
      return absl::DeadlineExceededError("other writes to the registry took until the deadline");
    }
  }
  return std::shared_ptr<void>(this, [name = tenant.name()](void* registry) {
    auto* const self = static_cast<Registry*>(registry);
    absl::MutexLock lock_again(&self->mutex_);
    self->writing_.erase(name);
    self->written_.SignalAll();
  });
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Registry::Get(const SnapshotQuery& query) const {
  if (!query.catalog.empty()) {
    const auto named = FindCatalog(query.catalog, RegistryState());
    if (!named.ok()) return named.status();
  }
  if (query.min_revision > 1) {
    const absl::Status waited = WaitFor(query);
    if (!waited.ok()) return waited;
  }
  const auto view = GetView(query.tenant, query.revision);
  if (!view.ok()) return view.status();
  const auto catalog = FindCatalog(query.catalog, *(*view)->state());
  if (!catalog.ok()) return catalog.status();
  return (*view)->Through(settings_.catalogs[*catalog], *catalog);
}

std::vector<std::shared_ptr<const Catalog>> Registry::CatalogsFor(const RegistryState& state) const {
  std::vector<std::shared_ptr<const Catalog>> catalogs(settings_.catalogs.rbegin(), settings_.catalogs.rend());
  const std::string& own = DefaultCatalog(state);
  std::stable_partition(catalogs.begin(), catalogs.end(),
                        [&own](const auto& catalog) { return catalog->name() == own; });
  return catalogs;
}

absl::StatusOr<std::optional<Written>> Registry::FindEarlier(const WriteOrder& order, int64_t newest) const {
  const auto found = store_.FindRequest(order.tenant, order.request_id);
  if (!found.ok()) return found.status();
  if (!found->has_value()) return std::nullopt;
  const RegistryCommit& commit = **found;
  if (commit.request_digest != order.request_digest) {
    return Error(v1::ERROR_REASON_REQUEST_ID_REUSED)
        .Field("request_id")
        .Value(order.request_id)
        .ToStatus(absl::StrCat("the write that made revision ", commit.record.revision(),
                               " had the same request_id and other content"));
  }
  // A write whose outcome was not known may be in the store and not yet in memory.
  if (commit.record.revision() > newest) {
    if (const auto view = Reload(order.tenant); !view.ok()) return view.status();
  }
  const auto range = RangeOf(order.tenant);
  if (!range.ok()) return range.status();
  const auto before = GetView(order.tenant, RevisionBefore(*range, commit.record.revision(), 1));
  if (!before.ok()) return before.status();
  return Written{commit.record.revision(), *commit.record.changes().rbegin(), (*before)->state()};
}

absl::StatusOr<Written> Registry::Write(const WriteOrder& order, const Plan& plan) {
  const auto entered = EnterWrite();
  if (!entered.ok()) return entered.status();
  const auto turn = TakeTurn(order.tenant, order.deadline);
  if (!turn.ok()) return turn.status();
  auto view = GetView(order.tenant, 0);
  while (view.ok()) {
    const RegistryState& state = *(*view)->state();
    if (!order.request_id.empty() && !order.validate_only) {
      auto earlier = FindEarlier(order, state.revision());
      if (!earlier.ok()) return earlier.status();
      if (earlier->has_value()) return **std::move(earlier);
    }
    const auto catalogs = CatalogsFor(state);
    const auto known = RangeOf(order.tenant);
    if (!known.ok()) return known.status();
    const google::protobuf::Timestamp now = ToTimestamp(settings_.clock.Now());
    auto change = plan({catalogs, state, known->next, settings_.limits, now});
    if (!change.ok()) return change.status();
    const bool changes = change->change_case() != v1::RegistryChange::CHANGE_NOT_SET;
    if (order.validate_only || !changes) return Written{state.revision(), *std::move(change), (*view)->state()};

    RegistryCommit commit;
    commit.request_digest = order.request_digest;
    commit.record.set_revision(known->next);
    *commit.record.mutable_time() = now;
    commit.record.set_actor(order.actor);
    commit.record.set_request_id(order.request_id);
    const bool sets_default = change->set_default_catalog() == settings_.default_catalog;
    if (state.default_catalog().empty() && !sets_default) {
      commit.record.add_changes()->set_set_default_catalog(settings_.default_catalog);
    }
    *commit.record.add_changes() = *change;
    const auto range = store_.Commit(order.tenant, commit);
    if (range.ok()) {
      Publish(order.tenant, *range, MakeView(state.After(commit.record)), std::nullopt);
      return Written{commit.record.revision(), *std::move(change), (*view)->state()};
    }
    const absl::StatusCode code = range.status().code();
    const bool other_came_first = code == absl::StatusCode::kAborted || code == absl::StatusCode::kAlreadyExists;
    if (!other_came_first) {
      // When it is full nothing was stored; else the write may have been stored all the same.
      if (code != absl::StatusCode::kResourceExhausted) Forget(order.tenant);
      return range.status();
    }
    if (absl::Now() >= order.deadline) return absl::DeadlineExceededError("other writes to the registry came first");
    view = Reload(order.tenant);
  }
  return view.status();
}

absl::StatusOr<std::vector<v1::ChangeRecord>> Registry::ChangesSince(const TenantId& tenant, int64_t revision,
                                                                     size_t max_changes) const {
  return store_.ChangesSince(tenant, revision, max_changes);
}

absl::StatusOr<RevisionRange> Registry::Revisions(const TenantId& tenant) const { return store_.Revisions(tenant); }

size_t Registry::tenants_in_memory() const {
  absl::MutexLock lock(&mutex_);
  return ranges_.size();
}

size_t Registry::bytes_in_memory() const {
  absl::MutexLock lock(&mutex_);
  return views_.bytes();
}

size_t Registry::waiting_calls() const {
  absl::MutexLock lock(&mutex_);
  return waiting_calls_;
}

void Registry::StopWaiting() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  for (const auto& [tenant, waiting] : waiting_) waiting->news.SignalAll();
}

}  // namespace qconfig
