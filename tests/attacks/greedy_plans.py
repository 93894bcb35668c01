# SPDX-License-Identifier: Apache-2.0
"""64 callers of a plan of 500,000 modules, from requests of 200 bytes."""

import kit

# A plan takes as long as thousands of configurations, and must let others compute meanwhile: the common goals hold.
GOALS = kit.GOALS
CALLERS, MODULES = 64, 500_000


def planners(target, seconds):
    request = kit.pb().PlanLayersRequest(tenant="greedy")
    kit.config_request(request, model_type="llama", scheme="fp8")
    request.modules.add(name=f"model.layers.{{0..{MODULES - 1}}}.mlp.up_proj" + "x" * 80, type="Linear", shape=[4096, 4096])
    return {"ends": kit.callers(target.port, "PlanLayers", [request], CALLERS, seconds)}


if __name__ == "__main__":
    kit.main(planners, goals=GOALS)
