# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Optional

import grpc
from google.protobuf.message import DecodeError

from qconfig.v1.config_service_pb2 import GetConfigRequest, GetConfigResponse
from qconfig_client.digest import config_digest
from qconfig_client.errors import QConfigError

_LOG = logging.getLogger("qconfig_client")
_UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_REJECTED = ("CREDENTIALS_MISSING", "CREDENTIALS_INVALID", "PERMISSION_DENIED")
_SUFFIX = ".answer"


class Cache:
    """Caches a server's responses in a folder, for use while the server is unavailable. Processes may share the folder.

    The key is the server's name, the digest of the caller's credentials, and the whole request, including the tenant:
    what the server answered to one caller is not used for another. A file contains the SHA-256 of a response and the
    response. Files that are damaged, or whose digest does not match the configuration, are ignored. Write errors are
    logged, not raised. When the files exceed `max_bytes`, the oldest are evicted.
    """

    def __init__(self, folder: str, server: str, max_bytes: int = 64 << 20) -> None:
        self._folder = Path(folder)
        self._server = server
        self._max_bytes = max_bytes

    def put(self, request: GetConfigRequest, response: GetConfigResponse, caller: str = "") -> None:
        """caller: a digest of the credentials; "" without any."""
        if not response.HasField("config"):  # not modified
            return
        if not _verified(response):
            _LOG.warning("response not cached: config_digest does not match the configuration; update the client?")
            return
        answer = response.SerializeToString(deterministic=True)
        content = hashlib.sha256(answer).digest() + answer
        file = self._file(request, caller)
        try:
            if _read(file) == content:
                os.utime(file)
            else:
                self._write(file, content)
                self._make_room(keep=file)
        except OSError as error:
            _LOG.warning("response not cached in %s: %s", self._folder, error)

    def response_after(
        self, error: QConfigError, request: GetConfigRequest, caller: str = ""
    ) -> Optional[GetConfigResponse]:
        """The cached response to use instead of `error`; None if the server answered or nothing is cached.

        Deletes the cached response if the server rejected the caller.
        """
        if error.reason in _REJECTED:
            self._delete(request, caller)
        response = self.get(request, caller) if error.code in _UNAVAILABLE else None
        if response is not None:
            _LOG.warning("stale configuration %s of revision %d: %s", response.config_digest, response.revision, error)
        return response

    def get(self, request: GetConfigRequest, caller: str = "") -> Optional[GetConfigResponse]:
        file = self._file(request, caller)
        content = _read(file)
        if content is None:
            return None
        digest, answer = content[:32], content[32:]
        try:
            response = GetConfigResponse.FromString(answer)
            if hashlib.sha256(answer).digest() == digest and _verified(response):
                return response
        except DecodeError:
            pass
        _LOG.warning("ignoring the damaged cache file %s", file)
        return None

    def _file(self, request: GetConfigRequest, caller: str = "") -> Path:
        key = hashlib.sha256(f"{self._server}\n{caller}\n".encode() + request.SerializeToString(deterministic=True))
        return self._folder / (key.hexdigest() + _SUFFIX)

    def _delete(self, request: GetConfigRequest, caller: str) -> None:
        try:
            self._file(request, caller).unlink()
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            _LOG.warning("response not deleted from the cache in %s: %s", self._folder, error)

    def _write(self, file: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=_SUFFIX)
        try:
            with open(descriptor, "wb") as new:
                new.write(content)
            os.replace(name, file)
        except OSError:
            os.unlink(name)
            raise

    def _make_room(self, keep: Path) -> None:
        files = []
        for entry in os.scandir(self._folder):
            if entry.name.endswith(_SUFFIX):
                try:
                    status = entry.stat()
                except FileNotFoundError:  # another process renamed or removed it
                    continue
                files.append((status.st_mtime_ns, status.st_size, entry.path))
        excess = sum(size for _, size, _ in files) - self._max_bytes
        for _, size, name in sorted(files):
            if excess <= 0:
                return
            if name != str(keep):
                Path(name).unlink(missing_ok=True)
                excess -= size


def _verified(response: GetConfigResponse) -> bool:
    return response.HasField("config") and config_digest(response.config) == response.config_digest


def _read(file: Path) -> Optional[bytes]:
    try:
        return file.read_bytes()
    except OSError:
        return None
