// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PLAN_PLAN_TOTALS_H_
#define QCONFIG_CORE_PLAN_PLAN_TOTALS_H_

#include "core/plan/layer_plan.h"
#include "core/plan/module_list.h"
#include "qconfig/v1/plan.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// Sums over the modules of `plan`, which is that of `config`.
v1::PlanTotals ComputeTotals(const v1::QConfig& config, const ModuleList& modules, const LayerPlan& plan);

}  // namespace qconfig

#endif  // QCONFIG_CORE_PLAN_PLAN_TOTALS_H_
