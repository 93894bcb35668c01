# SPDX-License-Identifier: Apache-2.0
"""A server that has just started is asked 64 times at once for a tenant of 60 MB that it has not read yet."""

import kit

# After each restart of a farm all workers come at once. One reading must do for all of them: the common goals hold.
GOALS = kit.GOALS
CALLERS, TEMPLATES = 64, 150


def setup(server):
    """Writes the tenant, and starts the server again so that nothing of it is in memory."""
    kit.fill(server, "large", TEMPLATES)
    server.stop()
    server.start()


def newest(target, seconds):
    request = kit.pb().GetTemplateRequest(tenant="large", model_type="llama")
    return {"ends": kit.callers(target.port, "GetTemplate", [request], CALLERS, seconds, once=True)}


def past_revisions(target, seconds):
    P = kit.pb()
    requests = [P.GetTemplateRequest(tenant="large", model_type="llama", revision=TEMPLATES - i % 8) for i in range(CALLERS)]
    return {"ends": kit.callers(target.port, "GetTemplate", requests, CALLERS, seconds, once=True)}


if __name__ == "__main__":
    kit.main(newest, past_revisions, goals=GOALS, setup=setup)
