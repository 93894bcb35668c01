# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Server

from qconfig_client import Tls, connect
from qconfig_client.errors import ServerUnavailable


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[Server]:
    """A server with TLS and a self-signed certificate, cert.pem."""
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *names, *files],
        check=True,
        capture_output=True,
    )
    server = Server(tmp_path, "--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    yield server
    server.stop()


def test_authorities_from_a_file_bytes_or_the_system(tls_server: Server, tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    for ca in (str(file), file, file.read_bytes()):
        with connect(tls_server.address, tls=Tls(ca=ca)) as client:
            client.get_config("llama", "fp8")
    for tls in (Tls(), None):
        with connect(tls_server.address, tls=tls) as client, pytest.raises(ServerUnavailable):
            client.get_config("llama", "fp8")
    program = "import sys, qconfig_client as q; q.connect(sys.argv[1], tls=q.Tls()).get_config('llama', 'fp8')"
    environment = {"SSL_CERT_FILE": str(file)}  # overrides the system's authorities in Python
    subprocess.run([sys.executable, "-c", program, tls_server.address], check=True, env=environment)


def test_a_certificate_requires_its_key() -> None:
    with pytest.raises(ValueError, match="key is missing"):
        Tls(cert="cert.pem")
    with pytest.raises(ValueError, match="cert is missing"):
        Tls(key="key.pem")
    line = [sys.executable, "-m", "qconfig_client", "get-config", "llama", "fp8", "--tls-key", "key.pem"]
    run = subprocess.run(line, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (2, "error: Tls requires cert and key together; cert is missing\n")


def test_a_key_is_not_printed() -> None:
    tls = Tls(cert=b"certificate", key=b"secret")
    client = connect("127.0.0.1:1", tls=tls)
    assert "secret" not in repr(tls) + repr(client._options)


def test_a_missing_file_raises_at_the_first_call() -> None:
    with connect("127.0.0.1:1", tls=Tls(ca="missing.pem")) as client, pytest.raises(FileNotFoundError):
        client.get_config("llama", "fp8")
