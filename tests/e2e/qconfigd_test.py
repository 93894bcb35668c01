# SPDX-License-Identifier: Apache-2.0
"""Tests how qconfigd starts and exits."""

import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import unittest

from programs import BIN, Server, qconfigctl, server_environment


def start_and_fail(*arguments, **environment):
    return subprocess.run(
        [BIN / "qconfigd", *arguments], capture_output=True, text=True, env=server_environment(**environment), timeout=30
    )


class QconfigdTest(unittest.TestCase):
    def test_sigterm_and_sigint_exit_0(self):
        for signal, name in ((15, "SIGTERM"), (2, "SIGINT")):
            with Server() as server:
                self.assertEqual(qconfigctl("list", "catalogs", server=server).returncode, 0)
                self.assertEqual(server.end(signal), 0)
                self.assertIn(f'"msg":"shutting down","cause":"{name}"', server.text())

    def test_invalid_options_exit_2_with_a_message(self):
        for arguments in (["--storage", "paper"], ["--max-in-flight", "0"], ["--nonsense"], ["--log-level", "loud"]):
            result = start_and_fail(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(arguments[0].lstrip("-"), result.stderr)

    def test_invalid_environment_exits_2(self):
        self.assertEqual(start_and_fail(QCONFIG_STORAGE="paper").returncode, 2)

    def test_non_loopback_addresses_need_insecure(self):
        result = start_and_fail("--listen", "0.0.0.0:0")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--insecure", result.stderr)

    def test_port_in_use_exits_1(self):
        with Server() as server:
            result = start_and_fail("--listen", server.address)
            self.assertEqual(result.returncode, 1)
            self.assertIn("cannot listen on " + server.address, result.stderr)

    def test_limits_can_be_set_by_options(self):
        with Server("--max-message-bytes", "30", QCONFIG_MAX_ANSWER_BYTES="100") as server:
            result = qconfigctl("get-config", "llama", "--scheme", "fp8", "--layer", "a=fp8", "--layer", "b=fp8", server=server)
            self.assertIn("MESSAGE_TOO_LARGE", result.stderr)
            result = qconfigctl("get-config", "llama", "--scheme", "int4_wo_128", server=server)
            self.assertIn("ANSWER_TOO_LARGE", result.stderr)

    def test_malformed_bytes_add_no_noise_to_the_log(self):
        with Server() as server:
            result = qconfigctl("get-config", b"\xff", "--scheme", "fp8", server=server)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("not UTF-8", result.stderr)
            self.assertEqual(server.end(), 0)
            for line in server.text().split("\n")[:-1]:
                self.assertEqual(list(json.loads(line))[:3], ["time", "level", "msg"], line)

    def test_json_log_names_rejected_calls(self):
        with Server("--log-sample", "0") as server:
            qconfigctl("get-config", "llama", "--scheme", "fp8", server=server)
            qconfigctl("get-config", "llama", "--scheme", "secret", "--tenant", "team-7", server=server)
            self.assertEqual(server.end(), 0)
            self.assertNotIn("secret", server.text())
            lines = [json.loads(line) for line in server.text().splitlines()]
            (call,) = [line for line in lines if line["msg"] == "call"]
            self.assertEqual(
                (call["method"], call["tenant"], call["code"], call["reason"], call["field"]),
                ("qconfig.v1.ConfigService/GetConfig", "team-7", "NOT_FOUND", "SCHEME_NOT_FOUND", "spec.scheme"),
            )

    def test_log_format_text(self):
        with Server("--log-format", "text", "--log-sample", "1") as server:
            qconfigctl("list", "catalogs", server=server)
            self.assertEqual(server.end(), 0)
            for line in server.text().splitlines():
                self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \[qconfigd\] \[info\] ")
            self.assertRegex(server.text(), r"call method=\S+ListCatalogs tenant=default code=OK reason= latency_us=\d+ ")

    def test_log_is_text_on_a_terminal(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen(
            [BIN / "qconfigd", "--listen", "127.0.0.1:0"], stderr=theirs, env=server_environment(TERM="dumb")
        )
        os.close(theirs)
        self.addCleanup(process.kill)
        self.assertRegex(self.read_until_it_listens(ours), r"Z \[qconfigd\] \[.*info.*\] qconfigd \S+ listening on ")
        process.terminate()
        self.assertEqual(process.wait(30), 0)

    def start_with_pipe(self):
        """Returns a server whose log goes into a pipe, the pipe's reading end, and the server's address."""
        read_end, write_end = os.pipe()
        process = subprocess.Popen(
            [BIN / "qconfigd", "--listen", "127.0.0.1:0"],
            stderr=write_end,
            env=server_environment(),
            preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL),
        )
        os.close(write_end)
        self.addCleanup(process.kill)
        port = re.search(r"listening on \S+ \(port (\d+)\)", self.read_until_it_listens(read_end)).group(1)
        return process, read_end, f"127.0.0.1:{port}"

    def read_until_it_listens(self, log):
        text = ""
        while not re.search(r"listening on \S+ \(port \d+\)", text):
            read = os.read(log, 1000).decode()
            self.assertTrue(read, text)
            text += read
        return text

    def make_rejected_call(self, address):
        """Makes a call that the server rejects and therefore logs."""
        result = qconfigctl("describe", "template", "nope", "--server", address)
        self.assertEqual(result.returncode, 1, result.stderr)

    def test_survives_a_closed_log_pipe(self):
        process, read_end, address = self.start_with_pipe()
        os.close(read_end)
        for _ in range(3):
            self.make_rejected_call(address)
        process.terminate()
        self.assertEqual(process.wait(30), 0)

    def test_serves_and_exits_with_a_full_log_pipe(self):
        process, read_end, address = self.start_with_pipe()
        fcntl.fcntl(read_end, 1031, 4096)  # F_SETPIPE_SZ
        for _ in range(40):
            self.make_rejected_call(address)
        process.terminate()
        self.assertEqual(process.wait(30), 0)
        os.close(read_end)

    def test_version_and_help(self):
        self.assertRegex(start_and_fail("--version").stdout, r"^\d+\.\d+\.\d+\n$")
        self.assertIn("QCONFIG_LISTEN", start_and_fail("--help").stdout)


if __name__ == "__main__":
    unittest.main()
