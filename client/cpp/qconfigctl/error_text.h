// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_ERROR_TEXT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_ERROR_TEXT_H_

#include <string>

#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/error.pb.h"
#include "qconfig/v1/plan.pb.h"

namespace qconfig::client {

// Returns the lines to print after an error message: one indented line for each field that is set in `detail`, with a
// line break at its end, and then its findings. Says why each suggestion is made, and which option of qconfigctl it
// needs. List items that contain a comma or a quotation mark are quoted.
std::string DetailText(const v1::ErrorDetail& detail);

// Returns, for example, "ERROR: vllm@0.33.0: cannot load ... (RUNTIME_REJECTS_HEAD)", and one indented line for each
// other field that is set, with a line break at its end.
std::string FindingText(const v1::Finding& finding);

// Returns, for example, `spec.scheme: "fp4_block16_scale_e4m3" an older name of nvfp4`, without a line break.
std::string WarningText(const v1::Warning& warning);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_ERROR_TEXT_H_
