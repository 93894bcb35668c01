# SPDX-License-Identifier: Apache-2.0
from qconfig.v1 import algorithm_pb2 as _algorithm_pb2
from qconfig.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
DEVICE_TYPE_CPU: DeviceType
DEVICE_TYPE_IPU: DeviceType
DEVICE_TYPE_UNSPECIFIED: DeviceType
DTYPE_BFLOAT16: Dtype
DTYPE_BFP16: Dtype
DTYPE_FLOAT16: Dtype
DTYPE_FP4: Dtype
DTYPE_FP6_E2M3: Dtype
DTYPE_FP6_E3M2: Dtype
DTYPE_FP8_E4M3: Dtype
DTYPE_FP8_E5M2: Dtype
DTYPE_FP8_E5M3: Dtype
DTYPE_INT16: Dtype
DTYPE_INT2: Dtype
DTYPE_INT3: Dtype
DTYPE_INT32: Dtype
DTYPE_INT4: Dtype
DTYPE_INT8: Dtype
DTYPE_MX: Dtype
DTYPE_MX6: Dtype
DTYPE_MX9: Dtype
DTYPE_UINT16: Dtype
DTYPE_UINT2: Dtype
DTYPE_UINT4: Dtype
DTYPE_UINT8: Dtype
DTYPE_UNSPECIFIED: Dtype
ENTRY_ORIGIN_ATTENTION: EntryOrigin
ENTRY_ORIGIN_KV_CACHE: EntryOrigin
ENTRY_ORIGIN_REQUEST: EntryOrigin
ENTRY_ORIGIN_UNSPECIFIED: EntryOrigin
QUANTIZATION_MODE_EAGER_MODE: QuantizationMode
QUANTIZATION_MODE_FX_GRAPH_MODE: QuantizationMode
QUANTIZATION_MODE_UNSPECIFIED: QuantizationMode
Q_SCHEME_TYPE_PER_BLOCK: QSchemeType
Q_SCHEME_TYPE_PER_CHANNEL: QSchemeType
Q_SCHEME_TYPE_PER_GROUP: QSchemeType
Q_SCHEME_TYPE_PER_TENSOR: QSchemeType
Q_SCHEME_TYPE_UNSPECIFIED: QSchemeType
ROUND_TYPE_FLOOR: RoundType
ROUND_TYPE_HALF_EVEN: RoundType
ROUND_TYPE_ROUND: RoundType
ROUND_TYPE_UNSPECIFIED: RoundType
SCALE_TYPE_BFLOAT16: ScaleType
SCALE_TYPE_FLOAT: ScaleType
SCALE_TYPE_FLOAT16: ScaleType
SCALE_TYPE_FLOAT32: ScaleType
SCALE_TYPE_FLOAT8_E5M3: ScaleType
SCALE_TYPE_FLOAT8_E8M0FNU: ScaleType
SCALE_TYPE_POF2: ScaleType
SCALE_TYPE_UNSPECIFIED: ScaleType
ZERO_POINT_TYPE_FLOAT32: ZeroPointType
ZERO_POINT_TYPE_NONE: ZeroPointType
ZERO_POINT_TYPE_UNSPECIFIED: ZeroPointType

class LayerQuantConfigEntry(_message.Message):
    __slots__ = ["config", "origin", "pattern"]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    config: QLayerConfig
    origin: EntryOrigin
    pattern: str
    def __init__(self, pattern: _Optional[str] = ..., config: _Optional[_Union[QLayerConfig, _Mapping]] = ..., origin: _Optional[_Union[EntryOrigin, str]] = ...) -> None: ...

class LayerTypeQuantConfigEntry(_message.Message):
    __slots__ = ["config", "layer_type"]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    LAYER_TYPE_FIELD_NUMBER: _ClassVar[int]
    config: QLayerConfig
    layer_type: str
    def __init__(self, layer_type: _Optional[str] = ..., config: _Optional[_Union[QLayerConfig, _Mapping]] = ...) -> None: ...

