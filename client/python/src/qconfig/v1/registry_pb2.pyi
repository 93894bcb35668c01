# SPDX-License-Identifier: Apache-2.0
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from qconfig.v1 import algorithm_pb2 as _algorithm_pb2
from qconfig.v1 import annotations_pb2 as _annotations_pb2
from qconfig.v1 import quantization_pb2 as _quantization_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
REGISTRY_ORIGIN_BUILTIN: RegistryOrigin
REGISTRY_ORIGIN_TENANT: RegistryOrigin
REGISTRY_ORIGIN_UNSPECIFIED: RegistryOrigin

class ChangeRecord(_message.Message):
    __slots__ = ["actor", "changes", "peer", "request_id", "revision", "time"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    actor: str
    changes: _containers.RepeatedCompositeFieldContainer[RegistryChange]
    peer: str
    request_id: str
    revision: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, revision: _Optional[int] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., request_id: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[RegistryChange, _Mapping]]] = ..., peer: _Optional[str] = ...) -> None: ...

class DeletedScheme(_message.Message):
    __slots__ = ["etag", "name"]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    etag: str
    name: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class DeletedTemplate(_message.Message):
    __slots__ = ["etag", "model_type"]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    MODEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    etag: str
    model_type: str
    def __init__(self, model_type: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class LayerSpec(_message.Message):
    __slots__ = ["bias", "input_tensors", "output_tensors", "target_device", "weight"]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TENSORS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TENSORS_FIELD_NUMBER: _ClassVar[int]
    TARGET_DEVICE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    bias: TensorSpec
    input_tensors: TensorSpec
    output_tensors: TensorSpec
    target_device: _quantization_pb2.DeviceType
    weight: TensorSpec
    def __init__(self, input_tensors: _Optional[_Union[TensorSpec, _Mapping]] = ..., output_tensors: _Optional[_Union[TensorSpec, _Mapping]] = ..., weight: _Optional[_Union[TensorSpec, _Mapping]] = ..., bias: _Optional[_Union[TensorSpec, _Mapping]] = ..., target_device: _Optional[_Union[_quantization_pb2.DeviceType, str]] = ...) -> None: ...

class LlmTemplate(_message.Message):
    __slots__ = ["algorithm_configs", "create_time", "description", "etag", "exclude_layers_name", "f2f_weight_converters", "gate_up_layers_name", "kv_layers_name", "labels", "model_type", "origin", "q_layer_name", "shadows_builtin", "update_time"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ALGORITHM_CONFIGS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_LAYERS_NAME_FIELD_NUMBER: _ClassVar[int]
    F2F_WEIGHT_CONVERTERS_FIELD_NUMBER: _ClassVar[int]
    GATE_UP_LAYERS_NAME_FIELD_NUMBER: _ClassVar[int]
    KV_LAYERS_NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    MODEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    Q_LAYER_NAME_FIELD_NUMBER: _ClassVar[int]
    SHADOWS_BUILTIN_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    algorithm_configs: _containers.RepeatedCompositeFieldContainer[_algorithm_pb2.AlgoConfigEntry]
    create_time: _timestamp_pb2.Timestamp
    description: str
    etag: str
    exclude_layers_name: _containers.RepeatedScalarFieldContainer[str]
    f2f_weight_converters: _containers.RepeatedCompositeFieldContainer[WeightConverter]
    gate_up_layers_name: _containers.RepeatedScalarFieldContainer[str]
    kv_layers_name: _containers.RepeatedScalarFieldContainer[str]
    labels: _containers.ScalarMap[str, str]
    model_type: str
    origin: RegistryOrigin
    q_layer_name: _containers.RepeatedScalarFieldContainer[str]
    shadows_builtin: bool
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, model_type: _Optional[str] = ..., kv_layers_name: _Optional[_Iterable[str]] = ..., q_layer_name: _Optional[_Iterable[str]] = ..., gate_up_layers_name: _Optional[_Iterable[str]] = ..., exclude_layers_name: _Optional[_Iterable[str]] = ..., algorithm_configs: _Optional[_Iterable[_Union[_algorithm_pb2.AlgoConfigEntry, _Mapping]]] = ..., f2f_weight_converters: _Optional[_Iterable[_Union[WeightConverter, _Mapping]]] = ..., description: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., etag: _Optional[str] = ..., origin: _Optional[_Union[RegistryOrigin, str]] = ..., shadows_builtin: bool = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RegistryChange(_message.Message):
    __slots__ = ["delete_scheme", "delete_template", "put_scheme", "put_template", "set_default_catalog"]
    DELETE_SCHEME_FIELD_NUMBER: _ClassVar[int]
    DELETE_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    PUT_SCHEME_FIELD_NUMBER: _ClassVar[int]
    PUT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    SET_DEFAULT_CATALOG_FIELD_NUMBER: _ClassVar[int]
    delete_scheme: DeletedScheme
    delete_template: DeletedTemplate
    put_scheme: Scheme
    put_template: LlmTemplate
    set_default_catalog: str
    def __init__(self, put_scheme: _Optional[_Union[Scheme, _Mapping]] = ..., delete_scheme: _Optional[_Union[DeletedScheme, _Mapping]] = ..., put_template: _Optional[_Union[LlmTemplate, _Mapping]] = ..., delete_template: _Optional[_Union[DeletedTemplate, _Mapping]] = ..., set_default_catalog: _Optional[str] = ...) -> None: ...

class Scheme(_message.Message):
    __slots__ = ["alias_of", "config", "create_time", "default_shared_scales", "description", "etag", "labels", "name", "origin", "spec", "update_time"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ALIAS_OF_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_SHARED_SCALES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    alias_of: str
    config: _quantization_pb2.QLayerConfig
    create_time: _timestamp_pb2.Timestamp
    default_shared_scales: bool
    description: str
    etag: str
    labels: _containers.ScalarMap[str, str]
    name: str
    origin: RegistryOrigin
    spec: LayerSpec
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., config: _Optional[_Union[_quantization_pb2.QLayerConfig, _Mapping]] = ..., spec: _Optional[_Union[LayerSpec, _Mapping]] = ..., default_shared_scales: bool = ..., description: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., etag: _Optional[str] = ..., origin: _Optional[_Union[RegistryOrigin, str]] = ..., alias_of: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SpecPreset(_message.Message):
    __slots__ = ["fields", "spec"]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    fields: _struct_pb2.Struct
    spec: str
    def __init__(self, spec: _Optional[str] = ..., fields: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SplitFusedExperts(_message.Message):
    __slots__ = ["split_axis"]
    SPLIT_AXIS_FIELD_NUMBER: _ClassVar[int]
    split_axis: int
    def __init__(self, split_axis: _Optional[int] = ...) -> None: ...

class StageSpec(_message.Message):
    __slots__ = ["config", "preset"]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    config: _quantization_pb2.QTensorConfig
    preset: SpecPreset
    def __init__(self, config: _Optional[_Union[_quantization_pb2.QTensorConfig, _Mapping]] = ..., preset: _Optional[_Union[SpecPreset, _Mapping]] = ...) -> None: ...

class TensorSpec(_message.Message):
    __slots__ = ["config", "preset", "progressive", "scale_quant"]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    PROGRESSIVE_FIELD_NUMBER: _ClassVar[int]
    SCALE_QUANT_FIELD_NUMBER: _ClassVar[int]
    config: _quantization_pb2.QTensorConfig
    preset: SpecPreset
    progressive: TwoStageSpec
    scale_quant: TwoStageSpec
    def __init__(self, config: _Optional[_Union[_quantization_pb2.QTensorConfig, _Mapping]] = ..., preset: _Optional[_Union[SpecPreset, _Mapping]] = ..., progressive: _Optional[_Union[TwoStageSpec, _Mapping]] = ..., scale_quant: _Optional[_Union[TwoStageSpec, _Mapping]] = ...) -> None: ...

class TwoStageSpec(_message.Message):
    __slots__ = ["first_stage", "second_stage"]
    FIRST_STAGE_FIELD_NUMBER: _ClassVar[int]
    SECOND_STAGE_FIELD_NUMBER: _ClassVar[int]
    first_stage: StageSpec
    second_stage: StageSpec
    def __init__(self, first_stage: _Optional[_Union[StageSpec, _Mapping]] = ..., second_stage: _Optional[_Union[StageSpec, _Mapping]] = ...) -> None: ...

class WeightConverter(_message.Message):
    __slots__ = ["operations", "source_patterns", "target_patterns"]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_PATTERNS_FIELD_NUMBER: _ClassVar[int]
    TARGET_PATTERNS_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[WeightOperation]
    source_patterns: _containers.RepeatedScalarFieldContainer[str]
    target_patterns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, source_patterns: _Optional[_Iterable[str]] = ..., target_patterns: _Optional[_Iterable[str]] = ..., operations: _Optional[_Iterable[_Union[WeightOperation, _Mapping]]] = ...) -> None: ...

class WeightOperation(_message.Message):
    __slots__ = ["split_fused_experts"]
    SPLIT_FUSED_EXPERTS_FIELD_NUMBER: _ClassVar[int]
    split_fused_experts: SplitFusedExperts
    def __init__(self, split_fused_experts: _Optional[_Union[SplitFusedExperts, _Mapping]] = ...) -> None: ...

class RegistryOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
