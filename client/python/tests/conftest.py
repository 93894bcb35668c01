# SPDX-License-Identifier: Apache-2.0
"""Fixtures with real servers. They run the qconfigd in QCONFIG_BIN, by default the release build."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest

import qconfig_client

ROOT = Path(__file__).resolve().parents[3]
QCONFIGD = Path(os.environ.get("QCONFIG_BIN", ROOT / "build/release/bin")) / "qconfigd"
TOKENS = {"farm": "qct_farm-token", "next": "qct_next-token"}


def issue(folder: Path, name: str, issuer: Optional[str] = None) -> None:
    """Creates NAME.crt and NAME.key in `folder`, signed by ISSUER, or an authority."""
    subject = ["-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"]
    signer = ["-CA", folder / f"{issuer}.crt", "-CAkey", folder / f"{issuer}.key"] if issuer else []
    extensions = ["-addext", "subjectAltName=IP:127.0.0.1"] if issuer else []
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command = ["openssl", "req", "-x509", *kind, *subject, *signer, *extensions]
    subprocess.run(command, check=True, capture_output=True)


class Server:
    """A qconfigd that keeps its port and its registry across restarts."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self.address = "127.0.0.1:0"
        self.start()

    def start(self) -> None:
        assert QCONFIGD.exists(), f"{QCONFIGD} is missing: build it, or set QCONFIG_BIN"
        log = self._folder / "log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("QCONFIG_")}
        with log.open("w") as stderr:
            self._process = subprocess.Popen(
                [QCONFIGD, "--listen", self.address, "--admin-listen", "", "--data-dir", self._folder, *self._options],
                stderr=stderr,
                env=environment,
            )
        deadline = time.monotonic() + 30
        while not (found := re.search(r"listening on \S+ \(port (\d+)\)", log.read_text())):
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        self.address = f"127.0.0.1:{found[1]}"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.wait(30)


def policy() -> str:
    """Returns a policy. Each token belongs to a principal, who may read the tenant with the principal's name."""
    text = "version: 1\nprincipals:\n"
    for name, token in TOKENS.items():
        digest = hashlib.sha256(token.encode()).hexdigest()
        grants = f"[{{role: reader, tenants: [{name}]}}]"
        text += f'  {name}: {{tokens: [{{sha256: "{digest}"}}], default_tenant: {name}, grants: {grants}}}\n'
    return text


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a policy, a token for each of its principals, and certificates."""
    folder = tmp_path_factory.mktemp("credentials")
    (folder / "policy.yaml").write_text(policy())
    for name, token in TOKENS.items():
        (folder / name).write_text(f"{token}\n")
    (folder / "unknown").write_text("qct_unknown")
    issue(folder, "authority")
    issue(folder, "server", "authority")
    return folder


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test."""
    server = Server(tmp_path)
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server shared by all tests."""
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[qconfig_client.Client]:
    """A client with a separate tenant for each test, and the tenant's default catalogue."""
    tenant = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:63].strip("-")
    with qconfig_client.connect(server.address, tenant=tenant, catalog="") as client:
        yield client
