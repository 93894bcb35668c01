# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import Server

import qconfig_client

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the variable that the package has set on import."""
    monkeypatch.delenv("GRPC_ENABLE_FORK_SUPPORT", raising=False)


def run(*arguments: str) -> None:
    """Runs a program, and kills any remaining children when it exits."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        process = subprocess.Popen([sys.executable, *arguments], stdout=stdout, stderr=stderr, start_new_session=True)
        try:
            process.wait(120)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            stdout.seek(0)
            stderr.seek(0)
            print(stderr.read())
        assert process.returncode == 0
        assert stdout.read() == "done\n"


def test_a_client_works_in_all_kinds_of_child_processes(server: Server) -> None:
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


FORK_DURING_THE_FIRST_CALL = """
import os, sys, threading, time, grpc, qconfig_client
began, ended = threading.Event(), threading.Event()
insecure_channel = grpc.insecure_channel
def slowly(*arguments, **options):
    began.set()
    time.sleep(0.5)
    channel = insecure_channel(*arguments, **options)
    ended.set()
    return channel
grpc.insecure_channel = slowly
client = qconfig_client.connect(sys.argv[1])
thread = threading.Thread(target=client.get_config, args=("llama", "fp8"))
thread.start()
began.wait()
pid = os.fork()
if pid == 0:
    os._exit(0 if ended.is_set() else 1)
assert os.waitpid(pid, 0)[1] == 0
thread.join()
print("done")
"""


def test_a_fork_waits_until_a_channel_is_open(server: Server) -> None:
    run("-c", FORK_DURING_THE_FIRST_CALL, server.address)


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


def test_the_asyncio_client_raises_in_a_child(server: Server) -> None:
    run("-c", FORK_AFTER_ASYNCIO, server.address)


def test_an_asyncio_client_may_be_used_in_several_loops(server: Server) -> None:
    client = qconfig_client.connect_aio(server.address)
    digests = {asyncio.run(client.get_config("llama", "fp8")).digest for _ in range(3)}
    assert len(digests) == 1
