# SPDX-License-Identifier: Apache-2.0
"""Computes the digest of a configuration like the server."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from google.protobuf import json_format

from qconfig.v1.config_service_pb2 import GetConfigResponse
from qconfig.v1.quantization_pb2 import QConfig


def canonical_json(config: QConfig) -> str:
    """ProtoJSON of `config` with the proto file's field names, in the form of RFC 8785."""
    return _canonical(json_format.MessageToDict(config, preserving_proto_field_name=True))


def config_digest(config: QConfig) -> str:
    return hashlib.sha256(canonical_json(config).encode()).hexdigest()


def verify_digest(response: GetConfigResponse) -> bool:
    """Whether the `config_digest` of the response is the digest of its `canonical_json`.

    Raises ValueError if the response has no `canonical_json`. To verify such a response, compare its `config_digest`
    with `config_digest(response.config)`. They differ if a newer server sets fields that this client does not know.
    """
    if not response.canonical_json:
        raise ValueError("the response has no canonical_json: set include_canonical_json=True in the request")
    return hashlib.sha256(response.canonical_json.encode()).hexdigest() == response.config_digest


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, str):
        # json escapes the same characters as RFC 8785, in the same way.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number(float(value))


def _number(value: float) -> str:
    """Formats a number like ECMAScript."""
    if value.is_integer() and abs(value) <= 2**53:
        return str(int(value))
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    sign = "-" if value < 0 else ""
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if 0 < point <= 21:
        rest = digits[point:]
        return sign + digits[:point].ljust(point, "0") + (f".{rest}" if rest else "")
    rest = digits[1:]
    return f"{sign}{digits[0]}{f'.{rest}' if rest else ''}e{'+' if point > 0 else ''}{point - 1}"
