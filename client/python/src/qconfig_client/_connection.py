# SPDX-License-Identifier: Apache-2.0
"""The options of Client and AsyncClient, and their connections."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import ssl
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional, Union

import grpc
import grpc._channel  # else imported with the first channel, and a child of a fork at that moment hangs
import grpc.aio
import grpc.experimental  # as above

from qconfig_client import errors
from qconfig_client._fork import GATE
from qconfig_client._hints import connection_hint
from qconfig_client._method import Method, Request, Response
from qconfig_client._token_file import TokenFile

Pem = Union[str, "os.PathLike[str]", bytes]
Metadata = Optional[tuple[tuple[str, str], ...]]

SERVICE_CONFIG = resources.files("qconfig_client").joinpath("service_config.json").read_text(encoding="utf-8")

_MAX_ANSWER_BYTES = 64 << 20  # the server's limit for a response
_MAX_RETRIED_BYTES = 8 << 20


@dataclass(frozen=True)
class Tls:
    """TLS options. Each is the name of a PEM file, or its content as bytes."""

    ca: Optional[Pem] = None  # certificate authorities to trust; None: the system's
    cert: Optional[Pem] = None  # the client's certificate chain
    key: Optional[Pem] = field(default=None, repr=False)  # the private key of `cert`

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):  # gRPC would abort the process
            raise ValueError(f"Tls requires cert and key together; {'cert' if self.cert is None else 'key'} is missing")

    def _credentials(self, cert: Optional[bytes]) -> grpc.ChannelCredentials:
        ca = _system_authorities() if self.ca is None else _read(self.ca)
        return grpc.ssl_channel_credentials(ca, _read(self.key), cert)


class Channel(NamedTuple):
    """A channel of gRPC, and the certificate chain that it shows, which can differ from what the file has by now."""

    grpc: Any
    cert: Optional[bytes]


class Caller(NamedTuple):
    """The channel and the credentials of a call."""

    channel: Channel
    metadata: Metadata

    def __repr__(self) -> str:
        """Omits the metadata, which has the token."""
        return f"Caller(channel={self.channel!r})"

    def digest(self) -> str:
        """The SHA-256 of what the server knows the caller by: the token, or else the certificate; "" without both."""
        shown = repr(self.metadata).encode() if self.metadata else self.channel.cert
        return hashlib.sha256(shown).hexdigest() if shown else ""


@dataclass(frozen=True)
class Options:
    server: str
    tenant: str
    catalog: str
    timeout: float
    tls: Optional[Tls]
    service_config: str
    cache_dir: Optional[str]
    quark_release: Optional[str]  # the installed release of amd-quark, if `catalog` is derived from it
    token_file: str  # empty: no token
    allow_unencrypted_token: bool

    def named_catalog(self, name: Optional[str]) -> str:
        """The catalogue to send if the caller passed `name`."""
        return self.catalog if name is None else name

    def metadata(self) -> Callable[[], Metadata]:
        """Returns the function that returns the metadata of a call, with the token if there is one."""
        if not self.token_file:
            return lambda: None
        return partial(
            TokenFile(self.token_file).metadata,
            tls=self.tls is not None,
            allow_unencrypted=self.allow_unencrypted_token,
        )

    def explained(self, error: errors.QConfigError, catalog: Optional[str]) -> errors.QConfigError:
        """Adds a hint to `error` if the connection failed, or if it is about a catalogue that the client chose itself.

        catalog: the catalogue that the caller passed; None if the client filled in its own.
        """
        if isinstance(error, errors.ServerUnavailable):
            cert = self.tls is not None and self.tls.cert is not None
            hint = connection_hint(error.message, server=self.server, tls=self.tls is not None, cert=cert)
            return errors.with_text(error, f"{error.message} (hint: {hint})") if hint else error
        if catalog is not None or self.quark_release is None or not isinstance(error, errors.CatalogNotFound):
            return error
        return errors.with_hint(
            error,
            f"This is the client's default because amd-quark {self.quark_release} is installed. "
            'Pass another `catalog`, or "" for the tenant\'s default.',
        )

    def _channel_arguments(self) -> list[tuple[str, Any]]:
        arguments: list[tuple[str, Any]] = [
            # Channels with equal arguments share connections, even with channels inherited from a parent process.
            ("qconfig.process", os.getpid()),
            ("grpc.max_receive_message_length", _MAX_ANSWER_BYTES),
            # gRPC does not retry larger requests. Its default of 256 KiB is too small for large templates.
            ("grpc.per_rpc_retry_buffer_size", _MAX_RETRIED_BYTES),
            # Pings detect dead connections. gRPC sends them only while calls are in flight, such as the health watch.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.http2.max_pings_without_data", 0),
            # gRPC's default of one second is longer than all attempts of a call together.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 5_000),
        ]
        if self.service_config:
            arguments.append(("grpc.service_config", self.service_config))
        return arguments

    def open_channel(self, kind: Any) -> Channel:
        """Creates a channel of `kind`, the module grpc or grpc.aio. Does not connect."""
        arguments = self._channel_arguments()
        if self.tls is None:
            return Channel(kind.insecure_channel(self.server, options=arguments), None)
        cert = _read(self.tls.cert)
        return Channel(kind.secure_channel(self.server, self.tls._credentials(cert), options=arguments), cert)


class Connection:
    """One channel per process, created at the first call. Thread-safe.

    A child process keeps inherited channels but never uses them: closing them would close the parent's connection.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._metadata = options.metadata()
        self._channels: dict[int, Channel] = {}
        self._closed = False

    def caller(self) -> Caller:
        """Returns what a call that begins now uses."""
        return Caller(self._channel(), self._metadata())

    def call(
        self,
        method: Method[Request, Response],
        request: Request,
        timeout: Optional[float],
        catalog: Optional[str] = "",
        caller: Optional[Caller] = None,
    ) -> Response:
        """Makes a call.

        catalog: the catalogue that the user passed; None if the client filled in its own.
        caller: from caller(), if the user must know it.
        """
        channel, metadata = caller or self.caller()
        call = _callable(channel, method, request)
        seconds = self._options.timeout if timeout is None else timeout
        try:
            with GATE.call():
                response: Response = call(request, timeout=seconds, metadata=metadata)
        except grpc.RpcError as error:
            raise self._options.explained(errors.from_rpc_error(error), catalog) from None
        return response

    def close(self) -> None:
        self._closed = True
        channel = self._channels.get(os.getpid())
        if channel is not None:
            channel.grpc.close()

    def _channel(self) -> Channel:
        if self._closed:
            raise ValueError("the client is closed")
        channel = self._channels.get(os.getpid())
        if channel is None:
            # No lock, because a child could inherit it locked. If two threads race, one of their channels stays unused.
            # A fork waits, as for a call.
            with GATE.call():
                channel = self._channels.setdefault(os.getpid(), self._options.open_channel(grpc))
        return channel


