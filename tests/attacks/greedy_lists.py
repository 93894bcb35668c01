# SPDX-License-Identifier: Apache-2.0
"""200 callers who list the templates of a tenant of 40 MB, page by page of 2 MB."""

import kit

# A page is read from memory, and costs a copy of 2 MB: the common goals hold.
GOALS = kit.GOALS
CALLERS, TEMPLATES = 200, 100


def setup(server):
    kit.fill(server, "greedy", TEMPLATES)


def lister(target, seconds):
    P = kit.pb()
    token, requests = "", []
    with kit.channel(target.port) as channel:
        for _ in range(10):
            requests.append(P.ListTemplatesRequest(tenant="greedy", page_token=token, view="ENTRY_VIEW_FULL"))
            token = kit.rpc(channel, "ListTemplates")(requests[-1], timeout=20).next_page_token
    return {"ends": kit.callers(target.port, "ListTemplates", requests, CALLERS, seconds)}


if __name__ == "__main__":
    kit.main(lister, goals=GOALS, setup=setup)
