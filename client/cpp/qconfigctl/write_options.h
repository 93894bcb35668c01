// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_WRITE_OPTIONS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_WRITE_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "qconfig/client.h"

namespace qconfig::client {

// The options and output of commands that write to a tenant's registry.
class WriteOptions {
 public:
  // REQUIRES: this object outlives `command`.
  void AddTo(CLI::App& command);
  CLI::Option* AddEtagTo(CLI::App& command, const std::string& description);

  bool prints_json() const { return output_ == "json"; }
  const std::string& etag() const { return etag_; }

  // Sets the request's id, which makes retries safe: a random one, if the command line has none.
  template <typename Request>
  void FillIn(Request& request) {
    if (request_id_.empty()) request_id_ = NewRequestId();
    request.set_request_id(request_id_);
    request.set_validate_only(validate_only_);
  }

  // Returns, for example, "registered scheme my_int4 for tenant acme at revision 2", or, without a tenant, "... for
  // your default tenant at revision 2". With --validate-only: "would have registered ...".
  std::string Sentence(const std::string& done, const std::string& what, const std::string& tenant,
                       int64_t revision) const;

  // Prints the error and, if the write may have been applied, how to retry it. Returns the exit code.
  int PrintFailure(const absl::Status& status, const ClientOptions& options) const;

 private:
  std::string request_id_;
  std::string etag_;
  std::string output_ = "text";
  bool validate_only_ = false;
};

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_WRITE_OPTIONS_H_
