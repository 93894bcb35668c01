# SPDX-License-Identifier: Apache-2.0
"""Measures the time from starting qconfigd to its first answer over gRPC."""

import socket
import struct
import tempfile
import time

from servers import start_with_defaults

DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def text(value):
    return bytes([len(value)]) + value.encode()


def call(method, request):
    """Returns the bytes of a connection with one gRPC call. Header fields are indices into HPACK's static table."""
    post, http, path, authority, content_type, new_name = b"\x83", b"\x86", b"\x04", b"\x01", b"\x0f\x10", b"\x00"
    headers = (
        *(post, http, path, text(method), authority, text("localhost")),
        *(content_type, text("application/grpc"), new_name, text("te"), text("trailers")),
    )
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(SETTINGS, 0, 0, b"")
        + frame(HEADERS, END_HEADERS, 1, b"".join(headers))
        + frame(DATA, END_STREAM, 1, struct.pack(">BI", 0, len(request)) + request)
    )


def receive(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise RuntimeError("the server closed the connection")
        data += part
    return data


def wait_for_answer(connection):
    """Returns when the first bytes of the answer's message have arrived."""
    while True:
        header = receive(connection, 9)
        payload = receive(connection, int.from_bytes(header[:3], "big"))
        stream = int.from_bytes(header[5:], "big")
        if stream == 1 and header[3] == DATA and payload:
            return
        if stream == 1 and header[4] & END_STREAM:
            raise RuntimeError("the call failed")


def connect(port, deadline):
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.0002)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def milliseconds_to_first_answer(method, request, count):
    """Returns the times of `count` consecutive starts with the default options on the same data directory."""
    times = []
    with tempfile.TemporaryDirectory(prefix="qconfig-") as data:
        for _ in range(count):
            port = free_port()
            bytes_of_call = call(method, request)
            start = time.monotonic()
            process = start_with_defaults(port, data)
            try:
                with connect(port, start + 30) as connection:
                    connection.sendall(bytes_of_call)
                    wait_for_answer(connection)
                    times.append((time.monotonic() - start) * 1e3)
            finally:
                process.terminate()
                process.wait()
    return times
