// SPDX-License-Identifier: Apache-2.0
#include "server/registry/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

constexpr int64_t kNeverWritten = 1;  // the revision of a tenant without writes

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  timestamp.set_nanos(static_cast<int>((time - absl::FromUnixSeconds(timestamp.seconds())) / absl::Nanoseconds(1)));
  return timestamp;
}

}  // namespace

Registry::Registry(RegistrySettings settings, RegistryStore& store)
    : settings_(std::move(settings)),
      store_(store),
      write_locks_(settings_.max_writing_calls, settings_.clock),
      history_expiry_(settings_.max_history_age, store.newest_when_opened(), settings_.clock,
                      settings_.on_history_paused),
      waits_(settings_.max_waiting_calls, settings_.max_wait, settings_.clock),
      cache_(
          store, settings_.catalogs.size(), settings_.cache_bytes,
          [this](const TenantId& tenant) {
            settings_.on_change(tenant);
            waits_.Notify(tenant);
          },
          settings_.max_waiting_calls, settings_.clock, settings_.admit_load) {}

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
  const auto view = cache_.Get(tenant, 0);
  if (!view.ok()) return view.status();
  return DefaultCatalog(*(*view)->state());
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Registry::Get(const SnapshotQuery& query) const {
  if (!query.catalog.empty()) {
    const auto named = FindCatalog(query.catalog, RegistryState());
    if (!named.ok()) return named.status();
  }
  if (query.min_revision > 1) {
    const absl::Status waited = WaitForRevision(query);
    if (!waited.ok()) return waited;
  }
  const auto view = cache_.Get(query.tenant, query.revision, query.deadline);
  if (!view.ok()) return view.status();
  const auto catalog = FindCatalog(query.catalog, *(*view)->state());
  if (!catalog.ok()) return catalog.status();
  return (*view)->Over(settings_.catalogs, *catalog);
}

absl::Status Registry::WaitForRevision(const SnapshotQuery& query) const {
  RevisionRange range;
  const auto reached = [&]() -> absl::StatusOr<bool> {
    if (const auto newest = cache_.Get(query.tenant, 0, query.deadline); !newest.ok()) return newest.status();
    auto known = cache_.Revisions(query.tenant);
    if (!known.ok()) return known.status();
    range = *std::move(known);
    if (IsLost(range, query.min_revision)) {
      return RevisionLost(query.tenant, range, "min_revision", query.min_revision);
    }
    return range.newest >= query.min_revision;
  };
  const auto waited = waits_.WaitUntil(query.tenant, query.deadline, query.is_cancelled, reached);
  if (!waited.ok()) return waited.status();
  if (*waited) return absl::OkStatus();
  return Error(v1::ERROR_REASON_REVISION_IN_FUTURE)
      .Field("min_revision")
      .Value(absl::StrCat(query.min_revision))
      .Tenant(query.tenant.name())
      .Revisions(range.first, range.newest)
      .Advice(absl::StrCat("Its newest revision is ", range.newest))
      .ToStatus("the tenant's registry did not reach this revision in time");
}

Catalogs Registry::CatalogsFor(const RegistryState& state) const {
  Catalogs catalogs(settings_.catalogs.rbegin(), settings_.catalogs.rend());
  const std::string& own = DefaultCatalog(state);
  std::stable_partition(catalogs.begin(), catalogs.end(),
                        [&own](const auto& catalog) { return catalog->name() == own; });
  return catalogs;
}

absl::StatusOr<Written> Registry::Write(const WriteOrder& order, const Plan& plan) {
  const auto locked = write_locks_.Acquire(order.tenant, order.caller, order.deadline);
  if (!locked.ok()) return locked.status();
  auto view = cache_.Get(order.tenant, 0, order.deadline);
  while (view.ok()) {
    auto written = TryWrite(order, plan, **view);
    if (!written.ok()) return written.status();
    if (written->has_value()) return **std::move(written);
    if (settings_.clock.Steady() >= order.deadline) {
      return absl::DeadlineExceededError("the deadline expired because other writes to the same registry came first");
    }
    view = cache_.Reload(order.tenant, order.deadline);
  }
  return view.status();
}

absl::StatusOr<std::optional<Written>> Registry::TryWrite(const WriteOrder& order, const Plan& plan,
                                                          const RegistryView& view) {
  const RegistryState& state = *view.state();
  if (!order.request_id.empty() && !order.validate_only) {
    auto earlier = FindEarlier(order, state.revision());
    if (!earlier.ok() || earlier->has_value()) return earlier;
  }
  const auto catalogs = CatalogsFor(state);
  const auto range = cache_.Revisions(order.tenant);
  if (!range.ok()) return range.status();
  const absl::Time now = settings_.clock.Now();
  const absl::Time expired_up_to = history_expiry_.ExpiredUpTo(now);
  // Microseconds, as stores compare them. If the clock is set back, changes keep their order.
  const google::protobuf::Timestamp time =
      ToTimestamp(absl::FromUnixMicros(absl::ToUnixMicros(std::max(now, range->newest_time))));
  auto change = plan({catalogs, state, range->next, settings_.limits, time});
  if (!change.ok()) return change.status();
  const bool is_empty = change->change_case() == v1::RegistryChange::CHANGE_NOT_SET;
  Written write{state.revision(), *std::move(change), view.state()};
  if (is_empty) return write;
  const auto created = CountNewTenant(order, state);
  if (!created.ok()) return created.status();
  if (order.validate_only) return write;
  if (order.before_commit != nullptr) {
    if (absl::Status status = order.before_commit(); !status.ok()) return status;
  }
  write.revision = range->next;
  const RegistryCommit commit = MakeCommit(order, write, time, expired_up_to);
  return Store(order, std::move(write), commit);
}

