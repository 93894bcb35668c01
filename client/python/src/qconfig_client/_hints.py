# SPDX-License-Identifier: Apache-2.0
"""Explains failed connections with the sentences that all clients share."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

_DATA = json.loads(resources.files("qconfig_client").joinpath("connection_hints.json").read_text(encoding="utf-8"))


def connection_hint(message: str, *, server: str, tls: bool, cert: bool) -> str:
    """Returns what `message`, from a call that failed with UNAVAILABLE, probably means; "" if nothing is known.

    tls, cert: whether the client uses TLS, and whether it has a certificate.
    """
    known = {"server_has_port": ":" in server, "tls": tls, "cert": cert}
    for hint in _DATA["hints"]:
        if _applies(hint, message, server, known):
            text: str = hint["text"].format(**_DATA["options"]["python"])
            return text
    return ""


def _applies(hint: dict[str, Any], message: str, server: str, known: dict[str, bool]) -> bool:
    return (
        server.startswith(hint.get("server_begins", ""))
        and all(hint.get(name, value) == value for name, value in known.items())
        and any(part in message for part in _DATA["messages"].get(hint.get("message"), [""]))
    )
