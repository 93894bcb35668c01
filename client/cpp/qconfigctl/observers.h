// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_OBSERVERS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_OBSERVERS_H_

#include <set>
#include <string>
#include <vector>

#include "qconfig/v1/registry.pb.h"

namespace qconfig::client {

// Replaces observers as Quark does when it reads JSON: in every tensor of `scheme`, an observer that is not set or not
// in `known` becomes PlaceholderObserver. If `known` is empty, only observers that are not set are replaced. Returns a
// warning for each replacement, which starts with the path: "weight.observer_cls: ...".
std::vector<std::string> ReplaceObservers(const std::set<std::string>& known, v1::Scheme& scheme);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_OBSERVERS_H_
