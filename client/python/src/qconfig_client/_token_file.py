# SPDX-License-Identifier: Apache-2.0
"""The token that authenticates calls, from a file that may be replaced at any time."""

from __future__ import annotations

import os
import re
import stat
import time
from typing import Callable

_MAX_BYTES = 7 << 10  # gRPC rejects calls with more than 8 KiB of metadata before the server sees them
_MAX_AGE_S = 1.0


def token_file_of_environment() -> str:
    return os.environ.get("QCONFIG_TOKEN_FILE", "")


def unencrypted_token_allowed_by_environment() -> bool:
    return os.environ.get("QCONFIG_ALLOW_UNENCRYPTED_TOKEN") == "true"


class TokenFile:
    """Reads the file at most once a second. Thread-safe, and usable after a fork, because it has no lock."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._last = ("", float("-inf"))  # a token, and when it was read

    def metadata(self, *, tls: bool, allow_unencrypted: bool) -> tuple[tuple[str, str], ...]:
        """The metadata that sends the token with a call.

        Raises OSError or ValueError if the file is invalid, and ValueError if the token would be sent unencrypted.
        """
        token = self.read()
        if not (tls or allow_unencrypted):
            raise ValueError(
                f"the token in {self._path} is not sent over an unencrypted connection; set tls=Tls(ca=FILE), or, if "
                "nobody else can read the connection, allow_unencrypted_token=True or "
                "QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true"
            )
        # Not gRPC's call credentials, not even with TLS: grpcio starts a thread for them in each call, and a process
        # that is forked meanwhile hangs.
        return (("authorization", f"Bearer {token}"),)

    def read(self) -> str:
        """Returns the token without whitespace at its end. No error has a part of the token."""
        now = self._clock()
        token, read_at = self._last
        if now - read_at >= _MAX_AGE_S:
            token = _read_token(self._path)
            self._last = (token, now)
        return token


def _read_token(path: str) -> str:
    try:
        content = _read_small_file(path)
    except OSError as error:
        if looks_like_token(path):
            raise ValueError("the token file is a token; write the token to a file, and name that file") from None
        problem = f"token file {path}: cannot be opened: {error.strerror}"
        raise OSError(error.errno, problem) from None  # a FileNotFoundError, for example
    problem = _problem(content)
    if problem:
        raise ValueError(f"token file {path}: {problem}")
    return content.decode("ascii").rstrip()


def looks_like_token(text: str) -> bool:
    """Whether `text` probably has a token, as in "Bearer TOKEN", and is not the name of a file.

    Knows tokens of new-token, and JSON Web Tokens. What follows a slash is a file.
    """
    return re.search(r"(^|[^/])(qct_|eyJ.*\..*\.)", text, re.DOTALL) is not None


def _read_small_file(path: str) -> bytes:
    """Returns at most one byte more than a token may have. Never waits for the writer of a pipe."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"token file {path}: is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _problem(content: bytes) -> str:
    """What is wrong with a token; "" if nothing is. gRPC would log the token if metadata had other characters."""
    if len(content) > _MAX_BYTES:
        return f"has more than {_MAX_BYTES} bytes"
    token = content.rstrip()
    if not token:
        return "is empty; write the token to it"
    if b"\n" in token or b"\r" in token:
        return "has several lines; it must have only the token, in one line"
    if b" " in token or b"\t" in token:
        return 'has a space; it must have only the token, without "Bearer" before it'
    if any(not 0x21 <= byte <= 0x7E for byte in token):
        return "has a character that is not printable ASCII, such as a byte order mark; it must have only the token"
    return ""
