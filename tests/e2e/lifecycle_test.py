# SPDX-License-Identifier: Apache-2.0
"""Tests the readiness of qconfigd, and its shutdown with calls in flight."""

import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

from programs import BIN, Server, call, healthcheck, qconfigctl, server_environment


class LifecycleTest(unittest.TestCase):
    def serve(self, *arguments):
        """Starts a server that ends with the test."""
        server = Server(*arguments)
        self.addCleanup(server.__exit__)
        return server

    @contextlib.contextmanager
    def running_write(self, server):
        """Keeps a write in flight until the block ends, at most five seconds: holds a lock on the server's file."""
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
        self.fail(f"{name} did not become {value}")

    def wait_for_log(self, server, text):
        deadline = time.monotonic() + 60
        while text not in server.text():
            self.assertLess(time.monotonic(), deadline, server.text())
            time.sleep(0.01)

    def test_probes_of_a_ready_server(self):
        server = self.serve()
        self.assertEqual(server.probe("/livez"), (200, "ok\n"))
        server.wait_for("/readyz", (200, "ok\n"))
        version = json.loads(server.probe("/version")[1])
        self.assertEqual(set(version), {"version", "catalogs"})
        self.assertRegex(version["catalogs"][0]["digest"], "^[0-9a-f]{64}$")
        self.assertEqual(server.probe("/")[0], 404)

    def test_not_ready_but_serving_during_the_shutdown_delay(self):
        server = self.serve("--shutdown-delay-seconds", "3600")
        server.wait_for("/readyz", (200, "ok\n"))
        self.assertEqual(call(server, "/grpc.health.v1.Health/Check"), b"\x08\x01")
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("/readyz", (503, "draining\n"))
        self.wait_for_log(server, '"msg":"shutting down","cause":"SIGTERM","delay_s":3600,"in_flight":0')
        self.assertEqual(server.probe("/livez"), (200, "ok\n"))
        # NOT_SERVING, so that clients that watch health go to another server.
        self.assertEqual(call(server, "/grpc.health.v1.Health/Check"), b"\x08\x02")
        self.assertIn(b"quark", call(server, "/qconfig.v1.ConfigService/ListCatalogs"))
        result = healthcheck(server.admin)
        self.assertEqual(result.returncode, 1)
        self.assertIn("not ready: draining", result.stderr)
        self.assertEqual(server.end(signal.SIGINT), 0, "the second signal ends the delay, and no call was in flight")

    def test_shutdown_waits_for_calls_within_the_grace_period(self):
        server = self.serve("--shutdown-grace-seconds", "60")
        with self.running_write(server) as results:
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("/readyz", (503, "draining\n"))
            self.assertEqual(results, [])
        self.assertEqual(results[0].returncode, 0, results[0].stderr)
        self.assertEqual(server.process.wait(30), 0, server.text())
        self.assertRegex(server.text(), '"msg":"draining","in_flight":[01],"grace_s":60')
        self.assertIn('"msg":"shut down","cancelled":0', server.text())

    def test_calls_are_cancelled_after_the_grace_period(self):
        server = self.serve("--shutdown-grace-seconds", "0")
        with self.running_write(server) as results:
            self.assertEqual(server.end(), 3, server.text())
        self.assertNotEqual(results[0].returncode, 0)
        self.assertRegex(
            server.text(), '"msg":"shut down","cancelled":1|"exiting at once","reason":"cancelled calls .*,"in_flight":1'
        )

    def test_second_signal_exits_immediately_with_a_call_in_flight(self):
        server = self.serve("--shutdown-grace-seconds", "3600")
        with self.running_write(server):
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("/readyz", (503, "draining\n"))
            self.assertEqual(server.end(), 3, server.text())
            self.assertIn('"msg":"exiting at once","reason":"second signal","in_flight":1', server.text())

    def test_soft_limit_of_file_descriptors_is_raised(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
        server = self.serve()
        self.assertEqual(resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE), (hard, hard))

    def test_lack_of_file_descriptors_is_survived(self):
        server = self.serve()
        server.wait_for("/readyz", (200, "ok\n"))
        files = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (files + 16, files + 16))
        connections = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(64)]
        end = time.monotonic() + 30
        while "cannot accept a connection" not in server.text():
            self.assertLess(time.monotonic(), end, server.text())
            time.sleep(0.01)
        self.assertRegex(server.text(), '"level":"warn[a-z]*","msg":"cannot accept a connection","error":"Too many open')
        # The oldest silent connections make room for those that call.
        result = qconfigctl("list", "catalogs", "--server", server.address)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIsNone(server.process.poll(), server.text())
        for connection in connections:
            connection.close()
        self.assertIn(b"quark", call(server, "/qconfig.v1.ConfigService/ListCatalogs"))
        self.assertEqual(server.end(), 0, server.text())

    def test_silent_connections_do_not_keep_clients_out(self):
        server = Server(command=("prlimit", "--nofile=256:256", BIN / "qconfigd"))
        self.addCleanup(server.__exit__)
        connections = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(300)]
        self.addCleanup(lambda: [connection.close() for connection in connections])
        self.assertIn(b"quark", call(server, "/qconfig.v1.ConfigService/ListCatalogs"))
        metrics = server.probe("/metrics")[1]
        self.assertIn("qconfig_max_connections 156\n", metrics)
        self.assertIn("qconfig_accept_failures_total 0\n", metrics, "the limit keeps descriptors in reserve")
        self.assertRegex(metrics, r'qconfig_connections_closed_total\{reason="silent"\} (1[4-9]\d|2\d\d)\n')
        self.assertEqual(server.end(), 0, server.text())

    def test_thread_limit_too_low_to_start_exits_1(self):
        def forbid_threads():
            if os.geteuid() == 0:  # the limit does not apply to root
                os.setgroups([])
                os.setuid(54321)
            resource.setrlimit(resource.RLIMIT_NPROC, (threads, threads))

        for threads in (1, 5, 20):
            result = subprocess.run(
                [BIN / "qconfigd", "--listen", "127.0.0.1:0", "--storage", "memory"],
                capture_output=True,
                text=True,
                env=server_environment(),
                preexec_fn=forbid_threads,
                timeout=30,
            )
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("cannot start a thread: the process limit", result.stderr)

    def test_healthcheck_prints_why_it_fails(self):
        server = self.serve()
        server.wait_for("/readyz", (200, "ok\n"))
        # Other variables of the server must not matter, even invalid ones.
        result = healthcheck(server.admin.replace("127.0.0.1", "0.0.0.0"), QCONFIG_LISTEN="0.0.0.0:1")
        self.assertEqual(result.returncode, 0, result.stderr)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            unused = f"127.0.0.1:{taken.getsockname()[1]}"
            for address, why in (
                ("", "empty"),
                ("127.0.0.1:0", "free port"),
                ("9464", "not host:port"),
                (unused, "no answer from " + unused),
            ):
                result = healthcheck(address)
                self.assertEqual(result.returncode, 1, address)
                self.assertIn(why, result.stderr)

    def test_empty_admin_listen_disables_the_admin_port(self):
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

    def test_sighup_is_ignored(self):
        server = self.serve()
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("/readyz", (200, "ok\n"))
        self.assertEqual(server.end(), 0, server.text())

    def test_signal_before_serving_exits_0(self):
        process = subprocess.Popen(
            [BIN / "qconfigd", "--listen", "127.0.0.1:0", "--storage", "memory"],
            stderr=subprocess.PIPE,
            text=True,
            env=server_environment(),
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
        )
        process.send_signal(signal.SIGTERM)  # stays pending until the server's signal thread receives it
        _, log = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, log)
        self.assertRegex(log, '"msg":"(shut down before serving|shutting down)","cause":"SIGTERM"')


if __name__ == "__main__":
    unittest.main()
