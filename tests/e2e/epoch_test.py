# SPDX-License-Identifier: Apache-2.0
"""A restored backup never reuses a revision number, and clients learn which revisions are lost."""

import json
import re
import shutil
import signal
import unittest

from programs import qconfigctl
from registries import RegistryTestCase, qconfigd

EPOCH = 1_000_000  # more than the revisions of any test


class EpochTest(RegistryTestCase):
    def setUp(self):
        super().setUp()
        self.backup = self.folder / "backup.db"

    def revision_of_next(self, server, name):
        """Registers a scheme and returns the new revision."""
        self.register(server, name)
        return int(self.answer(server, name)["revision"])

    def lose_revision_3(self):
        """Registers `a`, backs up, registers `b` in revision 3, and kills the server."""
        server = self.serve()
        self.assertEqual(self.revision_of_next(server, "a"), 2)
        self.back_up(self.backup)
        self.assertEqual(self.revision_of_next(server, "b"), 3)
        server.end(signal.SIGKILL)

    def expect_lost(self, server, revisions, *arguments):
        result = qconfigctl("get-config", "llama", "--scheme", "fp8", *arguments, server=server)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertIn("REVISION_LOST", result.stderr)
        self.assertIn("list the entries again", result.stderr)
        self.assertRegex(result.stderr, rf"revisions: +{revisions}\b")

    def changes(self, server):
        """Returns the revisions of all changes, newest first."""
        listed = json.loads(self.run_ok(server, "list", "changes", "-o", "json"))
        return [int(change["revision"]) for change in listed["changes"]]

    def test_restored_backup_never_reuses_a_revision(self):
        self.lose_revision_3()
        self.put_back(self.backup)
        server = self.serve()
        self.assertRegex(server.text(), r"new epoch: \S+ is a restored backup; new revisions begin at \d+")
        # This holds before the first write after the restore, and for tenants that the backup does not have.
        self.expect_lost(server, "1 to 2", "--revision", 3)
        self.expect_lost(server, "1 to 2", "--min-revision", 3)
        self.expect_lost(server, "1 to 1", "--min-revision", 2, "--tenant", "other")
        c = self.revision_of_next(server, "c")
        self.assertGreater(c, EPOCH)
        self.expect_lost(server, f"1 to {c}", "--revision", 3)
        self.expect_lost(server, f"1 to {c}", "--min-revision", 3)
        self.assertEqual(self.answer(server, "a", "--revision", 2)["revision"], "2")
        self.assertEqual(self.answer(server, "c", "--min-revision", c)["revision"], str(c))
        self.assertEqual(self.revision_of_next(server, "d"), c + 1)
        self.assertEqual(self.changes(server), [c + 1, c, 2])
        self.assertIn(f'"{c}"', self.run_ok(server, "describe", "scheme", "c", "-o", "json"), "the etag")
        server.end()
        server = self.serve()
        self.assertNotIn("new epoch", server.text())
        self.assertEqual(self.revision_of_next(server, "e"), c + 2)

    def test_second_restore_loses_the_revisions_after_the_first(self):
        self.lose_revision_3()
        self.put_back(self.backup)
        server = self.serve()
        c = self.revision_of_next(server, "c")
        server.end()
        self.put_back(self.backup)
        server = self.serve()
        self.expect_lost(server, "1 to 2", "--revision", c)
        self.assertGreaterEqual(self.revision_of_next(server, "d"), c + EPOCH)

    def test_older_copy_of_the_file_is_detected(self):
        server = self.serve()
        self.register(server, "a")
        server.end()
        shutil.copy(self.file, self.backup)
        server = self.serve()
        self.register(server, "b")
        server.end()
        self.put_back(self.backup)
        server = self.serve()
        self.assertRegex(server.text(), r"new epoch: \S+ has 1 commits, but 2 were counted: it was replaced by an older copy")
        self.expect_lost(server, "1 to 2", "--revision", 3)
        self.assertGreater(self.revision_of_next(server, "c"), EPOCH)

    def test_kill_does_not_begin_an_epoch(self):
        for n in range(3):
            server = self.serve()
            self.assertNotIn("new epoch", server.text())
            self.assertEqual(self.revision_of_next(server, f"s{n}"), n + 2)
            server.end(signal.SIGKILL)

    def test_new_epoch_command_begins_an_epoch(self):
        server = self.serve()
        self.register(server, "a")
        rejected = qconfigd("new-epoch", *self.storage)
        self.assertEqual(rejected.returncode, 1)
        self.assertIn(f"process {server.process.pid} holds", rejected.stderr)
        server.end()
        # The image sets this address, with which a server needs TLS or --insecure. new-epoch needs neither.
        result = qconfigd("new-epoch", *self.storage, "--listen", "0.0.0.0:50051")
        self.assertEqual(result.returncode, 0, result.stderr)
        first = int(re.search(r"begin at (\d+)\n", result.stdout).group(1))
        server = self.serve()
        self.expect_lost(server, "1 to 2", "--revision", 3)
        self.assertEqual(self.revision_of_next(server, "b"), first)

    def test_new_epoch_needs_a_registry(self):
        missing = qconfigd("new-epoch", *self.storage)
        self.assertEqual(missing.returncode, 1)
        self.assertIn("does not exist", missing.stderr)
        self.assertEqual(list(self.folder.glob("registry.db*")), [])
        memory = qconfigd("new-epoch", "--storage", "memory")
        self.assertEqual(memory.returncode, 2)
        self.assertIn("--storage sqlite:FILE", memory.stderr)


if __name__ == "__main__":
    unittest.main()
