# SPDX-License-Identifier: Apache-2.0
from qconfig.v1 import annotations_pb2 as _annotations_pb2
from qconfig.v1 import config_spec_pb2 as _config_spec_pb2
from qconfig.v1 import quantization_pb2 as _quantization_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
FINDING_CODE_ALGORITHM_LAYERS_MISSING: FindingCode
FINDING_CODE_ALGORITHM_REJECTS_SCHEME: FindingCode
FINDING_CODE_ALGORITHM_UNUSUAL_FOR_SCHEME: FindingCode
FINDING_CODE_EMBEDDING_QUANTIZED: FindingCode
FINDING_CODE_FUSED_MODULES_DIFFER: FindingCode
FINDING_CODE_FUSED_MODULES_PARTLY_EXCLUDED: FindingCode
FINDING_CODE_GROUP_SIZE_MISMATCH: FindingCode
FINDING_CODE_KV_CACHE_PATTERN_STRIPPED: FindingCode
FINDING_CODE_LM_HEAD_QUANTIZED: FindingCode
FINDING_CODE_NOTHING_QUANTIZED: FindingCode
FINDING_CODE_OVERRIDE_NEVER_WINS: FindingCode
FINDING_CODE_PATTERN_MATCHES_NOTHING: FindingCode
FINDING_CODE_ROUTER_QUANTIZED: FindingCode
FINDING_CODE_RUNTIME_IGNORES_EXPERT_OVERRIDE: FindingCode
FINDING_CODE_RUNTIME_IGNORES_LAYER_TYPE: FindingCode
FINDING_CODE_RUNTIME_IGNORES_OVERRIDE: FindingCode
FINDING_CODE_RUNTIME_IGNORES_QKV_RULE: FindingCode
FINDING_CODE_RUNTIME_NEEDS_HARDWARE: FindingCode
FINDING_CODE_RUNTIME_NEEDS_OPTION: FindingCode
FINDING_CODE_RUNTIME_OVERRIDE_ORDER: FindingCode
FINDING_CODE_RUNTIME_REJECTS_ATTENTION: FindingCode
FINDING_CODE_RUNTIME_REJECTS_EXPERTS: FindingCode
FINDING_CODE_RUNTIME_REJECTS_FUSED_MODULE: FindingCode
FINDING_CODE_RUNTIME_REJECTS_HEAD: FindingCode
FINDING_CODE_RUNTIME_REJECTS_KV_CACHE: FindingCode
FINDING_CODE_RUNTIME_REJECTS_LINEAR: FindingCode
FINDING_CODE_RUNTIME_UNQUANTIZES_EXPERTS: FindingCode
FINDING_CODE_TEMPLATE_DOES_NOT_FIT: FindingCode
FINDING_CODE_TOWER_QUANTIZED: FindingCode
FINDING_CODE_UNSPECIFIED: FindingCode
FINDING_SEVERITY_ERROR: FindingSeverity
FINDING_SEVERITY_INFO: FindingSeverity
FINDING_SEVERITY_UNSPECIFIED: FindingSeverity
FINDING_SEVERITY_WARNING: FindingSeverity
LAYER_RULE_KIND_EXCLUDED: LayerRuleKind
LAYER_RULE_KIND_GLOBAL: LayerRuleKind
LAYER_RULE_KIND_KV_CACHE: LayerRuleKind
LAYER_RULE_KIND_LAYER_TYPE: LayerRuleKind
LAYER_RULE_KIND_NOT_QUANTIZABLE: LayerRuleKind
LAYER_RULE_KIND_OVERRIDE: LayerRuleKind
LAYER_RULE_KIND_UNSPECIFIED: LayerRuleKind

