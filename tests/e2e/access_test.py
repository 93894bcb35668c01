# SPDX-License-Identifier: Apache-2.0
"""The chapter "Who may do what" of the manual, and "Access control" of the README: their commands work, and their policies admit and
reject whom they say."""

import functools
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import certificates
import json_web_tokens
from doc_blocks import blocks, run_by
from programs import BIN, Server, clean_environment, qconfigctl

MANUAL = "deploy/README.md"
FILES = tempfile.TemporaryDirectory(prefix="qconfig-access-")
HERE = pathlib.Path(FILES.name)
issue = functools.partial(certificates.issue, folder=HERE)
SCHEME = "name: mine\nweight: {spec: Int4PerGroupSpec, fields: {ch_axis: -1, group_size: 48}}\n"
KEPT = "policy cannot be used; keeping the previous one"
LONGEST_REVOCATION = 60  # seconds; 2 on a machine that is not busy


def run(command, folder=HERE, **environment):
    command = command.replace("build/release/bin/", shlex.quote(str(BIN)) + "/")
    result = subprocess.run(["bash", "-ec", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, timeout=60,
                            env=clean_environment(PATH=f"{BIN}:{os.environ['PATH']}", **environment))
    if result.returncode != 0:
        raise AssertionError(f"{command}\n{result.stdout}")
    return result.stdout


def serve(command):
    """Starts a server with the command of the manual, on a free port and with the files of this test."""
    words = shlex.split(command.replace("\\\n", ""))
    assert words[0] == "qconfigd", words
    files = {word: str(HERE / word) for word in words if re.fullmatch(r"[\w-]+\.(crt|key|yaml)", word)}
    return Server(*(files.get(word, word.replace("0.0.0.0:50051", "127.0.0.1:0")) for word in words[1:]), "--storage", "memory")


def block(beginning, number=0):
    return [text for text in run_by("access") if text.startswith(beginning)][number]


def setUpModule():
    issue("ca")
    issue("server", "ca")
    for command in (block("(umask 077; qconfigctl "), block("qconfigctl new-token --hash "), block("openssl req ")):
        run(command)


def tearDownModule():
    FILES.cleanup()


class Client:
    """Calls the server over TLS."""

    def __init__(self, server, *options):
        self.server = server
        self.options = ["--tls-ca", HERE / "ca.crt", *options]

    def __call__(self, *arguments, tenant=None):
        return qconfigctl(*self.options, *(["--tenant", tenant] if tenant else []), *arguments, server=self.server)

    def list(self, tenant=None):
        return self("list", "schemes", tenant=tenant)

    def register(self, tenant=None):
        (HERE / "mine.yaml").write_text(SCHEME)
        return self("register", "scheme", "--replace", "-f", HERE / "mine.yaml", tenant=tenant)

    def administer(self, tenant=None):
        return self("set-default-catalog", "quark-0.13", tenant=tenant)


class AccessTest(unittest.TestCase):
    def assertAllowed(self, *results):
        for result in results:
            self.assertEqual(result.returncode, 0, result.stderr)

    def assertDenied(self, *results, reason="PERMISSION_DENIED"):
        for result in results:
            self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
            self.assertIn(reason, result.stderr)

    def wait_until(self, condition):
        deadline = time.monotonic() + LONGEST_REVOCATION
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)


