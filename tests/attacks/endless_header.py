# SPDX-License-Identifier: Apache-2.0
"""Headers that never end: an HPACK integer of endless continuation bytes, a string of a gigabyte, CONTINUATION frames
without END_HEADERS. Each takes one connection and a few bytes a second once it has begun."""

import time

import kit

# One peer's header must cost nobody else anything, so the common goals hold as they are.
GOALS = kit.GOALS
FIRST_MB = 2  # what a parser that starts over with each frame has to read again for each byte that follows


def hold_open(target, seconds, beginning, more, drop):
    """Two connections: a large first part of a header block, then `drop` every 5 ms."""
    until, peers, figures = time.monotonic() + seconds, [], {"connections": 0, "refused": 0, "small_frames": 0}
    while time.monotonic() < until:
        try:
            while len(peers) < 2:
                peer = kit.Peer(target.port)
                figures["connections"] += 1
                peers.append(peer)
                peer.send(kit.frame(kit.HEADERS, 0, 1, peer.request(kit.GET_CONFIG) + beginning))
                for _ in range(FIRST_MB * 64):
                    peer.send(kit.frame(kit.CONTINUATION, 0, 1, more))
            for peer in peers:
                peer.send(kit.frame(kit.CONTINUATION, 0, 1, drop))
            figures["small_frames"] += len(peers)
        except OSError:
            figures["refused"] += 1
        peers = [p for p in peers if p.is_open()]
        time.sleep(0.005)
    return figures


def integer(target, seconds):
    return hold_open(target, seconds, b"\x00\x7f", b"\x80" * 16384, b"\x80")


def string(target, seconds):
    return hold_open(
        target, seconds, b"\x00" + kit.hpack_integer(3, 7) + b"abc" + kit.hpack_integer(1 << 30, 7), b"v" * 16384, b"v"
    )


def continuation(target, seconds):
    field = b"\x00" + kit.hpack_integer(3, 7) + b"abc" + kit.hpack_integer(60, 7) + b"v" * 60
    return hold_open(target, seconds, b"", field * 200, field)


if __name__ == "__main__":
    kit.main(integer, string, continuation, goals=GOALS)