class ConfigTotals(_message.Message):
    __slots__ = ["config", "modules", "parameters", "weight_bytes_after", "weight_bytes_before"]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    MODULES_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BYTES_AFTER_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BYTES_BEFORE_FIELD_NUMBER: _ClassVar[int]
    config: int
    modules: int
    parameters: int
    weight_bytes_after: int
    weight_bytes_before: int
    def __init__(self, config: _Optional[int] = ..., modules: _Optional[int] = ..., parameters: _Optional[int] = ..., weight_bytes_before: _Optional[int] = ..., weight_bytes_after: _Optional[int] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ["code", "field", "fix", "message", "module_count", "modules", "runtime", "severity"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    FIX_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MODULES_FIELD_NUMBER: _ClassVar[int]
    MODULE_COUNT_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    code: FindingCode
    field: str
    fix: str
    message: str
    module_count: int
    modules: _containers.RepeatedScalarFieldContainer[str]
    runtime: str
    severity: FindingSeverity
    def __init__(self, code: _Optional[_Union[FindingCode, str]] = ..., severity: _Optional[_Union[FindingSeverity, str]] = ..., message: _Optional[str] = ..., field: _Optional[str] = ..., modules: _Optional[_Iterable[str]] = ..., module_count: _Optional[int] = ..., runtime: _Optional[str] = ..., fix: _Optional[str] = ...) -> None: ...

class LayerRule(_message.Message):
    __slots__ = ["field", "kind", "pattern"]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    field: str
    kind: LayerRuleKind
    pattern: str
    def __init__(self, kind: _Optional[_Union[LayerRuleKind, str]] = ..., pattern: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class Module(_message.Message):
    __slots__ = ["dtype", "name", "shape", "type"]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    dtype: str
    name: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    type: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., dtype: _Optional[str] = ...) -> None: ...

class PatternUse(_message.Message):
    __slots__ = ["examples", "field", "matched", "pattern", "won"]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    WON_FIELD_NUMBER: _ClassVar[int]
    examples: _containers.RepeatedScalarFieldContainer[str]
    field: str
    matched: int
    pattern: str
    won: int
    def __init__(self, field: _Optional[str] = ..., pattern: _Optional[str] = ..., matched: _Optional[int] = ..., won: _Optional[int] = ..., examples: _Optional[_Iterable[str]] = ...) -> None: ...

class PlanLayersRequest(_message.Message):
    __slots__ = ["catalog", "fail_at", "min_revision", "modules", "revision", "runtimes", "spec", "tenant", "tensor_parallel_size"]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    FAIL_AT_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    MODULES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RUNTIMES_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    TENSOR_PARALLEL_SIZE_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    fail_at: FindingSeverity
    min_revision: int
    modules: _containers.RepeatedCompositeFieldContainer[Module]
    revision: int
    runtimes: _containers.RepeatedScalarFieldContainer[str]
    spec: _config_spec_pb2.ConfigSpec
    tenant: str
    tensor_parallel_size: int
    def __init__(self, tenant: _Optional[str] = ..., catalog: _Optional[str] = ..., revision: _Optional[int] = ..., min_revision: _Optional[int] = ..., spec: _Optional[_Union[_config_spec_pb2.ConfigSpec, _Mapping]] = ..., modules: _Optional[_Iterable[_Union[Module, _Mapping]]] = ..., runtimes: _Optional[_Iterable[str]] = ..., fail_at: _Optional[_Union[FindingSeverity, str]] = ..., tensor_parallel_size: _Optional[int] = ...) -> None: ...

class PlanLayersResponse(_message.Message):
    __slots__ = ["catalog", "catalog_digest", "config_digest", "config_of_module", "configs", "finding_total", "findings", "patterns", "revision", "rule_of_module", "rules", "totals"]
    CATALOG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    CONFIGS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONFIG_OF_MODULE_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    FINDING_TOTAL_FIELD_NUMBER: _ClassVar[int]
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    RULE_OF_MODULE_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    catalog_digest: str
    config_digest: str
    config_of_module: _containers.RepeatedScalarFieldContainer[int]
    configs: _containers.RepeatedCompositeFieldContainer[_quantization_pb2.QLayerConfig]
    finding_total: int
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    patterns: _containers.RepeatedCompositeFieldContainer[PatternUse]
    revision: int
    rule_of_module: _containers.RepeatedScalarFieldContainer[int]
    rules: _containers.RepeatedCompositeFieldContainer[LayerRule]
    totals: PlanTotals
    def __init__(self, configs: _Optional[_Iterable[_Union[_quantization_pb2.QLayerConfig, _Mapping]]] = ..., config_of_module: _Optional[_Iterable[int]] = ..., rules: _Optional[_Iterable[_Union[LayerRule, _Mapping]]] = ..., rule_of_module: _Optional[_Iterable[int]] = ..., patterns: _Optional[_Iterable[_Union[PatternUse, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., finding_total: _Optional[int] = ..., totals: _Optional[_Union[PlanTotals, _Mapping]] = ..., catalog: _Optional[str] = ..., catalog_digest: _Optional[str] = ..., revision: _Optional[int] = ..., config_digest: _Optional[str] = ...) -> None: ...

class PlanTotals(_message.Message):
    __slots__ = ["by_config", "kv_cache_bits", "modules", "parameters", "quantized", "weight_bytes_after", "weight_bytes_before"]
    BY_CONFIG_FIELD_NUMBER: _ClassVar[int]
    KV_CACHE_BITS_FIELD_NUMBER: _ClassVar[int]
    MODULES_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    QUANTIZED_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BYTES_AFTER_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BYTES_BEFORE_FIELD_NUMBER: _ClassVar[int]
    by_config: _containers.RepeatedCompositeFieldContainer[ConfigTotals]
    kv_cache_bits: float
    modules: int
    parameters: int
    quantized: int
    weight_bytes_after: int
    weight_bytes_before: int
    def __init__(self, modules: _Optional[int] = ..., quantized: _Optional[int] = ..., parameters: _Optional[int] = ..., weight_bytes_before: _Optional[int] = ..., weight_bytes_after: _Optional[int] = ..., kv_cache_bits: _Optional[float] = ..., by_config: _Optional[_Iterable[_Union[ConfigTotals, _Mapping]]] = ...) -> None: ...

class LayerRuleKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class FindingSeverity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class FindingCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
