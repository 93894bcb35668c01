// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/plan_groups.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "qconfigctl/module_names.h"

namespace qconfig::client {
namespace {

// Modules that have the same form, configuration and rule.
struct Bucket {
  std::string form;
  uint32_t config;
  uint32_t rule;
  std::vector<uint32_t> numbers;  // of all names, one after the other
  size_t width;                   // the numbers of one name
};

std::vector<Bucket> MakeBuckets(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response) {
  std::vector<Bucket> buckets;
  absl::flat_hash_map<std::tuple<std::string, uint32_t, uint32_t>, size_t> index_of;
  int i = 0;
  for (const v1::Module& module : request.modules()) {
    const RangedName name = ParseRanges(module.name());
    Bucket* bucket = nullptr;  // of the module before
    ForEachName(name.ranges, [&](absl::Span<const uint32_t> numbers) {
      const uint32_t config = response.config_of_module(i);
      const uint32_t rule = response.rule_of_module(i++);
      if (bucket == nullptr || bucket->config != config || bucket->rule != rule) {
        const auto [entry, is_new] = index_of.try_emplace({name.form, config, rule}, buckets.size());
        if (is_new) buckets.push_back({name.form, config, rule, {}, numbers.size()});
        bucket = &buckets[entry->second];
      }
      bucket->numbers.insert(bucket->numbers.end(), numbers.begin(), numbers.end());
    });
  }
  return buckets;
}

struct SplitForm {
  absl::string_view parent;  // empty: none
  absl::string_view leaf;
};

SplitForm Split(absl::string_view form) {
  const size_t dot = form.rfind('.');
  if (dot == absl::string_view::npos) return {"", form};
  return {form.substr(0, dot), form.substr(dot + 1)};
}

// Which forms are below which.
class FormTree {
 public:
  explicit FormTree(const std::vector<Bucket>& buckets) {
    for (const Bucket& bucket : buckets) {
      const SplitForm form = Split(bucket.form);
      leaves_[form.parent].insert(form.leaf);
      for (absl::string_view parent = Split(form.parent).parent; !parent.empty(); parent = Split(parent).parent) {
        if (!deep_.insert(parent).second) break;
      }
    }
  }

  // Whether all forms below `parent` are directly below it, and `leaves` of them.
  bool HasOnly(absl::string_view parent, size_t leaves) const {
    return !deep_.contains(parent) && leaves_.at(parent).size() == leaves;
  }

 private:
  absl::flat_hash_map<absl::string_view, absl::flat_hash_set<absl::string_view>> leaves_;
  absl::flat_hash_set<absl::string_view> deep_;  // the forms with others two or more parts below them
};

// Groups with the same parent, configuration and rule.
struct Siblings {
  std::string parent;  // with ranges
  absl::string_view parent_form;
  std::vector<absl::string_view> leaves;
  PlanGroup group;
};

class GroupMaker {
 public:
  void Add(const Bucket& bucket) {
    std::vector<NumberRanges> all = {{}};
    if (bucket.width > 0) all = CoverWithRanges(bucket.numbers, bucket.width);
    const SplitForm form = Split(bucket.form);
    for (const NumberRanges& ranges : all) {
      const PlanGroup group{FormatName(bucket.form, ranges), CountNames(ranges), bucket.config, bucket.rule};
      if (form.parent.empty() || form.leaf.find(kNumberSlot) != absl::string_view::npos) {
        siblings_.push_back({"", "", {}, group});
        continue;
      }
      const std::string parent = FormatName(form.parent, ranges);
      const auto [entry, is_new] = index_of_.try_emplace({parent, bucket.config, bucket.rule}, siblings_.size());
      if (is_new) {
        siblings_.push_back({parent, form.parent, {form.leaf}, group});
      } else {
        siblings_[entry->second].leaves.push_back(form.leaf);
        siblings_[entry->second].group.modules += group.modules;
      }
    }
  }

  std::vector<PlanGroup> Take(const FormTree& tree) {
    std::vector<PlanGroup> groups;
    for (Siblings& siblings : siblings_) {
      const size_t leaves = siblings.leaves.size();
      if (leaves > 1 && tree.HasOnly(siblings.parent_form, leaves)) {
        siblings.group.name = absl::StrCat(siblings.parent, ".*");
      } else if (leaves > 1) {
        siblings.group.name = absl::StrCat(siblings.parent, ".{", absl::StrJoin(siblings.leaves, ","), "}");
      }
      groups.push_back(std::move(siblings.group));
    }
    return groups;
  }

 private:
  std::vector<Siblings> siblings_;
  absl::flat_hash_map<std::tuple<std::string, uint32_t, uint32_t>, size_t> index_of_;
};

}  // namespace

absl::Status CheckPlan(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response) {
  size_t modules = 0;
  for (const v1::Module& module : request.modules()) modules += CountNames(ParseRanges(module.name()).ranges);
  const auto& configs = response.config_of_module();
  const auto& rules = response.rule_of_module();
  const auto has_config = [&](uint32_t index) { return index <= static_cast<uint32_t>(response.configs_size()); };
  const auto has_rule = [&](uint32_t index) { return index < static_cast<uint32_t>(response.rules_size()); };
  if (static_cast<size_t>(configs.size()) == modules && static_cast<size_t>(rules.size()) == modules &&
      std::all_of(configs.begin(), configs.end(), has_config) && std::all_of(rules.begin(), rules.end(), has_rule)) {
    return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat("the server's response does not fit the ", modules, " modules of the request"));
}

std::vector<PlanGroup> GroupModules(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response) {
  const std::vector<Bucket> buckets = MakeBuckets(request, response);
  GroupMaker maker;
  for (const Bucket& bucket : buckets) maker.Add(bucket);
  return maker.Take(FormTree(buckets));
}

}  // namespace qconfig::client
