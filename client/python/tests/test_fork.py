# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from conftest import Server

import qconfig_client

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.fixture(params=[None, "1"], ids=["as it is", "fork support"], autouse=True)
def environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gRPC's Python layer reads before the package sets it."""
    if request.param is None:
        monkeypatch.delenv("GRPC_ENABLE_FORK_SUPPORT", raising=False)
    elif grpc.__version__.startswith("1.60."):
        pytest.skip("forks hang with the handlers of grpcio 1.60")
    else:
        monkeypatch.setenv("GRPC_ENABLE_FORK_SUPPORT", request.param)


def run(*arguments: str) -> None:
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stderr[-4000:]
    assert result.stdout == "done\n"


def test_a_client_in_children_of_every_kind(server: Server) -> None:
    run(str(Path(__file__).with_name("fork_program.py")), server.address)


GRPC_IMPORTED_FIRST = """
import grpc
import os, sys, qconfig_client
client = qconfig_client.connect(sys.argv[1])
client.get_config("llama", "fp8")
pid = os.fork()
client.get_config("llama", "fp8")
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
client.get_config("llama", "fp8")
print("done")
"""


def test_grpc_may_be_imported_first(server: Server) -> None:
    run("-c", GRPC_IMPORTED_FIRST, server.address)


FORK_AFTER_ASYNCIO = """
import asyncio, os, sys, qconfig_client
client = qconfig_client.connect_aio(sys.argv[1])
asyncio.run(client.get_config("llama", "fp8"))
pid = os.fork()
if pid == 0:
    try:
        asyncio.run(client.get_config("llama", "fp8"))
    except RuntimeError as error:
        os._exit(0 if "forked" in str(error) else 1)
    os._exit(2)
assert os.waitpid(pid, 0)[1] == 0
asyncio.run(client.get_config("llama", "fp8"))
print("done")
"""


def test_the_asyncio_client_is_refused_in_a_child(server: Server) -> None:
    run("-c", FORK_AFTER_ASYNCIO, server.address)


def test_an_asyncio_client_may_be_used_in_several_loops(server: Server) -> None:
    client = qconfig_client.connect_aio(server.address)
    digests = {asyncio.run(client.get_config("llama", "fp8")).digest for _ in range(3)}
    assert len(digests) == 1