class QConfig(_message.Message):
    __slots__ = ["algo_config", "exclude", "global_quant_config", "keep_prequantized_layers", "kv_cache_group", "kv_cache_post_rope", "kv_cache_quant_config", "layer_quant_config", "layer_type_quant_config", "min_kv_scale", "quant_method", "quant_mode", "shared_scale_groups", "softmax_quant_spec", "sync_moe_expert_input_amax", "version"]
    ALGO_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_QUANT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    KEEP_PREQUANTIZED_LAYERS_FIELD_NUMBER: _ClassVar[int]
    KV_CACHE_GROUP_FIELD_NUMBER: _ClassVar[int]
    KV_CACHE_POST_ROPE_FIELD_NUMBER: _ClassVar[int]
    KV_CACHE_QUANT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    LAYER_QUANT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    LAYER_TYPE_QUANT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    MIN_KV_SCALE_FIELD_NUMBER: _ClassVar[int]
    QUANT_METHOD_FIELD_NUMBER: _ClassVar[int]
    QUANT_MODE_FIELD_NUMBER: _ClassVar[int]
    SHARED_SCALE_GROUPS_FIELD_NUMBER: _ClassVar[int]
    SOFTMAX_QUANT_SPEC_FIELD_NUMBER: _ClassVar[int]
    SYNC_MOE_EXPERT_INPUT_AMAX_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    algo_config: _containers.RepeatedCompositeFieldContainer[_algorithm_pb2.AlgoConfig]
    exclude: _containers.RepeatedScalarFieldContainer[str]
    global_quant_config: QLayerConfig
    keep_prequantized_layers: bool
    kv_cache_group: _containers.RepeatedScalarFieldContainer[str]
    kv_cache_post_rope: bool
    kv_cache_quant_config: _containers.RepeatedCompositeFieldContainer[LayerQuantConfigEntry]
    layer_quant_config: _containers.RepeatedCompositeFieldContainer[LayerQuantConfigEntry]
    layer_type_quant_config: _containers.RepeatedCompositeFieldContainer[LayerTypeQuantConfigEntry]
    min_kv_scale: float
    quant_method: str
    quant_mode: QuantizationMode
    shared_scale_groups: _containers.RepeatedCompositeFieldContainer[SharedScaleGroup]
    softmax_quant_spec: QTensorConfig
    sync_moe_expert_input_amax: bool
    version: str
    def __init__(self, global_quant_config: _Optional[_Union[QLayerConfig, _Mapping]] = ..., layer_type_quant_config: _Optional[_Iterable[_Union[LayerTypeQuantConfigEntry, _Mapping]]] = ..., layer_quant_config: _Optional[_Iterable[_Union[LayerQuantConfigEntry, _Mapping]]] = ..., kv_cache_quant_config: _Optional[_Iterable[_Union[LayerQuantConfigEntry, _Mapping]]] = ..., kv_cache_group: _Optional[_Iterable[str]] = ..., min_kv_scale: _Optional[float] = ..., kv_cache_post_rope: bool = ..., shared_scale_groups: _Optional[_Iterable[_Union[SharedScaleGroup, _Mapping]]] = ..., softmax_quant_spec: _Optional[_Union[QTensorConfig, _Mapping]] = ..., exclude: _Optional[_Iterable[str]] = ..., algo_config: _Optional[_Iterable[_Union[_algorithm_pb2.AlgoConfig, _Mapping]]] = ..., quant_mode: _Optional[_Union[QuantizationMode, str]] = ..., sync_moe_expert_input_amax: bool = ..., keep_prequantized_layers: bool = ..., version: _Optional[str] = ..., quant_method: _Optional[str] = ...) -> None: ...

