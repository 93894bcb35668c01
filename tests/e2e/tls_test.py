# SPDX-License-Identifier: Apache-2.0
"""Tests qconfigd and qconfigctl with TLS."""

import functools
import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import warnings

import certificates
from certificates import openssl
from programs import BIN, Server, qconfigctl, server_environment

FILES = tempfile.TemporaryDirectory(prefix="qconfig-tls-")
HERE = pathlib.Path(FILES.name)
issue = functools.partial(certificates.issue, folder=HERE, authorities=HERE)


def setUpModule():
    for authority in ("authority", "callers", "strangers"):
        issue(authority)
    issue("server", "authority")
    issue("elsewhere", "authority", san="DNS:qconfig.example.com")
    issue("me", "callers")
    issue("stranger", "strangers")
    openssl("ec", "-in", HERE / "server.key", "-aes256", "-passout", "pass:secret", "-out", HERE / "encrypted.key")


def tearDownModule():
    FILES.cleanup()


def server_options(name="server", client_ca=None):
    options = ["--tls-cert", HERE / f"{name}.crt", "--tls-key", HERE / f"{name}.key"]
    return options + (["--tls-client-ca", HERE / f"{client_ca}.crt"] if client_ca else [])


def ask(server, ca="authority", client=None, **environment):
    options = ["--tls-ca", HERE / f"{ca}.crt"] if ca else []
    options += ["--client-cert", HERE / f"{client}.crt", "--client-key", HERE / f"{client}.key"] if client else []
    return qconfigctl("list", "catalogs", *options, server=server, **environment)


