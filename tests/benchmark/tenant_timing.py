#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures whether the time of a call says if a tenant exists, to callers with and without a role for it.

Calls for an existing tenant and for a missing one alternate at random, each with the same size. A second series of calls
for the existing tenant shows by how much two medians differ that measure the same.
"""

import argparse
import hashlib
import random
import socket
import statistics
import struct
import tempfile
import time

from first_answer import DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, frame, receive
from servers import GET_CONFIG, Server, field, llama_fp8

SETTINGS_ACK, PING, WINDOW_UPDATE = 1, 6, 8
LIST_CHANGES = "/qconfig.v1.RegistryService/ListChanges"
REGISTER_TEMPLATE = "/qconfig.v1.RegistryService/RegisterTemplate"
TENANTS = {"existing": "vault-1", "existing again": "vault-1", "missing": "nowhere"}
TOKENS = {"denied": "reader", "operator": "operator"}


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


POLICY = f"""version: 1
principals:
  reader: {{tokens: [{{sha256: {digest("reader")}}}], grants: [{{role: reader, tenants: [acme, "acme-*"]}}]}}
  operator: {{tokens: [{{sha256: {digest("operator")}}}], role: operator}}
"""


def text(value):
    """Returns a string in HPACK, of up to 126 bytes."""
    return bytes([len(value)]) + value.encode()


class Connection:
    """A connection that makes one call at a time."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b""))
        self.stream = -1

    def call(self, method, token, request):
        """Returns the time until the call has ended, in microseconds, and whether it returned a message."""
        self.stream += 2
        post, http, path, authority, content_type, new_name = b"\x83", b"\x86", b"\x04", b"\x01", b"\x0f\x10", b"\x00"
        headers = (
            *(post, http, path, text(method), authority, text("localhost")),
            *(content_type, text("application/grpc"), new_name, text("te"), text("trailers")),
            *(new_name, text("authorization"), text(f"Bearer {token}")),
        )
        message = struct.pack(">BI", 0, len(request)) + request
        sent = frame(HEADERS, END_HEADERS, self.stream, b"".join(headers)) + frame(DATA, END_STREAM, self.stream, message)
        start = time.perf_counter()
        self.socket.sendall(sent)
        received = 0
        while True:
            header = receive(self.socket, 9)
            payload = receive(self.socket, int.from_bytes(header[:3], "big"))
            kind, flags, stream = header[3], header[4], int.from_bytes(header[5:], "big")
            if kind == SETTINGS and not flags & SETTINGS_ACK:
                self.socket.sendall(frame(SETTINGS, SETTINGS_ACK, 0, b""))
            elif kind == PING and not flags & SETTINGS_ACK:
                self.socket.sendall(frame(PING, SETTINGS_ACK, 0, payload))
            elif kind == DATA:
                received += len(payload)
            if stream == self.stream and flags & END_STREAM and kind in (DATA, HEADERS):
                break
        elapsed = (time.perf_counter() - start) * 1e6
        if received:
            self.socket.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", received)))
        return elapsed, received > 0


def measure(connection, method, rest, count):
    """Returns the median times by caller and tenant."""
    times = {(caller, tenant): [] for caller in TOKENS for tenant in TENANTS}
    series = list(times)
    for number in range(count + count // 10):
        random.shuffle(series)
        for caller, tenant in series:
            elapsed, answered = connection.call(method, TOKENS[caller], field(1, TENANTS[tenant]) + rest)
            if answered != (caller == "operator"):
                raise RuntimeError(f"{method} as {caller} for the {tenant} tenant: answered is {answered}")
            if number >= count // 10:
                times[caller, tenant].append(elapsed)
    return {key: statistics.median(values) for key, values in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000, help="calls of each series")
    calls = parser.parse_args().calls
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as policy:
        policy.write(POLICY)
        policy.flush()
        with Server("--auth-policy", policy.name) as server:
            connection = Connection(server.address)
            template = field(2, field(1, "mine"))
            _, stored = connection.call(REGISTER_TEMPLATE, "operator", field(1, TENANTS["existing"]) + template)
            if not stored:
                raise RuntimeError("the tenant could not be created")
            print(f"medians of {calls} calls, in microseconds")
            print(f"{'method':<12} {'caller':<9} {'existing':>9} {'missing':>9} {'difference':>11} {'A/A difference':>15}")
            for method, rest in ((GET_CONFIG, llama_fp8()), (LIST_CHANGES, b"")):
                medians = measure(connection, method, rest, calls)
                for caller in TOKENS:
                    existing, again, missing = (medians[caller, tenant] for tenant in TENANTS)
                    name = method.rsplit("/", 1)[1]
                    print(f"{name:<12} {caller:<9} {existing:9.1f} {missing:9.1f} {missing - existing:+11.1f} {again - existing:+15.1f}")


if __name__ == "__main__":
    main()
