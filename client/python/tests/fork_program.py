# SPDX-License-Identifier: Apache-2.0
"""Uses one client in a process and in children of every kind. Argument: the server's address."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import Optional

import qconfig_client

TIMEOUT = 30  # seconds that a child may take

client = qconfig_client.connect(sys.argv[1]) if __name__ == "__main__" else None


def digest(used: Optional[qconfig_client.Client] = None) -> str:
    used = used or client
    assert used is not None
    return used.get_config("llama", "fp8").digest


def forked_child() -> None:
    """Runs a child with os.fork, which forks again and exits normally."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(TIMEOUT)
        digest()
        grandchild = os.fork()
        digest()
        if grandchild:
            assert os.waitpid(grandchild, 0)[1] == 0
        sys.exit(0)
    status = os.waitpid(pid, 0)[1]
    assert status == 0, status


def main() -> None:
    expected = digest()
    for _ in range(3):
        forked_child()
        assert digest() == expected

    # Fork children while other threads have calls in flight.
    stop = threading.Event()
    failures: list[BaseException] = []

    def keep_calling() -> None:
        try:
            while not stop.is_set():
                digest()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=keep_calling) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            forked_child()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures

    fork = multiprocessing.get_context("fork")
    with fork.Pool(2) as pool:
        assert set(pool.map_async(digest, [None] * 8).get(TIMEOUT)) == {expected}
    with ProcessPoolExecutor(2, mp_context=fork) as executor:
        assert set(executor.map(digest, [None] * 8)) == {expected}
        assert digest() == expected
    for method in ("spawn", "forkserver"):
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
            assert set(executor.map(digest, [client] * 4)) == {expected}
    assert digest() == expected
    print("done")


if __name__ == "__main__":
    main()
