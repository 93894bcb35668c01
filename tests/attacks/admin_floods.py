# SPDX-License-Identifier: Apache-2.0
"""The port of probes and metrics: idle connections, half requests as fast as one process can, /metrics in a loop, garbage."""

import collections
import http.client
import os
import socket
import time

import kit

# A supervisor restarts a server whose probe is not answered within a second, so /readyz is an honest call here, too.
GOALS = kit.GOALS
KINDS = [*kit.KINDS, "readyz"]


def connections(target, seconds, most, data, pause=0.0):
    """New connections that send `data` and are left open, the last `most` of them."""
    until, sockets, made = time.monotonic() + seconds, collections.deque(), 0
    while time.monotonic() < until:
        try:
            sockets.append(socket.create_connection(("127.0.0.1", target.admin), 1))
            sockets[-1].send(data)
            made += 1
        except OSError:
            time.sleep(0.01)
        if len(sockets) > most:
            sockets.popleft().close()
        time.sleep(pause)
    return {"connections": made}


def idle(target, seconds):
    return connections(target, seconds, 500, b"", 0.002)


def half_requests(target, seconds):
    return connections(target, seconds, 200, b"GET /livez HT")


def metrics(target, seconds):
    until, scrapes = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", target.admin, timeout=2)
            connection.request("GET", "/metrics")
            connection.getresponse().read()
            connection.close()
            scrapes += 1
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
    return {"scrapes": scrapes}


def garbage(target, seconds):
    until, sent = time.monotonic() + seconds, 0
    bad = [
        bytes(20000),
        b"GET " + b"/" * 100000 + b" HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + b"A: b\r\n" * 100000,
        b"POST /livez HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
        os.urandom(5000),
    ]
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", target.admin), 0.5) as s:
                s.sendall(bad[sent % len(bad)])
                s.recv(1000)
        except OSError:
            pass
        sent += 1
    return {"sent": sent}


if __name__ == "__main__":
    kit.main(idle, half_requests, metrics, garbage, goals=GOALS, kinds=KINDS)
