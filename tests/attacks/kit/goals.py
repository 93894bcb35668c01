# SPDX-License-Identifier: Apache-2.0
"""What is asked of the server under every attack."""

# The goals of every attack. A script that needs others says so, and why, at its top.
GOALS = {
    "success": 0.99,  # of each kind of honest call: clients retry single failures, not bursts of them
    "p99_times": 10,  # p99 during the attack / p99 before it: slower is allowed, stuck is not
    "p99_ms": 250,  # and no more than this, so that a caller with a deadline of 1 s has time for a retry
    "p99_floor_ms": 50,  # nothing smaller is asked for: below, the scheduler of a two-core machine decides
    "sync_floor_ms": 150,  # the same for writes, which wait for the disk
    "rss_mb": 512,  # growth of memory with default options: containers of this server have about 1 GB
    "recovery_s": 5,  # after the attack, until all is as before: one more look of a load balancer
    "lying_s": 2,  # seconds in which honest calls fail and /readyz says ok: the time that a look takes
}

KINDS = ("cached", "new", "list", "write", "fresh")  # GetConfig x2, ListSchemes, RegisterScheme, GetConfig on a new connection
