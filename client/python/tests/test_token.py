# SPDX-License-Identifier: Apache-2.0
"""Tokens that the client reads from a file and sends to a server with a policy."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pickle
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import grpc
import pytest
from conftest import ROOT, TOKENS, Server

from qconfig.v1.annotations_pb2 import ROLE_READER
from qconfig.v1.registry_pb2 import Scheme
from qconfig_client import Client, Tls, connect, connect_aio, get_config_request
from qconfig_client.__main__ import main
from qconfig_client._token_file import TokenFile
from qconfig_client.errors import CredentialsInvalid, CredentialsMissing, PermissionDenied


@pytest.fixture(scope="module")
def tls(credentials: Path) -> Tls:
    return Tls(ca=credentials / "authority.crt")


@pytest.fixture(scope="module")
def tls_server(credentials: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    files = ["--tls-cert", str(credentials / "server.crt"), "--tls-key", str(credentials / "server.key")]
    server = Server(tmp_path_factory.mktemp("tls"), "--auth-policy", str(credentials / "policy.yaml"), *files)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def plain_server(credentials: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("plain"), "--auth-policy", str(credentials / "policy.yaml"))
    yield server
    server.stop()


def principal_aio(server: str, **options: Any) -> str:
    async def principal() -> str:
        async with connect_aio(server, **options) as client:
            return (await client.who_am_i()).principal

    return asyncio.run(principal())


def principal_sync(server: str, **options: Any) -> str:
    with connect(server, **options) as client:
        return client.who_am_i().principal


PRINCIPALS = pytest.mark.parametrize("principal", [principal_sync, principal_aio])


@PRINCIPALS
def test_authenticates_over_tls(principal: Callable[..., str], tls_server: Server, tls: Tls, credentials: Path) -> None:
    assert principal(tls_server.address, tls=tls, token_file=credentials / "farm") == "farm"
    with pytest.raises(CredentialsMissing) as missing:
        principal(tls_server.address, tls=tls)
    assert missing.value.code is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(CredentialsInvalid) as invalid:
        principal(tls_server.address, tls=tls, token_file=credentials / "unknown")
    assert (invalid.value.reason, invalid.value.rule) == ("CREDENTIALS_INVALID", "unknown")
    assert "qct_unknown" not in str(invalid.value)


@PRINCIPALS
def test_is_not_sent_unencrypted(principal: Callable[..., str], plain_server: Server, credentials: Path) -> None:
    farm = credentials / "farm"
    sentence = (
        f"the token in {farm} is not sent over an unencrypted connection; set tls=Tls(ca=FILE), or, if nobody else can "
        "read the connection, allow_unencrypted_token=True or QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true"
    )
    for server in (plain_server.address, "127.0.0.1:1", "unix:/nowhere/qconfigd.sock"):
        with pytest.raises(ValueError, match="unencrypted") as caught:
            principal(server, token_file=farm)
        assert str(caught.value) == sentence
    assert principal(plain_server.address, token_file=farm, allow_unencrypted_token=True) == "farm"


@PRINCIPALS
def test_options_from_the_environment(
    principal: Callable[..., str], plain_server: Server, credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QCONFIG_TOKEN_FILE", str(credentials / "farm"))
    with pytest.raises(ValueError, match="unencrypted"):
        principal(plain_server.address)
    monkeypatch.setenv("QCONFIG_ALLOW_UNENCRYPTED_TOKEN", "yes")
    with pytest.raises(ValueError, match="unencrypted"):
        principal(plain_server.address)
    monkeypatch.setenv("QCONFIG_ALLOW_UNENCRYPTED_TOKEN", "true")
    assert principal(plain_server.address) == "farm"
    with pytest.raises(ValueError, match="unencrypted"):
        principal(plain_server.address, allow_unencrypted_token=False)
    assert principal(plain_server.address, token_file=credentials / "next") == "next"
    with pytest.raises(CredentialsMissing):
        principal(plain_server.address, token_file="")


def test_who_am_i(tls_server: Server, tls: Tls, credentials: Path, client: Client) -> None:
    assert not client.who_am_i().has_policy
    with connect(tls_server.address, tls=tls, token_file=credentials / "farm") as farm:
        caller = farm.who_am_i()
    digest = hashlib.sha256(TOKENS["farm"].encode()).hexdigest()
    assert (caller.has_policy, caller.principal, caller.credential) == (True, "farm", f"token {digest[:8]}")
    assert caller.default_tenant == "farm"
    [grant] = caller.grants
    assert (grant.role, list(grant.tenants)) == (ROLE_READER, ["farm"])


def test_permission_denied(tls_server: Server, tls: Tls, credentials: Path) -> None:
    with connect(tls_server.address, tls=tls, token_file=credentials / "farm") as client:
        client.get_config("llama", "fp8")
        with pytest.raises(PermissionDenied) as other:
            client.get_config("llama", "fp8", tenant="next")
        with pytest.raises(PermissionDenied) as write:
            client.register_scheme(Scheme(name="mine"))
        [item] = client.batch_get_config([get_config_request("llama", "fp8", tenant="next")])
    assert (other.value.required_role, other.value.tenant) == ("reader", "next")
    assert (write.value.required_role, write.value.tenant) == ("editor", "farm")
    assert isinstance(item, PermissionDenied)
    assert item.required_role == "reader"


def test_a_new_token_in_the_file_is_used_without_a_new_client(
    tls_server: Server, tls: Tls, credentials: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKENS["farm"])
    with connect(tls_server.address, tls=tls, token_file=file) as client:
        assert client.who_am_i().principal == "farm"
        file.write_text(TOKENS["next"])
        deadline = time.monotonic() + 30
        while client.who_am_i().principal != "next":
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_is_read_at_most_once_a_second(tmp_path: Path) -> None:
    path = tmp_path / "token"
    now = 1000.0
    file = TokenFile(str(path), clock=lambda: now)
    with pytest.raises(FileNotFoundError):
        file.read()
    path.write_text("one")
    assert file.read() == "one"  # an error is not kept
    path.write_text("two")
    now += 0.999
    assert file.read() == "one"
    now += 0.002
    assert file.read() == "two"
    path.unlink()
    now += 1
    with pytest.raises(FileNotFoundError):
        file.read()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"secret\nsecret2\n", "has several lines"),
        (b"secret\rsecret2", "has several lines"),
        (b"Bearer secret", 'without "Bearer"'),
        (b" secret", "has a space"),
        (b"\xef\xbb\xbfsecret", "not printable ASCII"),
        (b"secret\x7f", "not printable ASCII"),
        (b"secret\0", "not printable ASCII"),
        (b"s" * 7169, "has more than 7168 bytes"),
    ],
)
def test_an_invalid_token(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with (
        connect("127.0.0.1:1", tls=Tls(), token_file=path) as client,
        pytest.raises(ValueError, match=problem) as caught,
    ):
        client.who_am_i()
    text = str(caught.value)
    assert text.startswith(f"token file {path}: ")
    assert "secret" not in text.replace(str(path), "")


@pytest.mark.parametrize("content", ["a.b-c_d~e+f/g==", "s" * 7168, "token \t\r\n\n"])
def test_a_valid_token(content: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(content.encode())
    assert TokenFile(str(path)).read() == content.rstrip()


def test_an_unusable_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a regular file"):
        TokenFile(str(tmp_path)).read()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="is not a regular file"):
        TokenFile(str(pipe)).read()
    missing = tmp_path / "missing"
    with pytest.raises(FileNotFoundError, match=f"token file {missing}: cannot be opened: No such file or directory"):
        TokenFile(str(missing)).read()
    with pytest.raises(FileNotFoundError, match=r"token file eyJ\.txt: cannot be opened"):
        TokenFile("eyJ.txt").read()
    with pytest.raises(FileNotFoundError, match="token file /nowhere/qct_ci: cannot be opened"):
        TokenFile("/nowhere/qct_ci").read()


@pytest.mark.parametrize("token", ["qct_secret", "Bearer qct_secret", " qct_secret", "'qct_secret'", "eyJh.e30.secret"])
def test_a_token_instead_of_a_file(token: str) -> None:
    with connect("127.0.0.1:1", token_file=token) as client, pytest.raises(ValueError, match="is a token") as caught:
        client.who_am_i()
    assert "secret" not in "".join(traceback.format_exception_only(type(caught.value), caught.value))
    assert caught.value.__suppress_context__


def test_a_pickled_client_keeps_its_token_file(tls_server: Server, tls: Tls, credentials: Path) -> None:
    client = connect(tls_server.address, tls=tls, token_file=credentials / "farm")
    with pickle.loads(pickle.dumps(client)) as copy:
        assert copy.who_am_i().principal == "farm"
    client.close()


def test_the_command_line(plain_server: Server, credentials: Path) -> None:
    command = [sys.executable, "-m", "qconfig_client", "get-config", "llama", "fp8", "--server", plain_server.address]
    token = ["--token-file", str(credentials / "farm")]
    run = subprocess.run([*command, *token], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (2, "")
    assert "is not sent over an unencrypted connection" in run.stderr
    subprocess.run([*command, *token, "--allow-unencrypted-token"], check=True, capture_output=True)


@pytest.mark.parametrize("token", ["qct_secret", "eyJh.e30.secret"])
def test_the_command_line_does_not_print_a_token(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["llama", "fp8", "--token", token],
        ["llama", "fp8", f"--token={token}"],
        ["llama", "fp8", "--header", f"Bearer {token}"],
        ["llama", "fp8", "--revision", token],
        ["llama", "fp8", "--layer", token],
    ):
        with pytest.raises(SystemExit) as caught:
            main(["get-config", *words])
        printed = capsys.readouterr().err
        assert caught.value.code == 2
        assert "error: " in printed
        assert "secret" not in printed
        assert "write a token to a file, and name that file with --token-file" in printed


def test_the_command_line_prints_other_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["get-config", "llama", "fp8", "--tokn", "x"])
    assert capsys.readouterr().err.endswith("error: unrecognized arguments: --tokn x\n")


def test_the_representation_of_a_caller_has_no_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("qct_secret")
    with connect("127.0.0.1:1", tls=Tls(), token_file=tmp_path / "token") as client:
        caller = client._connection.caller()
    assert caller.metadata == (("authorization", "Bearer qct_secret"),)
    assert "secret" not in f"{caller!r} {caller}"


def test_the_example(tls_server: Server, credentials: Path) -> None:
    files = [str(credentials / "authority.crt"), str(credentials / "farm")]
    command = [sys.executable, str(ROOT / "client/python/examples/who_am_i.py"), tls_server.address, *files]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    digest = hashlib.sha256(TOKENS["farm"].encode()).hexdigest()
    assert run.stdout == f"farm token {digest[:8]} farm\n"


_FORKS = """
import os, signal, sys, threading
import qconfig_client

server, ca, token_file = sys.argv[1:]
client = qconfig_client.connect(server, tls=qconfig_client.Tls(ca=ca), token_file=token_file)
done = threading.Event()

def work():
    while not done.is_set():
        client.who_am_i()

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
failed = 0
for _ in range(40):
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        os._exit(0 if client.who_am_i().principal == "farm" else 1)
    failed += os.waitpid(child, 0)[1] != 0
done.set()
for thread in threads:
    thread.join()
sys.exit(failed)
"""


def test_a_fork_during_calls(tls_server: Server, credentials: Path) -> None:
    files = [str(credentials / "authority.crt"), str(credentials / "farm")]
    subprocess.run([sys.executable, "-c", _FORKS, tls_server.address, *files], check=True, timeout=100)
