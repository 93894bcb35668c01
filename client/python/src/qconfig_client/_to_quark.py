# SPDX-License-Identifier: Apache-2.0
"""Converts qconfig.v1 messages to objects of the installed amd-quark.

Does not use Quark's `QConfig.from_dict`: the JSON lacks fields, and reading it changes others.
Importing this module does not import Quark or torch; its functions do.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
from collections.abc import Sequence
from typing import Any, Optional

from qconfig.v1 import algorithm_pb2, quantization_pb2, registry_pb2
from qconfig_client._enums import quark_name

_ALGORITHM_CLASSES = {
    "awq": "AWQConfig",
    "gptq": "GPTQConfig",
    "gptaq": "GPTAQConfig",
    "qronos": "QronosConfig",
    "smoothquant": "SmoothQuantConfig",
    "autosmoothquant": "AutoSmoothQuantConfig",
    "rotation": "RotationConfig",
    "autoround": "AutoRoundConfig",
    "twobitscalar": "TwoBitScalarConfig",
}

# Packages that amd-quark's LLMTemplate imports, but amd-quark does not require.
_NEEDED_BY_QUARK = ("torch", "transformers", "accelerate")


class QuarkMissing(ImportError):
    """An operation needs amd-quark, which is not installed, or not in the required release."""


def installed_release() -> Optional[str]:
    """The installed release of amd-quark, such as "0.12.post1", or None. Does not import it."""
    try:
        version: Optional[str] = importlib.metadata.version("amd-quark")
    except importlib.metadata.PackageNotFoundError:
        return None
    return version.split("+")[0] if version else None  # no version: an incomplete uninstallation


def require_quark(release: Optional[str] = None) -> None:
    """Raises QuarkMissing unless amd-quark is installed, in the given `release` if it is not None."""
    installed = installed_release()
    if installed is None:
        packages = " ".join(["amd-quark" if release is None else f"amd-quark=={release}", *_NEEDED_BY_QUARK])
        raise QuarkMissing(f"amd-quark is not installed: pip install {packages}")
    if release is not None and installed != release:
        raise QuarkMissing(
            f"this object requires amd-quark {release}, but amd-quark {installed} is installed: "
            f"use the catalogue quark-{installed}, or pip install amd-quark=={release}"
        )


def to_quark(config: quantization_pb2.QConfig) -> Any:
    """Converts to the `QConfig` that `LLMTemplate.get_config` of the same Quark release returns.

    Raises QuarkMissing if that release is not installed.
    """
    require_quark(config.version)
    quark = _quark_config()
    result = quark.QConfig(global_quant_config=layer_config_to_quark(config.global_quant_config))
    # Set after construction, because Quark 0.12's constructor would expand `exclude` a second time.
    result.exclude = list(config.exclude)
    result.layer_type_quant_config = {
        _layer_types()[entry.layer_type]: layer_config_to_quark(entry.config)
        for entry in config.layer_type_quant_config
    }
    result.layer_quant_config = _by_pattern(config.layer_quant_config)
    result.kv_cache_quant_config = _by_pattern(config.kv_cache_quant_config)
    # Quark uses None for a template without K and V projections, although it declares a list.
    result.kv_cache_group = list(config.kv_cache_group) or None
    result.min_kv_scale = config.min_kv_scale
    result.kv_cache_post_rope = config.kv_cache_post_rope
    result.shared_scale_groups = [list(group.layer_suffixes) for group in config.shared_scale_groups]
    if config.HasField("softmax_quant_spec"):
        result.softmax_quant_spec = tensor_config_to_quark(config.softmax_quant_spec)
    if config.algo_config:
        result.algo_config = [algo_config_to_quark(algorithm) for algorithm in config.algo_config]
    result.quant_mode = _enum_value(config, "quant_mode")
    result.sync_moe_expert_input_amax = config.sync_moe_expert_input_amax
    result.keep_prequantized_layers = config.keep_prequantized_layers
    result.version = config.version
    return result


def layer_config_to_quark(config: quantization_pb2.QLayerConfig) -> Any:
    """Converts to Quark's `QLayerConfig`."""
    return _quark_config().QLayerConfig(
        input_tensors=_stages(config.input_tensors),
        output_tensors=_stages(config.output_tensors),
        weight=_stages(config.weight),
        bias=_stages(config.bias),
        target_device=_enum_value(config, "target_device"),
    )


def tensor_config_to_quark(config: quantization_pb2.QTensorConfig) -> Any:
    """Converts to Quark's `QTensorConfig`."""
    arguments: dict[str, Any] = {}
    for field in config.DESCRIPTOR.fields:
        if field.name == "block_size":
            arguments["block_size"] = tuple(config.block_size) or None
        elif field.name == "observer_cls":
            arguments["observer_cls"] = _observer(config.observer_cls)
        elif field.enum_type is not None:
            arguments[field.name] = _enum_value(config, field.name)
        elif not field.has_presence or config.HasField(field.name):
            arguments[field.name] = getattr(config, field.name)
    return _quark_config().QTensorConfig(**arguments)


