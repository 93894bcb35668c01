# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for Quark's modules, for machines without amd-quark.

Their classes have the same names and fields as Quark's, but no behaviour.
"""

from __future__ import annotations

import dataclasses
import enum
import types
from typing import Any

from qconfig.v1 import algorithm_pb2, quantization_pb2
from qconfig_client._enums import quark_name

_ALGORITHMS = {
    "SmoothQuantConfig": "smooth",
    "AWQConfig": "awq",
    "GPTQConfig": "gptq",
    "GPTAQConfig": "gptaq",
    "QronosConfig": "qronos",
    "AutoSmoothQuantConfig": "autosmoothquant",
    "RotationConfig": "rotation",
    "AutoRoundConfig": "autoround",
    "TwoBitScalarConfig": "twobitscalar",
}


def modules(observers: list[str]) -> dict[str, types.ModuleType]:
    """The entries to add to sys.modules."""
    config = types.ModuleType("quark.torch.quantization.config.config")
    for name in ("QConfig", "QLayerConfig", "QTensorConfig"):
        setattr(config, name, _class(name, quantization_pb2.DESCRIPTOR.message_types_by_name[name]))
    messages = {name.lower(): message for name, message in algorithm_pb2.DESCRIPTOR.message_types_by_name.items()}
    for name, algorithm in _ALGORITHMS.items():
        setattr(config, name, _class(name, messages[name.lower()], name=algorithm))
    config.OnlineRotationConfig = _class("OnlineRotationConfig", messages["onlinerotationconfig"])

    enums = types.ModuleType("quark.torch.quantization.config.type")
    for name, descriptor in quantization_pb2.DESCRIPTOR.enum_types_by_name.items():
        members = filter(None, (quark_name(descriptor, number) for number in descriptor.values_by_number))
        setattr(enums, name, enum.Enum(name, {member: member for member in members}))
    constants = types.ModuleType("quark.torch.quantization.constants")
    layer_types = ("Linear", "Conv2d", "ConvTranspose2d")
    constants.QUARK_LAYER_TYPES = {name: type(name, (), {}) for name in layer_types}
    observer = types.ModuleType("quark.torch.quantization.observer")
    observer.OBSERVER_MAP = {name: type(name, (), {}) for name in observers}
    convert = types.ModuleType("quark.torch.quantization.weight_convert")
    convert.WeightConverter = WeightConverter
    convert.SplitFusedExperts = SplitFusedExperts
    twobitscalar = types.ModuleType("quark.experimental.torch.twobitscalar.config")
    twobitscalar.TwoBitScalarConfig = config.TwoBitScalarConfig
    return {module.__name__: module for module in (config, enums, constants, observer, convert, twobitscalar)}


@dataclasses.dataclass
class WeightConverter:
    source_patterns: list[str]
    target_patterns: list[str]
    operations: list[SplitFusedExperts]


@dataclasses.dataclass
class SplitFusedExperts:
    split_axis: int


def _class(class_name: str, message: Any, **defaults: Any) -> type:
    fields: list[Any] = [(name, Any, dataclasses.field(default=value)) for name, value in defaults.items()]
    for field in message.fields:
        if field.name not in ("compute_scale_loss_none", "quant_method"):
            fields.append((field.name, Any, dataclasses.field(default=None)))
    return dataclasses.make_dataclass(class_name, fields)
