# SPDX-License-Identifier: Apache-2.0
"""Registries survive kills, restarts, backups and a full disk. Damage is reported and never repaired silently."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import threading
import unittest

from programs import Server, qconfigctl
from registries import RegistryTestCase, qconfigd


class StorageTest(RegistryTestCase):
    def test_registered_scheme_answers_after_kill_and_restart(self):
        server = self.serve()
        self.register(server, "mine")
        before = self.answer(server, "mine")
        server.end(signal.SIGKILL)
        after = self.answer(self.serve(), "mine")
        self.assertEqual(after, before)
        self.assertEqual(after["revision"], "2")

    def test_old_revision_has_the_old_answer_and_digest(self):
        template = self.folder / "template.yaml"
        template.write_text("model_type: llama\nexclude_layers_name: [yesterday]\n")
        server = self.serve()
        self.run_ok(server, "register", "template", "-f", template)
        yesterday = self.answer(server, "fp8")
        template.write_text("model_type: llama\nexclude_layers_name: [today]\n")
        self.run_ok(server, "register", "template", "-f", template)
        server.end()
        server = self.serve()
        self.assertNotEqual(self.answer(server, "fp8")["config_digest"], yesterday["config_digest"])
        self.assertEqual(self.answer(server, "fp8", "--revision", 2), yesterday)

    def test_catalogs_match_their_releases(self):
        server = self.serve()
        self.assertEqual(self.answer(server, "fp8")["config"]["exclude"], ["lm_head.*", "lm_head"])
        later = self.answer(server, "fp8", "--catalog", "quark-0.13")
        self.assertEqual((later["catalog"], later["config"]["exclude"]), ("quark-0.13", ["lm_head"]))

    def test_newer_server_default_does_not_affect_tenants_with_writes(self):
        server = self.serve()
        self.register(server, "mine")
        server.end()
        upgraded = self.serve("--default-catalog", "quark-0.13")
        self.assertEqual(self.answer(upgraded, "fp8")["catalog"], "quark-0.12.post1")
        self.assertEqual(self.answer(upgraded, "fp8", "--tenant", "new")["catalog"], "quark-0.13")
        catalogs = json.loads(self.run_ok(upgraded, "list", "catalogs", "-o", "json", "--tenant", "new"))["catalogs"]
        self.assertEqual([catalog["name"] for catalog in catalogs if catalog.get("is_default")], ["quark-0.13"])
        result = qconfigd("--default-catalog", "quark-9", "--storage", "memory")
        self.assertEqual(result.returncode, 2)
        self.assertIn("quark-9", result.stderr)

    def test_request_id_is_remembered_across_a_restart(self):
        arguments = ("register", "scheme", "--name", "mine", "-f", self.scheme_file)
        request_id = ("--request-id", "123e4567-e89b-42d3-a456-426614174000")
        server = self.serve()
        first = self.run_ok(server, *arguments, *request_id)
        server.end(signal.SIGKILL)
        server = self.serve()
        self.assertEqual(self.run_ok(server, *arguments, *request_id), first)
        self.assertIn("SCHEME_EXISTS", qconfigctl(*arguments, server=server).stderr)

    def test_default_location_is_the_data_directory(self):
        with Server(QCONFIG_DATA_DIR=str(self.folder / "data")) as server:
            self.register(server, "mine")
            self.assertTrue((self.folder / "data/registry.db").exists())
        with Server(QCONFIG_DATA_DIR="", XDG_DATA_HOME=str(self.folder / "xdg")) as server:
            self.assertTrue((self.folder / "xdg/qconfig/registry.db").exists(), server.text())

    def test_second_server_on_the_same_file_is_rejected(self):
        server = self.serve()
        result = qconfigd("--listen", "127.0.0.1:0", *self.storage)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(str(server.process.pid), result.stderr)
        server.end(signal.SIGKILL)
        self.serve()

    def test_damaged_and_newer_files_are_rejected_unchanged(self):
        server = self.serve()
        self.register(server, "mine")
        server.end()
        whole = self.file.read_bytes()
        damaged = whole[: len(whole) // 2] + os.urandom(len(whole) - len(whole) // 2)
        connection = sqlite3.connect(self.file)
        connection.execute("PRAGMA user_version = 1000")
        connection.commit()
        connection.close()
        newer = self.file.read_bytes()
        for content in (damaged, newer, b"no database " * 1000):
            self.file.write_bytes(content)
            result = qconfigd("--listen", "127.0.0.1:0", *self.storage)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(str(self.file), result.stderr)
            self.assertEqual(self.file.read_bytes(), content)
        self.file.write_bytes(whole)
        self.assertEqual(self.answer(self.serve(), "mine")["revision"], "2")

    def test_damage_is_reported_and_other_tenants_are_served(self):
        server = self.serve()
        self.register(server, "mine")
        self.register(server, "theirs", "--tenant", "other")
        sound = qconfigd("check-storage", *self.storage)
        self.assertEqual((sound.returncode, sound.stdout), (0, f"{self.file} is not damaged\n"), sound.stderr)
        server.end()
        connection = sqlite3.connect(self.file)
        connection.execute("UPDATE entries SET since = since + 1 WHERE name = 'mine'")
        connection.commit()
        connection.close()
        damage = "tenant default: scheme mine since revision 3 has a wrong checksum"
        server = self.serve()
        rejected = qconfigctl("get-config", "llama", "--scheme", "mine", server=server)
        self.assertIn("STORAGE_UNAVAILABLE", rejected.stderr)
        self.assertNotIn(str(self.file), rejected.stderr)
        self.assertEqual(self.answer(server, "theirs", "--tenant", "other")["revision"], "2")
        self.assertIn("the stored registry is damaged", server.text())
        self.assertIn(damage, server.text())
        for command in (("check-storage",), ("backup", "--to", self.folder / "backup.db")):
            result = qconfigd(*command, *self.storage)
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertIn(damage, result.stderr)
        self.assertEqual(qconfigd("check-storage", "--storage", "memory").returncode, 2)

    def test_backup_during_writes_and_restore(self):
        server = self.serve()
        self.register(server, "first")
        stop = threading.Event()

        def write_on():
            for n in range(10_000):
                if stop.is_set():
                    return
                self.register(server, f"more-{n}")

        writer = threading.Thread(target=write_on)
        writer.start()
        backup = self.folder / "backup.db"
        try:
            self.back_up(backup)
            again = qconfigd("backup", *self.storage, "--to", backup)
            self.assertEqual(again.returncode, 1, "a backup is never overwritten")
        finally:
            stop.set()
            writer.join()
        before = self.answer(server, "first", "--revision", 2)
        server.end(signal.SIGKILL)
        self.put_back(backup)
        restored = self.serve()
        self.assertEqual(self.answer(restored, "first", "--revision", 2), before)
        self.register(restored, "after")

    def test_memory_cannot_be_backed_up(self):
        result = qconfigd("backup", "--storage", "memory", "--to", self.folder / "x")
        self.assertEqual(result.returncode, 2, result.stderr)

    def test_full_disk_rejects_writes_and_loses_nothing(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, text=True)
        if mount.returncode != 0:
            if os.environ.get("CI"):
                self.fail("a small disk cannot be mounted: " + mount.stderr)
            self.skipTest("a small disk cannot be mounted: " + mount.stderr)
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        self.file = disk / "registry.db"
        server = self.serve()
        template = self.folder / "large.json"
        written = []
        rejected = None
        for n in range(100):
            template.write_text(json.dumps({"model_type": f"m{n}", "exclude_layers_name": ["x" * 1000] * 30}))
            result = qconfigctl("register", "template", "-f", template, server=server)
            if result.returncode != 0:
                rejected = result.stderr
                break
            written.append(f"m{n}")
        self.assertIn("STORAGE_FULL", rejected or "")
        self.assertGreater(len(written), 2)
        for model_type in written:
            self.run_ok(server, "describe", "template", model_type)
        server.end(signal.SIGKILL)
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        server = self.serve()
        for model_type in written:
            self.run_ok(server, "describe", "template", model_type)
        self.run_ok(server, "register", "template", "-f", template)

    def test_file_size_limit_rejects_writes_and_keeps_serving(self):
        server = self.serve()
        self.register(server, "first")
        hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (128 << 10, hard))
        template = self.folder / "large.json"
        template.write_text(json.dumps({"model_type": "large", "exclude_layers_name": ["x" * 1000] * 200}))
        for _ in range(2):
            result = qconfigctl("register", "template", "-f", template, server=server)
            self.assertIn("STORAGE_FULL", result.stderr)
        self.assertEqual(self.answer(server, "first")["revision"], "2")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.run_ok(server, "register", "template", "-f", template)
        result = qconfigd(
            *("backup", *self.storage, "--to", self.folder / "backup.db"),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard)),
        )
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("File too large", result.stderr)
        self.assertEqual(list(self.folder.glob("backup.db*")), [])


if __name__ == "__main__":
    unittest.main()
