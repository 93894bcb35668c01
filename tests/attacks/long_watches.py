# SPDX-License-Identifier: Apache-2.0
"""160 health watches on four connections, each of a service whose name has 7 MB; and 10,000 with short names."""

import time

import kit

# Watches are kept as long as their callers like, so what each may keep in memory must be bounded: the common goals hold.
GOALS = kit.GOALS
WATCH = "/grpc.health.v1.Health/Watch"


def watches(target, seconds, connections, streams, name_bytes):
    until, opened, peers = time.monotonic() + seconds, 0, []
    body = kit.message(b"\x0a" + kit.hpack_integer(name_bytes, 0)[1:] + b"x" * name_bytes) if name_bytes else kit.message(b"")
    try:
        for _ in range(connections):
            peers.append(kit.Peer(target.port, timeout=seconds))
            for stream in range(1, 2 * streams, 2):
                peers[-1].open(stream, WATCH)
                peers[-1].body(stream, body)
                opened += 1
                if time.monotonic() > until:
                    raise TimeoutError
        time.sleep(max(0.0, until - time.monotonic()))
    except OSError:
        pass
    return {"watches": opened, "connections_left": sum(peer.is_open() for peer in peers)}


def long_names(target, seconds):
    return watches(target, seconds, 4, 40, 7_000_000)


def many(target, seconds):
    return watches(target, seconds, 100, 100, 0)


if __name__ == "__main__":
    kit.main(long_names, many, goals=GOALS)