absl::StatusOr<Counted> Registry::CountNewTenant(const WriteOrder& order, const RegistryState& newest) {
  if (newest.revision() != kNeverWritten) return Counted();
  const TenantId& tenant = order.tenant;
  if (!order.may_create) {
    return Error(v1::ERROR_REASON_PERMISSION_DENIED)
        .Tenant(tenant.name())
        .RequiredRole("operator")
        .Advice(
            "Check the name, ask an operator for the first write, or ask for a grant that names this tenant or has "
            "`create: true`")
        .ToStatus(absl::StrCat("this would be the first write to the tenant \"", tenant.name(), "\", and ", order.actor,
                               " may not create tenants"));
  }
  const absl::MutexLock lock(&mutex_);
  if (store_.tenants() + creating_ >= settings_.max_tenants) {
    return Error(v1::ERROR_REASON_QUOTA_EXCEEDED)
        .Field("tenant")
        .Value(tenant.name())
        .Advice("Use a tenant that exists, or ask the operator to raise --max-tenants")
        .ToStatus(absl::StrCat("the server has its maximum number of tenants, ", settings_.max_tenants));
  }
  ++creating_;
  return Counted([this] {
    const absl::MutexLock lock_again(&mutex_);
    --creating_;
  });
}

absl::StatusOr<std::optional<Written>> Registry::Store(const WriteOrder& order, Written write,
                                                       const RegistryCommit& commit) {
  const auto range = store_.Commit(order.tenant, commit);
  switch (range.status().code()) {
    case absl::StatusCode::kOk:
      cache_.Add(order.tenant, *range, write.before->After(commit.record));
      settings_.on_stored(order.tenant, range->disk_bytes);
      return write;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
      return std::nullopt;
    case absl::StatusCode::kResourceExhausted:
      return range.status();  // nothing was stored
    default:
      cache_.Forget(order.tenant);  // the write may have been stored
      return range.status();
  }
}

RegistryCommit Registry::MakeCommit(const WriteOrder& order, const Written& write,
                                    const google::protobuf::Timestamp& time, absl::Time expired_up_to) const {
  RegistryCommit commit;
  commit.expired_up_to = expired_up_to;
  commit.request_digest = order.request_digest;
  commit.record.set_revision(write.revision);
  *commit.record.mutable_time() = time;
  commit.record.set_actor(order.actor);
  commit.record.set_peer(order.peer);
  commit.record.set_request_id(order.request_id);
  // A tenant's first write sets its default catalogue, so that a newer server does not change its responses.
  const bool sets_default = write.change.set_default_catalog() == settings_.default_catalog;
  if (write.before->default_catalog().empty() && !sets_default) {
    commit.record.add_changes()->set_set_default_catalog(settings_.default_catalog);
  }
  *commit.record.add_changes() = write.change;
  return commit;
}

absl::StatusOr<std::optional<Written>> Registry::FindEarlier(const WriteOrder& order, int64_t newest) {
  const auto found = store_.FindRequest(order.tenant, order.request_id);
  if (!found.ok()) return found.status();
  if (!found->has_value()) return std::nullopt;
  const RegistryCommit& commit = **found;
  if (commit.request_digest != order.request_digest) {
    return Error(v1::ERROR_REASON_REQUEST_ID_REUSED)
        .Field("request_id")
        .Value(order.request_id)
        .ToStatus(absl::StrCat("the write that created revision ", commit.record.revision(),
                               " used this request_id with different content"));
  }
  // A write whose outcome was not known may be stored but not yet cached.
  if (commit.record.revision() > newest) {
    if (const auto view = cache_.Reload(order.tenant, order.deadline); !view.ok()) return view.status();
  }
  const auto range = cache_.Revisions(order.tenant);
  if (!range.ok()) return range.status();
  const auto before = cache_.Get(order.tenant, RevisionBefore(*range, commit.record.revision(), 1), order.deadline);
  if (!before.ok()) return before.status();
  return Written{commit.record.revision(), *commit.record.changes().rbegin(), (*before)->state()};
}

absl::StatusOr<std::vector<v1::ChangeRecord>> Registry::ChangesSince(const TenantId& tenant, int64_t revision,
                                                                     size_t max_changes) const {
  return store_.ChangesSince(tenant, revision, max_changes);
}

// The store may have a write that other calls do not see yet. If this call showed it, a later call could see an older
// revision.
absl::StatusOr<RevisionRange> Registry::Revisions(const TenantId& tenant) const {
  const auto stored = store_.Revisions(tenant);
  if (!stored.ok()) return stored.status();
  auto visible = cache_.Revisions(tenant);
  if (visible.ok()) visible->first = std::min(std::max(visible->first, stored->first), visible->newest);
  return visible;
}

}  // namespace qconfig
