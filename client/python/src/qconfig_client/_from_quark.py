# SPDX-License-Identifier: Apache-2.0
"""From Quark's objects to qconfig.v1 messages.

Goes by the names of attributes, enum members and classes only, so it needs neither Quark nor torch. What a message
cannot hold is refused with ValueError and never dropped.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Iterable, Mapping, Optional

from qconfig.v1 import algorithm_pb2, quantization_pb2, registry_pb2

from qconfig_client._vocabulary import ALGORITHM_CLASSES, enum_number

_ALGORITHMS = {class_name: algorithm for algorithm, class_name in ALGORITHM_CLASSES.items()}
_NAMES = {"smoothquant": "smooth"}  # Quark's `name` of an algorithm, where it is not the algorithm's


def layer_config(config: Any) -> quantization_pb2.QLayerConfig:
    """From Quark's `QLayerConfig`."""
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
    """From Quark's `QTensorConfig`."""
    if getattr(config, "qat_spec", None) is not None:
        raise ValueError("qat_spec is for quantization-aware training, which qconfig does not serve: leave it None")
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


def algo_config(config: Any) -> algorithm_pb2.AlgoConfig:
    """From the configuration class of one of Quark's algorithms."""
    class_name = type(config).__name__
    algorithm = _ALGORITHMS.get(class_name)
    if algorithm is None:
        raise ValueError(f"{class_name} is no algorithm that qconfig knows; it knows {', '.join(_ALGORITHMS)}")
    if config.name != _NAMES.get(algorithm, algorithm):
        raise ValueError(f"{class_name}.name is {config.name!r}: qconfig cannot keep a name of your own")
    message = algorithm_pb2.AlgoConfig()
    # An explicit None must not become Quark's default again.
    if algorithm == "autosmoothquant" and config.compute_scale_loss is None:
        message.autosmoothquant.compute_scale_loss_none = True
    part = getattr(message, algorithm)
    part.SetInParent()
    _fill(part, config)
    return message


def weight_converters(converters: Optional[Iterable[Any]]) -> Iterable[registry_pb2.WeightConverter]:
    """From the `f2f_weight_converters` of a template."""
    for converter in converters or ():
        message = registry_pb2.WeightConverter()
        message.source_patterns.extend(converter.source_patterns)
        message.target_patterns.extend(converter.target_patterns)
        for operation in converter.operations:
            if type(operation).__name__ != "SplitFusedExperts":
                raise ValueError(f"{type(operation).__name__}: of weight operations qconfig knows only SplitFusedExperts")
            message.operations.add().split_fused_experts.split_axis = operation.split_axis
        yield message


def _fill(message: Any, config: Any) -> None:
    for field in message.DESCRIPTOR.fields:
        value = getattr(config, field.name, None)
        if value is None:
            _check_none(config, field.name)
            continue
        target = getattr(message, field.name)
        if field.message_type is None:
            if field.has_presence:
                setattr(message, field.name, value)
            elif not isinstance(target, bool):
                target.extend(value)
        elif field.message_type.name == "RotationScalingLayersEntry":
            for position, layers in value.items():
                entry = target.add(position=position)
                for layer in layers:
                    _fill_from_dictionary(entry.layers.add(), layer)
        elif field.message_type.name == "ScalingLayer":
            for layer in value:
                _fill_from_dictionary(target.add(), layer)
        else:
            target.SetInParent()  # an empty list is not None
            if field.message_type.name == "StringList":
                target.values.extend(value)
            elif field.message_type.name == "ScalingLayerList":
                for layer in value:
                    _fill_from_dictionary(target.layers.add(), layer)
            else:
                _fill(target, value)


def _check_none(config: Any, name: str) -> None:
    """What is absent in a request takes Quark's default: None can be sent only where that is None."""
    for field in dataclasses.fields(config):
        if field.name == name and field.default is not None and name != "compute_scale_loss":
            raise ValueError(f"{type(config).__name__}.{name} is None: qconfig cannot tell that from Quark's default")


def _fill_from_dictionary(message: Any, layer: Mapping[str, Any]) -> None:
    fields = message.DESCRIPTOR.fields_by_name
    for key, value in layer.items():
        if key not in fields:
            raise ValueError(f"a layer to scale has {key!r}; qconfig knows {', '.join(fields)}")
        try:
            if isinstance(value, (list, tuple)):
                getattr(message, key).extend(value)
            else:
                setattr(message, key, value)
        except (AttributeError, TypeError) as error:
            raise ValueError(f"a layer to scale has {key} {value!r}: {error}") from error
