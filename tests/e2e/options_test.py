# SPDX-License-Identifier: Apache-2.0
"""Options take effect: limits reject requests, connections are pinged and closed, the log has its level."""

import json
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

from programs import BIN, Server, qconfigctl, server_environment

SCHEME = json.dumps({"name": "mine", "weight": {"spec": "Int4PerGroupSpec", "fields": {"ch_axis": -1, "group_size": 48}}})
TEMPLATE = json.dumps({"model_type": "mine", "kv_layers_name": ["*k_proj"], "exclude_layers_name": ["lm_head"]})
GET = ("get-config", "llama", "--scheme", "fp8")
PING, GOAWAY = 6, 7


class LimitsTest(unittest.TestCase):
    def rejected(self, option, value, *command, text=None):
        """The error that qconfigctl prints if the server has this limit."""
        with Server(option, value) as server, tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(text or "")
            file.flush()
            words = [file.name if word == "FILE" else word for word in command]
            first = qconfigctl(*words, server=server)
            if first.returncode == 0:
                file.seek(0)
                file.write(text.replace('"mine"', '"more"'))
                file.flush()
                first = qconfigctl(*words, server=server)
            self.assertEqual(first.returncode, 1, first.stdout)
            return first.stderr

    def test_each_limit_rejects(self):
        for option, value, reason, *command in (
            ("--max-message-bytes", "10", "MESSAGE_TOO_LARGE", *GET),
            ("--max-answer-bytes", "10", "ANSWER_TOO_LARGE", *GET),
        ):
            with self.subTest(option):
                self.assertIn(reason, self.rejected(option, value, *command))

    def test_each_quota_rejects(self):
        for option, value, kind, text in (
            ("--max-tenant-entries", "1", "scheme", SCHEME),
            ("--max-tenant-entries", "1", "template", TEMPLATE),
            ("--max-tenant-bytes", "10", "scheme", SCHEME),
        ):
            with self.subTest(option, kind=kind):
                error = self.rejected(option, value, "register", kind, "-f", "FILE", text=text)
                self.assertIn("QUOTA_EXCEEDED", error)


class ConnectionTest(unittest.TestCase):
    def wait_for_frame(self, server, wanted):
        """Opens an HTTP/2 connection, sends nothing more, and reads until a frame of the wanted type arrives."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
            stream = connection.makefile("rb")
            kind = None
            while kind != wanted:
                header = stream.read(9)
                self.assertEqual(len(header), 9, "the server closed the connection without the frame")
                kind = header[3]
                stream.read(int.from_bytes(header[:3], "big"))

    def test_silent_connections_are_pinged(self):
        with Server("--keepalive-seconds", "10", "--max-connection-age-seconds", "0") as server:
            self.wait_for_frame(server, PING)

    def test_old_connections_get_goaway(self):
        with Server("--max-connection-age-seconds", "1") as server:
            self.wait_for_frame(server, GOAWAY)


class LogLevelTest(unittest.TestCase):
    def test_lines_below_the_level_are_not_written(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "socket")
            process = subprocess.Popen(
                [BIN / "qconfigd", "--listen", f"unix:{path}", "--storage", "memory", "--log-level", "error"],
                stderr=subprocess.PIPE,
                env=server_environment(),
            )
            self.addCleanup(process.kill)
            end = time.monotonic() + 30
            while qconfigctl("list", "catalogs", "--server", f"unix:{path}").returncode != 0:
                self.assertLess(time.monotonic(), end, "the server does not answer")
            process.terminate()
            self.assertEqual(process.communicate(timeout=30)[1], b"")
            self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
