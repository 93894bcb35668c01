# SPDX-License-Identifier: Apache-2.0
"""What the attacks share: a server of their own, honest callers who watch it, a raw HTTP/2 peer, and a judge.

An attack is a function attack(target, seconds) that returns a dict of figures. It runs in a process of its own at low
priority, so that what honest callers feel is the server's doing and not the attacker's use of the processors. All
traffic goes to 127.0.0.1, all files lie in temporary directories, and every process is ended by its id.
"""

from .goals import GOALS, KINDS
from .judge import arguments, callers, compare, main, report
from .messages import channel, config_request, fill, make_stubs, outcome, overrides, pb, rpc, template, tls
from .peer import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET_CONFIG,
    HEADERS,
    PING,
    Peer,
    RST,
    SETTINGS,
    frame,
    hpack_integer,
    message,
)
from .server import Refused, Server

__all__ = [
    "CONTINUATION",
    "DATA",
    "END_HEADERS",
    "END_STREAM",
    "GET_CONFIG",
    "GOALS",
    "HEADERS",
    "KINDS",
    "PING",
    "Peer",
    "RST",
    "Refused",
    "SETTINGS",
    "Server",
    "arguments",
    "callers",
    "channel",
    "compare",
    "config_request",
    "fill",
    "frame",
    "hpack_integer",
    "main",
    "make_stubs",
    "message",
    "outcome",
    "overrides",
    "pb",
    "report",
    "rpc",
    "template",
    "tls",
]
