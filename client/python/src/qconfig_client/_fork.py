# SPDX-License-Identifier: Apache-2.0
"""Delays forks while calls are in flight, because gRPC in the child does not survive a fork during a call."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Makes children close inherited gRPC state and start afresh. gRPC's Python layer reads this at import, and its core at
# first use, so the package imports this module before grpc.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "1")

_MAX_WAIT_S = 5.0  # limited, because a signal handler that forks would wait for the call that it interrupted


class _Gate:
    """Counts the calls in flight, and channels that are being opened. A fork waits for them, and they wait for a fork.
    Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls = 0
        self._forks = 0

    @contextmanager
    def call(self) -> Iterator[None]:
        with self._changed:
            while self._forks:
                self._changed.wait()
            self._calls += 1
        try:
            yield
        finally:
            with self._changed:
                self._calls -= 1
                self._changed.notify_all()

    def before_fork(self) -> None:
        with self._changed:
            self._forks += 1
            self._changed.wait_for(lambda: self._calls == 0, _MAX_WAIT_S)

    def after_fork_in_parent(self) -> None:
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()


GATE = _Gate()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=GATE.before_fork,
        after_in_parent=GATE.after_fork_in_parent,
        after_in_child=GATE.__init__,  # type: ignore[misc]  # other threads, now gone, may have held the lock
    )
