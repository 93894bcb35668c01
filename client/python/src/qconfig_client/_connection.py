# SPDX-License-Identifier: Apache-2.0
"""What Client and AsyncClient have in common, and how each calls a method."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Optional, Union

import grpc
import grpc.aio

from qconfig_client import errors
from qconfig_client._fork import GATE
from qconfig_client._method import Method, Request, Response

Pem = Union[str, "os.PathLike[str]", bytes]

SERVICE_CONFIG = resources.files("qconfig_client").joinpath("service_config.json").read_text(encoding="utf-8")

_MAX_ANSWER_BYTES = 64 << 20  # what a server's answer may come to
_MAX_RETRIED_BYTES = 8 << 20


@dataclass(frozen=True)
class Tls:
    """Names of PEM files, or their content as bytes."""

    ca: Optional[Pem] = None  # authorities of the server's certificate; None: the system's
    cert: Optional[Pem] = None  # the client's certificate chain
    key: Optional[Pem] = field(default=None, repr=False)  # its private key

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):  # gRPC ends the process
            raise ValueError(f"Tls takes cert and key together: {'cert' if self.cert is None else 'key'} is missing")

    def _credentials(self) -> grpc.ChannelCredentials:
        ca = _system_authorities() if self.ca is None else _read(self.ca)
        return grpc.ssl_channel_credentials(ca, _read(self.key), _read(self.cert))


@dataclass(frozen=True)
class Options:
    server: str
    tenant: str
    catalog: str
    timeout: float
    tls: Optional[Tls]
    service_config: str
    cache_dir: Optional[str]
    quark_release: Optional[str]  # the installed release of amd-quark, if `catalog` follows from it

    def named_catalog(self, name: Optional[str]) -> str:
        """The catalogue of a request whose caller gave `name`."""
        return self.catalog if name is None else name

    def explained(self, error: errors.QConfigError, catalog: Optional[str]) -> errors.QConfigError:
        """`error`; if it is about a catalogue that the client chose by itself, with the reason and what to do.

        catalog: the name that the caller gave. None: the client filled in its own.
        """
        if catalog is not None or self.quark_release is None or not isinstance(error, errors.CatalogNotFound):
            return error
        return errors.with_hint(
            error,
            f"This is the client's default because amd-quark {self.quark_release} is installed: "
            'pass another `catalog`, or "" for the tenant\'s default.',
        )

    def _channel_arguments(self) -> list[tuple[str, Any]]:
        arguments: list[tuple[str, Any]] = [
            # Channels that differ in no argument share connections, also with those that a child inherited.
            ("qconfig.process", os.getpid()),
            ("grpc.max_receive_message_length", _MAX_ANSWER_BYTES),
            # What is larger is not tried again. The library's limit of 256 KiB is less than a template may have.
            ("grpc.per_rpc_retry_buffer_size", _MAX_RETRIED_BYTES),
            # Pings find connections that are gone without a word. They are for calls, such as the watch of the
            # server's health.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.http2.max_pings_without_data", 0),
            # The library's second would be longer than all tries of a call take.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 5_000),
        ]
        if self.service_config:
            arguments.append(("grpc.service_config", self.service_config))
        return arguments

    def open_channel(self, kind: Any) -> Any:
        """A channel of `kind`, the module grpc or grpc.aio. Does not connect yet."""
        if self.tls is None:
            return kind.insecure_channel(self.server, options=self._channel_arguments())
        return kind.secure_channel(self.server, self.tls._credentials(), options=self._channel_arguments())


class Connection:
    """One channel for each process that uses it, made at its first call. Thread-safe.

    A channel that a child inherited is kept and left alone: to close it would end the parent's connection.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._channels: dict[int, grpc.Channel] = {}
        self._closed = False

    def call(
        self,
        method: Method[Request, Response],
        request: Request,
        timeout: Optional[float],
        catalog: Optional[str] = "",
    ) -> Response:
        """catalog: the name that the caller gave. None: the client filled in its own."""
        call = _callable(self._channel(), method, request)
        try:
            with GATE.call():
                response: Response = call(request, timeout=self._options.timeout if timeout is None else timeout)
        except grpc.RpcError as error:
            raise self._options.explained(errors.from_rpc_error(error), catalog) from None
        return response

    def close(self) -> None:
        self._closed = True
        channel = self._channels.get(os.getpid())
        if channel is not None:
            channel.close()

    def _channel(self) -> grpc.Channel:
        if self._closed:
            raise ValueError("the client is closed")
        channel = self._channels.get(os.getpid())
        if channel is None:
            # Without a lock, which a child could inherit locked. One of two threads' channels is then never used.
            channel = self._channels.setdefault(os.getpid(), self._options.open_channel(grpc))
        return channel


_first_asyncio_process: dict[str, int] = {}


class AsyncConnection:
    """As Connection, with one channel for each event loop that uses it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._channels: dict[asyncio.AbstractEventLoop, grpc.aio.Channel] = {}
        self._closed = False

    async def call(
        self,
        method: Method[Request, Response],
        request: Request,
        timeout: Optional[float],
        catalog: Optional[str] = "",
    ) -> Response:
        """As Connection.call."""
        call = _callable(self._channel_here(), method, request)
        try:
            response: Response = await call(request, timeout=self._options.timeout if timeout is None else timeout)
        except grpc.RpcError as error:
            raise self._options.explained(errors.from_rpc_error(error), catalog) from None
        return response

    async def close(self) -> None:
        self._closed = True
        channel = self._channels.pop(asyncio.get_running_loop(), None)
        if channel is not None:
            await channel.close()

    def _channel_here(self) -> grpc.aio.Channel:
        if self._closed:
            raise ValueError("the client is closed")
        if _first_asyncio_process.setdefault("pid", os.getpid()) != os.getpid():
            raise RuntimeError(
                "gRPC's asyncio does not work in a process forked from one that used it: start the process by spawn"
            )
        here = asyncio.get_running_loop()
        channel = self._channels.get(here)
        if channel is None:
            for loop in list(self._channels):
                if loop.is_closed():
                    self._channels.pop(loop, None)
            channel = self._channels[here] = self._options.open_channel(grpc.aio)
        return channel


def _callable(channel: Any, method: Method[Request, Response], request: Request) -> Any:
    return channel.unary_unary(
        method.path,
        request_serializer=type(request).SerializeToString,
        response_deserializer=method.response.FromString,
    )


def _read(pem: Optional[Pem]) -> Optional[bytes]:
    return pem if pem is None or isinstance(pem, bytes) else Path(pem).read_bytes()


def _system_authorities() -> Optional[bytes]:
    """The authorities that Python's ssl uses. None, which is those that come with grpcio, if there are none."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        return Path(paths.cafile).read_bytes()
    if paths.capath is None:
        return None
    hashed = sorted(file for file in Path(paths.capath).iterdir() if re.fullmatch(r"[0-9a-f]{8}\.\d", file.name))
    return b"\n".join(file.read_bytes() for file in hashed) or None
