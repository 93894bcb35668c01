// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_NAMES_NUMBER_FORMATS_H_
#define QCONFIG_CORE_NAMES_NUMBER_FORMATS_H_

#include "absl/strings/string_view.h"

namespace qconfig {

// What names say about numbers: "mxfp4_mxfp6_e2m3" states two number formats, with 4 and with 6 bits.

// Whether `suggested` has the bit widths and number formats that `given` states, and adds none. If `given` states a
// format incompletely ("fp", "fp6", "mxp4"), the rest may be anything. Numbers that are not bit widths, such as group
// sizes, may differ. Weights only ("wo", "weight_only") counts as a format of activations.
bool KeepsNumberFormats(absl::string_view given, absl::string_view suggested);

// Whether both names state the same bit widths and kinds of numbers. The kinds of "mxfp4", "nvfp4" and "fp4" are the
// same.
bool StateSameNumbers(absl::string_view a, absl::string_view b);

}  // namespace qconfig

#endif  // QCONFIG_CORE_NAMES_NUMBER_FORMATS_H_
