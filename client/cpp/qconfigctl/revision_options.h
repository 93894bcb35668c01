// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_REVISION_OPTIONS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_REVISION_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>

namespace qconfig::client {

// The options --revision and --min-revision of commands that read a tenant's registry.
class RevisionOptions {
 public:
  // REQUIRES: this object outlives `command`.
  void AddTo(CLI::App& command) {
    const CLI::Range revisions(int64_t{0}, std::numeric_limits<int64_t>::max());
    command.add_option("--revision", revision_, "Revision of the tenant's registry to read; 0 reads the newest")
        ->check(revisions)
        ->capture_default_str();
    command
        .add_option(
            "--min-revision", min_revision_,
            "Wait until the server has this revision, for example after a write to another server; 0 does not wait")
        ->check(revisions)
        ->capture_default_str();
  }

  bool given() const { return revision_ != 0 || min_revision_ != 0; }

  template <typename Request>
  void FillIn(Request& request) const {
    request.set_revision(revision_);
    request.set_min_revision(min_revision_);
  }

 private:
  int64_t revision_ = 0;
  int64_t min_revision_ = 0;
};

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_REVISION_OPTIONS_H_
