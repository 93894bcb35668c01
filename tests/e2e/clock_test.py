# SPDX-License-Identifier: Apache-2.0
"""Tests qconfigd while its date jumps."""

import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from programs import Server, qconfigctl

COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
HOUR, DAYS_410 = 3600, 410 * 86400


class ClockTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="qconfig-")
        self.addCleanup(directory.cleanup)
        self.offset = pathlib.Path(directory.name, "offset")
        self.offset.write_bytes(bytes(8))
        library = pathlib.Path(directory.name, "shifted_clock.so")
        source = pathlib.Path(__file__).with_name("shifted_clock.c")
        subprocess.run([COMPILER, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(self.offset)}

    def shift(self, seconds):
        with self.offset.open("r+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))

    def write(self, server, catalog):
        done = qconfigctl("set-default-catalog", catalog, server=server)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_jumps_erase_no_history_and_delay_neither_calls_nor_the_shutdown(self):
        with Server(**self.environment) as server:
            self.write(server, "quark-0.13")
            for jump in (HOUR, -HOUR, DAYS_410, 0):
                self.shift(jump)
                self.write(server, "quark-0.12.post1")
                self.write(server, "quark-0.13")
            self.assertIn("\nqconfig_history_expiry_paused 1\n", server.probe("/metrics")[1])
            server.end()
            log = server.text()
            self.assertEqual(log.count("history is not removed by age for 24 hours"), 1, log)
            self.assertIn('"msg":"shut down"', log, "the watchdog had to end the process")
            database = sqlite3.connect(pathlib.Path(server.data.name, "registry.db"))
            self.addCleanup(database.close)
            self.assertEqual(database.execute("SELECT first_revision, revision FROM tenants").fetchall(), [(1, 10)])
            times = [row[0] for row in database.execute("SELECT time FROM changes ORDER BY revision")]
            self.assertEqual(times, sorted(times))


if __name__ == "__main__":
    if COMPILER is None:
        print("there is no C compiler")
        sys.exit(77)
    unittest.main()
