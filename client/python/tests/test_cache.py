# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import hashlib
import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import TOKENS, Server

import qconfig_client
from qconfig.v1.config_service_pb2 import GetConfigRequest, GetConfigResponse
from qconfig.v1.config_spec_pb2 import ConfigSpec
from qconfig.v1.quantization_pb2 import QConfig
from qconfig_client import Client, Config, Tls, config_digest, connect, connect_aio
from qconfig_client._cache import Cache
from qconfig_client.errors import CredentialsInvalid, QConfigError, SchemeNotFound, ServerUnavailable


def answer(version: str) -> GetConfigResponse:
    config = QConfig(version=version)
    return GetConfigResponse(config=config, quark_json="{}", config_digest=config_digest(config))


def request(model_type: str) -> GetConfigRequest:
    return GetConfigRequest(spec=ConfigSpec(model_type=model_type))


REQUEST = request("llama")


def test_the_cached_response_is_used_while_the_server_is_unavailable(
    new_server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "cache"
    with qconfig_client.connect(new_server.address, cache_dir=folder) as client:
        fresh = client.get_config("llama", "fp8")
        assert not fresh.stale
        with pytest.raises(SchemeNotFound):
            client.get_config("llama", "fp9")
        new_server.stop(signal.SIGKILL)
        with caplog.at_level(logging.WARNING, "qconfig_client"):
            old = client.get_config("llama", "fp8")
        assert old.stale
        assert old.response == fresh.response
        assert old.to_dict() == fresh.to_dict()
        assert "stale configuration" in caplog.text
        for other in ({"scheme": "mx6"}, {"scheme": "fp8", "tenant": "other"}, {"scheme": "fp8", "min_revision": 2}):
            with pytest.raises(ServerUnavailable):
                client.get_config("llama", **other)
        new_server.start()
        deadline = time.monotonic() + 30  # for gRPC to reconnect
        while client.get_config("llama", "fp8").stale:
            assert time.monotonic() < deadline


def test_other_servers_and_clients_without_a_folder_have_no_cached_response(new_server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with qconfig_client.connect(new_server.address, cache_dir=folder) as client:
        client.get_config("llama", "fp8")
    new_server.stop(signal.SIGKILL)
    other_name = new_server.address.replace("127.0.0.1", "localhost")
    for client in (qconfig_client.connect(new_server.address), qconfig_client.connect(other_name, cache_dir=folder)):
        with pytest.raises(ServerUnavailable):
            client.get_config("llama", "fp8", timeout=3)


def test_the_asyncio_client_uses_the_cache(new_server: Server, tmp_path: Path) -> None:
    async def go() -> bool:
        async with qconfig_client.connect_aio(new_server.address, cache_dir=tmp_path / "cache") as client:
            await client.get_config("llama", "fp8")
            new_server.stop(signal.SIGKILL)
            return (await client.get_config("llama", "fp8")).stale

    assert asyncio.run(go())


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_file_is_ignored(tmp_path: Path, damage: str) -> None:
    cache = Cache(str(tmp_path), "server")
    cache.put(REQUEST, answer("a"))
    [file] = tmp_path.iterdir()
    content = file.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    file.write_bytes({"cut": content[:-3], "flip": flipped, "empty": b"", "other": os.urandom(200)}[damage])
    assert cache.get(REQUEST) is None
    cache.put(REQUEST, answer("b"))
    assert cache.get(REQUEST) == answer("b")


@pytest.mark.parametrize("tenant", ["", "acme"])
def test_a_response_is_only_for_its_caller(tmp_path: Path, tenant: str) -> None:
    cache = Cache(str(tmp_path), "server")
    asked = GetConfigRequest(spec=REQUEST.spec, tenant=tenant)
    cache.put(asked, answer("a"), "one")
    assert cache.get(asked, "one") == answer("a")
    assert cache.get(asked, "two") is None
    assert cache.get(asked) is None


@pytest.mark.parametrize("reason", ["PERMISSION_DENIED", "CREDENTIALS_INVALID", "CREDENTIALS_MISSING"])
def test_a_rejected_caller_loses_its_response(tmp_path: Path, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    cache = Cache(str(tmp_path / "cache"), "server")
    error = QConfigError("rejected", reason=reason)
    assert cache.response_after(error, REQUEST, "one") is None  # nothing to delete
    for caller in ("one", "two"):
        cache.put(REQUEST, answer("a"), caller)
    assert cache.response_after(error, REQUEST, "one") is None
    assert cache.get(REQUEST, "one") is None
    assert cache.get(REQUEST, "two") == answer("a")
    assert not caplog.messages


def test_a_response_with_a_wrong_digest_is_not_used(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path), "server")
    cache.put(REQUEST, answer("a"))
    [file] = tmp_path.iterdir()
    wrong = answer("a")
    wrong.config.version = "b"
    data = wrong.SerializeToString(deterministic=True)
    file.write_bytes(hashlib.sha256(data).digest() + data)
    assert cache.get(REQUEST) is None


def test_only_the_user_can_access_the_folder(tmp_path: Path) -> None:
    Cache(str(tmp_path / "cache"), "server").put(REQUEST, answer("a"))
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_a_response_with_a_wrong_digest_is_not_cached(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = Cache(str(tmp_path), "server")
    wrong = answer("a")
    wrong.config.version = "b"
    cache.put(REQUEST, GetConfigResponse(config_digest="a" * 64, not_modified=True))
    assert not caplog.messages
    cache.put(REQUEST, wrong)
    assert caplog.messages == [
        "response not cached: config_digest does not match the configuration; update the client?"
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_files_are_evicted(tmp_path: Path) -> None:
    size = len(answer("a").SerializeToString()) + 32
    cache = Cache(str(tmp_path), "server", max_bytes=3 * size)
    requests = [request(str(number)) for number in range(6)]
    for number, old in enumerate(requests):
        cache.put(old, answer("a"))
        os.utime(cache._file(old), (number, number))
    cache.put(requests[3], answer("a"))  # used again
    cache.put(request("new"), answer("a"))
    assert [number for number, old in enumerate(requests) if cache.get(old)] == [3, 5]
    assert cache.get(request("new"))


def put_many(folder: str, name: str) -> list[str]:
    """Caches many responses, and returns the log messages."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logging.getLogger("qconfig_client").addHandler(handler)
    cache = Cache(folder, "server")
    for number in range(150):
        cache.put(request(f"{name}{number}"), answer("a"))
    return messages


def test_processes_share_a_folder(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        logged = pool.starmap(put_many, [(str(tmp_path), name) for name in "abcd"], chunksize=1)
    assert logged == [[]] * 4
    assert len(list(tmp_path.iterdir())) == 600


def test_an_unwritable_folder_is_not_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    cache = Cache(str(tmp_path / "file"), "server")
    cache.put(REQUEST, answer("a"))
    assert "response not cached" in caplog.text
    assert cache.get(REQUEST) is None


def config_sync(server: str, **options: Any) -> Config:
    with connect(server, **options) as client:
        return client.get_config("llama", "fp8")


def config_aio(server: str, **options: Any) -> Config:
    async def config() -> Config:
        async with connect_aio(server, **options) as client:
            return await client.get_config("llama", "fp8")

    return asyncio.run(config())


@pytest.mark.parametrize("config", [config_sync, config_aio])
def test_the_cache_depends_on_the_caller(config: Callable[..., Config], credentials: Path, tmp_path: Path) -> None:
    server = Server(tmp_path, "--auth-policy", str(credentials / "policy.yaml"))
    file = tmp_path / "token"
    file.write_text(TOKENS["farm"])
    options: dict[str, Any] = {"token_file": file, "allow_unencrypted_token": True, "cache_dir": tmp_path / "cache"}
    config(server.address, **options)
    server.stop()
    assert config(server.address, **options).stale
    file.write_text(TOKENS["next"])
    with pytest.raises(ServerUnavailable):
        config(server.address, **options)
    file.write_text(f"{TOKENS['farm']}\n")
    assert config(server.address, **options).stale


def test_the_cache_depends_on_the_token_that_was_sent(credentials: Path, tmp_path: Path) -> None:
    server = Server(tmp_path, "--auth-policy", str(credentials / "policy.yaml"))
    file = tmp_path / "token"
    file.write_text(TOKENS["farm"])
    options: dict[str, Any] = {"token_file": file, "allow_unencrypted_token": True, "cache_dir": tmp_path / "cache"}
    with connect(server.address, **options) as client:
        client.who_am_i()
        file.write_text(TOKENS["next"])
        client.get_config("llama", "fp8")  # within a second, so with the token of farm
    server.stop()
    with connect(server.address, **options) as client, pytest.raises(ServerUnavailable):
        client.get_config("llama", "fp8")


def test_a_rejected_token_loses_its_responses(credentials: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text((credentials / "policy.yaml").read_text())
    server = Server(tmp_path, "--auth-policy", str(policy))
    options: dict[str, Any] = {"allow_unencrypted_token": True, "cache_dir": tmp_path / "cache", "timeout": 3}

    def rejects(client: Client) -> bool:
        try:
            client.get_config("llama", "fp8", tenant="farm")
        except CredentialsInvalid:
            return True
        return False

    with connect(server.address, token_file=credentials / "farm", **options) as client:
        assert not rejects(client)
        digest = hashlib.sha256(TOKENS["farm"].encode()).hexdigest()
        (tmp_path / "new.yaml").write_text(policy.read_text().replace(digest, "0" * 64))
        os.replace(tmp_path / "new.yaml", policy)
        deadline = time.monotonic() + 60
        while not rejects(client):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        server.stop()
        with pytest.raises(ServerUnavailable):
            client.get_config("llama", "fp8", tenant="farm")


def test_a_certificate_identifies_the_caller(credentials: Path, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert", credentials / "server.key"

    def digest(name: str, cert_option: Any) -> str:
        cert.write_bytes((credentials / f"{name}.crt").read_bytes())
        with connect("127.0.0.1:1", tls=Tls(credentials / "authority.crt", cert_option, key), token_file="") as client:
            first = client._connection.caller().digest()
            cert.write_text("replaced")
            assert client._connection.caller().digest() == first  # the channel still has the old certificate
        return first

    expected = hashlib.sha256((credentials / "server.crt").read_bytes()).hexdigest()
    assert digest("server", cert) == digest("server", str(cert)) == expected
    assert digest("server", (credentials / "server.crt").read_bytes()) == expected
    assert digest("authority", cert) != expected
    with connect("127.0.0.1:1", token_file="") as client:
        assert client._connection.caller().digest() == ""
