# SPDX-License-Identifier: Apache-2.0
"""Tests the options of qconfigd that decide who may do what, and the record of what they did."""

import hashlib
import json
import pathlib
import tempfile
import time
import unittest

from config_test import qconfigd
from programs import Server, qconfigctl


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


POLICY = f"""version: 1
principals:
  farm:
    tokens: [{{sha256: {digest("farm")}}}]
    default_tenant: acme
    grants: [{{role: reader, tenants: [acme, "acme-*"]}}]
  release-bot:
    certificates: [{{uri: "spiffe://corp/sa/release"}}]
    tokens: [{{sha256: {digest("bot")}}}]
    grants: [{{role: editor, tenants: [acme]}}]
  ops: {{tokens: [{{sha256: {digest("ops")}}}], role: operator}}
"""
DESCRIPTION = f"""farm
  token {digest("farm")[:8]}, does not expire
  reader of acme, acme-*
  default tenant acme
release-bot
  token {digest("bot")[:8]}, does not expire
  certificate with the URI spiffe://corp/sa/release
  editor of acme
  default tenant default
ops
  token {digest("ops")[:8]}, does not expire
  operator of all tenants
  default tenant default
callers without credentials
  rejected
"""
ACCESS = """can read acme: farm, release-bot, ops
can write acme: release-bot, ops
can administer acme: ops
can create acme: release-bot, ops
"""
SCHEME = "name: mine\nweight: {spec: Int4PerGroupSpec, fields: {ch_axis: -1, group_size: 48}}\n"


class FolderTestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="qconfig-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.policy = self.folder / "policy.yaml"
        self.policy.write_text(POLICY)


class CheckPolicyTest(FolderTestCase):
    def check(self, *arguments):
        result = qconfigd("check-policy", *arguments)
        return result.returncode, result.stdout, result.stderr

    def test_explains_a_valid_policy(self):
        self.assertEqual(self.check(self.policy), (0, f"{self.policy} is valid\n{DESCRIPTION}", ""))

    def test_says_who_may_do_what_with_a_tenant(self):
        self.assertEqual(self.check(self.policy, "--tenant", "acme"), (0, f"{self.policy} is valid\n{ACCESS}", ""))
        code, output, error = self.check(self.policy, "--tenant", "Acme")
        self.assertEqual((code, output), (2, ""))
        self.assertIn("not a valid tenant name", error)

    def test_reports_all_mistakes_with_their_lines(self):
        self.policy.write_text(POLICY.replace("role: reader", "role: raeder").replace("version: 1", "version: 2").replace("uri:", "url:"))
        code, output, error = self.check(self.policy)
        self.assertEqual((code, output), (1, ""))
        for line, text in ((1, "version"), (6, '"raeder" is not a role; did you mean reader?'), (8, "url")):
            self.assertRegex(error, rf"(?m)^.*line {line}\b.*{text}|{text}.*line {line}\b")

    def test_a_missing_file_is_an_error(self):
        code, output, error = self.check(self.folder / "none.yaml")
        self.assertEqual((code, output), (1, ""))
        self.assertIn(f"{self.folder}/none.yaml cannot be opened", error)

    def test_warns(self):
        self.policy.write_text(POLICY.replace(f"{digest('bot')}", f"{digest('bot')}, expires: 2020-01-01") + "  idle: {}\n")
        code, output, error = self.check(self.policy, "--tenant", "acme")
        self.assertEqual((code, output), (0, f"{self.policy} is valid\n{ACCESS}"), "release-bot has a certificate, too")
        self.assertEqual(error.splitlines(), [
            "warning: idle has no credentials, so nobody can call as idle",
            "warning: idle has no role, so its calls for a tenant are rejected",
            f"warning: the token {digest('bot')[:8]} of release-bot expired at 2020-01-01T00:00:00+00:00; create another one with `qconfigctl new-token`",
        ])

    def test_needs_a_file(self):
        self.assertEqual(self.check()[0], 2)
        self.assertEqual(qconfigd("check-policy", "--help").returncode, 0)


class AuditLogTest(FolderTestCase):
    def setUp(self):
        super().setUp()
        self.log = self.folder / "audit.jsonl"

    def events(self, *, count):
        """Waits until the log has this many lines, and returns them."""
        deadline = time.monotonic() + 30
        while len(lines := self.log.read_text().splitlines()) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(len(lines), count, lines)
        return [json.loads(line) for line in lines]

    def register(self, server, token, tenant="acme"):
        for name, text in (("token", token), ("scheme.yaml", SCHEME)):
            (self.folder / name).write_text(text)
        return qconfigctl("register", "scheme", "-f", self.folder / "scheme.yaml", "--replace", "--tenant", tenant, "--token-file", self.folder / "token",
                          "--allow-unencrypted-token", server=server)

    def test_records_policies_writes_and_rejections(self):
        with Server("--auth-policy", self.policy, "--audit-log", self.log) as server:
            self.assertEqual(self.log.stat().st_mode & 0o777, 0o600)
            self.assertEqual(self.events(count=1)[0]["event"], "policy_loaded")
            self.assertEqual(self.events(count=1)[0]["policy"], digest(POLICY)[:8])
            self.assertEqual(self.register(server, "bot").returncode, 0)
            self.assertIn("(PERMISSION_DENIED)", self.register(server, "farm").stderr)
            self.policy.write_text(POLICY.replace(digest("bot"), digest("new")))
            self.assertEqual([line["event"] for line in self.events(count=5)], ["policy_loaded", "write_begin", "write_end", "rejected", "policy_loaded"])
            self.assertIn("(CREDENTIALS_INVALID)", self.register(server, "bot").stderr)
            last = self.events(count=6)[5]
            self.assertEqual((last["event"], last["decision"], last["reason"]), ("rejected", "denied", "CREDENTIALS_INVALID"))
            self.assertEqual((last["rule"], last["credential"]), ("unknown", f"token {digest('bot')[:8]}"))
            _, metrics = server.probe("/metrics")
            self.assertIn('qconfig_audit_log_lines_total{result="written"} 6\n', metrics)
            self.assertIn('qconfig_audit_log_lines_total{result="failed"} 0\n', metrics)

    def test_an_unusable_file_is_rejected(self):
        (self.folder / "fifo").mkdir()
        for path, problem in ((self.folder / "fifo", "is not a regular file"), (self.folder / "none" / "log", "No such file or directory")):
            checked = qconfigd("check-config", "--audit-log", path, "--storage", "memory")
            self.assertEqual(checked.returncode, 2, checked.stderr)
            self.assertIn(f"--audit-log {path}", checked.stderr)
            self.assertIn(problem, checked.stderr)
            started = qconfigd("--audit-log", path, "--storage", "memory", "--listen", "127.0.0.1:0", "--admin-listen", "")
            self.assertEqual(started.returncode, 1)
            self.assertIn(f"the audit log {path}", started.stderr)
        self.assertEqual(qconfigd("check-config", "--audit-log", self.log, "--storage", "memory").returncode, 0)
        self.assertFalse(self.log.exists(), "check-config creates nothing")


if __name__ == "__main__":
    unittest.main()
