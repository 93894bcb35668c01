// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RUNTIMES_FINDING_GROUPS_H_
#define QCONFIG_CORE_RUNTIMES_FINDING_GROUPS_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/findings/finding_list.h"

namespace qconfig {

// Collects the modules of findings by cause, in the order of the first module. Keeps at most
// FindingList::kMaxFindings causes and drops the modules of further ones.
template <typename Key>
class FindingGroups {
 public:
  struct Group {
    Key key;
    size_t example;       // the first module
    v1::Finding modules;  // only names and count
  };

  void Add(const Key& key, size_t module, absl::string_view name) {
    if (last_ == groups_.size() || !(groups_[last_].key == key)) {
      const auto it = numbers_.find(key);
      if (it == numbers_.end() && groups_.size() == FindingList::kMaxFindings) return;
      last_ = it == numbers_.end() ? groups_.size() : it->second;
      if (it == numbers_.end()) {
        numbers_[key] = last_;
        groups_.push_back({key, module, {}});
      }
    }
    AddModule(name, groups_[last_].modules);
  }

  std::vector<Group>& groups() { return groups_; }

 private:
  std::vector<Group> groups_;
  absl::flat_hash_map<Key, size_t> numbers_;
  size_t last_ = 0;  // the group of the previous module, or the size if there is none
};

// Gives `finding` the module names and the count of `modules`.
inline void MoveModules(v1::Finding& modules, v1::Finding& finding) {
  finding.mutable_modules()->Swap(modules.mutable_modules());
  finding.set_module_count(modules.module_count());
}

}  // namespace qconfig

#endif  // QCONFIG_CORE_RUNTIMES_FINDING_GROUPS_H_
