# SPDX-License-Identifier: Apache-2.0
"""Uses one client in a process and in its children of every kind. Argument: the server's address."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import Optional

import qconfig_client

TIMEOUT = 30  # seconds after which a child has failed

client = qconfig_client.connect(sys.argv[1]) if __name__ == "__main__" else None


def ask(asked: Optional[qconfig_client.Client] = None) -> str:
    asked = asked or client
    assert asked is not None
    return asked.get_config("llama", "fp8").digest


def forked_child() -> None:
    """A child by os.fork, which itself forks, and ends as a program does."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(TIMEOUT)
        ask()
        grandchild = os.fork()
        ask()
        if grandchild:
            assert os.waitpid(grandchild, 0)[1] == 0
        sys.exit(0)
    status = os.waitpid(pid, 0)[1]
    assert status == 0, status


def main() -> None:
    expected = ask()
    for _ in range(3):
        forked_child()
        assert ask() == expected

    # Children that are forked while other threads are in calls.
    stop = threading.Event()
    failures: list[BaseException] = []

    def keep_asking() -> None:
        try:
            while not stop.is_set():
                ask()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=keep_asking) for _ in range(3)]
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
        assert set(pool.map_async(ask, [None] * 8).get(TIMEOUT)) == {expected}
    with ProcessPoolExecutor(2, mp_context=fork) as executor:
        assert set(executor.map(ask, [None] * 8)) == {expected}
        assert ask() == expected
    for method in ("spawn", "forkserver"):
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
            assert set(executor.map(ask, [client] * 4)) == {expected}
    assert ask() == expected
    print("done")


if __name__ == "__main__":
    main()