class ReadmeTest(AccessTest):
    """The policy of the README."""

    def test_only_the_token_of_the_documented_commands_is_accepted(self):
        folder = HERE / "readme"
        folder.mkdir()
        start, call = block("(umask 077; build/release/bin/").rstrip().rsplit("\n", 1)
        address = f"unix:{folder}/socket"
        options = {"QCONFIG_LISTEN": address, "QCONFIG_ADMIN_LISTEN": "", "QCONFIG_STORAGE": "memory"}
        repeated = f"until {call}; do kill -0 $!; done"  # a busy machine may need longer to start the server than the call retries
        self.assertIn("int4_wo_128", run(f"{start}\n{repeated}\nkill $!\nwait", folder, QCONFIG_SERVER=address, **options))
        self.assertEqual((folder / "token").stat().st_mode & 0o777, 0o600)
        server = self.enterContext(Server("--auth-policy", folder / "policy.yaml", "--storage", "memory"))
        self.assertIn("int4_wo_128", run(call, folder, QCONFIG_SERVER=server.address))
        identity = run(call.replace("list schemes", "whoami"), folder, QCONFIG_SERVER=server.address)
        self.assertRegex(identity, r"(?m)^principal: +me$")
        self.assertDenied(qconfigctl("list", "schemes", server=server), reason="CREDENTIALS_MISSING")
        (folder / "token").write_text(subprocess.run([BIN / "qconfigctl", "new-token"], capture_output=True, text=True, check=True,
                                                     env=clean_environment()).stdout)
        other = qconfigctl("--token-file", folder / "token", "--allow-unencrypted-token", "list", "schemes", server=server)
        self.assertDenied(other, reason="CREDENTIALS_INVALID")


class TokenTest(AccessTest):
    """The policy in three commands."""

    def setUp(self):
        self.policy = HERE / "policy.yaml"
        run(block("(umask 077; qconfigctl "))
        command, self.call = block("qconfigd --auth-policy ").split("\n", 1)
        self.server = self.enterContext(serve(command))
        self.farm = Client(self.server, "--token-file", HERE / "farm.token")

    def test_the_documented_call_succeeds_and_the_documented_error_occurs(self):
        output = run(self.call.replace("qconfig.example.com:50051", self.server.address))
        self.assertRegex(output, r"principal: +farm\ncredential: +token [0-9a-f]{8}\n")
        self.assertIn("int4_wo_128", output)
        self.assertAllowed(self.farm.list("acme-2"))
        denied = self.farm.register("acme")
        self.assertDenied(denied, self.farm.list("beta"), self.farm.list())
        (documented,) = (text for text in blocks(MANUAL, "text") if text.startswith("error: the method requires"))
        self.assertIn(documented.strip(), denied.stderr)

    def test_a_new_token_is_added_and_an_old_one_revoked_without_a_restart(self):
        entry = subprocess.run([BIN / "qconfigctl", "new-token"], capture_output=True, text=True, check=True, env=clean_environment())
        (HERE / "new.token").write_text(entry.stdout)
        new = Client(self.server, "--token-file", HERE / "new.token")
        self.assertDenied(new.list("acme"), reason="CREDENTIALS_INVALID")
        old_hash, new_hash = (re.search('sha256: "(.{64})"', text).group(1) for text in (self.policy.read_text(), entry.stderr))
        both = self.policy.read_text().replace("tokens: [", f'tokens: [{{sha256: "{new_hash}"}}, ')
        self.replace(both)
        self.wait_until(lambda: new.list("acme").returncode == 0)
        self.assertAllowed(self.farm.list("acme"))
        self.replace(self.policy.read_text().replace(f', {{sha256: "{old_hash}"}}', ""))
        self.wait_until(lambda: self.farm.list("acme").returncode != 0)
        self.assertDenied(self.farm.list("acme"), reason="CREDENTIALS_INVALID")
        self.assertAllowed(new.list("acme"))

    def test_a_file_that_cannot_be_used_leaves_the_previous_policy(self):
        (documented,) = (text for text in blocks(MANUAL, "text") if text.startswith("policy.yaml: "))
        good = self.policy.read_text()
        self.replace(good.replace("role: reader", "role: raeder").replace('"}]', '", expire: 2031-01-31}]'))
        checked = subprocess.run([BIN / "qconfigd", "check-config", "--auth-policy", "policy.yaml"], capture_output=True, text=True,
                                 cwd=HERE, env=clean_environment())
        self.assertEqual((checked.returncode, checked.stderr), (2, documented))
        self.wait_until(lambda: self.server.text().count(KEPT) == 1)
        (logged,) = (json.loads(line) for line in self.server.text().splitlines() if KEPT in line)
        self.assertEqual(logged["error"], f"{HERE}/" + "; ".join(line.strip() for line in documented.splitlines()))
        self.assertTrue(self.is_usable(0))
        self.assertAllowed(self.farm.list("acme"))
        self.policy.unlink()
        self.wait_until(lambda: self.server.text().count(KEPT) == 2)
        self.assertTrue(self.is_usable(0))
        self.assertAllowed(self.farm.list("acme"))
        self.replace(good)
        self.wait_until(lambda: self.is_usable(1))

    def test_the_way_back_after_a_lost_policy(self):
        run(block("(umask 077; qconfigctl ", 1))
        operator = Client(self.server, "--token-file", HERE / "operator.token")
        self.wait_until(lambda: operator.list("any").returncode == 0)
        self.assertAllowed(operator.register("new"), operator.administer("new"))

    def is_usable(self, value):
        return f"\nqconfig_auth_policy_usable {value}\n" in self.server.probe("/metrics")[1]

    def replace(self, text):
        (HERE / "policy.new").write_text(text)
        (HERE / "policy.new").replace(self.policy)


