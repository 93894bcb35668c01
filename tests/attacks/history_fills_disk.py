# SPDX-License-Identifier: Apache-2.0
"""One caller replaces one template of 0.4 MB again and again. The tenant stays small, its history does not."""

import os
import time

import kit

# A tenant may keep 64 MiB by default. Its history may cost a few times that, but not the disk that all tenants share;
# beyond, old revisions go or writes are refused.
GOALS = kit.GOALS
DISK_MB = 256
MOST_WRITES = 1200  # 480 MB: enough to see it, not so much that it hurts


def disk_mb(data):
    return sum(entry.stat().st_size for entry in os.scandir(data)) >> 20


def rewrite(target, seconds):
    until, ends, before = time.monotonic() + seconds, {}, disk_mb(target.data)
    with kit.channel(target.port) as channel:
        write = kit.rpc(channel, "RegisterTemplate")
        while time.monotonic() < until and sum(ends.values()) < MOST_WRITES:
            end = kit.outcome(write, kit.template("greedy", "m", 400), timeout=10)
            ends[end] = ends.get(end, 0) + 1
            if end != "OK":
                time.sleep(0.1)
    return {"ends": ends, "disk_mb": disk_mb(target.data) - before, "written_mb": 0.4 * ends.get("OK", 0)}


def check(server, did):
    if did["disk_mb"] > DISK_MB:
        return [f"files grew by {did['disk_mb']} MB of {DISK_MB} allowed, for one template of 0.4 MB"]
    return (
        []
        if did["written_mb"] > DISK_MB or len(did["ends"]) > 1
        else [f"only {did['written_mb']:.0f} MB were written, too little to tell; give more --seconds"]
    )


if __name__ == "__main__":
    kit.main(rewrite, goals=GOALS, check=check)
