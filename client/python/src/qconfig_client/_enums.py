# SPDX-License-Identifier: Apache-2.0
"""Quark's names for the values of the protos' enums."""

from __future__ import annotations

from typing import Any, Optional

from qconfig.v1 import annotations_pb2


def quark_name(enum: Any, number: int) -> Optional[str]:
    """The name of a value of `enum`, a descriptor, in Quark's JSON; None if it stands for Quark's None."""
    if number not in enum.values_by_number:
        raise ValueError(
            f"unknown value {number} of {enum.name}: the server is newer than this client; update the client"
        )
    options = enum.values_by_number[number].GetOptions()
    if not options.HasExtension(annotations_pb2.quark_name):
        return None
    return str(options.Extensions[annotations_pb2.quark_name])


def enum_number(enum: Any, name: str) -> Any:
    """The value of `enum` that is called `name` in Quark's JSON."""
    for value in enum.values:
        if quark_name(enum, value.number) == name:
            return value.number
    known = ", ".join(filter(None, (quark_name(enum, value.number) for value in enum.values)))
    raise ValueError(f"unknown {enum.name} {name!r}; known values: {known}")
