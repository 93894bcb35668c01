# SPDX-License-Identifier: Apache-2.0
"""One connection asks for large answers (28 MB for a request of 170 KB) and reads none of them."""

import time

import kit

# What one connection leaves unread may slow that connection down and nobody else: the common goals hold as they are.
GOALS = kit.GOALS
ANSWERS = 16


def unread(target, seconds):
    until, asked = time.monotonic() + seconds, 0
    body = kit.message(kit.overrides("greedy", json_forms=True).SerializeToString())
    peer = kit.Peer(target.port, timeout=seconds)
    try:
        for stream in range(1, 2 * ANSWERS, 2):
            peer.open(stream, kit.GET_CONFIG)
            peer.body(stream, body)
            asked += 1
        while time.monotonic() < until and peer.is_open():
            time.sleep(0.1)
    except OSError:
        pass
    return {"asked": asked, "closed_by_server": not peer.is_open()}


if __name__ == "__main__":
    kit.main(unread, goals=GOALS)
