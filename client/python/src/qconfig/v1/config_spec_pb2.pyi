# SPDX-License-Identifier: Apache-2.0
from qconfig.v1 import algorithm_pb2 as _algorithm_pb2
from qconfig.v1 import annotations_pb2 as _annotations_pb2
from qconfig.v1 import quantization_pb2 as _quantization_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConfigSpec(_message.Message):
    __slots__ = ["algo_configs", "algorithm", "attention_scheme", "exclude_layers", "kv_cache_scheme", "layer_config", "layer_type_config", "min_kv_scale", "model_type", "scheme", "shared_scale_groups"]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    ALGO_CONFIGS_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_SCHEME_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_LAYERS_FIELD_NUMBER: _ClassVar[int]
    KV_CACHE_SCHEME_FIELD_NUMBER: _ClassVar[int]
    LAYER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    LAYER_TYPE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    MIN_KV_SCALE_FIELD_NUMBER: _ClassVar[int]
    MODEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    SHARED_SCALE_GROUPS_FIELD_NUMBER: _ClassVar[int]
    algo_configs: _containers.RepeatedCompositeFieldContainer[_algorithm_pb2.AlgoConfigEntry]
    algorithm: _containers.RepeatedScalarFieldContainer[str]
    attention_scheme: str
    exclude_layers: ExcludeLayers
    kv_cache_scheme: str
    layer_config: _containers.RepeatedCompositeFieldContainer[LayerConfigEntry]
    layer_type_config: _containers.RepeatedCompositeFieldContainer[LayerTypeConfigEntry]
    min_kv_scale: float
    model_type: str
    scheme: str
    shared_scale_groups: SharedScaleGroups
    def __init__(self, model_type: _Optional[str] = ..., scheme: _Optional[str] = ..., algorithm: _Optional[_Iterable[str]] = ..., kv_cache_scheme: _Optional[str] = ..., min_kv_scale: _Optional[float] = ..., attention_scheme: _Optional[str] = ..., layer_config: _Optional[_Iterable[_Union[LayerConfigEntry, _Mapping]]] = ..., layer_type_config: _Optional[_Iterable[_Union[LayerTypeConfigEntry, _Mapping]]] = ..., exclude_layers: _Optional[_Union[ExcludeLayers, _Mapping]] = ..., algo_configs: _Optional[_Iterable[_Union[_algorithm_pb2.AlgoConfigEntry, _Mapping]]] = ..., shared_scale_groups: _Optional[_Union[SharedScaleGroups, _Mapping]] = ...) -> None: ...

class ExcludeLayers(_message.Message):
    __slots__ = ["patterns"]
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    patterns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, patterns: _Optional[_Iterable[str]] = ...) -> None: ...

class LayerConfigEntry(_message.Message):
    __slots__ = ["pattern", "scheme"]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    scheme: str
    def __init__(self, pattern: _Optional[str] = ..., scheme: _Optional[str] = ...) -> None: ...

class LayerTypeConfigEntry(_message.Message):
    __slots__ = ["layer_type", "scheme"]
    LAYER_TYPE_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    layer_type: str
    scheme: str
    def __init__(self, layer_type: _Optional[str] = ..., scheme: _Optional[str] = ...) -> None: ...

class SharedScaleGroups(_message.Message):
    __slots__ = ["groups"]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[_quantization_pb2.SharedScaleGroup]
    def __init__(self, groups: _Optional[_Iterable[_Union[_quantization_pb2.SharedScaleGroup, _Mapping]]] = ...) -> None: ...
