# SPDX-License-Identifier: Apache-2.0
"""400 writers of one tenant, each writing again as soon as it has its answer."""

import kit

# Writes are made one after the other; the queue for them must be shared out by tenant: the common goals hold.
GOALS = kit.GOALS
WRITERS = 400


def writers(target, seconds):
    requests = [kit.template("greedy", f"m{i}", 10, 50) for i in range(50)]
    for request in requests:
        request.ClearField("request_id")
    return {"ends": kit.callers(target.port, "RegisterTemplate", requests, WRITERS, seconds)}


if __name__ == "__main__":
    kit.main(writers, goals=GOALS)
