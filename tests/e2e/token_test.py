# SPDX-License-Identifier: Apache-2.0
"""Tests the tokens of qconfigctl with a qconfigd that has a policy."""

import functools
import hashlib
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import certificates
from programs import BIN, Server, clean_environment, qconfigctl

FILES = tempfile.TemporaryDirectory(prefix="qconfig-token-")
HERE = pathlib.Path(FILES.name)
issue = functools.partial(certificates.issue, folder=HERE)

POLICY = """version: 1
principals:
  farm:
    {tokens}
    default_tenant: acme
    grants: [{{role: reader, tenants: [acme, "acme-*"]}}, {{role: editor, tenants: ["ci-*"], create: true}}]
  owner:
    tokens: [{{sha256: "{owner}"}}]
    default_tenant: acme
    grants: [{{role: editor, tenants: [team]}}, {{role: editor, tenants: ["a-*", "b-*"]}}, {{role: admin, tenants: [acme, "acme-*", lab]}}]
  idle: {{tokens: [{{sha256: "{idle}", expires: 2100-01-01}}]}}
  ops: {{certificates: [{{dns: ops.example}}], role: operator}}
"""
SCHEME = "name: mine\nweight: {spec: Int4PerGroupSpec, fields: {ch_axis: -1, group_size: 48}}\n"


def new_token(path):
    """Writes a new token to the file and returns the line for the policy."""
    with path.open("w") as file:
        result = subprocess.run([BIN / "qconfigctl", "new-token"], stdout=file, stderr=subprocess.PIPE, text=True, env=clean_environment(),
                                check=True, timeout=60)
    return result.stderr


def hash_of(name):
    """Returns the hash of the token in the file."""
    return hashlib.sha256((HERE / name).read_text().strip().encode()).hexdigest()


def setUpModule():
    issue("authority")
    issue("server", "authority")
    issue("ops", "authority", san="DNS:ops.example")
    tokens = new_token(HERE / "token").strip()
    new_token(HERE / "idle")
    new_token(HERE / "owner")
    (HERE / "policy.yaml").write_text(POLICY.format(tokens=tokens, idle=hash_of("idle"), owner=hash_of("owner")))
    new_token(HERE / "other")


def tearDownModule():
    FILES.cleanup()


class TokenTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        policy = ["--auth-policy", HERE / "policy.yaml"]
        cls.tls = Server(*policy, "--tls-cert", HERE / "server.crt", "--tls-key", HERE / "server.key", "--tls-client-ca", HERE / "authority.crt",
                         "--tls-client-auth", "optional")
        cls.plain = Server(*policy)

    @classmethod
    def tearDownClass(cls):
        cls.tls.__exit__()
        cls.plain.__exit__()

    def ask(self, *options, command=("list", "schemes"), server=None, **environment):
        """Runs a command, over TLS unless a server is named, and checks that no output has a token."""
        where = [] if server else ["--tls-ca", HERE / "authority.crt"]
        result = qconfigctl(*command, *where, *options, server=server or self.tls, **environment)
        for name in ("token", "other"):
            self.assertNotIn((HERE / name).read_text().strip(), result.stdout + result.stderr)
        return result

    def assertFails(self, result, code, *texts):
        self.assertEqual((result.returncode, result.stdout), (code, ""), result.stderr)
        for text in texts:
            self.assertIn(text, result.stderr)

    def assertAnswered(self, result):
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("int4_wo_128", result.stdout)

    def test_a_token_authenticates_over_tls(self):
        self.assertAnswered(self.ask("--token-file", HERE / "token"))
        self.assertAnswered(self.ask(QCONFIG_TOKEN_FILE=str(HERE / "token")))
        self.assertNotIn((HERE / "token").read_text().strip(), self.tls.text())

    def test_the_server_says_what_to_do(self):
        self.assertFails(self.ask(), 1, "(CREDENTIALS_MISSING)", "  advice:       Send a token, with qconfigctl in the file that QCONFIG_TOKEN_FILE names")
        self.assertFails(self.ask("--token-file", HERE / "other"), 1, "(CREDENTIALS_INVALID)", "  rule:         unknown", f"  token file:   {HERE}/other",
                         "  advice:       Ask the operators of the server for a new token, or set --token-file to another one")
        denied = self.ask("--token-file", HERE / "token", "--tenant", "other")
        self.assertFails(denied, 1, "(PERMISSION_DENIED)", "  tenant:       other", "  advice:       Ask the operators of the server for a grant")
        (HERE / "scheme.yaml").write_text(SCHEME)
        denied = self.ask("--token-file", HERE / "token", command=("register", "scheme", "-f", HERE / "scheme.yaml"))
        self.assertFails(denied, 1, "requires the role editor", "  advice:       Ask the operators of the server for a grant")

    def test_a_token_is_not_sent_unencrypted(self):
        advice = "add --tls or --tls-ca FILE, or, if nobody else can read the connection, --allow-unencrypted-token"
        self.assertFails(self.ask("--token-file", HERE / "token", server=self.plain), 2, "error: --token-file: ", advice)
        self.assertFails(self.ask(server=self.plain, QCONFIG_TOKEN_FILE=str(HERE / "token")), 2, "environment variable QCONFIG_TOKEN_FILE: ", advice)
        self.assertAnswered(self.ask("--token-file", HERE / "token", "--allow-unencrypted-token", server=self.plain))
        environment = {"QCONFIG_TOKEN_FILE": str(HERE / "token"), "QCONFIG_ALLOW_UNENCRYPTED_TOKEN": "true"}
        self.assertAnswered(self.ask(server=self.plain, **environment))

    def test_an_invalid_file_is_an_error(self):
        (HERE / "empty").write_text("\n")
        (HERE / "lines").write_text((HERE / "token").read_text() + (HERE / "other").read_text())
        (HERE / "large").write_text("x" * 7169)
        for name, problem in (("missing", "cannot be opened: No such file or directory"), ("empty", "is empty"), ("lines", "has several lines"),
                              ("large", "has more than 7168 bytes"), (".", "is not a regular file")):
            with self.subTest(name):
                path = f"{HERE}/{name}"
                self.assertFails(self.ask("--token-file", path), 2, f"error: --token-file: token file {path}: {problem}")
                self.assertFails(self.ask(QCONFIG_TOKEN_FILE=path), 2, f"error: environment variable QCONFIG_TOKEN_FILE: token file {path}: {problem}")
        token = (HERE / "token").read_text().strip()
        result = qconfigctl("list", "schemes", "--tls", "--token-file", token)
        self.assertFails(result, 2, "write the token to a file, and name that file")
        self.assertNotIn(token, result.stderr)

    def test_no_error_quotes_a_token(self):
        for token in ("qct_secret", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.secret"):
            for line in (["get-confg", "llama", "--token-file", token], ["list", "schemes", "--token-fil", token], ["whoami", "--auth-token-file", token],
                         ["whoami", f"--auth-token={token}"], ["list", "schemes", f"--header=Bearer {token}"], ["new-token", token], ["whoami", token],
                         ["whoami", "--tls", "--token-file", f"Bearer {token}"], ["whoami", "--tls", "--token-file", f"'{token}'"],
                         ["list", token], [token], ["--tls", "list", "schemes", "-o", token], ["whoami", "--tls", f"--token-file={token}"],
                         ["new-token", "--hash", token]):
                with self.subTest(line):
                    result = qconfigctl(*line)
                    self.assertFails(result, 2, "write the token to a file, and name that file with " + ("--hash" if line[0] == "new-token" else "--token-file"))
                    self.assertNotIn(token.split("_" if token[0] == "q" else ".")[-1], result.stderr)
                    self.assertNotIn("Run: ", result.stderr)
            for variable in ("QCONFIG_TOKEN_FILE", "QCONFIG_ALLOW_UNENCRYPTED_TOKEN"):
                for value in (token, f"Bearer {token}", f" {token}"):
                    result = qconfigctl("list", "schemes", "--tls", **{variable: value})
                    self.assertFails(result, 2, f"environment variable {variable}: ")
                    self.assertNotIn(token, result.stderr)

    def test_a_file_whose_name_looks_like_a_token_is_none(self):
        (HERE / "qct_ci").write_text((HERE / "token").read_text())
        for words in (["--token-file", "qct_ci"], ["--token-file=qct_ci"]):
            command = [BIN / "qconfigctl", "list", "schemes", "--tls-ca", HERE / "authority.crt", "--server", self.tls.address, *words]
            run = functools.partial(subprocess.run, capture_output=True, text=True, cwd=HERE, env=clean_environment(), timeout=60)
            self.assertAnswered(run(command))
            self.assertFails(run([*command, "--tokn"]), 2, "--tokn")
            self.assertNotIn("has a token", run([*command, "--tokn"]).stderr)

    def test_a_write_without_a_tenant_is_for_the_default_tenant_of_the_policy(self):
        (HERE / "scheme.yaml").write_text(SCHEME)
        owner = functools.partial(self.ask, "--token-file", HERE / "owner")
        for command, line in (
            (["register", "scheme", "-f", HERE / "scheme.yaml"], "registered scheme mine for your default tenant at revision 2\n"),
            (["set-default-catalog", "quark-0.13"],
             "set the default catalogue to quark-0.13 for your default tenant at revision 3; previously quark-0.12.post1\n"),
            (["unregister", "scheme", "mine"], "unregistered scheme mine for your default tenant at revision 4\n"),
            (["--tenant", "acme", "register", "scheme", "-f", HERE / "scheme.yaml"], "registered scheme mine for tenant acme at revision 5\n"),
        ):
            self.assertEqual(owner(command=command).stdout, line)

    def test_whoami(self):
        farm = hash_of("token")[:8]
        answer = self.ask("--token-file", HERE / "token", command=["whoami"])
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        self.assertEqual(answer.stdout, f"""principal:       farm
credential:      token {farm}
expires:         never
default tenant:  acme

ROLE    TENANTS       MAY CREATE THEM
reader  acme, acme-*  no
editor  ci-*          yes
""")
        answer = self.ask("--token-file", HERE / "token", command=["whoami", "-o", "json"])
        grants = [{"role": "ROLE_READER", "tenants": ["acme", "acme-*"]}, {"role": "ROLE_EDITOR", "tenants": ["ci-*"], "create": True}]
        self.assertEqual(json.loads(answer.stdout), {"has_policy": True, "principal": "farm", "credential": f"token {farm}",
                                                     "default_tenant": "acme", "grants": grants})

    def test_whoami_says_which_tenants_a_write_may_create(self):
        answer = self.ask("--token-file", HERE / "owner", command=["whoami"])
        self.assertTrue(answer.stdout.endswith("""
ROLE    TENANTS            MAY CREATE THEM
editor  team               yes
editor  a-*, b-*           no
admin   acme, acme-*, lab  only acme, lab
"""), answer.stdout)
        denied = self.ask("--token-file", HERE / "owner", "--tenant", "a-1", command=["set-default-catalog", "quark-0.13"])
        self.assertFails(denied, 1, "(PERMISSION_DENIED)")
        created = self.ask("--token-file", HERE / "owner", "--tenant", "lab", command=["set-default-catalog", "quark-0.13"])
        self.assertEqual((created.returncode, created.stderr), (0, ""))

    def test_whoami_of_a_principal_without_grants(self):
        answer = self.ask("--token-file", HERE / "idle", command=["whoami"])
        self.assertIn("principal:       idle\n", answer.stdout)
        self.assertIn("expires:         2100-01-01T00:00:00Z\n", answer.stdout)
        self.assertTrue(answer.stdout.endswith("\nno grants: ask the operators of the server for a grant in its policy\n"), answer.stdout)

    def test_whoami_with_a_certificate(self):
        answer = self.ask("--client-cert", HERE / "ops.crt", "--client-key", HERE / "ops.key", command=["whoami"])
        self.assertRegex(answer.stdout, r"\Aprincipal: +ops\ncredential: +certificate [0-9a-f]{8}\nexpires: +with the certificate\n")
        self.assertTrue(answer.stdout.endswith("operator  *        yes\n"), answer.stdout)

    def test_whoami_without_a_policy_or_credentials(self):
        self.assertFails(self.ask(command=["whoami"]), 1, "(CREDENTIALS_MISSING)")
        with Server() as server:
            answer = qconfigctl("whoami", server=server)
            self.assertEqual(answer.stdout, "the server has no policy: everybody who reaches it may do everything\n", answer.stderr)
            self.assertEqual(json.loads(qconfigctl("whoami", "-o", "json", server=server).stdout), {})
        (HERE / "public.yaml").write_text("version: 1\nanonymous: {grants: [{role: reader, tenants: [public]}]}\n")
        with Server("--auth-policy", HERE / "public.yaml") as server:
            answer = qconfigctl("whoami", server=server)
            self.assertTrue(answer.stdout.startswith("principal:       anonymous\ncredential:      none\ndefault tenant:  default\n\nROLE"), answer.stdout)


class NewTokenTest(unittest.TestCase):
    def test_prints_the_token_and_the_line_for_the_policy(self):
        tokens = set()
        for _ in range(5):
            # Neither the address of a server nor files of the connection matter.
            result = qconfigctl("new-token", QCONFIG_SERVER="127.0.0.1:1", QCONFIG_TLS_CA="/missing", QCONFIG_TOKEN_FILE="/missing")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertRegex(result.stdout, r"\Aqct_[A-Za-z0-9_-]{43}\n\Z")
            digest = hashlib.sha256(result.stdout.strip().encode()).hexdigest()
            self.assertEqual(result.stderr, f'tokens: [{{sha256: "{digest}"}}]\n')
            tokens.add(result.stdout)
        self.assertEqual(len(tokens), 5)

    def test_can_fill_the_file_that_the_environment_names(self):
        path = HERE / "named"
        path.touch()
        command = [BIN / "qconfigctl", "new-token"]
        with path.open("w") as file:
            subprocess.run(command, stdout=file, stderr=subprocess.PIPE, env=clean_environment(QCONFIG_TOKEN_FILE=str(path)), check=True, timeout=60)
        self.assertTrue(path.read_text().startswith("qct_"))

    def test_hash_of_a_file(self):
        line = new_token(HERE / "hashed")
        result = qconfigctl("new-token", "--hash", HERE / "hashed")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"\A[0-9a-f]{64}\n\Z")
        self.assertIn(f'"{result.stdout.strip()}"', line)
        self.assertEqual(qconfigctl("new-token", "--hash", "/missing").returncode, 2)

    def test_a_token_that_is_not_written_has_no_hash(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([BIN / "qconfigctl", "new-token"], stdout=full, stderr=subprocess.PIPE, text=True, env=clean_environment(), timeout=60)
        self.assertEqual((result.returncode, result.stderr), (4, "error: cannot write to standard output\n"))

    def test_help_says_how_to_keep_it(self):
        self.assertIn("(umask 077; qconfigctl new-token > FILE)", qconfigctl("new-token", "--help").stdout)
        text = re.sub(r"\s+", " ", qconfigctl("--help").stdout)
        for words in ("--token-file TEXT (Env:QCONFIG_TOKEN_FILE)", "--allow-unencrypted-token (Env:QCONFIG_ALLOW_UNENCRYPTED_TOKEN)", "new-token Create a token"):
            self.assertIn(words, text)


if __name__ == "__main__":
    unittest.main()
