# SPDX-License-Identifier: Apache-2.0
"""85 callers on one connection, who call for 200 tenants in turn: configurations that take 40 ms, and are not cached."""

import kit

# A tenant's name costs a caller nothing, so a caller with many of them must not be worth many callers.
GOALS = kit.GOALS
TENANTS, CALLERS, OVERRIDES = 200, 85, 4500


def costly(target, seconds):
    requests = [kit.overrides(f"greedy-{i}", OVERRIDES) for i in range(TENANTS)]
    with kit.channel(target.port) as channel:
        digest = kit.rpc(channel, "GetConfig")(requests[0], timeout=20).config_digest
    for request in requests:
        request.if_digest = digest
    return {"ends": kit.callers(target.port, "GetConfig", requests, CALLERS, seconds)}


if __name__ == "__main__":
    kit.main(costly, goals=GOALS)
