# SPDX-License-Identifier: Apache-2.0
"""/readyz and the health service say whether calls succeed, and that they do again after the cause is gone."""

import resource
import sqlite3
import subprocess
import time
import unittest

from programs import BIN, call, healthcheck, qconfigctl, server_environment
from registries import RegistryTestCase

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
SERVICES = ("", "qconfig.v1.ConfigService", "qconfig.v1.RegistryService")


class ReadinessTest(RegistryTestCase):
    def ready_server(self, *arguments):
        server = self.serve(*arguments)
        server.wait_for("/readyz", (200, "ok\n"))
        return server

    def health(self, server):
        requests = [b"\x0a" + bytes([len(name)]) + name.encode() if name else b"" for name in SERVICES]
        return [call(server, "/grpc.health.v1.Health/Check", request) for request in requests]

    def wait_for_health(self, server, *expected):
        """The health service follows /readyz in a moment."""
        end = time.monotonic() + 30
        while (health := self.health(server)) != list(expected):
            self.assertLess(time.monotonic(), end, f"{health}\n{server.text()}")
            time.sleep(0.02)

    def wait_for_status(self, server, status):
        """Waits until /readyz has the status, and returns its text. Usually takes a second."""
        end = time.monotonic() + 30
        while (answer := server.probe("/readyz"))[0] != status:
            self.assertLess(time.monotonic(), end, f"{answer}\n{server.text()}")
            time.sleep(0.02)
        return answer[1]

    def wait_for_log(self, server, expected):
        """The log follows /readyz in a moment."""
        end = time.monotonic() + 30
        while expected not in server.text():
            self.assertLess(time.monotonic(), end, server.text())
            time.sleep(0.02)

    def check_writes_fail(self, server, text):
        """Only writes fail, and no text names a file."""
        body = self.wait_for_status(server, 503)
        self.assertRegex(body, "^writes: " + text)
        self.assertTrue(body.endswith("; ok: reads, calls\n"), body)
        self.assertNotIn(str(self.folder), body)
        self.assertEqual(server.probe("/readyz/writes")[0], 503)
        for path in ("/readyz/reads", "/readyz/calls", "/livez"):
            self.assertEqual(server.probe(path), (200, "ok\n"), path)
        self.wait_for_health(server, SERVING, SERVING, NOT_SERVING)
        self.assertEqual(healthcheck(server.admin).returncode, 0, "the server still serves reads")
        self.wait_for_log(server, '"level":"error","msg":"self-check fails","check":"writes","error":"')
        self.assertRegex(server.text(), '"check":"writes","error":"' + text)

    def check_recovers(self, server):
        self.wait_for_status(server, 200)
        self.wait_for_health(server, SERVING, SERVING, SERVING)

    def test_moved_file(self):
        server = self.ready_server()
        moved = self.file.with_name("moved")
        self.file.rename(moved)
        self.check_writes_fail(server, "STORAGE_UNAVAILABLE: the registry's database was moved")
        moved.rename(self.file)
        self.check_recovers(server)

    def test_stuck_writes(self):
        server = self.ready_server()
        other = sqlite3.connect(self.file, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        self.check_writes_fail(server, r"no answer for \d{4} ms")
        other.execute("ROLLBACK")
        self.check_recovers(server)

    def test_full_disk(self):
        server = self.ready_server()
        self.register(server, "first")
        hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
        log = self.file.with_name("registry.db-wal").stat().st_size  # cannot grow, unlike smaller files
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (log, hard))
        rejected = qconfigctl("register", "scheme", "--name", "s", "-f", self.scheme_file, server=server)
        self.assertIn("STORAGE_FULL", rejected.stderr)
        self.check_writes_fail(server, "STORAGE_FULL: ")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.check_recovers(server)
        self.register(server, "s")

    def test_overload(self):
        server = self.ready_server("--max-in-flight", "1")
        get = ("get-config", "llama", "--scheme", "fp8")
        answer = self.run_ok(server, *get)
        waiting = subprocess.Popen(
            [BIN / "qconfigctl", "--server", server.address, "--timeout-seconds", "60", *get, "--min-revision", "2"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=server_environment(),
        )
        self.addCleanup(waiting.wait)
        self.addCleanup(waiting.kill)
        # Waits first for the only place to be taken.
        end = time.monotonic() + 30
        while "qconfig_waiting_calls 1\n" not in server.probe("/metrics")[1]:
            self.assertLess(time.monotonic(), end, server.text())
        body = self.wait_for_status(server, 503)
        self.assertRegex(body, "^calls: OVERLOADED: .*; ok: reads, writes\n$")
        self.assertEqual(server.probe("/readyz/reads"), (200, "ok\n"))
        self.assertEqual(self.health(server), [SERVING] * 3, "clients with cached requests must not go away")
        self.assertEqual(self.run_ok(server, *get), answer)
        self.wait_for_log(server, '"level":"warn","msg":"self-check fails","check":"calls"')
        self.assertNotIn('"level":"error"', server.text())
        waiting.kill()
        self.check_recovers(server)

    def test_metrics_of_the_checks(self):
        server = self.ready_server()
        self.file.unlink()
        self.wait_for_status(server, 503)
        metrics = server.probe("/metrics")[1]
        self.assertIn("qconfig_ready 0\n", metrics)
        self.assertIn('qconfig_self_check_ok{check="writes"} 0\n', metrics)
        self.assertIn('qconfig_self_check_ok{check="reads"} 1\n', metrics)
        self.assertRegex(metrics, r'qconfig_self_check_failures_total\{check="writes"\} [1-9]')
        self.assertRegex(metrics, r'qconfig_self_check_seconds\{check="calls"\} [0-9]')
        # The server's own calls are not calls of clients.
        self.assertIn('grpc_server_started_total{grpc_method="GetConfig",grpc_service="qconfig.v1.ConfigService",', metrics)
        self.assertNotIn("qconfig-self-check", metrics + server.text())


if __name__ == "__main__":
    unittest.main()
