# SPDX-License-Identifier: Apache-2.0
"""A server for one attack."""

import collections
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


Target = collections.namedtuple("Target", "port admin pid data")


class Refused(Exception):
    """The server did not start, or did not become ready; the message is the end of its log."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# Becomes the server; a function to run between fork and exec is not safe in a process that has gRPC's threads.
LAUNCH = """import ctypes, json, os, resource, sys
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
for what, value in json.loads(sys.argv[1]): resource.setrlimit(what, (value, value))
os.execv(sys.argv[2], sys.argv[2:])"""


class Server:
    """One server on free ports with a data directory of its own. It dies with this process at the latest."""

    def __init__(self, binary, options=(), limits=None, environment=None, data=None):
        self.binary, self.options, self.limits, self.environment = binary, list(options), limits or {}, environment or {}
        self.directory = tempfile.mkdtemp(prefix="qconfig-attack-")
        self.data = data or os.path.join(self.directory, "data")
        os.makedirs(self.data, exist_ok=True)
        self.port, self.admin, self.process = free_port(), free_port(), None

    def __enter__(self):
        try:
            return self.start()
        except Refused:
            shutil.rmtree(self.directory, True)
            raise

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, True)

    def start(self, wait=20.0):
        options = [o if o.startswith("--") else "--" + o for o in self.options]
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-SEc",
                    LAUNCH,
                    json.dumps(list(self.limits.items())),
                    self.binary,
                    "--listen",
                    f"127.0.0.1:{self.port}",
                    "--admin-listen",
                    f"127.0.0.1:{self.admin}",
                    "--storage",
                    "sqlite",
                    "--data-dir",
                    self.data,
                    "--log-level",
                    "error",
                    "--log-format",
                    "json",
                    *options,
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
            )
        self.pid = self.process.pid
        deadline = time.monotonic() + wait
        while wait and not self.ready():
            if not self.alive() or time.monotonic() > deadline:
                self.kill()
                raise Refused(self.log_end())
            time.sleep(0.01)
        return self

    def target(self):
        return Target(self.port, self.admin, self.pid, self.data)

    def alive(self):
        return self.process.poll() is None

    def database(self, suffix=""):
        return os.path.join(self.data, "registry.db" + suffix)

    def ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=1)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def log_end(self, lines=2):
        """The messages at the end of the log."""

        def text(line):
            try:
                return json.loads(line)["msg"]
            except (ValueError, KeyError, TypeError):
                return line.strip()

        with open(os.path.join(self.directory, "log"), errors="replace") as log:
            return "; ".join(text(line)[:200] for line in collections.deque(log, lines))

    def memory(self, field="VmRSS"):
        """MB; field VmHWM: the most since forget_peak()."""
        try:
            with open(f"/proc/{self.pid}/status") as status:
                return next((int(line.split()[1]) / 1e3 for line in status if line.startswith(field)), 0.0)
        except OSError:
            return 0.0

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w") as f:
            f.write("5")

    def stop(self, wait=15):
        if self.process and self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(wait)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