def algo_config_to_quark(config: algorithm_pb2.AlgoConfig) -> Any:
    """Converts to the configuration class of the algorithm in Quark."""
    algorithm = config.WhichOneof("config")
    if algorithm is None:
        raise ValueError("unknown algorithm: the server is newer than this client; update the client")
    return _dataclass(_algorithm_class(algorithm), getattr(config, algorithm))


def weight_converters_to_quark(converters: Sequence[registry_pb2.WeightConverter]) -> Optional[list[Any]]:
    """Converts to Quark's `WeightConverter`s; None if there are none."""
    quark = importlib.import_module("quark.torch.quantization.weight_convert")
    return [
        quark.WeightConverter(
            list(converter.source_patterns),
            list(converter.target_patterns),
            operations=[
                quark.SplitFusedExperts(split_axis=operation.split_fused_experts.split_axis)
                for operation in converter.operations
            ],
        )
        for converter in converters
    ] or None


def _quark_config() -> Any:
    return importlib.import_module("quark.torch.quantization.config.config")


def _layer_types() -> dict[str, Any]:
    constants = importlib.import_module("quark.torch.quantization.constants")
    return dict(constants.QUARK_LAYER_TYPES)


def _observer(name: str) -> Any:
    if not name:
        return None
    observers = importlib.import_module("quark.torch.quantization.observer")
    if name not in observers.OBSERVER_MAP:
        raise ValueError(f"the installed amd-quark has no observer {name}")
    return observers.OBSERVER_MAP[name]


def _algorithm_class(algorithm: str) -> Any:
    if algorithm == "twobitscalar":
        module = importlib.import_module("quark.experimental.torch.twobitscalar.config")
    else:
        module = _quark_config()
    return getattr(module, _ALGORITHM_CLASSES[algorithm])


def _enum_value(message: Any, field_name: str) -> Any:
    enum = message.DESCRIPTOR.fields_by_name[field_name].enum_type
    name = quark_name(enum, getattr(message, field_name))
    if name is None:
        return None
    types = importlib.import_module("quark.torch.quantization.config.type")
    if enum.name == "DeviceType":  # Quark's JSON has the value of this enum, and the name of all others
        return types.DeviceType(name)
    return getattr(types, enum.name)[name]


def _stages(stages: Sequence[quantization_pb2.QTensorConfig]) -> Any:
    if not stages:
        return None
    if len(stages) == 1:
        return tensor_config_to_quark(stages[0])
    return [tensor_config_to_quark(stage) for stage in stages]


def _by_pattern(entries: Sequence[quantization_pb2.LayerQuantConfigEntry]) -> dict[str, Any]:
    return {entry.pattern: layer_config_to_quark(entry.config) for entry in entries}


def _dataclass(quark_class: Any, message: Any) -> Any:
    """Creates an object of a dataclass from the fields of `message` with the same names."""
    arguments: dict[str, Any] = {}
    for field in dataclasses.fields(quark_class):
        if field.name not in message.DESCRIPTOR.fields_by_name:
            continue  # `name`, which the class implies
        value = _value(message, field.name)
        # Keeps the Python type of a default: SmoothQuant's alpha is the integer 1.
        arguments[field.name] = field.default if value == field.default else value
    return quark_class(**arguments)


def _value(message: Any, field_name: str) -> Any:
    field = message.DESCRIPTOR.fields_by_name[field_name]
    value = getattr(message, field_name)
    if field.message_type is None:
        if not field.has_presence:
            return list(value)
        return value if message.HasField(field_name) else None
    if field_name == "scaling_layers" and field.message_type.name == "RotationScalingLayersEntry":
        return {entry.position: [_dictionary(layer) for layer in entry.layers] for entry in value}
    if field.message_type.name == "ScalingLayer":
        return [_dictionary(layer) for layer in value]
    if not message.HasField(field_name):
        return None
    if field.message_type.name == "StringList":
        return list(value.values)
    if field.message_type.name == "ScalingLayerList":
        return [_dictionary(layer) for layer in value.layers]
    return _dataclass(getattr(_quark_config(), field.message_type.name), value)


def _dictionary(message: Any) -> dict[str, Any]:
    """Converts the set fields of `message` to a dict: Quark's scaling layers are dicts with optional keys."""
    result: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.has_presence:
            if message.HasField(field.name):
                result[field.name] = value
        elif isinstance(value, str):
            result[field.name] = value
        elif value or message.DESCRIPTOR.name == "ScalingLayer":  # the lists of a rotation's layer are optional
            result[field.name] = list(value)
    return result
