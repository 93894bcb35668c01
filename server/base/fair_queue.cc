// SPDX-License-Identifier: Apache-2.0
#include "server/base/fair_queue.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace qconfig {
namespace {

constexpr size_t kMinCleanupSize = 64;

// What a caller may be ahead of others and still use little: the times of others are known only when their turns end.
constexpr absl::Duration kAhead = absl::Milliseconds(5);

// How far a tenant that waits may be behind virtual time: a call that had to wait for others to end gets no more later.
constexpr absl::Duration kBehind = absl::Milliseconds(50);

}  // namespace

FairQueue::FairQueue(const Limits& limits) : limits_(limits), cleanup_size_(kMinCleanupSize) {}

FairQueue::Flow& FairQueue::FlowOf(absl::string_view tenant, absl::string_view caller) {
  Share& of_tenant = tenants_[tenant];
  Share& of_caller = callers_[caller];
  const auto [flow, is_new] = flows_.try_emplace({&of_tenant, &of_caller}, Flow{of_tenant, of_caller, 0, {}, {}});
  if (is_new) {
    if (of_tenant.flows++ == 0) {
      ++busy_tenants_;
      of_tenant.finish = std::max(tenant_time_, of_tenant.finish);
    }
    busy_callers_ += of_caller.flows++ == 0 ? 1 : 0;
  }
  return flow->second;
}

// One caller must not keep the others of its tenant out.
bool FairQueue::MayWait(absl::string_view tenant, absl::string_view caller) {
  constexpr size_t kLeastShare = 4;
  const auto of_tenant = tenants_.find(tenant);
  if (of_tenant == tenants_.end() || of_tenant->second.waiting < limits_.waiting_of_tenant) return true;
  if (of_tenant->second.waiting >= 2 * limits_.waiting_of_tenant) return false;
  const auto of_caller = callers_.find(caller);
  if (of_caller == callers_.end()) return true;
  const auto flow = flows_.find({&of_tenant->second, &of_caller->second});
  if (flow == flows_.end()) return true;
  const size_t waiting = flow->second.small.size() + flow->second.large.size();
  return waiting < std::max(kLeastShare, limits_.waiting_of_tenant / (of_tenant->second.flows + 1));
}

bool FairQueue::Add(Call& call, absl::string_view tenant, absl::string_view caller, const EarlierTurns& earlier) {
  if (!earlier.is_admitted && !MayWait(tenant, caller)) return false;
  call.flow_ = &FlowOf(tenant, caller);
  ++call.flow_->calls;
  call.flow_->tenant.finish = FinishOf(call.flow_->tenant) + earlier.used;
  Wait(call);
  return true;
}

void FairQueue::Charge(absl::string_view tenant, absl::Duration used) {
  if (flows_.empty()) return;
  Share& share = tenants_[tenant];
  share.finish = std::max(tenant_time_, share.finish) + used;
}

std::deque<FairQueue::Call*>& FairQueue::WaitingWith(const Call& call) {
  return call.is_large_ || call.becomes_large_ ? call.flow_->large : call.flow_->small;
}

void FairQueue::Wait(Call& call) {
  call.state_ = Call::State::kWaiting;
  call.number_ = next_number_++;
  WaitingWith(call).push_back(&call);
  ++call.flow_->tenant.waiting;
  ++waiting_;
}

void FairQueue::StopWaiting(Call& call) {
  std::deque<Call*>& calls = WaitingWith(call);
  calls.erase(std::find(calls.begin(), calls.end(), &call));
  --call.flow_->tenant.waiting;
  --waiting_;
}

bool FairQueue::MayBecomeLarge(const Flow& flow) const {
  if (flow.tenant.large == 0 && flow.caller.large == 0) return large_ < limits_.large;
  return large_ + limits_.first_large < limits_.large &&
         std::max(flow.tenant.large, flow.caller.large) < limits_.large_of_tenant;
}

FairQueue::Call* FairQueue::NextOf(const Flow& flow) const {
  Call* const small = flow.small.empty() ? nullptr : flow.small.front();
  const bool may_become_large = MayBecomeLarge(flow);
  const auto large = std::find_if(flow.large.begin(), flow.large.end(),
                                  [&](const Call* call) { return call->is_large_ || may_become_large; });
  if (large == flow.large.end()) return small;
  return small == nullptr || (*large)->number_ < small->number_ ? *large : small;
}

FairQueue::Call* FairQueue::NextForExtraTurn(const Flow& flow) const {
  const bool uses_little = std::max(flow.caller.caller_finish, flow.tenant.caller_finish) <= caller_time_ + kAhead;
  return flow.small.empty() || !uses_little ? nullptr : flow.small.front();
}

absl::Duration FairQueue::FinishOf(const Share& tenant) const {
  return std::max(tenant_time_ - kBehind, tenant.finish);
}