def served(server, version=None):
    """Returns the server's certificate, TLS version and ALPN protocol, without verifying the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", server.port), 30) as plain, context.wrap_socket(plain) as connection:
        certificate = ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))
        return certificate, connection.version(), connection.selected_alpn_protocol()


class TlsTest(unittest.TestCase):
    def test_strangers_cannot_fill_the_log_or_cause_errors(self):
        with Server(*server_options(client_ca="callers")) as server:
            for _ in range(50):
                with socket.create_connection(("127.0.0.1", server.port), 30) as stranger:
                    stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    stranger.recv(1000)
            self.assertAnswered(ask(server, client="me"))
            lines = [json.loads(line) for line in server.text().splitlines()]
            handshakes = [line for line in lines if line["msg"] == "grpc" and "Handshake failed" in line["error"]]
            self.assertTrue(1 <= len(handshakes) <= 10, handshakes)
            self.assertEqual({line["level"] for line in lines}, {"info"}, lines)

    def assertAnswered(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("quark-0.12.post1", result.stdout)

    def assertNotReached(self, result, *words):
        self.assertEqual((result.returncode, result.stdout), (3, ""), result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def wait_for(self, condition):
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline, "timed out")

    def test_tls(self):
        with Server(*server_options()) as server:
            self.assertAnswered(ask(server))
            self.assertAnswered(ask(server, ca=None, QCONFIG_TLS_CA=str(HERE / "authority.crt")))
            trusted = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(HERE / "authority.crt")}
            self.assertAnswered(qconfigctl("list", "catalogs", "--tls", server=server, **trusted))
            self.assertNotReached(ask(server, ca="strangers"), "certificate verify failed", "hint: ", "--tls-ca")
            self.assertNotReached(ask(server, ca=None), "hint: ", "if it uses TLS, set --tls or --tls-ca FILE")

    def test_server_without_tls(self):
        with Server() as server:
            self.assertNotReached(ask(server), "the server does not use TLS")

    def test_certificate_must_match_the_host_name(self):
        with Server(*server_options("elsewhere")) as server:
            self.assertNotReached(ask(server), "127.0.0.1 is not in peer certificate")

    def test_mutual_tls(self):
        with Server(*server_options(client_ca="callers")) as server:
            self.assertAnswered(ask(server, client="me"))
            environment = {"QCONFIG_CLIENT_CERT": str(HERE / "me.crt"), "QCONFIG_CLIENT_KEY": str(HERE / "me.key")}
            self.assertAnswered(ask(server, **environment))
            self.assertNotReached(ask(server), "it requires a client certificate, set --client-cert FILE and --client-key FILE")
            self.assertNotReached(ask(server, client="stranger"), "may not trust the authority that issued the certificate in --client-cert FILE")

    def test_mutual_tls_allows_other_hosts(self):
        with Server("--listen", "0.0.0.0:0", *server_options(client_ca="callers")) as server:
            self.assertAnswered(ask(server, client="me"))
            self.assertNotIn("--insecure", server.text())
        with Server("--listen", "0.0.0.0:0", "--insecure", *server_options()) as server:
            self.assertAnswered(ask(server))
            self.assertIn("connections from other hosts are encrypted, but clients are not authenticated", server.text())

    def test_tls_versions(self):
        with Server(*server_options()) as server:
            expected = (HERE / "server.crt").read_text()
            self.assertEqual(served(server, ssl.TLSVersion.TLSv1_2), (expected, "TLSv1.2", "h2"))
            self.assertEqual(served(server, ssl.TLSVersion.TLSv1_3), (expected, "TLSv1.3", "h2"))
            with warnings.catch_warnings(), self.assertRaises(ssl.SSLError):
                warnings.simplefilter("ignore", DeprecationWarning)
                served(server, ssl.TLSVersion.TLSv1_1)
            self.wait_for(lambda: "unsupported protocol" in server.text())

    def test_changed_files_are_reloaded(self):
        mount = HERE / "mount"
        for version in ("1", "2", "3"):
            (mount / version).mkdir(parents=True)
            issue("tls", "authority", folder=mount / version)
        (mount / "data").symlink_to("1")
        for name in ("tls.crt", "tls.key"):
            (mount / name).symlink_to(f"data/{name}")
        with Server("--tls-cert", mount / "tls.crt", "--tls-key", mount / "tls.key") as server:
            def shows(version):
                return served(server)[0] == (mount / version / "tls.crt").read_text()

            self.assertTrue(shows("1"))
            (mount / "next").symlink_to("2")
            os.rename(mount / "next", mount / "data")
            self.wait_for(lambda: shows("2"))
            # Overwrite the file in place, so that key and certificate do not match.
            (mount / "2/tls.key").write_text((mount / "3/tls.key").read_text())
            self.wait_for(lambda: "does not match the first certificate in" in server.text())
            self.assertTrue(shows("2"))
            self.assertAnswered(ask(server))
            (mount / "2/tls.crt").write_text((mount / "3/tls.crt").read_text())
            self.wait_for(lambda: shows("3"))
            self.assertAnswered(ask(server))

    def test_server_rejects_invalid_files(self):
        for cert, key, problem in (
            ("missing.crt", "server.key", "missing.crt: cannot be opened: No such file or directory"),
            ("server.crt", "me.key", "me.key: does not match the first certificate in"),
            ("server.crt", "encrypted.key", "encrypted.key: encrypted keys are not supported"),
            ("server.key", "server.key", "server.key: contains no PEM certificate"),
        ):
            options = ["--listen", "127.0.0.1:0", "--tls-cert", HERE / cert, "--tls-key", HERE / key]
            for command, code in (([], 1), (["check-config"], 2)):
                result = self.start(*command, *options)
                self.assertEqual(result.returncode, code, problem)
                self.assertIn(problem, result.stderr)

    def start(self, *arguments):
        # Without a terminal or input, so that nothing can prompt for a passphrase.
        return subprocess.run([BIN / "qconfigd", "--storage", "memory", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, env=server_environment(), timeout=30)

    def test_inconsistent_options_exit_2(self):
        cert, key = HERE / "server.crt", HERE / "server.key"
        for arguments in (["--tls-cert", cert], ["--tls-key", key], ["--tls-client-ca", cert],
                          ["--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key]):
            result = self.start(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("--tls-", result.stderr)

    def test_client_rejects_invalid_files(self):
        for arguments, problem in (
            (["--tls-ca", HERE / "missing"], "missing: cannot be opened"),
            (["--tls-ca", HERE / "server.key"], "server.key: contains no PEM certificate"),
            (["--client-cert", HERE / "me.crt"], "set both or neither"),
            (["--client-cert", HERE / "me.crt", "--client-key", HERE / "server.key"], "does not match the first certificate in"),
        ):
            result = qconfigctl("list", "catalogs", "--server", "127.0.0.1:1", *arguments)
            self.assertEqual((result.returncode, result.stdout), (2, ""), arguments)
            self.assertIn(problem, result.stderr)


if __name__ == "__main__":
    unittest.main()
