# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Optional, Union

from google.protobuf import json_format

from qconfig.v1.plan_pb2 import Finding, FindingSeverity, PlanLayersRequest, PlanLayersResponse, PlanTotals
from qconfig.v1.quantization_pb2 import QLayerConfig

_SEVERITY_PREFIX = "FINDING_SEVERITY_"


class Plan:
    """What a configuration does to each module of a model.

    layers: module -> its configuration, or None if it is not quantized, in the caller's order.
    request, response: the messages of the call. Their modules are in the order of the request, after the expansion of
        its ranges.
    """

    def __init__(
        self, request: PlanLayersRequest, response: PlanLayersResponse, names: Iterable[str], expanded: Sequence[str]
    ) -> None:
        """names, expanded: the modules in the caller's order, and in the order of the request."""
        if len(response.config_of_module) != len(expanded):
            raise ValueError(f"expected {len(expanded)} modules in the plan, got {len(response.config_of_module)}")
        self.request = request
        self.response = response
        self.layers: dict[str, Optional[QLayerConfig]] = dict.fromkeys(names)
        configs = [None, *response.configs]
        for name, index in zip(expanded, response.config_of_module):
            self.layers[name] = configs[index]

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the plan, the most severe first, at most 1,000; `response.finding_total` counts all."""
        return list(self.response.findings)

    @property
    def totals(self) -> PlanTotals:
        return self.response.totals

    def config_of(self, name: str) -> Optional[QLayerConfig]:
        """The configuration of a module; None if it is not quantized. Raises KeyError if it is not in `layers`."""
        return self.layers[name]

    def to_html(self) -> str:
        """A page that shows the plan, for a browser. It works offline."""
        template = resources.files("qconfig_client").joinpath("plan.html").read_text(encoding="utf-8")
        messages = {"request": self.request, "response": self.response}
        plan = json.dumps(
            {
                name: json_format.MessageToDict(message, preserving_proto_field_name=True)
                for name, message in messages.items()
            }
        )
        # Names must not end the script element that has the JSON.
        for character in "<>&":
            plan = plan.replace(character, f"\\u{ord(character):04x}")
        return template.replace("{{plan}}", plan, 1)

    def __str__(self) -> str:
        spec, totals = self.request.spec, self.totals
        parts = [f"{totals.quantized} of {totals.modules} modules quantized"]
        if totals.weight_bytes_before:
            before, after = _bytes_text(totals.weight_bytes_before), _bytes_text(totals.weight_bytes_after)
            parts.append(f"weights {before} -> {after}")
        total = self.response.finding_total
        parts.append(f"{total or 'no'} finding{'' if total == 1 else 's'}")
        return f"{spec.model_type} {spec.scheme}: {', '.join(parts)}"

    def __repr__(self) -> str:
        return f"<Plan {self}>"


def severity(value: Union[FindingSeverity, str, None]) -> Union[FindingSeverity, str, None]:
    """`value`, or the name of the severity that is called, for example, "warning"."""
    if not isinstance(value, str):
        return value
    name = _SEVERITY_PREFIX + value.upper()
    if name not in FindingSeverity.keys():  # noqa: SIM118  # not a dict
        raise ValueError(f"unknown severity {value!r}: use info, warning or error")
    return name


def _bytes_text(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count / 1000:.2f} kB"