class PolicyTest(AccessTest):
    """The example with every key, with the hash of a token of this test and the keys of an issuer of this test."""

    @classmethod
    def setUpClass(cls):
        text, cls.limits = blocks(MANUAL, "yaml")
        digest = run("qconfigctl new-token --hash farm.token").strip()
        (HERE / "policy.yaml").write_text(re.sub('sha256: "[0-9a-f]{64}"', f'sha256: "{digest}"', text))
        cls.issuer = json_web_tokens.Issuer(HERE, "https://ci.example.com")
        (HERE / "ci-jwks.json").write_text(json_web_tokens.key_set(cls.issuer))
        issue("w1", "clients", san="DNS:w1.release.acme.example")
        issue("stranger", "clients", san="DNS:example.org")
        openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=bob"]
        subprocess.run([*openssl, "-CA", "clients.crt", "-CAkey", "clients.key", "-keyout", "bob.key", "-out", "bob.crt"], cwd=HERE,
                       check=True, capture_output=True)
        command, cls.call = block("qconfigd --auth-policy ", 1).rsplit("\nqconfigctl", 1)
        cls.server = cls.enterClassContext(serve(command))

    def with_certificate(self, name):
        return Client(self.server, "--client-cert", HERE / f"{name}.crt", "--client-key", HERE / f"{name}.key")

    def with_token(self, token):
        (HERE / "jwt").write_text(token)
        return Client(self.server, "--token-file", HERE / "jwt")

    def test_the_documented_call_succeeds(self):
        self.assertIn("int4_wo_128", run("qconfigctl" + self.call.replace("qconfig.example.com:50051", self.server.address)))

    def test_the_documented_limits_are_valid(self):
        (HERE / "limits.yaml").write_text(self.limits)
        checked = subprocess.run([BIN / "qconfigd", "check-policy", "limits.yaml"], capture_output=True, text=True, cwd=HERE,
                                 env=clean_environment())
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.assertIn("  at most 200 calls a second, 400 at once, and 60 writes a minute (only counted)\n", checked.stdout)

    def test_a_reader(self):
        farm = Client(self.server, "--token-file", HERE / "farm.token")
        self.assertAllowed(farm.list(), farm.list("acme"), farm.list("acme-7"))
        self.assertDenied(farm.register(), farm.administer(), farm.list("beta"), farm.list("acmeco"))

    def test_an_editor_by_a_claim_or_a_certificate(self):
        for bot in (self.with_token(self.issuer.token("repo:acme/models:ref:refs/heads/main")), self.with_certificate("w1")):
            self.assertAllowed(bot.register(), bot.list(), bot.register("acme-pr-7"))
            self.assertDenied(bot.administer(), bot.list("acme-2"), bot.register("beta"))

    def test_an_admin_by_a_common_name(self):
        lead = self.with_certificate("bob")
        self.assertAllowed(lead.register(), lead.administer())
        # A pattern alone does not create tenants.
        self.assertDenied(lead.register("acme-new"), lead.administer("beta"))

    def test_an_operator(self):
        alice = self.with_certificate("alice")
        self.assertAllowed(alice.register("beta"), alice.administer("beta"), alice.list("acme"))

    def test_callers_without_credentials_or_with_a_certificate_of_nobody(self):
        for caller in (Client(self.server), self.with_certificate("stranger")):
            self.assertAllowed(caller.list(), caller.list("public"))
            self.assertDenied(caller.register(), caller.list("acme"))

    def test_json_web_tokens_that_are_not_accepted(self):
        subject = "repo:acme/models:ref:refs/heads/main"
        (HERE / "stranger").mkdir()
        # Another key with the ID of the key that the server has.
        stranger = json_web_tokens.Issuer(HERE / "stranger", self.issuer.name, self.issuer.key_id)
        rules = {
            "unknown": self.issuer.token("repo:other/models:ref:refs/heads/main"),
            "audience": self.issuer.token(subject, audience="another-server"),
            "expired": self.issuer.token(subject, seconds=-60),
            "signature": stranger.token(subject),
        }
        for rule, token in rules.items():
            with self.subTest(rule=rule):
                result = self.with_token(token).list()
                self.assertDenied(result, reason="CREDENTIALS_INVALID")
                self.assertEqual(re.findall(r"^ *rule: *(.*)$", result.stderr, re.M), [rule])


