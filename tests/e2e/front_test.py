# SPDX-License-Identifier: Apache-2.0
"""The front of the manual: HAProxy with deploy/haproxy/haproxy.cfg before a qconfigd on loopback."""

import os
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import unittest

from certificates import issue
from containers import free_port
from programs import ROOT, Server, qconfigctl, skip_without

CONFIG = ROOT / "deploy/haproxy/haproxy.cfg"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, SETTINGS, CONTINUATION = 1, 4, 9


def frame(kind, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, 0]) + struct.pack(">I", stream) + payload


class FrontTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="qconfig-front-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        for authority in ("authority", "callers"):
            issue(authority, folder=cls.folder)
        issue("server", "authority", folder=cls.folder)
        issue("me", "callers", folder=cls.folder)
        (cls.folder / "front.pem").write_text((cls.folder / "server.crt").read_text() + (cls.folder / "server.key").read_text())
        cls.server = cls.enterClassContext(Server("--storage", "memory"))
        cls.port = free_port()
        cls.address = f"127.0.0.1:{cls.port}"
        cls.front = cls.start_front()
        cls.addClassCleanup(cls.end_front)

    @classmethod
    def start_front(cls):
        # Shorter times, so that the test need not wait for long.
        text = re.sub(r"timeout (http-request|client) \d+s", r"timeout \1 2s", CONFIG.read_text())
        (cls.folder / "haproxy.cfg").write_text(text)
        environment = {
            **os.environ,
            "FRONT_LISTEN": cls.address,
            "FRONT_CERT": str(cls.folder / "front.pem"),
            "FRONT_CLIENT_CA": str(cls.folder / "callers.crt"),
            "FRONT_SERVER": cls.server.address,
            "FRONT_ADMIN_PORT": cls.server.admin.rpartition(":")[2],
        }
        with (cls.folder / "front.log").open("w") as log:
            front = subprocess.Popen([HAPROXY, "-db", "-f", cls.folder / "haproxy.cfg"], env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and front.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", cls.port), 1).close()
                return front
            except OSError:
                time.sleep(0.02)
        front.kill()
        raise AssertionError("the front did not start: " + (cls.folder / "front.log").read_text())

    @classmethod
    def end_front(cls):
        cls.front.kill()
        cls.front.wait()

    def ask(self, client="me"):
        certificate = ["--client-cert", self.folder / f"{client}.crt", "--client-key", self.folder / f"{client}.key"] if client else []
        return qconfigctl("get-config", "llama", "--scheme", "fp8", "--server", self.address, "--tls-ca", self.folder / "authority.crt", *certificate)

    def connect(self):
        context = ssl.create_default_context(cafile=self.folder / "authority.crt")
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(self.folder / "me.crt", self.folder / "me.key")
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def assert_is_closed(self, connection):
        connection.settimeout(20)
        try:
            while connection.recv(4096):
                pass
        except TimeoutError:
            self.fail("the front did not close the connection")
        except OSError:
            pass

    def test_passes_calls_of_clients_with_a_certificate(self):
        result = self.ask()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, qconfigctl("get-config", "llama", "--scheme", "fp8", server=self.server).stdout)
        self.assertNotEqual(self.ask(client=None).returncode, 0)

    def test_ends_headers_without_end(self):
        for beginning, more in (
            (b"\x00\x7f", b"\x80" * 16000),  # an integer
            (b"\x00\x03abc\x7f\x81\xff\xff\xff\x03", b"v" * 16000),  # a string
            (b"", (b"\x00\x03abc\x3c" + b"v" * 60) * 200),  # fields
        ):
            with self.subTest(beginning=beginning), self.connect() as connection:
                with self.assertRaises(OSError):
                    connection.sendall(PREFACE + frame(SETTINGS, 0) + frame(HEADERS, 1, beginning))
                    for _ in range(1000):
                        connection.sendall(frame(CONTINUATION, 1, more))
                self.assertEqual(self.ask().returncode, 0)

    def test_ends_silent_connections(self):
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain, self.connect() as encrypted, self.connect() as begun:
            begun.sendall(PREFACE + frame(SETTINGS, 0))
            for connection in (plain, encrypted, begun):
                self.assert_is_closed(connection)


if __name__ == "__main__":
    HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin") or "haproxy"
    skip_without(HAPROXY)
    unittest.main()
