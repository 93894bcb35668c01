# SPDX-License-Identifier: Apache-2.0
"""Three connections with 50 calls each, whose messages of 8 MB lack the last 100 bytes."""

import time

import kit

# A caller is let in when its message is there; until then its bytes must be bounded for all together: the common goals hold.
GOALS = kit.GOALS
CONNECTIONS, CALLS, BYTES = 3, 50, 8 << 20


def unfinished(target, seconds):
    until, sent, body = time.monotonic() + seconds, 0, kit.message(bytes(BYTES))[:-100]
    peers = []
    try:
        for _ in range(CONNECTIONS):
            peers.append(kit.Peer(target.port, timeout=seconds))
            for stream in range(1, 2 * CALLS, 2):
                peers[-1].open(stream, kit.GET_CONFIG)
                peers[-1].body(stream, body, end_stream=False)
                sent += len(body)
                if time.monotonic() > until:
                    raise TimeoutError
        time.sleep(max(0.0, until - time.monotonic()))
    except OSError:
        pass  # TimeoutError too
    return {"sent_mb": sent >> 20, "connections_left": sum(peer.is_open() for peer in peers)}


if __name__ == "__main__":
    kit.main(unfinished, goals=GOALS)