FairQueue::Call* FairQueue::Next() {
  if (running_ >= limits_.turns + limits_.extra_turns || waiting_ == 0) return nullptr;
  const bool is_extra = running_ >= limits_.turns;
  Call* next = nullptr;
  std::tuple<absl::Duration, absl::Duration, uint64_t> first;
  absl::Duration earliest = absl::InfiniteDuration();
  for (const auto& [unused, flow] : flows_) {
    if (flow.small.empty() && flow.large.empty()) continue;
    Call* const call = is_extra ? NextForExtraTurn(flow) : NextOf(flow);
    if (call == nullptr) continue;
    const absl::Duration finish = FinishOf(flow.tenant);
    earliest = std::min(earliest, finish);
    // Tenants without earlier calls have the same time. A caller may have many of them.
    const std::tuple order(is_extra ? absl::ZeroDuration() : finish, std::max(caller_time_, flow.caller.caller_finish),
                           call->number_);
    if (next != nullptr && first < order) continue;
    next = call;
    first = order;
  }
  if (next == nullptr) return nullptr;
  if (!is_extra) tenant_time_ = std::max(tenant_time_, earliest);
  StopWaiting(*next);
  Begin(*next);
  return next;
}

// The cost is not known yet. Without the usual one, all calls of a tenant that begin together would count nothing.
void FairQueue::Begin(Call& call) {
  Share& tenant = call.flow_->tenant;
  call.state_ = Call::State::kRunning;
  call.charged_ = std::max(tenant.usual_cost, call.flow_->caller.usual_cost);
  tenant.finish = FinishOf(tenant) + call.charged_;
  for (Share* const share : {&tenant, &call.flow_->caller}) {
    share->caller_finish = std::max(caller_time_, share->caller_finish) + call.charged_;
  }
  ++running_;
  if (std::exchange(call.becomes_large_, false)) {
    call.is_large_ = true;
    ++tenant.large;
    ++call.flow_->caller.large;
    ++large_;
  }
  large_running_ += call.is_large_ ? 1 : 0;
}

bool FairQueue::MakeLarge(Call& call) {
  if (call.is_large_) return true;
  if (large_running_ >= limits_.turns || !MayBecomeLarge(*call.flow_)) return false;
  call.is_large_ = true;
  ++call.flow_->tenant.large;
  ++call.flow_->caller.large;
  ++large_;
  ++large_running_;
  return true;
}

void FairQueue::MakeSmall(Call& call) {
  if (!std::exchange(call.is_large_, false)) return;
  --call.flow_->tenant.large;
  --call.flow_->caller.large;
  --large_;
  --large_running_;
}

void FairQueue::EndTurn(Call& call, absl::Duration cost) {
  constexpr int kTurnsInAverage = 4;
  // A turn that costs nothing would put the next call of the flow before those of others that wait.
  constexpr absl::Duration kLeastCost = absl::Microseconds(1);
  cost = std::max(cost, kLeastCost);
  Share& tenant = call.flow_->tenant;
  tenant.finish += cost - call.charged_;
  for (Share* const share : {&tenant, &call.flow_->caller}) {
    share->usual_cost += (cost - share->usual_cost) / kTurnsInAverage;
    share->caller_finish += cost - call.charged_;
  }
  tenant_time_ += cost / static_cast<int64_t>(busy_tenants_);
  caller_time_ += cost / static_cast<int64_t>(busy_callers_);
  --running_;
  large_running_ -= call.is_large_ ? 1 : 0;
}

void FairQueue::Requeue(Call& call, absl::Duration cost, bool becomes_large) {
  EndTurn(call, cost);
  call.becomes_large_ = becomes_large && !call.is_large_;
  Wait(call);
}

void FairQueue::Remove(Call& call, absl::Duration cost) {
  Flow& flow = *call.flow_;
  call.state_ == Call::State::kRunning ? EndTurn(call, cost) : StopWaiting(call);
  if (std::exchange(call.is_large_, false)) {
    --flow.tenant.large;
    --flow.caller.large;
    --large_;
  }
  call.becomes_large_ = false;
  call.state_ = Call::State::kOutside;
  call.flow_ = nullptr;
  if (--flow.calls > 0) return;
  busy_tenants_ -= --flow.tenant.flows == 0 ? 1 : 0;
  busy_callers_ -= --flow.caller.flows == 0 ? 1 : 0;
  flows_.erase({&flow.tenant, &flow.caller});
  Forget();
}

void FairQueue::Forget() {
  if (flows_.empty()) {  // with no calls, no finish time matters
    tenants_.clear();
    callers_.clear();
    tenant_time_ = caller_time_ = absl::ZeroDuration();
    return;
  }
  if (remembered() < cleanup_size_) return;
  const auto is_unused = [this](const auto& entry) {
    const Share& share = entry.second;
    return share.flows == 0 && share.finish <= tenant_time_ && share.caller_finish <= caller_time_;
  };
  absl::erase_if(tenants_, is_unused);
  absl::erase_if(callers_, is_unused);
  cleanup_size_ = std::max(kMinCleanupSize, 2 * remembered());
}

}  // namespace qconfig