class MetricsTest(unittest.TestCase):
    """/metrics with a policy."""

    def metrics(self, server, **headers):
        request = urllib.request.Request(f"http://{server.admin}/metrics", headers=headers)
        try:
            return urllib.request.urlopen(request, timeout=30).read().decode()
        except urllib.error.HTTPError as error:
            return error.code

    def serve(self, *options, **environment):
        (HERE / "open.yaml").write_text("version: 1\nanonymous: {grants: [{role: reader, tenants: [acme]}]}\n")
        server = self.enterContext(Server("--auth-policy", HERE / "open.yaml", "--storage", "memory", *options, **environment))
        self.assertEqual(qconfigctl("--tenant", "acme", "list", "schemes", server=server).returncode, 0)
        return server

    def test_the_server_does_not_start_without_the_token(self):
        token = HERE / "no.token"
        for text in (None, "\n"):
            if text:
                token.write_text(text)
            with self.assertRaisesRegex(AssertionError, f"did not start: .*--admin-token-file {token}"):
                Server("--admin-token-file", token, "--storage", "memory")

    def test_other_hosts_see_names_of_tenants_only_with_a_token(self):
        name = 'tenant="acme"'
        self.assertIn(name, self.metrics(self.serve()))
        self.assertNotIn(name, self.metrics(self.serve(QCONFIG_ADMIN_LISTEN="0.0.0.0:0")))
        token = HERE / "metrics.token"
        token.write_text("secret\n")
        server = self.serve("--admin-token-file", token, QCONFIG_ADMIN_LISTEN="0.0.0.0:0")
        self.assertEqual(self.metrics(server), 401)
        self.assertEqual(self.metrics(server, Authorization="Bearer wrong"), 401)
        self.assertIn(name, self.metrics(server, Authorization="Bearer secret"))
        self.assertEqual(server.probe("/readyz/reads")[0], 200)
        token.write_text("")
        self.assertEqual(self.metrics(server, Authorization="Bearer secret"), 401)
        token.write_text("another\n")
        self.assertEqual(self.metrics(server, Authorization="Bearer secret"), 401)
        self.assertIn(name, self.metrics(server, Authorization="Bearer another"))


if __name__ == "__main__":
    unittest.main()