class QLayerConfig(_message.Message):
    __slots__ = ["bias", "input_tensors", "output_tensors", "target_device", "weight"]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TENSORS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TENSORS_FIELD_NUMBER: _ClassVar[int]
    TARGET_DEVICE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    bias: _containers.RepeatedCompositeFieldContainer[QTensorConfig]
    input_tensors: _containers.RepeatedCompositeFieldContainer[QTensorConfig]
    output_tensors: _containers.RepeatedCompositeFieldContainer[QTensorConfig]
    target_device: DeviceType
    weight: _containers.RepeatedCompositeFieldContainer[QTensorConfig]
    def __init__(self, input_tensors: _Optional[_Iterable[_Union[QTensorConfig, _Mapping]]] = ..., output_tensors: _Optional[_Iterable[_Union[QTensorConfig, _Mapping]]] = ..., weight: _Optional[_Iterable[_Union[QTensorConfig, _Mapping]]] = ..., bias: _Optional[_Iterable[_Union[QTensorConfig, _Mapping]]] = ..., target_device: _Optional[_Union[DeviceType, str]] = ...) -> None: ...

class QTensorConfig(_message.Message):
    __slots__ = ["block_size", "ch_axis", "dtype", "enable_buffer_reuse", "group_size", "is_dynamic", "is_scale_quant", "max_input_numel", "mx_element_dtype", "observer_cls", "qscheme", "round_method", "scale_calculation_mode", "scale_format", "scale_type", "symmetric", "zero_point_type"]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    CH_AXIS_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    ENABLE_BUFFER_REUSE_FIELD_NUMBER: _ClassVar[int]
    GROUP_SIZE_FIELD_NUMBER: _ClassVar[int]
    IS_DYNAMIC_FIELD_NUMBER: _ClassVar[int]
    IS_SCALE_QUANT_FIELD_NUMBER: _ClassVar[int]
    MAX_INPUT_NUMEL_FIELD_NUMBER: _ClassVar[int]
    MX_ELEMENT_DTYPE_FIELD_NUMBER: _ClassVar[int]
    OBSERVER_CLS_FIELD_NUMBER: _ClassVar[int]
    QSCHEME_FIELD_NUMBER: _ClassVar[int]
    ROUND_METHOD_FIELD_NUMBER: _ClassVar[int]
    SCALE_CALCULATION_MODE_FIELD_NUMBER: _ClassVar[int]
    SCALE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    SCALE_TYPE_FIELD_NUMBER: _ClassVar[int]
    SYMMETRIC_FIELD_NUMBER: _ClassVar[int]
    ZERO_POINT_TYPE_FIELD_NUMBER: _ClassVar[int]
    block_size: _containers.RepeatedScalarFieldContainer[int]
    ch_axis: int
    dtype: Dtype
    enable_buffer_reuse: bool
    group_size: int
    is_dynamic: bool
    is_scale_quant: bool
    max_input_numel: int
    mx_element_dtype: Dtype
    observer_cls: str
    qscheme: QSchemeType
    round_method: RoundType
    scale_calculation_mode: str
    scale_format: str
    scale_type: ScaleType
    symmetric: bool
    zero_point_type: ZeroPointType
    def __init__(self, dtype: _Optional[_Union[Dtype, str]] = ..., is_dynamic: bool = ..., qscheme: _Optional[_Union[QSchemeType, str]] = ..., ch_axis: _Optional[int] = ..., group_size: _Optional[int] = ..., block_size: _Optional[_Iterable[int]] = ..., symmetric: bool = ..., round_method: _Optional[_Union[RoundType, str]] = ..., scale_type: _Optional[_Union[ScaleType, str]] = ..., zero_point_type: _Optional[_Union[ZeroPointType, str]] = ..., scale_format: _Optional[str] = ..., scale_calculation_mode: _Optional[str] = ..., mx_element_dtype: _Optional[_Union[Dtype, str]] = ..., observer_cls: _Optional[str] = ..., is_scale_quant: bool = ..., enable_buffer_reuse: bool = ..., max_input_numel: _Optional[int] = ...) -> None: ...

class SharedScaleGroup(_message.Message):
    __slots__ = ["layer_suffixes"]
    LAYER_SUFFIXES_FIELD_NUMBER: _ClassVar[int]
    layer_suffixes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, layer_suffixes: _Optional[_Iterable[str]] = ...) -> None: ...

class Dtype(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class QSchemeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class RoundType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class ScaleType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class ZeroPointType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class DeviceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class QuantizationMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class EntryOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
