# SPDX-License-Identifier: Apache-2.0
"""Talks to a language's driver, which reads and writes one JSON object per line."""

import contextlib
import json
import os
import pathlib
import queue
import signal
import subprocess
import tempfile
import threading

from programs import BIN, ROOT, clean_environment

START_SECONDS = 1200  # the driver may have to be built
ANSWER_SECONDS = 60  # much shorter than the retry delay in deadline/attempts


class DriverFailed(Exception):
    """The driver exited, sent nothing, or sent an invalid answer."""


class Driver:
    def __init__(self, command):
        command = ROOT / "client" / command
        if not command.exists():
            raise DriverFailed(f"{command.relative_to(ROOT)} does not exist")
        self._errors = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self._process = subprocess.Popen(
            [command], cwd=command.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            encoding="utf-8", errors="replace", start_new_session=True, env=clean_environment(QCONFIG_BIN=str(BIN)),
        )
        self._lines = queue.Queue()
        self._awaited = 0  # number of answers
        threading.Thread(target=self._read, daemon=True).start()
        self.send({"op": "connect", "server": "127.0.0.1:1"})
        self.receive(START_SECONDS)

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    @property
    def ended(self):
        return self._process.poll() is not None

    def _fail(self, problem):
        log = pathlib.Path(self._errors.name).read_text(errors="replace")[-4000:]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # also kills a build that it started
        self._process.wait()
        raise DriverFailed(f"{problem}; the end of its standard error:\n{log}")

    def send(self, operation):
        self._awaited += 1
        try:
            self._process.stdin.write(json.dumps(operation) + "\n")
            self._process.stdin.flush()
        except OSError:
            self._fail("the driver exited")

    def receive(self, seconds=ANSWER_SECONDS):
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            self._fail(f"the driver sent nothing for {seconds} s")
        self._awaited -= 1
        if line is None:
            self._fail(f"the driver exited with {self._exit_code('closing its output')}")
        try:
            answer = json.loads(line)
        except ValueError:
            self._fail(f"the driver wrote a line that is not JSON: {line[:400]}")
        if not isinstance(answer, dict):
            self._fail(f"the driver wrote a line that is not a JSON object: {line[:400]}")
        return answer

    def _exit_code(self, when):
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._fail(f"the driver did not exit after {when}")

    def settle(self):
        """Discards answers that no step has read."""
        while self._awaited > 0 and not self.ended:
            self.receive()

    def close(self):
        """Closes the driver's input, after which it must exit with 0."""
        if self._process.poll() is None:
            self._process.stdin.close()
            code = self._exit_code("the end of its input")
            if code != 0:
                self._fail(f"the driver exited with {code} after the end of its input")
        self._errors.close()