_first_asyncio_process: dict[str, int] = {}


class AsyncConnection:
    """Like Connection, with one channel per event loop."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._metadata = options.metadata()
        self._channels: dict[asyncio.AbstractEventLoop, Channel] = {}
        self._closed = False

    def caller(self) -> Caller:
        """See Connection.caller."""
        return Caller(self._channel_here(), self._metadata())

    async def call(
        self,
        method: Method[Request, Response],
        request: Request,
        timeout: Optional[float],
        catalog: Optional[str] = "",
        caller: Optional[Caller] = None,
    ) -> Response:
        """See Connection.call."""
        channel, metadata = caller or self.caller()
        call = _callable(channel, method, request)
        seconds = self._options.timeout if timeout is None else timeout
        try:
            response: Response = await call(request, timeout=seconds, metadata=metadata)
        except grpc.RpcError as error:
            raise self._options.explained(errors.from_rpc_error(error), catalog) from None
        return response

    async def close(self) -> None:
        self._closed = True
        channel = self._channels.pop(asyncio.get_running_loop(), None)
        if channel is not None:
            await channel.grpc.close()

    def _channel_here(self) -> Channel:
        if self._closed:
            raise ValueError("the client is closed")
        if _first_asyncio_process.setdefault("pid", os.getpid()) != os.getpid():
            raise RuntimeError(
                "gRPC's asyncio does not work in a process forked from one that used it; use the start method spawn"
            )
        here = asyncio.get_running_loop()
        channel = self._channels.get(here)
        if channel is None:
            for loop in list(self._channels):
                if loop.is_closed():
                    self._channels.pop(loop, None)
            channel = self._channels[here] = self._options.open_channel(grpc.aio)
        return channel


def _callable(channel: Channel, method: Method[Request, Response], request: Request) -> Any:
    return channel.grpc.unary_unary(
        method.path,
        request_serializer=type(request).SerializeToString,
        response_deserializer=method.response.FromString,
    )


def _read(pem: Optional[Pem]) -> Optional[bytes]:
    return pem if pem is None or isinstance(pem, bytes) else Path(pem).read_bytes()


def _system_authorities() -> Optional[bytes]:
    """The certificate authorities that Python's ssl trusts. None if there are none; grpcio then uses its own."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        return Path(paths.cafile).read_bytes()
    if paths.capath is None:
        return None
    hashed = sorted(file for file in Path(paths.capath).iterdir() if re.fullmatch(r"[0-9a-f]{8}\.\d", file.name))
    return b"\n".join(file.read_bytes() for file in hashed) or None
