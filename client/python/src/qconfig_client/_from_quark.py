# SPDX-License-Identifier: Apache-2.0
"""Converts Quark's objects to qconfig.v1 messages.

Uses only the names of attributes, enum members and classes, so it needs neither Quark nor torch. Raises ValueError for
anything that a message cannot represent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from qconfig.v1 import quantization_pb2, registry_pb2
from qconfig_client._enums import enum_number


def layer_config(config: Any) -> quantization_pb2.QLayerConfig:
    """Converts Quark's `QLayerConfig`."""
    message = quantization_pb2.QLayerConfig()
    for field_name in ("input_tensors", "output_tensors", "weight", "bias"):
        stages = getattr(config, field_name)
        if stages is None:
            continue
        for stage in stages if isinstance(stages, (list, tuple)) else [stages]:
            getattr(message, field_name).append(tensor_config(stage))
    if config.target_device is not None:
        device_type = quantization_pb2.DeviceType.DESCRIPTOR
        message.target_device = enum_number(device_type, config.target_device.value)
    return message


def tensor_config(config: Any) -> quantization_pb2.QTensorConfig:
    """Converts Quark's `QTensorConfig`."""
    if getattr(config, "qat_spec", None) is not None:
        raise ValueError("qat_spec must be None: qconfig does not support quantization-aware training")
    message = quantization_pb2.QTensorConfig()
    for field in message.DESCRIPTOR.fields:
        value = getattr(config, field.name)
        if field.name == "zero_point_type" and value is None:
            message.zero_point_type = quantization_pb2.ZERO_POINT_TYPE_NONE
        elif value is None:
            continue
        elif field.enum_type is not None:
            setattr(message, field.name, enum_number(field.enum_type, value.name))
        elif field.name == "block_size":
            message.block_size.extend(value)
        elif field.name == "observer_cls":
            message.observer_cls = value.__name__
        else:
            setattr(message, field.name, value)
    return message


def weight_converters(converters: Iterable[Any]) -> Iterator[registry_pb2.WeightConverter]:
    """Converts the `f2f_weight_converters` of a template."""
    for converter in converters:
        message = registry_pb2.WeightConverter()
        message.source_patterns.extend(converter.source_patterns)
        message.target_patterns.extend(converter.target_patterns)
        for operation in converter.operations:
            if type(operation).__name__ != "SplitFusedExperts":
                raise ValueError(
                    f"unsupported weight operation {type(operation).__name__}; qconfig supports only SplitFusedExperts"
                )
            message.operations.add().split_fused_experts.split_axis = operation.split_axis
        yield message
