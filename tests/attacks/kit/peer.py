# SPDX-License-Identifier: Apache-2.0
"""A raw HTTP/2 connection without manners."""

import socket
import ssl
import struct


DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
GET_CONFIG = "/qconfig.v1.ConfigService/GetConfig"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def hpack_integer(number, prefix, first=0):
    """RFC 7541, 5.1."""
    most = (1 << prefix) - 1
    if number < most:
        return bytes([first | number])
    out, number = [first | most], number - most
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def message(body):
    return b"\0" + struct.pack(">I", len(body)) + body


class Peer:
    """One connection without manners: it sends what it is told to, and opens no window for what comes back."""

    def __init__(self, port, timeout=5.0, tls=None):
        import hpack

        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.encoder, self.buffer, self.window, self.initial, self.windows = hpack.Encoder(), b"", 65535, 65535, {}
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0))

    def send(self, data):
        self.socket.sendall(data)

    def request(self, path, extra=()):
        """The header block of a gRPC call."""
        return self.encoder.encode(
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":path", path),
                (":authority", "localhost"),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                *extra,
            ]
        )

    def open(self, stream, path, end_stream=False):
        self.windows[stream] = self.initial
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end_stream else 0), stream, self.request(path)))

    def body(self, stream, payload, end_stream=True):
        """Sends as the windows allow it."""
        at = 0
        while at < len(payload):
            size = min(16384, len(payload) - at, self.window, self.windows[stream])
            if size > 0:
                self.send(frame(DATA, 0, stream, payload[at : at + size]))
                at, self.window = at + size, self.window - size
                self.windows[stream] -= size
            else:
                self.read()
        if end_stream:
            self.send(frame(DATA, END_STREAM, stream))

    def read(self):
        """Takes what has come, for the sake of windows; raises OSError when the server has closed."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        self.buffer += data
        while len(self.buffer) >= 9 and len(self.buffer) >= 9 + int.from_bytes(self.buffer[:3], "big"):
            size, kind, flags, stream = (
                int.from_bytes(self.buffer[:3], "big"),
                self.buffer[3],
                self.buffer[4],
                int.from_bytes(self.buffer[5:9], "big"),
            )
            payload, self.buffer = self.buffer[9 : 9 + size], self.buffer[9 + size :]
            if kind == WINDOW and not stream:
                self.window += int.from_bytes(payload, "big")
            elif kind == WINDOW and stream in self.windows:
                self.windows[stream] += int.from_bytes(payload, "big")
            elif kind == PING and not flags:
                self.send(frame(PING, ACK, 0, payload))
            elif kind == SETTINGS and not flags:
                for key, value in struct.iter_unpack(">HI", payload):
                    if key == 4:
                        for s in self.windows:
                            self.windows[s] += value - self.initial
                        self.initial = value
                self.send(frame(SETTINGS, ACK, 0))

    def is_open(self):
        """Throws away what has come, without waiting."""
        self.socket.setblocking(False)
        try:
            while self.socket.recv(1 << 16):
                pass
            return False
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        finally:
            self.socket.settimeout(5)

    def close(self):
        self.socket.close()
