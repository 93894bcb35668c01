# SPDX-License-Identifier: Apache-2.0
"""The digest of a configuration, as the server computes it."""

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
    """Whether `config_digest` of the answer is that of its `canonical_json`, for which the request asked.

    ValueError: the answer has none. Without it, compare `config_digest` with what the function `config_digest` makes of
    `config`; they differ if a newer server's configuration has fields that this release of the client does not know.
    """
    if not response.canonical_json:
        raise ValueError("the answer has no canonical_json: ask for it with include_canonical_json=True")
    return hashlib.sha256(response.canonical_json.encode()).hexdigest() == response.config_digest


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, str):
        # json escapes what RFC 8785 does, and in the same way, but for DEL, which stays.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number(float(value))


def _number(value: float) -> str:
    """A number as ECMAScript prints it."""
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
