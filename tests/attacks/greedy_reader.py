# SPDX-License-Identifier: Apache-2.0
"""320 callers of one expensive request: 10,000 overrides with if_digest, 100 ms of work for an answer of 150 bytes."""

import kit

# One tenant's greed may fill its own queue and nobody else's: the common goals hold.
GOALS = kit.GOALS
CALLERS = 320


def reader(target, seconds):
    request = kit.overrides("greedy")
    with kit.channel(target.port) as channel:
        request.if_digest = kit.rpc(channel, "GetConfig")(request, timeout=20).config_digest
    return {"ends": kit.callers(target.port, "GetConfig", [request], CALLERS, seconds)}


if __name__ == "__main__":
    kit.main(reader, goals=GOALS)
