// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_OBSERVERS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_OBSERVERS_H_

#include <set>
#include <string>
#include <vector>

#include "qconfig/v1/registry.pb.h"

namespace qconfig::client {

// Does to every tensor of `scheme` what Quark does when it reads its JSON: an observer that is not in `known` becomes
// PlaceholderObserver. Returns those that did, each once.
std::vector<std::string> ReplaceUnknownObservers(const std::set<std::string>& known, v1::Scheme& scheme);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_OBSERVERS_H_
