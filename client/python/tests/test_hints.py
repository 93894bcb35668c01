# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import pickle
import re
import socket
from pathlib import Path
from typing import Optional

import pytest
from conftest import Server, issue

from qconfig_client import AsyncClient, Tls, connect
from qconfig_client._hints import connection_hint
from qconfig_client.errors import ServerUnavailable


def hint(server: str, tls: Optional[Tls] = None) -> str:
    with connect(server, tls=tls) as client, pytest.raises(ServerUnavailable) as caught:
        client.list_catalogs()
    found = re.search(r"\(hint: (.*)\)$", caught.value.message)
    assert found, caught.value.message
    assert pickle.loads(pickle.dumps(caught.value)).message == caught.value.message
    return found[1]


def test_a_server_with_mutual_tls(tmp_path: Path) -> None:
    for name, issuer in (
        ("ca", None),
        ("other-ca", None),
        ("server", "ca"),
        ("client", "ca"),
        ("stranger", "other-ca"),
    ):
        issue(tmp_path, name, issuer)
    ca, cert, key = (str(tmp_path / f"{name}") for name in ("ca.crt", "client.crt", "client.key"))
    options = ["--tls-cert", "server.crt", "--tls-key", "server.key", "--tls-client-ca", "ca.crt"]
    server = Server(tmp_path, *(word if word.startswith("-") else str(tmp_path / word) for word in options))
    try:
        with connect(server.address, tls=Tls(ca, cert, key)) as client:
            client.list_catalogs()
        closed = "the server closed the connection"
        stranger = Tls(ca, tmp_path / "stranger.crt", tmp_path / "stranger.key")
        no_certificate = hint(server.address, Tls(ca))
        assert no_certificate.startswith(closed)
        assert no_certificate.endswith("it requires a client certificate, set Tls(cert=FILE, key=FILE)")
        assert hint(server.address, stranger).startswith(closed)
        assert "it may not trust the authority that issued the" in hint(server.address, stranger)
        assert hint(server.address) == (
            "the server closed the connection; if it uses TLS, set tls=Tls(ca=FILE); "
            "if this is the admin port of qconfigd, use the port of --listen, by default 50051"
        )
        for tls in (Tls(), Tls(tmp_path / "other-ca.crt")):
            # grpcio 1.66 does not say whether the authority is unknown or the certificate has expired.
            text = hint(server.address, tls).replace(", or the certificate has expired", "")
            assert text == (
                "the client does not trust the authority that issued the server's certificate; "
                "set Tls(ca=FILE) to the certificate of that authority"
            )
    finally:
        server.stop()


def test_a_server_without_tls(server: Server, tmp_path: Path) -> None:
    issue(tmp_path, "ca")
    assert hint(server.address, Tls(tmp_path / "ca.crt")).startswith("the server does not use TLS on this port")
    assert hint(f"http://{server.address}") == "the server is host:port, not a URL; leave out http://"
    assert hint(f"https://{server.address}").endswith("leave out https://, and set tls=Tls(ca=FILE)")


def test_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    assert hint(address).startswith("no server listens on this address")
    assert hint("no-such-host.invalid:50051").startswith("the name of the host cannot be resolved")

    async def call() -> None:
        async with AsyncClient(address) as client:
            await client.list_catalogs()

    with pytest.raises(ServerUnavailable, match="hint: no server listens on this address"):
        asyncio.run(call())


def test_a_server_without_a_port() -> None:
    text = connection_hint("Connection refused", server="qconfig.example.com", tls=False, cert=False)
    assert text.startswith("the server has no port; set host:port")
    assert connection_hint("anything", server="qconfig.example.com", tls=False, cert=False) == ""


def test_an_unknown_message_has_no_hint() -> None:
    assert connection_hint("out of paper", server="a:1", tls=False, cert=False) == ""
