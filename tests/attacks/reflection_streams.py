# SPDX-License-Identifier: Apache-2.0
"""1,600 open streams of the reflection service, which say nothing: 16 connections with the 100 streams each may have."""

import time

import kit

# A service for developers' tools must not take threads or memory from the calls of the farm: the common goals hold.
GOALS = kit.GOALS
CONNECTIONS, STREAMS = 16, 100
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


def reflection(target, seconds):
    until, peers = time.monotonic() + seconds, []
    for _ in range(CONNECTIONS):
        peers.append(kit.Peer(target.port))
        for stream in range(1, 2 * STREAMS, 2):
            peers[-1].open(stream, REFLECTION)
    time.sleep(max(0.0, until - time.monotonic()))
    return {"streams": CONNECTIONS * STREAMS, "connections_left": sum(peer.is_open() for peer in peers)}


if __name__ == "__main__":
    kit.main(reflection, goals=GOALS)
