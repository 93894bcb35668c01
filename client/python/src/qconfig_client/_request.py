# SPDX-License-Identifier: Apache-2.0
"""Builds requests from the arguments of Quark's get_config."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Optional, Union

from google.protobuf.message import Message

from qconfig.v1.algorithm_pb2 import AlgoConfig, RotationScalingLayersEntry, ScalingLayerList, StringList
from qconfig.v1.config_service_pb2 import GetConfigRequest
from qconfig.v1.config_spec_pb2 import ConfigSpec
from qconfig.v1.quantization_pb2 import SharedScaleGroup

# Pairs may be passed instead of a dict. They can repeat a key, which the server rejects.
LayerConfig = Union[Mapping[str, str], Iterable[tuple[str, str]]]
LayerTypeConfig = Union[Mapping[Any, str], Iterable[tuple[Any, str]]]
AlgoConfigs = Union[Mapping[str, Any], Iterable[tuple[str, Any]]]

_ALGORITHM_OF_QUARKS_NAME = {"smooth": "smoothquant"}


def get_config_request(
    model_type: str,
    scheme: str,
    algorithm: Union[str, Iterable[str], None] = None,
    kv_cache_scheme: Optional[str] = None,
    min_kv_scale: float = 0.0,
    attention_scheme: Optional[str] = None,
    layer_config: Optional[LayerConfig] = None,
    layer_type_config: Optional[LayerTypeConfig] = None,
    exclude_layers: Optional[Iterable[str]] = None,
    algo_configs: Optional[AlgoConfigs] = None,
    shared_scale_groups: Optional[Iterable[Iterable[str]]] = None,
    *,
    tenant: str = "",
    catalog: str = "",
    revision: int = 0,
    min_revision: int = 0,
    if_digest: str = "",
    include_canonical_json: bool = False,
) -> GetConfigRequest:
    """The request that `Client.get_config` sends for the same arguments."""
    spec = ConfigSpec(
        model_type=model_type,
        scheme=scheme,
        algorithm=[algorithm] if isinstance(algorithm, str) and algorithm else algorithm or (),
        kv_cache_scheme=kv_cache_scheme or "",
        min_kv_scale=min_kv_scale,
        attention_scheme=attention_scheme or "",
    )
    for pattern, layer_scheme in pairs("layer_config", layer_config):
        spec.layer_config.add(pattern=pattern, scheme=layer_scheme)
    for layer_type, layer_scheme in pairs("layer_type_config", layer_type_config):
        spec.layer_type_config.add(layer_type=_layer_type_name(layer_type), scheme=layer_scheme)
    for algorithm_name, value in pairs("algo_configs", algo_configs):
        config = None if value is None else algo_config(algorithm_name, value)
        spec.algo_configs.add(algorithm=algorithm_name, config=config)
    # None and an empty list differ only for the next two.
    if exclude_layers is not None:
        spec.exclude_layers.SetInParent()
        spec.exclude_layers.patterns.extend(_items("exclude_layers", exclude_layers))
    if shared_scale_groups is not None:
        spec.shared_scale_groups.SetInParent()
        for group in _items("shared_scale_groups", shared_scale_groups):
            suffixes = _items("shared_scale_groups", group)
            spec.shared_scale_groups.groups.append(SharedScaleGroup(layer_suffixes=suffixes))
    return GetConfigRequest(
        tenant=tenant,
        catalog=catalog,
        revision=revision,
        min_revision=min_revision,
        if_digest=if_digest,
        include_quark_json=True,
        include_canonical_json=include_canonical_json,
        spec=spec,
    )


def pairs(name: str, value: Union[Mapping[Any, Any], Iterable[tuple[Any, Any]], None]) -> list[tuple[Any, Any]]:
    """The items of an argument that is a dict or an iterable of pairs."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        items = list(value)
        if all(isinstance(item, (tuple, list)) and len(item) == 2 for item in items):
            return items
    raise TypeError(f"{name} must be a dict or pairs, not {value!r}")


def _layer_type_name(layer_type: Any) -> Any:
    if not isinstance(layer_type, type):
        return layer_type
    if not layer_type.__module__.startswith("torch.nn."):
        raise ValueError(
            f"unsupported class {layer_type.__module__}.{layer_type.__qualname__} in layer_type_config: "
            "only classes of torch.nn are supported"
        )
    return layer_type.__name__


def algo_config(algorithm: str, value: Any) -> AlgoConfig:
    """The configuration of an algorithm as a message.

    value: an AlgoConfig, an object of Quark's class, or a dict of that class's fields, with or without `name`. None
        selects Quark's default, except for `compute_scale_loss` of autosmoothquant.
    """
    if isinstance(value, AlgoConfig):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if not isinstance(value, Mapping):
        raise TypeError(f"algo_configs[{algorithm!r}] must be a dict or an AlgoConfig, not {type(value).__name__}")
    name = str(value.get("name", algorithm)).lower()
    name = _ALGORITHM_OF_QUARKS_NAME.get(name, name)
    known = AlgoConfig.DESCRIPTOR.fields_by_name
    if name not in known:
        raise ValueError(f"unknown algorithm {name!r}; known algorithms: {', '.join(known)}")
    result = AlgoConfig()
    config = getattr(result, name)
    config.SetInParent()
    fields = {key: field for key, field in value.items() if key != "name"}
    if name == "autosmoothquant" and "compute_scale_loss" in fields and fields["compute_scale_loss"] is None:
        config.compute_scale_loss_none = True
    _fill(config, fields, name)
    return result


def _fill(message: Message, values: Mapping[str, Any], path: str) -> None:
    if not isinstance(values, Mapping):
        raise TypeError(f"{path} must be a dict, not {values!r}")
    fields = message.DESCRIPTOR.fields_by_name
    for key, value in values.items():
        if key not in fields:
            raise TypeError(f"{path} has no field {key!r}; its fields are {', '.join(fields)}")
        if value is not None:
            _set(message, fields[key], value, f"{path}.{key}")


def _set(message: Message, field: Any, value: Any, path: str) -> None:
    target = getattr(message, field.name)
    if field.message_type is None:
        if hasattr(target, "extend"):
            _extend_values(target, value, path)
        else:
            with _errors_at(path):
                setattr(message, field.name, value)
    elif field.message_type is StringList.DESCRIPTOR:
        target.SetInParent()
        _extend_values(target.values, value, path)
    elif field.message_type is ScalingLayerList.DESCRIPTOR:
        target.SetInParent()
        _extend(target.layers, value, path)
    elif field.message_type is RotationScalingLayersEntry.DESCRIPTOR:
        for position, layers in pairs(path, value):
            with _errors_at(path):
                entry = target.add(position=position)
            _extend(entry.layers, layers, f"{path}[{position!r}]")
    elif isinstance(target, Message):
        target.SetInParent()
        _fill(target, value, path)
    else:
        _extend(target, value, path)


def _extend(target: Any, values: Iterable[Mapping[str, Any]], path: str) -> None:
    for index, value in enumerate(_items(path, values)):
        _fill(target.add(), value, f"{path}[{index}]")


def _extend_values(target: Any, values: Iterable[Any], path: str) -> None:
    values = _items(path, values)
    with _errors_at(path):
        target.extend(values)


@contextmanager
def _errors_at(path: str) -> Iterator[None]:
    try:
        yield
    except TypeError as error:
        raise TypeError(f"{path}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _items(name: str, value: Iterable[Any]) -> Iterable[Any]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list, not {value!r}")
    return value
