# SPDX-License-Identifier: Apache-2.0
"""Runs the programs of this build for the end-to-end tests."""

import gzip
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("QCONFIG_BIN", ROOT / "build/release/bin"))


# Where qconfigd keeps registries if the test does not set it.
DATA = tempfile.TemporaryDirectory(prefix="qconfig-")


def clean_environment(**extra):
    """Returns the environment without variables that would configure the programs."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("QCONFIG_")}
    no_proxy = kept.get("no_proxy", kept.get("NO_PROXY", ""))
    return {**kept, "no_proxy": no_proxy + ",127.0.0.1,localhost", "XDG_DATA_HOME": DATA.name, **extra}


def server_environment(**extra):
    """Returns the environment of a server, with a free admin port."""
    return clean_environment(**{"QCONFIG_ADMIN_LISTEN": "127.0.0.1:0", **extra})


class Server:
    """A qconfigd on a free port with its own data directory. The constructor returns when it serves.

    `command` starts another program, or qconfigd under a tool that slows down its start.
    """

    def __init__(self, *arguments, command=(BIN / "qconfigd",), start_seconds=30, **environment):
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self.data = tempfile.TemporaryDirectory(prefix="qconfig-")
        listen = [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [*command, *listen, *arguments],
            stderr=self.log,
            env=server_environment(**{"QCONFIG_DATA_DIR": self.data.name, **environment}),
        )
        self.port = self._wait_for_port(time.monotonic() + start_seconds)
        self.address = f"127.0.0.1:{self.port}"
        admin = re.search(r"admin port on \S+ \(port (\d+)\)", self.text())
        self.admin = f"127.0.0.1:{admin.group(1)}" if admin else None

    def _wait_for_port(self, deadline):
        while self.process.poll() is None and time.monotonic() < deadline:
            found = re.search(r"listening on \S+ \(port (\d+)\)", self.text())
            if found:
                return int(found.group(1))
            try:
                self.process.wait(0.02)
            except subprocess.TimeoutExpired:
                pass
        self.process.kill()
        raise AssertionError("qconfigd did not start: " + self.text())

    def text(self):
        return pathlib.Path(self.log.name).read_text()

    def probe(self, path):
        """Returns the status and the text of the admin port's answer."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_for(self, path, *answers):
        """Repeats the probe until the answer is one of these."""
        deadline = time.monotonic() + 60
        while (answer := self.probe(path)) not in answers:
            if time.monotonic() > deadline:
                raise AssertionError(f"{path} still answers {answer}: {self.text()}")

    def end(self, signal=15):
        """Sends the signal and returns the exit code."""
        self.process.send_signal(signal)
        return self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.data.cleanup()


class ServerTestCase(unittest.TestCase):
    """Base class of tests that share one server."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()


def qconfigctl(*arguments, server=None, **environment):
    """Runs qconfigctl and returns the CompletedProcess."""
    where = ["--server", server.address] if server else []
    return subprocess.run(
        [BIN / "qconfigctl", *where, *(word if isinstance(word, bytes) else str(word) for word in arguments)],
        capture_output=True,
        text=True,
        env=clean_environment(**environment),
        timeout=60,
    )


def healthcheck(admin_listen, **environment):
    return subprocess.run(
        [BIN / "qconfigd", "healthcheck", "--admin-listen", admin_listen],
        capture_output=True,
        text=True,
        env=server_environment(**environment),
        timeout=30,
    )


def call(server, path, message=b""):
    """Calls a method without checking the health service first, as qconfigctl does, and returns the bytes of the answer."""

    def frame(kind, flags, stream, payload):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": server.address,
        "content-type": "application/grpc",
        "te": "trailers",
    }
    headers = b"".join(
        bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode() for name, value in fields.items()
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + frame(4, 0, 0, b"")  # SETTINGS
            + frame(1, 4, 1, headers)  # HEADERS
            + frame(0, 1, 1, b"\0" + len(message).to_bytes(4, "big") + message)  # DATA
        )
        answer = b""
        frames = connection.makefile("rb")
        while head := frames.read(9):
            payload = frames.read(int.from_bytes(head[:3], "big"))
            answer += payload if head[3] == 0 else b""
            if head[8] == 1 and head[4] & 1:
                return answer[5:]
    raise AssertionError("the connection ended before the answer")


def golden_cases(name):
    """Returns the cases of one golden file."""
    with gzip.open(ROOT / f"tests/golden/quark-0.12.post1/{name}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def skip_without(path):
    """Exits as skipped if a tool is missing; in CI, exits as failed."""
    if not pathlib.Path(path).exists():
        print(f"{'missing' if os.environ.get('CI') else 'skipped: no'} {path}", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") else 77)
