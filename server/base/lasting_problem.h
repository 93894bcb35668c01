// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_LASTING_PROBLEM_H_
#define QCONFIG_SERVER_BASE_LASTING_PROBLEM_H_

#include <optional>
#include <utility>

#include "absl/status/status.h"

namespace qconfig {

// Decides when to report a problem with files that are checked again and again: at the second check that finds it in
// the same contents, because the files may be in the middle of being replaced, and only once. Not thread-safe.
template <typename Contents>
class LastingProblem {
 public:
  // Whether to report `problem` with `contents` now. Contents of files that cannot be read are empty.
  bool ShouldReport(const absl::Status& problem, const Contents& contents) {
    if (!suspect_.has_value() || !(suspect_->contents == contents) || suspect_->problem != problem) {
      suspect_ = Suspect{contents, problem, false};
      return false;
    }
    return !std::exchange(suspect_->reported, true);
  }

  // Call this when a check finds no problem.
  void Clear() { suspect_.reset(); }

 private:
  struct Suspect {
    Contents contents;
    absl::Status problem;
    bool reported;
  };
  std::optional<Suspect> suspect_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_LASTING_PROBLEM_H_
