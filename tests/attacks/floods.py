# SPDX-License-Identifier: Apache-2.0
"""Cheap frames as fast as one process can send them on four connections: pings, settings, empty data, streams that are
reset as soon as they are opened."""

import struct
import time

import kit

# One peer's frames may take the time of its own connections, not that of others: the common goals hold as they are.
GOALS = kit.GOALS
CONNECTIONS = 4


def flood(target, seconds, frames, beginning=lambda peer: b""):
    """Sends frames(peer, n) until the end, on new connections for those that the server closes."""
    until, peers, figures = time.monotonic() + seconds, [], {"sent_mb": 0, "connections": 0}
    sent = n = 0
    while time.monotonic() < until:
        try:
            while len(peers) < CONNECTIONS:
                peers.append(kit.Peer(target.port))
                peers[-1].send(beginning(peers[-1]))
                figures["connections"] += 1
            for peer in peers:
                data = frames(peer, n)
                peer.send(data)
                sent, n = sent + len(data), n + 1
        except OSError:
            time.sleep(0.01)
        peers = [peer for peer in peers if peer.is_open()]
    return {**figures, "sent_mb": sent >> 20}


def ping(target, seconds):
    return flood(target, seconds, lambda peer, n: kit.frame(kit.PING, 0, 0, b"12345678") * 200)


def settings(target, seconds):
    return flood(target, seconds, lambda peer, n: kit.frame(kit.SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)) * 200)


def empty_data(target, seconds):
    return flood(
        target,
        seconds,
        lambda peer, n: kit.frame(kit.DATA, 0, 1) * 200,
        lambda peer: kit.frame(kit.HEADERS, kit.END_HEADERS, 1, peer.request(kit.GET_CONFIG)),
    )


def rapid_reset(target, seconds):
    def frames(peer, n):
        out, first = b"", getattr(peer, "next_stream", 1)
        for stream in range(first, first + 100, 2):
            call = kit.config_request(tenant="greedy", model_type="llama", scheme=f"none{n}-{stream}")
            out += kit.frame(kit.HEADERS, kit.END_HEADERS, stream, peer.request(kit.GET_CONFIG))
            out += kit.frame(kit.DATA, kit.END_STREAM, stream, kit.message(call.SerializeToString())) + kit.frame(
                kit.RST, 0, stream, struct.pack(">I", 8)
            )
        peer.next_stream = first + 100
        return out

    return flood(target, seconds, frames)


if __name__ == "__main__":
    kit.main(ping, settings, empty_data, rapid_reset, goals=GOALS, seconds=10)
