# SPDX-License-Identifier: Apache-2.0
"""How qconfigd says that it is ready, and how it ends while calls run."""

import contextlib
import json
import pathlib
import signal
import socket
import sqlite3
import subprocess
import threading
import unittest

from programs import BIN, Server, qconfigctl, server_environment


def healthcheck(admin_listen, **environment):
    return subprocess.run(
        [BIN / "qconfigd", "healthcheck", "--admin-listen", admin_listen],
        capture_output=True,
        text=True,
        env=server_environment(**environment),
        timeout=30,
    )


class LifecycleTest(unittest.TestCase):
    def serve(self, *arguments):
        """A server, and a lock on its file that makes writes wait for as long as it is held."""
        server = Server(*arguments)
        self.addCleanup(server.__exit__)
        return server

    @contextlib.contextmanager
    def running_write(self, server):
        """A write that runs until the block is left, or five seconds."""
        file = pathlib.Path(server.data.name) / "registry.db"
        lock = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        lock.execute("BEGIN IMMEDIATE")
        entry = pathlib.Path(server.data.name) / "mine.textproto"
        entry.write_text('name: "mine" config {}')
        results = []
        writer = threading.Thread(
            target=lambda: results.append(qconfigctl("register", "scheme", "--file", entry, server=server))
        )
        writer.start()
        self.wait_for_metric(server, "qconfig_in_flight_calls", 1)
        try:
            yield results
        finally:
            lock.execute("ROLLBACK")
            lock.close()
            writer.join()

    def wait_for_metric(self, server, name, value):
        for _ in range(10_000):
            if f"\n{name} {value}\n" in server.probe("/metrics")[1]:
                return
        self.fail(f"{name} does not become {value}")

    def test_probes_of_a_server_that_is_ready(self):
        server = self.serve()
        self.assertEqual(server.probe("/livez"), (200, "ok\n"))
        server.wait_for("/readyz", (200, "ok\n"))
        version = json.loads(server.probe("/version")[1])
        self.assertEqual(set(version), {"version", "grpc", "catalogs"})
        self.assertRegex(version["catalogs"][0]["digest"], "^[0-9a-f]{64}$")
        self.assertEqual(server.probe("/")[0], 404)

    def test_not_ready_in_the_delay_while_calls_are_answered(self):
        server = self.serve("--shutdown-delay-seconds", "3600")
        server.wait_for("/readyz", (200, "ok\n"))
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("/readyz", (503, "draining\n"))
        self.assertEqual(server.probe("/livez"), (200, "ok\n"))
        self.assertEqual(qconfigctl("list", "catalogs", server=server).returncode, 0)
        result = healthcheck(server.admin)
        self.assertEqual(result.returncode, 1)
        self.assertIn("not ready: draining", result.stderr)
        self.assertEqual(server.end(signal.SIGINT), 0, "a second signal ends it at once, and no call ran")

    def test_calls_that_finish_in_the_grace_time_are_waited_for(self):
        server = self.serve("--shutdown-grace-seconds", "60")
        with self.running_write(server) as results:
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("/readyz", (503, "draining\n"))
            self.assertEqual(results, [])
        self.assertEqual(results[0].returncode, 0, results[0].stderr)
        self.assertEqual(server.process.wait(30), 0, server.text())
        self.assertIn("ended, every call finished", server.text())

    def test_calls_that_outlast_the_grace_time_are_cancelled(self):
        server = self.serve("--shutdown-grace-seconds", "0")
        with self.running_write(server) as results:
            self.assertEqual(server.end(), 3, server.text())
        self.assertNotEqual(results[0].returncode, 0)
        self.assertRegex(server.text(), "1 calls were cancelled|ending at once, 1 calls run")

    def test_second_signal_ends_at_once_while_a_call_runs(self):
        server = self.serve("--shutdown-grace-seconds", "3600")
        with self.running_write(server):
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("/readyz", (503, "draining\n"))
            self.assertEqual(server.end(), 3, server.text())
            self.assertIn("ending at once, 1 calls run", server.text())

    def test_health_check_says_why_it_fails(self):
        server = self.serve()
        server.wait_for("/readyz", (200, "ok\n"))
        # What the server's own environment has must not matter, even if the server would not start with it.
        result = healthcheck(server.admin.replace("127.0.0.1", "0.0.0.0"), QCONFIG_LISTEN="0.0.0.0:1")
        self.assertEqual(result.returncode, 0, result.stderr)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            nobody = f"127.0.0.1:{taken.getsockname()[1]}"
            for address, why in (
                ("", "empty"),
                ("127.0.0.1:0", "free port"),
                ("9464", "not host:port"),
                (nobody, "no answer from " + nobody),
            ):
                result = healthcheck(address)
                self.assertEqual(result.returncode, 1, address)
                self.assertIn(why, result.stderr)

    def test_no_admin_port_when_its_address_is_empty(self):
        server = self.serve("--admin-listen", "")
        self.assertIsNone(server.admin)

    def test_admin_port_in_use_exits_1(self):
        server = self.serve()
        result = subprocess.run(
            [BIN / "qconfigd", "--listen", "127.0.0.1:0", "--admin-listen", server.admin, "--storage", "memory"],
            capture_output=True,
            text=True,
            env=server_environment(),
            timeout=30,
        )
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"cannot listen on --admin-listen {server.admin}", result.stderr)

    def test_signals_before_anything_is_served_end_it_with_0(self):
        process = subprocess.Popen(
            [BIN / "qconfigd", "--listen", "127.0.0.1:0", "--storage", "memory"],
            stderr=subprocess.PIPE,
            text=True,
            env=server_environment(),
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
        )
        process.send_signal(signal.SIGTERM)  # waits for the server's thread to take it
        _, log = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, log)
        self.assertRegex(log, "ended on SIGTERM before anything was served|ending on SIGTERM")


if __name__ == "__main__":
    unittest.main()
