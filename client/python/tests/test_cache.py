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

import pytest
from conftest import Server

import qconfig_client
from qconfig.v1.config_service_pb2 import GetConfigRequest, GetConfigResponse
from qconfig.v1.config_spec_pb2 import ConfigSpec
from qconfig.v1.quantization_pb2 import QConfig
from qconfig_client import config_digest
from qconfig_client._cache import Cache
from qconfig_client.errors import SchemeNotFound, ServerUnavailable


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


def test_only_requests_without_a_tenant_depend_on_the_caller(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path), "server")
    named = GetConfigRequest(spec=REQUEST.spec, tenant="acme")
    for request in (REQUEST, named):
        cache.put(request, answer("a"), "one")
    assert cache.get(REQUEST, "one") == answer("a")
    assert cache.get(REQUEST, "two") is None
    assert cache.get(REQUEST) is None
    assert cache.get(named, "two") == answer("a")


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
