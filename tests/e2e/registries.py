# SPDX-License-Identifier: Apache-2.0
"""Shared code of tests with stored registries: a file, servers that use it, and commands for both."""

import json
import pathlib
import subprocess
import tempfile
import unittest

from programs import BIN, Server, qconfigctl, server_environment

SCHEME = {"weight": {"spec": "Int4PerGroupSpec", "fields": {"ch_axis": -1, "group_size": 48}}}


def qconfigd(*arguments, **options):
    """Runs a qconfigd command that exits on its own."""
    return subprocess.run(
        [BIN / "qconfigd", *arguments], capture_output=True, text=True, env=server_environment(), timeout=60, **options
    )


class RegistryTestCase(unittest.TestCase):
    """Base class of tests with a registry file in a temporary folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="qconfig-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "registry.db"
        self.scheme_file = self.folder / "scheme.json"
        self.scheme_file.write_text(json.dumps(SCHEME))

    @property
    def storage(self):
        return ("--storage", f"sqlite:{self.file}")

    def serve(self, *arguments):
        server = Server(*self.storage, *arguments)
        self.addCleanup(server.__exit__)
        return server

    def run_ok(self, server, *arguments):
        result = qconfigctl(*arguments, server=server)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def register(self, server, name, *arguments):
        return self.run_ok(server, "register", "scheme", "--name", name, "-f", self.scheme_file, *arguments)

    def answer(self, server, scheme, *arguments):
        return json.loads(self.run_ok(server, "get-config", "llama", "--scheme", scheme, "-o", "response", *arguments))

    def back_up(self, path):
        result = qconfigd("backup", *self.storage, "--to", path)
        self.assertEqual(result.returncode, 0, result.stderr)

    def put_back(self, path):
        """Restores the backup `path` as in deploy/README.md: moves the registry away, but not `.lock` and `.commits`."""
        old = self.folder / f"old-{len(list(self.folder.glob('old-*')))}"
        old.mkdir()
        for suffix in ("", "-wal", "-shm"):
            moved = self.file.with_name(self.file.name + suffix)
            if moved.exists():
                moved.rename(old / moved.name)
        self.file.write_bytes(path.read_bytes())
